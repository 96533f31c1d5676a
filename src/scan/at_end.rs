//! Scans that emit once, when they are flushed.

use std::cmp::Ordering;
use std::fmt;
use std::iter::{self, Sum};
use std::ops::ControlFlow;
use std::slice;

use super::steps::{ByKey, Folding, ForEach, InPlace, Keeping, MaxBy, MinBy, Reduce, SumBy};
use super::{Emitter, Scan};

/// A scan that emits its state at the flush; see [`fold`] and [`fold_mut`].
#[must_use = "a scan does nothing until a run gives it items"]
#[derive(Clone)]
pub struct Fold<B, F> {
    /// `None` only while `f` has it by value, and for good once `f` has panicked with it.
    pub(super) state: Option<B>,
    f: F,
}

impl<T, B, F: Folding<T, B>> Scan<T> for Fold<B, F> {
    type Output = B;

    #[inline]
    fn step(&mut self, item: &T, _out: &mut Emitter<'_, B>) -> ControlFlow<()> {
        self.f.fold(&mut self.state, slice::from_ref(item), || false)
    }

    fn flush(&mut self, out: &mut Emitter<'_, B>) {
        if let Some(state) = self.state.take() {
            out.emit(state);
        }
    }

    fn step_batch(&mut self, batch: &[T], out: &mut Emitter<'_, B>) -> ControlFlow<()> {
        if out.is_closed() {
            return ControlFlow::Break(());
        }
        self.f.fold(&mut self.state, batch, || out.is_aborted())
    }
}

impl<B: fmt::Debug, F> fmt::Debug for Fold<B, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fold").field("state", &self.state).finish_non_exhaustive()
    }
}

/// Folds the items into one value and emits it at the flush.
///
/// Equivalent to [`Iterator::fold`] over references. `f` takes the state by value, and returns it.
/// For a state of more than a few words, use [`fold_mut`], which does not move it: for one of 32 KB
/// it is several hundred times faster.
///
/// ```
/// # use anabranch::scan::{self, Scan};
/// let digits = scan::fold(String::new(), |text, digit: &u32| text + &digit.to_string());
/// assert_eq!(digits.apply([1, 2, 3]), ["123"]);
/// ```
pub fn fold<T, B, F>(initial: B, f: F) -> Fold<B, F>
where
    F: FnMut(B, &T) -> B,
{
    Fold { state: Some(initial), f }
}

/// Folds the items into one value, which `f` changes in place, and emits it at the flush.
///
/// Equivalent to `for item in items { f(&mut state, &item) }`.
///
/// ```
/// # use anabranch::scan::{self, Scan};
/// let histogram = scan::fold_mut([0; 256], |counts, byte: &u8| counts[usize::from(*byte)] += 1);
/// let counts = histogram.apply(*b"hello").remove(0);
/// assert_eq!((counts[usize::from(b'l')], counts[usize::from(b'o')]), (2, 1));
/// ```
pub fn fold_mut<T, B, F>(initial: B, f: F) -> Fold<B, InPlace<F>>
where
    F: FnMut(&mut B, &T),
{
    Fold { state: Some(initial), f: InPlace(f) }
}

/// Emits the number of items at the flush.
///
/// Equivalent to [`Iterator::count`], overflow included.
///
/// ```
/// # use anabranch::scan::{self, Scan};
/// assert_eq!(scan::count().apply(["a", "b"]), [2]);
/// assert_eq!(scan::count().apply([""; 0]), [0]);
/// ```
pub fn count<T>() -> Fold<usize, impl FnMut(usize, &T) -> usize + Clone> {
    fold(0, |n, _: &T| n + 1)
}

/// Emits the sum of the items at the flush.
///
/// Equivalent to [`Iterator::sum`] over references, overflow included.
///
/// ```
/// # use anabranch::scan::{self, Scan};
/// assert_eq!(scan::sum::<f64, f64>().apply([0.5, 1.0]), [1.5]);
/// ```
pub fn sum<T, B>() -> Fold<B, SumBy<impl FnMut(&T) -> B + Clone>>
where
    B: Sum<B> + for<'a> Sum<&'a T>,
{
    sum_by(|item: &T| iter::once(item).sum::<B>())
}

