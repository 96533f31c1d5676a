//! Which public types may cross threads, outlive borrows, and survive unwinding.

use std::cell::Cell;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;

use anabranch::branch::{AbortToken, Cloned, Handle, Items, Reader, SharedHandle};
use anabranch::scan::adaptors::{Filter, FilterInput, Map, MapInput, Named, Take, TakeWhile, Then};
use anabranch::scan::steps::{InPlace, MaxBy, MinBy, Reduce, TryFoldEach, TryForEach};
use anabranch::scan::{BoxScan, CatchUnwind, Emitter, Fold, FromFn, Keep, Running, TryFold};
use anabranch::{
    AddError, AddErrorKind, Adder, Bottleneck, Branches, Control, Demux, Distribute, Dynamic,
    FanOut, Global, IteratorExt, Lease, LeaseError, Ordered, PanicOrigin, Pool, ReadAhead, ScanId,
    Scoped, Stats, UntilError, ZipLatest, scan,
};

/// Asserts that a type has an auto trait, or that it has not: with the trait the
/// two candidates for `HAS` are ambiguous only where the inherent one is absent.
macro_rules! has {
    ($type:ty: $($bound:tt)+) => {{
        #[allow(dead_code, reason = "unused where the bound holds")]
        trait Fallback { const HAS: bool = false; }
        impl<T: ?Sized> Fallback for T {}
        struct Probe<T: ?Sized>(std::marker::PhantomData<T>);
        #[allow(dead_code, reason = "absent where the bound does not hold")]
        impl<T: ?Sized + $($bound)+> Probe<T> { const HAS: bool = true; }
        <Probe<$type>>::HAS
    }};
}

macro_rules! assert_traits {
    ($($type:ty => $send:literal $sync:literal $unwind:literal $ref_unwind:literal;)+) => {$(
        let name = stringify!($type);
        assert_eq!(has!($type: Send), $send, "{name}: Send");
        assert_eq!(has!($type: Sync), $sync, "{name}: Sync");
        assert_static::<$type>();
        assert_eq!(has!($type: UnwindSafe), $unwind, "{name}: UnwindSafe");
        assert_eq!(has!($type: RefUnwindSafe), $ref_unwind, "{name}: RefUnwindSafe");
    )+};
}

fn assert_static<T: 'static + ?Sized>() {}

type Local = Rc<u8>;
type F = fn(&u8) -> u8;
type Fallible<T> = std::vec::IntoIter<Result<T, u8>>;

/// An input that stays on its thread, of items that need not.
#[allow(dead_code, reason = "a name for a type")]
struct LocalInput(Local);

impl Iterator for LocalInput {
    type Item = u8;
    fn next(&mut self) -> Option<u8> {
        None
    }
}

