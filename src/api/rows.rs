//! Lists of scans whose latest outputs are rows.

use super::slots::{OneOf, Slots};
use crate::scan::{BoxScan, Cell, LatestPerItem, Scan};

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

    /// Returns the scans, in order, each emitting its latest output once per item.
    #[doc(hidden)]
    fn per_item(self) -> Vec<BoxScan<'a, T, Cell<<Self::Latest as Slots>::Output>>>;
}

/// The latest output of each of several scans: a tuple, an array or a vector of `Option`s.
pub trait Latest: Slots {
    /// An output of each scan: a tuple, an array or a vector.
    type Row;

    /// Clones the outputs if every scan has one.
    #[doc(hidden)]
    fn row(&self) -> Option<Self::Row>;
}

macro_rules! tuple {
    ($($scan:ident $output:ident $index:tt),+) => {
        impl<'a, T, $($scan, $output),+> Rows<'a, T> for ($($scan,)+)
        where
            $($scan: Scan<T, Output = $output> + Send + 'a, $output: Clone + Send + 'a,)+
        {
            type Latest = ($(Option<$output>,)+);

            fn per_item(self) -> Vec<BoxScan<'a, T, Cell<OneOf<$($output),+>>>> {
                vec![$(LatestPerItem::new(Scan::map(self.$index, OneOf::$output)).boxed()),+]
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

for_each_tuple!(tuple);

/// Implements what arrays and vectors have in common.
macro_rules! list {
    ($list:ty, $latest:ty, [$($n:tt)*]) => {
        impl<'a, T, S, O, $($n)*> Rows<'a, T> for $list
        where
            S: Scan<T, Output = O> + Send + 'a,
            O: Clone + Send + 'a,
        {
            type Latest = $latest;

            fn per_item(self) -> Vec<BoxScan<'a, T, Cell<O>>> {
                self.into_iter().map(|scan| LatestPerItem::new(scan).boxed()).collect()
            }
        }
    };
}

list!(Vec<S>, Vec<Option<O>>, []);
list!([S; N], [Option<O>; N], [const N: usize]);

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
