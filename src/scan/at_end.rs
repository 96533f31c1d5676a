//! Scans that emit once, when they are flushed.

use std::fmt;
use std::iter::{self, Sum};
use std::ops::ControlFlow;

use super::steps::{ByKey, Folding, ForEach, Prefers, SumBy};
use super::{Emitter, Scan};

/// A scan that emits its state at the flush; see [`fold`].
#[must_use = "a scan does nothing until a run gives it items"]
#[derive(Clone)]
pub struct Fold<B, F> {
    /// `None` only while `f` has it, and for good once `f` has panicked.
    state: Option<B>,
    f: F,
}

impl<T, B, F: Folding<T, B>> Scan<T> for Fold<B, F> {
    type Output = B;

    #[inline]
    fn step(&mut self, item: &T, _out: &mut Emitter<'_, B>) -> ControlFlow<()> {
        self.state = self.state.take().map(|state| self.f.fold(state, item));
        ControlFlow::Continue(())
    }

    fn flush(&mut self, out: &mut Emitter<'_, B>) {
        if let Some(state) = self.state.take() {
            out.emit(state);
        }
    }

    // The default loop, with the state in a local variable so that it stays in registers.
    fn step_batch(&mut self, batch: &[T], out: &mut Emitter<'_, B>) -> ControlFlow<()> {
        let Some(mut state) = self.state.take() else {
            return ControlFlow::Break(());
        };
        let mut flow = ControlFlow::Continue(());
        for item in batch {
            if out.is_closed() {
                flow = ControlFlow::Break(());
                break;
            }
            state = self.f.fold(state, item);
        }
        self.state = Some(state);
        flow
    }
}

impl<B: fmt::Debug, F> fmt::Debug for Fold<B, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fold").field("state", &self.state).finish_non_exhaustive()
    }
}

/// Folds the items into one value and emits it at the flush.
///
/// Equivalent to [`Iterator::fold`] over references.
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

/// A scan that keeps one of the items and emits it at the flush; see [`min`],
/// [`max`] and [`last`].
#[must_use = "a scan does nothing until a run gives it items"]
#[derive(Clone)]
pub struct Keep<T, F> {
    kept: Option<T>,
    prefers: F,
}

/// Keeps the first item, then each one that `prefers` prefers to the one kept so far.
fn keep<T, F>(prefers: F) -> Keep<T, F>
where
    T: Clone,
    F: FnMut(Option<&T>, &T) -> bool,
{
    Keep { kept: None, prefers }
}

impl<T: Clone, F: Prefers<T>> Scan<T> for Keep<T, F> {
    type Output = T;

    #[inline]
    fn step(&mut self, item: &T, _out: &mut Emitter<'_, T>) -> ControlFlow<()> {
        if self.prefers.prefers(self.kept.as_ref(), item) {
            self.kept = Some(item.clone());
        }
        ControlFlow::Continue(())
    }

    fn flush(&mut self, out: &mut Emitter<'_, T>) {
        if let Some(item) = self.kept.take() {
            out.emit(item);
        }
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
    Keep { kept: None, prefers: ByKey { key, kept: None } }
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
    Keep { kept: None, prefers: ByKey { key, kept: None } }
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
