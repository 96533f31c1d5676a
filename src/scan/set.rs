//! Scans of different types that go into one run together.

use std::convert::Infallible;

use super::aligned::{Cell, LatestPerItem};
use super::{Scan, ScopedBoxScan};
use crate::engine::{Payload, contain_drop, drop_each, keep_first};

/// Several scans of items of type `T`: a tuple of up to twelve, each of a type of
/// its own, or an array or a vector of one type. What they borrow lives for `'a`.
///
/// What [`par_fold`](crate::IteratorExt::par_fold) and
/// [`par_tee`](crate::IteratorExt::par_tee) take. It is implemented here alone.
pub trait ScanSet<'a, T>: sealed::Sealed + Sized + 'a {
    /// An output of each scan, with `None` for one that emitted nothing: a tuple,
    /// an array or a vector of `Option`s.
    type Latest: Latest<Output: Send + 'a>;

    #[doc(hidden)]
    fn count(&self) -> usize;

    /// Before any scan has emitted.
    #[doc(hidden)]
    fn nothing(&self) -> Self::Latest;

    /// The scans, in order.
    #[doc(hidden)]
    fn boxed(self) -> Vec<ScopedBoxScan<'a, T, <Self::Latest as Latest>::Output>>;

    /// The scans, in order, each emitting its latest output once for each item.
    #[doc(hidden)]
    fn per_item(self) -> Vec<ScopedBoxScan<'a, T, Cell<<Self::Latest as Latest>::Output>>>;
}

/// The latest output of each of several scans: a tuple, an array or a vector of
/// `Option`s.
pub trait Latest: sealed::Sealed {
    /// An output of any of the scans.
    #[doc(hidden)]
    type Output;

    /// Takes note of an output of the `index`th scan.
    #[doc(hidden)]
    fn place(&mut self, index: usize, output: Self::Output);

    /// Drops every output, though the drops of some may panic, and gives the first payload.
    #[doc(hidden)]
    fn clear(&mut self) -> Option<Payload>;
}

/// The latest outputs of several scans, if they can be cloned: they are given out
/// as often as asked for.
pub trait CloneEach: Latest {
    /// An output of each scan: a tuple, an array or a vector.
    type Each;

    /// The outputs, if there is one of each scan.
    #[doc(hidden)]
    fn clone_each(&self) -> Option<Self::Each>;
}

mod sealed {
    #[allow(unnameable_types, reason = "this is what seals")]
    pub trait Sealed {}
}

/// An output of one of up to twelve scans, named like the types of the outputs.
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
        impl<$($output),+> sealed::Sealed for ($($output,)+) {}

        impl<'a, T, $($scan, $output),+> ScanSet<'a, T> for ($($scan,)+)
        where
            $($scan: Scan<T, Output = $output> + Send + 'a, $output: Send + 'a,)+
        {
            type Latest = ($(Option<$output>,)+);

            fn count(&self) -> usize {
                [$($index),+].len()
            }

            fn nothing(&self) -> Self::Latest {
                ($(None::<$output>,)+)
            }

            fn boxed(self) -> Vec<ScopedBoxScan<'a, T, OneOf<$($output),+>>> {
                vec![$(Scan::map(self.$index, OneOf::$output).boxed_scoped()),+]
            }

            fn per_item(self) -> Vec<ScopedBoxScan<'a, T, Cell<OneOf<$($output),+>>>> {
                vec![$(
                    LatestPerItem::new(Scan::map(self.$index, OneOf::$output)).boxed_scoped()
                ),+]
            }
        }

        impl<$($output),+> Latest for ($(Option<$output>,)+) {
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

        impl<$($output: Clone),+> CloneEach for ($(Option<$output>,)+) {
            type Each = ($($output,)+);

            #[inline]
            fn clone_each(&self) -> Option<Self::Each> {
                Some(($(self.$index.clone()?,)+))
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

/// Writes what an array and a vector have in common.
macro_rules! list {
    ($list:ident, [$($n:tt)*], |$scans:ident| $nothing:expr) => {
        impl<S, $($n)*> sealed::Sealed for list!($list, S, $($n)*) {}

        impl<'a, T, S, $($n)*> ScanSet<'a, T> for list!($list, S, $($n)*)
        where
            S: Scan<T, Output: Send + 'a> + Send + 'a,
        {
            type Latest = list!($list, Option<S::Output>, $($n)*);

            fn count(&self) -> usize {
                self.len()
            }

            fn nothing(&self) -> Self::Latest {
                let $scans = self;
                $nothing
            }

            fn boxed(self) -> Vec<ScopedBoxScan<'a, T, S::Output>> {
                self.into_iter().map(S::boxed_scoped).collect()
            }

            fn per_item(self) -> Vec<ScopedBoxScan<'a, T, Cell<S::Output>>> {
                self.into_iter().map(|scan| LatestPerItem::new(scan).boxed_scoped()).collect()
            }
        }

        impl<O, $($n)*> Latest for list!($list, Option<O>, $($n)*) {
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

list!(vector, [], |scans| scans.iter().map(|_| None).collect());
list!(array, [const N: usize], |_scans| [const { None }; N]);

impl<O: Clone> CloneEach for Vec<Option<O>> {
    type Each = Vec<O>;

    #[inline]
    fn clone_each(&self) -> Option<Vec<O>> {
        self.iter().cloned().collect()
    }
}

impl<O: Clone, const N: usize> CloneEach for [Option<O>; N] {
    type Each = [O; N];

    #[inline]
    fn clone_each(&self) -> Option<[O; N]> {
        let whole = self.iter().all(Option::is_some);
        // Every `unwrap` is of one that is there.
        whole.then(|| self.each_ref().map(|output| output.clone().expect("all were found")))
    }
}
