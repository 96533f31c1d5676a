//! Scans that emit as items arrive.

use std::fmt;
use std::marker::PhantomData;
use std::ops::ControlFlow;

use super::steps::{
    ClonedEach, FilterEach, FilterMapEach, InspectEach, MapEach, ScanEach, Step, TakeWhileEach,
};
use super::{Emitter, Scan};

/// A scan made from a closure; see [`from_fn`].
#[must_use = "a scan does nothing until a run gives it items"]
pub struct FromFn<F, O> {
    step: F,
    output: PhantomData<fn() -> O>,
}

impl<T, O, F: Step<T, O>> Scan<T> for FromFn<F, O> {
    type Output = O;

    #[inline]
    fn step(&mut self, item: &T, out: &mut Emitter<'_, O>) -> ControlFlow<()> {
        self.step.step(item, out)
    }
}

impl<F, O> FromFn<F, O> {
    fn new(step: F) -> Self {
        Self { step, output: PhantomData }
    }
}

impl<F: Clone, O> Clone for FromFn<F, O> {
    fn clone(&self) -> Self {
        Self { step: self.step.clone(), output: PhantomData }
    }
}

impl<F, O> fmt::Debug for FromFn<F, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromFn").finish_non_exhaustive()
    }
}

/// Creates a scan whose step is `f` and whose flush emits nothing.
///
/// ```
/// use std::ops::ControlFlow;
/// use anabranch::scan::{self, Emitter, Scan};
///
/// // Emits `n` copies of each item `n`; a negative item ends the scan.
/// let repeat = scan::from_fn(|n: &i32, out: &mut Emitter<'_, i32>| {
///     if *n < 0 {
///         return ControlFlow::Break(());
///     }
///     (0..*n).for_each(|_| out.emit(*n));
///     ControlFlow::Continue(())
/// });
/// assert_eq!(repeat.apply([1, 0, 3, -1, 2]), [1, 3, 3, 3]);
/// ```
pub fn from_fn<T, O, F>(f: F) -> FromFn<F, O>
where
    F: FnMut(&T, &mut Emitter<'_, O>) -> ControlFlow<()>,
{
    FromFn::new(f)
}

/// Emits `f(&mut state, &item)` for every item, and ends at the first `None`.
///
/// Equivalent to [`Iterator::scan`].
///
/// ```
/// # use anabranch::scan::{self, Scan};
/// let average = scan::scan((0.0, 0), |(sum, n), x: &f64| {
///     *sum += x;
///     *n += 1;
///     Some(*sum / f64::from(*n))
/// });
/// assert_eq!(average.apply([1.0, 2.0, 6.0]), [1.0, 1.5, 3.0]);
/// ```
pub fn scan<T, St, B, F>(initial: St, f: F) -> FromFn<ScanEach<St, F>, B>
where
    F: FnMut(&mut St, &T) -> Option<B>,
{
    FromFn::new(ScanEach { state: initial, f })
}

/// Emits `f(&item)` for every item.
///
/// Equivalent to [`Iterator::map`] over references.
///
/// ```
/// # use anabranch::scan::{self, Scan};
/// assert_eq!(scan::map(|line: &&str| line.len()).apply(["a", "bc"]), [1, 2]);
/// ```
pub fn map<T, B, F>(f: F) -> FromFn<MapEach<F>, B>
where
    F: FnMut(&T) -> B,
{
    FromFn::new(MapEach(f))
}

/// Emits the value inside `f(&item)`, for every item for which it is `Some`.
///
/// Equivalent to [`Iterator::filter_map`] over references.
///
/// ```
/// # use anabranch::scan::{self, Scan};
/// let numbers = scan::filter_map(|word: &&str| word.parse::<i32>().ok());
/// assert_eq!(numbers.apply(["1", "two", "3"]), [1, 3]);
/// ```
pub fn filter_map<T, B, F>(f: F) -> FromFn<FilterMapEach<F>, B>
where
    F: FnMut(&T) -> Option<B>,
{
    FromFn::new(FilterMapEach(f))
}

/// Emits a clone of every item for which `predicate` is true.
///
/// Equivalent to [`Iterator::filter`], cloned.
///
/// ```
/// # use anabranch::scan::{self, Scan};
/// assert_eq!(scan::filter(|x| x % 2 == 0).apply([1, 2, 3, 4]), [2, 4]);
/// ```
pub fn filter<T, P>(predicate: P) -> FromFn<FilterEach<P>, T>
where
    T: Clone,
    P: FnMut(&T) -> bool,
{
    FromFn::new(FilterEach(predicate))
}

/// Emits a clone of every item.
///
/// Equivalent to [`Iterator::cloned`].
///
/// ```
/// # use anabranch::scan::{self, Scan};
/// assert_eq!(scan::cloned().apply([1, 2]), [1, 2]);
/// ```
pub fn cloned<T>() -> FromFn<ClonedEach, T>
where
    T: Clone,
{
    FromFn::new(ClonedEach)
}

/// Calls `f` on every item, then emits a clone of the item.
///
/// Equivalent to [`Iterator::inspect`], cloned. For side effects alone, see
/// [`for_each`](super::for_each).
///
/// ```
/// # use anabranch::scan::{self, Scan};
/// let mut seen = 0;
/// assert_eq!(scan::inspect(|x| seen += x).apply([1, 2]), [1, 2]);
/// assert_eq!(seen, 3);
/// ```
pub fn inspect<T, F>(f: F) -> FromFn<InspectEach<F>, T>
where
    T: Clone,
    F: FnMut(&T),
{
    FromFn::new(InspectEach(f))
}

/// Emits clones of the first `n` items and ends with the `n`th or, if `n` is zero, at its first
/// item.
///
/// Equivalent to [`Iterator::take`], cloned.
///
/// ```
/// # use anabranch::scan::{self, Scan};
/// assert_eq!(scan::take(2).apply(1..), [1, 2]);
/// ```
pub fn take<T>(
    n: usize,
) -> FromFn<impl FnMut(&T, &mut Emitter<'_, T>) -> ControlFlow<()> + Clone, T>
where
    T: Clone,
{
    let mut left = n;
    from_fn(move |item: &T, out: &mut Emitter<'_, T>| {
        if left > 0 {
            left -= 1;
            out.emit(item.clone());
        }
        if left > 0 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })
}

/// Emits clones of items up to the first for which `predicate` is false, and ends there.
///
/// Equivalent to [`Iterator::take_while`], cloned.
///
/// ```
/// # use anabranch::scan::{self, Scan};
/// assert_eq!(scan::take_while(|x| *x < 3).apply(1..), [1, 2]);
/// ```
pub fn take_while<T, P>(predicate: P) -> FromFn<TakeWhileEach<P>, T>
where
    T: Clone,
    P: FnMut(&T) -> bool,
{
    FromFn::new(TakeWhileEach(predicate))
}