/// Emits the sum of `f(&item)` over the items at the flush.
///
/// Equivalent to `items.map(f).sum()`, overflow included.
///
/// ```
/// # use anabranch::scan::{self, Scan};
/// assert_eq!(scan::sum_by(|word: &&str| word.len()).apply(["to", "be"]), [4]);
/// ```
pub fn sum_by<T, B, F>(f: F) -> Fold<B, SumBy<F>>
where
    B: Sum<B>,
    F: FnMut(&T) -> B,
{
    Fold { state: Some(iter::empty().sum()), f: SumBy(f) }
}

/// Emits a collection of clones of all items at the flush.
///
/// Equivalent to [`Iterator::collect`], cloned. Memory grows with the input.
///
/// ```
/// # use std::collections::BTreeSet;
/// # use anabranch::scan::{self, Scan};
/// let distinct = scan::collect::<i32, BTreeSet<_>>();
/// assert_eq!(distinct.apply([2, 1, 2]), [BTreeSet::from([1, 2])]);
/// ```
pub fn collect<T, C>() -> Fold<C, impl FnMut(C, &T) -> C + Clone>
where
    T: Clone,
    C: Default + Extend<T>,
{
    fold(C::default(), |mut collection: C, item: &T| {
        collection.extend(iter::once(item.clone()));
        collection
    })
}

/// Calls `f` on every item, and emits one `()` at the flush.
///
/// Equivalent to [`Iterator::for_each`] over references.
///
/// ```
/// # use anabranch::scan::{self, Scan};
/// let mut seen = Vec::new();
/// assert_eq!(scan::for_each(|x: &i32| seen.push(*x)).apply([1, 2]), [()]);
/// assert_eq!(seen, [1, 2]);
/// ```
pub fn for_each<T, F>(f: F) -> Fold<(), ForEach<F>>
where
    F: FnMut(&T),
{
    Fold { state: Some(()), f: ForEach(f) }
}

/// A scan that keeps one of the items, or what [`reduce`] makes of them, and emits it at the flush;
/// see [`min`], [`max`] and [`last`].
#[must_use = "a scan does nothing until a run gives it items"]
#[derive(Clone)]
pub struct Keep<T, F> {
    pub(super) kept: Option<T>,
    f: F,
}

/// Keeps the first item, then each one that `prefers` prefers to the one kept so far.
fn keep<T, F>(prefers: F) -> Keep<T, F>
where
    T: Clone,
    F: FnMut(Option<&T>, &T) -> bool,
{
    Keep { kept: None, f: prefers }
}

impl<T, F: Keeping<T>> Scan<T> for Keep<T, F> {
    type Output = T;

    #[inline]
    fn step(&mut self, item: &T, _out: &mut Emitter<'_, T>) -> ControlFlow<()> {
        self.f.keep(&mut self.kept, item);
        ControlFlow::Continue(())
    }

    fn flush(&mut self, out: &mut Emitter<'_, T>) {
        if let Some(item) = self.kept.take() {
            out.emit(item);
        }
    }

    fn step_batch(&mut self, batch: &[T], out: &mut Emitter<'_, T>) -> ControlFlow<()> {
        if out.is_closed() {
            return ControlFlow::Break(());
        }
        for item in batch {
            if out.is_aborted() {
                return ControlFlow::Break(());
            }
            self.f.keep(&mut self.kept, item);
        }
        ControlFlow::Continue(())
    }
}

impl<T: fmt::Debug, F> fmt::Debug for Keep<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keep").field("kept", &self.kept).finish_non_exhaustive()
    }
}

/// Emits a clone of the smallest item at the flush, the first of equals; nothing
/// if there was no item.
///
/// Equivalent to [`Iterator::min`], cloned.
///
/// ```
/// # use anabranch::scan::{self, Scan};
/// assert_eq!(scan::min().apply([2, 1, 3]), [1]);
/// assert_eq!(scan::min().apply([0; 0]), []);
/// ```
pub fn min<T>() -> Keep<T, impl FnMut(Option<&T>, &T) -> bool + Clone>
where
    T: Ord + Clone,
{
    keep(|kept: Option<&T>, item: &T| kept.is_none_or(|kept| item < kept))
}

