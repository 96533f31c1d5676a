//! Lists of scans whose results or rows have the shape of the list.

use std::convert::Infallible;

use crate::engine::{Payload, contain_drop, drop_each, keep_first};
use crate::scan::{BoxScan, Cell, HandOver, LatestPerItem, Scan, Total};

/// Several totals over items of type `T`: a tuple of up to twelve totals of any types, or an array
/// or a vector of one type. What they borrow lives for `'a`.
///
/// This trait is sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of totals over `{T}`",
    label = "a tuple, an array or a vector of totals is expected here",
    note = "`[total]` is a list of one",
    note = "`.last()` makes a total of any scan; `distribute` gives all of its outputs"
)]
pub trait Totals<'a, T>: Sized + 'a {
    /// The results: a tuple, an array or a vector.
    type Results;
    #[doc(hidden)]
    type Slots: Slots<Output: Send + 'a>;

    /// A slot for each result.
    #[doc(hidden)]
    fn nothing(&self) -> Self::Slots;

    /// Returns the totals, in order.
    #[doc(hidden)]
    fn boxed(self) -> Vec<BoxTotal<'a, T, <Self::Slots as Slots>::Output>>;

    /// Takes the results from their slots.
    #[doc(hidden)]
    fn results(slots: Self::Slots) -> Self::Results;
}

/// Several scans of items of type `T` whose outputs can be cloned: a tuple of up to twelve scans of
/// any types, or an array or a vector of one type. What they borrow lives for `'a`.
///
/// This trait is sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of scans of `{T}` whose outputs can be cloned",
    label = "a tuple, an array or a vector of scans is expected here"
)]
pub trait Rows<'a, T>: Sized + 'a {
    /// The latest output of each scan.
    type Latest: Latest<Output: Send + 'a>;

    /// The state in which no scan has emitted.
    #[doc(hidden)]
    fn nothing(&self) -> Self::Latest;

    /// Returns the scans, in order, each emitting its latest output once per item.
    #[doc(hidden)]
    fn per_item(self) -> Vec<BoxScan<'a, T, Cell<<Self::Latest as Slots>::Output>>>;
}

/// A total of any type, behind a pointer.
pub(super) type BoxTotal<'a, T, O> = Box<dyn HandOver<T, Output = O> + Send + 'a>;

/// The latest output of each of several scans: a tuple, an array or a vector of `Option`s.
pub trait Latest: Slots {
    /// An output of each scan: a tuple, an array or a vector.
    type Row;

    /// Clones the outputs if every scan has one.
    #[doc(hidden)]
    fn row(&self) -> Option<Self::Row>;
}

/// A slot for an output of each of several scans. Not public: it is in no public module.
#[allow(unnameable_types, reason = "this is what seals")]
pub trait Slots {
    /// An output of any of the scans.
    type Output;

    /// Takes an output of the `index`th scan.
    fn place(&mut self, index: usize, output: Self::Output);

    /// Drops every output even if some drops panic, and returns the first payload.
    fn clear(&mut self) -> Option<Payload>;
}

/// An output of one of up to twelve scans; the variants are named like the types of the outputs.
#[allow(unnameable_types, reason = "only passes through the engine")]
#[derive(Debug)]
pub enum OneOf<
    A,
    B = Infallible,
    C = Infallible,
    D = Infallible,
    E = Infallible,
    F = Infallible,
    G = Infallible,
    H = Infallible,
    I = Infallible,
    J = Infallible,
    K = Infallible,
    L = Infallible,
> {
    A(A),
    B(B),
    C(C),
    D(D),
    E(E),
    F(F),
    G(G),
    H(H),
    I(I),
    J(J),
    K(K),
    L(L),
}

macro_rules! tuple {
    ($($scan:ident $output:ident $index:tt),+) => {
        impl<'a, T, $($scan, $output),+> Totals<'a, T> for ($($scan,)+)
        where
            $($scan: Total<T, Output = $output> + Send + 'a, $output: Send + 'a,)+
        {
            type Results = ($($scan::Of<$output>,)+);
            type Slots = ($(Option<$output>,)+);

            fn nothing(&self) -> Self::Slots {
                ($(None::<$output>,)+)
            }

            fn boxed(self) -> Vec<BoxTotal<'a, T, OneOf<$($output),+>>> {
                vec![$(Box::new(Scan::map(self.$index, OneOf::$output))),+]
            }

            fn results(slots: Self::Slots) -> Self::Results {
                ($($scan::of(slots.$index),)+)
            }
        }

        impl<'a, T, $($scan, $output),+> Rows<'a, T> for ($($scan,)+)
        where
            $($scan: Scan<T, Output = $output> + Send + 'a, $output: Clone + Send + 'a,)+
        {
            type Latest = ($(Option<$output>,)+);

            fn nothing(&self) -> Self::Latest {
                ($(None::<$output>,)+)
            }

            fn per_item(self) -> Vec<BoxScan<'a, T, Cell<OneOf<$($output),+>>>> {
                vec![$(LatestPerItem::new(Scan::map(self.$index, OneOf::$output)).boxed()),+]
            }
        }

        impl<$($output),+> Slots for ($(Option<$output>,)+) {
            type Output = OneOf<$($output),+>;

            #[inline]
            fn place(&mut self, _: usize, output: Self::Output) {
                match output {
                    $(OneOf::$output(output) => self.$index = Some(output),)+
                }
            }

            fn clear(&mut self) -> Option<Payload> {
                let mut first = None;
                $(if let Some(payload) = contain_drop(self.$index.take()) {
                    keep_first(&mut first, payload);
                })+
                first
            }
        }

        impl<$($output: Clone),+> Latest for ($(Option<$output>,)+) {
            type Row = ($($output,)+);

            #[inline]
            fn row(&self) -> Option<Self::Row> {
                let whole = ($(self.$index.as_ref()?,)+);
                Some(($(whole.$index.clone(),)+))
            }
        }
    };
}

