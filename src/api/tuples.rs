//! Tuples of one to twelve parts.

/// Calls the macro `$each` once for every tuple of up to twelve parts. For each part it is given
/// two names, which may be types or variables, and the index.
macro_rules! for_each_tuple {
    ($each:ident) => {
        for_each_tuple_that_can_grow!($each);
        $each!(
            PA A 0, PB B 1, PC C 2, PD D 3, PE E 4, PF F 5, PG G 6, PH H 7, PI I 8, PJ J 9,
            PK K 10, PL L 11
        );
    };
}

/// Does the same for every tuple of up to eleven parts.
macro_rules! for_each_tuple_that_can_grow {
    ($each:ident) => {
        $each!(PA A 0);
        $each!(PA A 0, PB B 1);
        $each!(PA A 0, PB B 1, PC C 2);
        $each!(PA A 0, PB B 1, PC C 2, PD D 3);
        $each!(PA A 0, PB B 1, PC C 2, PD D 3, PE E 4);
        $each!(PA A 0, PB B 1, PC C 2, PD D 3, PE E 4, PF F 5);
        $each!(PA A 0, PB B 1, PC C 2, PD D 3, PE E 4, PF F 5, PG G 6);
        $each!(PA A 0, PB B 1, PC C 2, PD D 3, PE E 4, PF F 5, PG G 6, PH H 7);
        $each!(PA A 0, PB B 1, PC C 2, PD D 3, PE E 4, PF F 5, PG G 6, PH H 7, PI I 8);
        $each!(PA A 0, PB B 1, PC C 2, PD D 3, PE E 4, PF F 5, PG G 6, PH H 7, PI I 8, PJ J 9);
        $each!(
            PA A 0, PB B 1, PC C 2, PD D 3, PE E 4, PF F 5, PG G 6, PH H 7, PI I 8, PJ J 9,
            PK K 10
        );
    };
}
