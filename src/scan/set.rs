//! Scans of different types that go into one run together.

use std::convert::Infallible;

use super::aligned::LatestPerItem;
use super::{BoxScan, Scan};

/// Several scans of items of type `T`: a tuple of up to twelve, each of a type of
/// its own, or an array or a vector of one type.
///
/// What [`par_fold`](crate::IteratorExt::par_fold) and
/// [`par_tee`](crate::IteratorExt::par_tee) take. It is implemented here alone.
pub trait ScanSet<T>: sealed::Sealed + Sized {
    /// An output of each scan, with `None` for one that emitted nothing: a tuple,
    /// an array or a vector of `Option`s.
    type Latest;

    /// An output of any of the scans.
    #[doc(hidden)]
    type Output: Send + 'static;

    #[doc(hidden)]
    fn count(&self) -> usize;

    /// Before any scan has emitted.
    #[doc(hidden)]
    fn nothing(&self) -> Self::Latest;

    /// The scans, in order.
    #[doc(hidden)]
    fn boxed(self) -> Vec<BoxScan<T, Self::Output>>;

    /// The scans, in order, each emitting its latest output once for each item.
    #[doc(hidden)]
    fn per_item(self) -> Vec<BoxScan<T, Option<Self::Output>>>;

    /// Takes note of an output of the `index`th scan.
    #[doc(hidden)]
    fn place(latest: &mut Self::Latest, index: usize, output: Self::Output);
}

/// An output of each of several scans, given out as often as asked for: a tuple,
/// an array or a vector of `Option`s whose values can be cloned.
pub trait CloneEach: sealed::Sealed {
    /// A tuple, an array or a vector of outputs.
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

        impl<T, $($scan, $output),+> ScanSet<T> for ($($scan,)+)
        where
            $($scan: Scan<T, Output = $output> + Send + 'static, $output: Send + 'static,)+
        {
            type Latest = ($(Option<$output>,)+);
            type Output = OneOf<$($output),+>;

            fn count(&self) -> usize {
                [$($index),+].len()
            }

            fn nothing(&self) -> Self::Latest {
                ($(None::<$output>,)+)
            }

            fn boxed(self) -> Vec<BoxScan<T, Self::Output>> {
                vec![$(Scan::map(self.$index, OneOf::$output).boxed()),+]
            }

            fn per_item(self) -> Vec<BoxScan<T, Option<Self::Output>>> {
                vec![$(LatestPerItem::new(Scan::map(self.$index, OneOf::$output)).boxed()),+]
            }

            fn place(latest: &mut Self::Latest, _: usize, output: Self::Output) {
                match output {
                    $(OneOf::$output(output) => latest.$index = Some(output),)+
                }
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
    ($list:ty, [$($n:tt)*], $latest:ty, |$scans:ident| $nothing:expr) => {
        impl<T, S, $($n)*> ScanSet<T> for $list
        where
            S: Scan<T, Output: Send + 'static> + Send + 'static,
        {
            type Latest = $latest;
            type Output = S::Output;

            fn count(&self) -> usize {
                self.len()
            }

            fn nothing(&self) -> Self::Latest {
                let $scans = self;
                $nothing
            }

            fn boxed(self) -> Vec<BoxScan<T, S::Output>> {
                self.into_iter().map(S::boxed).collect()
            }

            fn per_item(self) -> Vec<BoxScan<T, Option<S::Output>>> {
                self.into_iter().map(|scan| LatestPerItem::new(scan).boxed()).collect()
            }

            fn place(latest: &mut Self::Latest, index: usize, output: S::Output) {
                latest[index] = Some(output);
            }
        }
    };
}

impl<S> sealed::Sealed for Vec<S> {}
impl<S, const N: usize> sealed::Sealed for [S; N] {}

list!(Vec<S>, [], Vec<Option<S::Output>>, |scans| scans.iter().map(|_| None).collect());
list!([S; N], [const N: usize], [Option<S::Output>; N], |_scans| [const { None }; N]);

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