/// What is asked for scans.
type Ask = fn() -> [BoxScan<'static, u8, u8>; 1];

#[test]
fn plain_types_have_all_of_them() {
    assert_traits! {
        Bottleneck => true true true true;
        Global => true true true true;
        Lease => true true true true;
        PanicOrigin => true true true true;
        Pool => true true true true;
        ScanId => true true true true;
        Scoped => true true true true;
        Stats => true true true true;
    }
}

#[test]
fn an_error_from_the_system_is_as_std_makes_it() {
    assert_traits! {
        LeaseError => true true false false;
        AddErrorKind => true true false false;
        AddError<Vec<u8>> => true true false false;
        AddError<Local> => false false false false;
    }
}

#[test]
fn scans_have_what_their_parts_have() {
    assert_traits! {
        FromFn<F, Local> => true true true true;
        Fold<u8, F> => true true true true;
        Keep<u8, F> => true true true true;
        Fold<Local, F> => false false true true;
        Fold<u8, InPlace<F>> => true true true true;
        Keep<u8, MinBy<F>> => true true true true;
        Keep<u8, MaxBy<F>> => true true true true;
        Keep<u8, Reduce<F>> => true true true true;
        TryFold<u8, TryFoldEach<F>> => true true true true;
        TryFold<Local, TryFoldEach<F>> => false false true true;
        TryFold<(), TryForEach<F>> => true true true true;
        Running<Fold<u8, F>> => true true true true;
        Running<Keep<Local, F>> => false false true true;
        Map<Keep<u8, F>, F> => true true true true;
        Filter<Keep<u8, F>, F> => true true true true;
        Take<Keep<u8, F>> => true true true true;
        TakeWhile<Keep<u8, F>, F> => true true true true;
        Then<Keep<u8, F>, Keep<u8, F>> => true true true true;
        MapInput<Keep<u8, F>, F> => true true true true;
        FilterInput<Keep<u8, F>, F> => true true true true;
        Named<Keep<u8, F>> => true true true true;
        Named<Keep<Local, F>> => false false true true;
        CatchUnwind<Keep<u8, F>> => true true true true;
        BoxScan<'static, u8, u8> => true false false false;
        BoxScan<u8, u8> => true false false false;
        Emitter<'static, u8> => false false false false;
    }
}

#[test]
fn a_run_goes_where_its_input_can_go() {
    assert_traits! {
        Distribute<std::ops::Range<u8>, u8> => true false false false;
        Distribute<std::iter::Once<Local>, u8> => false false false false;
        Distribute<std::vec::IntoIter<u8>, Local> => false false false false;
        Distribute<UntilError<Fallible<u8>>, u8> => true false false false;
        Distribute<UntilError<Fallible<Local>>, u8> => false false false false;
        Ordered<std::ops::Range<u8>, u8> => true false false false;
        Ordered<std::iter::Once<Local>, u8> => false false false false;
        Ordered<std::vec::IntoIter<u8>, Local> => false false false false;
        ZipLatest<std::ops::Range<u8>, (Option<u8>, Option<u16>)> => true false false false;
        ZipLatest<std::ops::Range<u8>, [Option<Local>; 2]> => false false false false;
        Demux<std::ops::Range<u8>, u8, u8> => true false false false;
        Demux<std::ops::Range<u8>, Local, u8> => false false false false;
        Distribute<ReadAhead<std::ops::Range<u8>>, u8> => true false false false;
        Distribute<ReadAhead<UntilError<Fallible<u8>>>, u8> => true false false false;
        Distribute<UntilError<ReadAhead<Fallible<u8>>>, u8> => true false false false;
        Dynamic<std::ops::Range<u8>, Ask, u8> => true false false false;
        Dynamic<ReadAhead<std::ops::Range<u8>>, Ask, u8> => true false false false;
        Dynamic<LocalInput, Ask, u8> => false false false false;
    }
}

#[test]
fn a_run_to_be_has_what_its_input_has() {
    assert_traits! {
        FanOut<std::ops::Range<u8>> => true true true true;
        FanOut<std::ops::Range<u8>, Lease> => true true true true;
        FanOut<std::ops::Range<u8>, &'static Pool> => true true true true;
        FanOut<std::iter::Once<Local>> => false false true true;
        FanOut<ReadAhead<std::ops::Range<u8>>> => true true true true;
        FanOut<UntilError<Fallible<u8>>> => true true true true;
        ReadAhead<std::ops::Range<u8>> => true true true true;
        ReadAhead<std::iter::Once<Local>> => false false true true;
        UntilError<Fallible<u8>> => true true true true;
        UntilError<std::iter::Once<Local>> => false false true true;
    }
}

#[test]
fn what_holds_a_run_from_outside_goes_to_any_thread() {
    assert_traits! {
        Control => true true true true;
        Adder<u8, u8> => true true false false;
        Adder<u8, Local> => false false false false;
    }
}

#[test]
fn what_a_branch_pulls_stays_on_its_thread() {
    assert_traits! {
        Items<'static, u8> => false false false false;
        Cloned<'static, u8> => false false false false;
        Reader<'static, Vec<u8>> => false false false false;
        Handle<u8> => false false false false;
    }
}

#[test]
fn what_leaves_a_branch_goes_where_the_items_can_go() {
    assert_traits! {
        AbortToken => true true false false;
        SharedHandle<u8> => true true false false;
        SharedHandle<&'static str> => true true false false;
        SharedHandle<Local> => false false false false;
        SharedHandle<Cell<u8>> => false false false false;
    }
}

#[test]
fn branches_to_be_have_what_their_parts_have() {
    fn all<T: Send + Sync + UnwindSafe + RefUnwindSafe>(_: &T) {}
    let run = || (0..3_u8).fan_out();
    all(&run().branch(|items| items.count()));
    all(&run().branch_named("count", |items| items.count()).scan(scan::count::<u8>()));
    all(&run().branches([|items: Items<'_, u8>| items.count()]));
    assert_traits! {
        Branches<std::ops::Range<u8>, Global, ()> => true true true true;
        Branches<std::ops::Range<u8>, Lease, ()> => true true true true;
        Branches<std::iter::Once<Local>, Global, ()> => false false true true;
        Branches<std::ops::Range<u8>, Global, Local> => false false true true;
    }
}
