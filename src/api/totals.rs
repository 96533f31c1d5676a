//! Lists of totals, each of which is a part of a run.

use super::parts::{Join, Stepped};
use crate::scan::Total;

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
    type Parts: Join<'a, T, Results = Self::Results>;

    /// Returns the totals, in order.
    #[doc(hidden)]
    fn parts(self) -> Self::Parts;
}

macro_rules! tuple {
    ($($total:ident $output:ident $index:tt),+) => {
        impl<'a, T, $($total, $output),+> Totals<'a, T> for ($($total,)+)
        where
            T: 'a,
            $($total: Total<T, Output = $output> + Send + 'a, $output: Send + 'a,)+
        {
            type Results = ($($total::Of<$output>,)+);
            type Parts = ($(Stepped<$total>,)+);

            fn parts(self) -> Self::Parts {
                ($(Stepped(self.$index),)+)
            }
        }
    };
}

for_each_tuple!(tuple);

/// Implements what arrays and vectors have in common.
macro_rules! list {
    ($list:ty, $results:ty, $stepped:ty, [$($n:tt)*], |$totals:ident| $parts:expr) => {
        impl<'a, T, S, O, $($n)*> Totals<'a, T> for $list
        where
            T: 'a,
            S: Total<T, Output = O> + Send + 'a,
            O: Send + 'a,
        {
            type Results = $results;
            type Parts = $stepped;

            fn parts(self) -> Self::Parts {
                let $totals = self;
                $parts
            }
        }
    };
}

list!(Vec<S>, Vec<S::Of<O>>, Vec<Stepped<S>>, [], |totals| {
    totals.into_iter().map(Stepped).collect()
});
list!([S; N], [S::Of<O>; N], [Stepped<S>; N], [const N: usize], |totals| totals.map(Stepped));