/// Emits a clone of the greatest item at the flush, the last of equals; nothing
/// if there was no item.
///
/// Equivalent to [`Iterator::max`], cloned.
///
/// ```
/// # use anabranch::scan::{self, Scan};
/// assert_eq!(scan::max().apply([2, 3, 1]), [3]);
/// ```
pub fn max<T>() -> Keep<T, impl FnMut(Option<&T>, &T) -> bool + Clone>
where
    T: Ord + Clone,
{
    keep(|kept: Option<&T>, item: &T| kept.is_none_or(|kept| item >= kept))
}

/// Emits a clone of the item with the smallest key at the flush, the first of
/// equals; nothing if there was no item.
///
/// Equivalent to [`Iterator::min_by_key`], cloned.
///
/// ```
/// # use anabranch::scan::{self, Scan};
/// assert_eq!(scan::min_by_key(|w: &&str| w.len()).apply(["see", "an", "ox"]), ["an"]);
/// ```
pub fn min_by_key<T, K, F>(key: F) -> Keep<T, ByKey<K, F, false>>
where
    T: Clone,
    K: Ord,
    F: FnMut(&T) -> K,
{
    Keep { kept: None, f: ByKey { key, kept: None } }
}

/// Emits a clone of the item with the greatest key at the flush, the last of
/// equals; nothing if there was no item.
///
/// Equivalent to [`Iterator::max_by_key`], cloned.
///
/// ```
/// # use anabranch::scan::{self, Scan};
/// assert_eq!(scan::max_by_key(|w: &&str| w.len()).apply(["an", "ox", "a"]), ["ox"]);
/// ```
pub fn max_by_key<T, K, F>(key: F) -> Keep<T, ByKey<K, F, true>>
where
    T: Clone,
    K: Ord,
    F: FnMut(&T) -> K,
{
    Keep { kept: None, f: ByKey { key, kept: None } }
}

/// Emits a clone of the smallest item by `compare` at the flush, the first of
/// equals; nothing if there was no item.
///
/// Equivalent to [`Iterator::min_by`], cloned.
///
/// ```
/// # use anabranch::scan::{self, Scan};
/// assert_eq!(scan::min_by(f64::total_cmp).apply([0.5, -1.5, 1.0]), [-1.5]);
/// ```
pub fn min_by<T, F>(compare: F) -> Keep<T, MinBy<F>>
where
    T: Clone,
    F: FnMut(&T, &T) -> Ordering,
{
    Keep { kept: None, f: MinBy(compare) }
}

/// Emits a clone of the greatest item by `compare` at the flush, the last of
/// equals; nothing if there was no item.
///
/// Equivalent to [`Iterator::max_by`], cloned.
///
/// ```
/// # use anabranch::scan::{self, Scan};
/// assert_eq!(scan::max_by(f64::total_cmp).apply([0.5, -1.5, 1.0]), [1.0]);
/// ```
pub fn max_by<T, F>(compare: F) -> Keep<T, MaxBy<F>>
where
    T: Clone,
    F: FnMut(&T, &T) -> Ordering,
{
    Keep { kept: None, f: MaxBy(compare) }
}

/// Folds the items into one, starting with a clone of the first, and emits it at the flush; emits
/// nothing if there was no item.
///
/// Equivalent to [`Iterator::reduce`], cloned, except that `f` borrows the item.
///
/// ```
/// # use anabranch::scan::{self, Scan};
/// let joined = || scan::reduce(|all: String, word| all + "-" + word);
/// assert_eq!(joined().apply(["a", "b", "c"].map(String::from)), ["a-b-c"]);
/// assert_eq!(joined().apply([]), [""; 0]);
/// ```
pub fn reduce<T, F>(f: F) -> Keep<T, Reduce<F>>
where
    T: Clone,
    F: FnMut(T, &T) -> T,
{
    Keep { kept: None, f: Reduce(f) }
}

/// Emits a clone of the last item at the flush; nothing if there was no item.
///
/// Equivalent to [`Iterator::last`], cloned.
///
/// ```
/// # use anabranch::scan::{self, Scan};
/// assert_eq!(scan::last().apply([1, 2, 3]), [3]);
/// ```
pub fn last<T>() -> Keep<T, impl FnMut(Option<&T>, &T) -> bool + Clone>
where
    T: Clone,
{
    keep(|_: Option<&T>, _: &T| true)
}
