//! Lists of scans with outputs of one type.

use crate::scan::{BoxScan, Scan};

/// A value that threads can share: anything that is `Send` and `Sync`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shared between threads",
    label = "the items of a run are shared between its threads: they must be `Send` and `Sync`"
)]
pub trait Shared: Send + Sync {}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync> Shared for T {}

/// Several scans of items of type `T` that emit the same type: a tuple of up to twelve scans of any
/// types, or an array or a vector of one type. What they borrow lives for `'a`.
///
/// This trait is sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of scans of `{T}` with one type of output",
    label = "a tuple, an array or a vector of scans is expected here",
    note = "closures become scans with `scan::map`, `scan::filter_map` or `scan::from_fn`; \
            `[scan]` is a list of one scan"
)]
pub trait Scans<'a, T>: sealed::Sealed {
    /// The type of output that each scan emits.
    type Output;
    /// A scan of the list.
    #[doc(hidden)]
    type Scan: Scan<T, Output = Self::Output> + Send + 'a;

    /// The scans, in order.
    #[doc(hidden)]
    fn into_list(self) -> Vec<Self::Scan>;
}

mod sealed {
    #[allow(unnameable_types, reason = "this is what seals")]
    pub trait Sealed {}
}

impl<S> sealed::Sealed for Vec<S> {}

impl<'a, T, S: Scan<T> + Send + 'a> Scans<'a, T> for Vec<S> {
    type Output = S::Output;
    type Scan = S;

    fn into_list(self) -> Vec<S> {
        self
    }
}

impl<S, const N: usize> sealed::Sealed for [S; N] {}

impl<'a, T, S: Scan<T> + Send + 'a, const N: usize> Scans<'a, T> for [S; N] {
    type Output = S::Output;
    type Scan = S;

    fn into_list(self) -> Vec<S> {
        self.into()
    }
}

macro_rules! tuple {
    ($($scan:ident $_output:ident $index:tt),+) => {
        impl<$($scan),+> sealed::Sealed for ($($scan,)+) {}

        impl<'a, T, O, $($scan),+> Scans<'a, T> for ($($scan,)+)
        where
            T: 'a,
            O: 'a,
            $($scan: Scan<T, Output = O> + Send + 'a,)+
        {
            type Output = O;
            type Scan = BoxScan<'a, T, O>;

            fn into_list(self) -> Vec<BoxScan<'a, T, O>> {
                vec![$(self.$index.boxed()),+]
            }
        }
    };
}

for_each_tuple!(tuple);