tuple!(SA A 0);
tuple!(SA A 0, SB B 1);
tuple!(SA A 0, SB B 1, SC C 2);
tuple!(SA A 0, SB B 1, SC C 2, SD D 3);
tuple!(SA A 0, SB B 1, SC C 2, SD D 3, SE E 4);
tuple!(SA A 0, SB B 1, SC C 2, SD D 3, SE E 4, SF F 5);
tuple!(SA A 0, SB B 1, SC C 2, SD D 3, SE E 4, SF F 5, SG G 6);
tuple!(SA A 0, SB B 1, SC C 2, SD D 3, SE E 4, SF F 5, SG G 6, SH H 7);
tuple!(SA A 0, SB B 1, SC C 2, SD D 3, SE E 4, SF F 5, SG G 6, SH H 7, SI I 8);
tuple!(SA A 0, SB B 1, SC C 2, SD D 3, SE E 4, SF F 5, SG G 6, SH H 7, SI I 8, SJ J 9);
tuple!(SA A 0, SB B 1, SC C 2, SD D 3, SE E 4, SF F 5, SG G 6, SH H 7, SI I 8, SJ J 9, SK K 10);
tuple!(
    SA A 0, SB B 1, SC C 2, SD D 3, SE E 4, SF F 5, SG G 6, SH H 7, SI I 8, SJ J 9, SK K 10,
    SL L 11
);

/// Implements what arrays and vectors have in common.
macro_rules! list {
    ($list:ident, [$($n:tt)*], |$scans:ident| $nothing:expr, |$slots:ident| $results:expr) => {
        impl<'a, T, S, $($n)*> Totals<'a, T> for list!($list, S, $($n)*)
        where
            S: Total<T, Output: Send + 'a> + Send + 'a,
        {
            type Results = list!($list, S::Of<S::Output>, $($n)*);
            type Slots = list!($list, Option<S::Output>, $($n)*);

            fn nothing(&self) -> Self::Slots {
                let $scans = self;
                $nothing
            }

            fn boxed(self) -> Vec<BoxTotal<'a, T, S::Output>> {
                self.into_iter().map(|total| Box::new(total) as Box<_>).collect()
            }

            fn results($slots: Self::Slots) -> Self::Results {
                $results
            }
        }

        impl<'a, T, S, $($n)*> Rows<'a, T> for list!($list, S, $($n)*)
        where
            S: Scan<T, Output: Clone + Send + 'a> + Send + 'a,
        {
            type Latest = list!($list, Option<S::Output>, $($n)*);

            fn nothing(&self) -> Self::Latest {
                let $scans = self;
                $nothing
            }

            fn per_item(self) -> Vec<BoxScan<'a, T, Cell<S::Output>>> {
                self.into_iter().map(|scan| LatestPerItem::new(scan).boxed()).collect()
            }
        }

        impl<O, $($n)*> Slots for list!($list, Option<O>, $($n)*) {
            type Output = O;

            #[inline]
            fn place(&mut self, index: usize, output: O) {
                self[index] = Some(output);
            }

            fn clear(&mut self) -> Option<Payload> {
                drop_each(self.iter_mut().map(Option::take))
            }
        }
    };
    (array, $element:ty, const N: usize) => { [$element; N] };
    (vector, $element:ty,) => { Vec<$element> };
}

list!(vector, [], |scans| scans.iter().map(|_| None).collect(), |slots| {
    slots.into_iter().map(S::of).collect()
});
list!(array, [const N: usize], |_scans| [const { None }; N], |slots| slots.map(S::of));

impl<O: Clone> Latest for Vec<Option<O>> {
    type Row = Vec<O>;

    #[inline]
    fn row(&self) -> Option<Vec<O>> {
        // An incomplete row is not started: its clones would be wasted.
        let whole = self.iter().all(Option::is_some);
        whole.then(|| self.iter().flatten().cloned().collect())
    }
}

impl<O: Clone, const N: usize> Latest for [Option<O>; N] {
    type Row = [O; N];

    #[inline]
    fn row(&self) -> Option<[O; N]> {
        let whole = self.iter().all(Option::is_some);
        // `whole` guarantees that no `expect` fails.
        whole.then(|| self.each_ref().map(|output| output.clone().expect("all were found")))
    }
}
