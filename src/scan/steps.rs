//! The steps of the stock scans, as types, so that a scan is `Clone` if its closures are.

use std::cmp::Ordering;
use std::fmt;
use std::iter::Sum;
use std::ops::ControlFlow;

use super::Emitter;

/// The step of a [`FromFn`](super::FromFn): a closure, or one of the types here. Not public: it is
/// in no public module.
#[allow(unnameable_types, reason = "this is what seals")]
#[diagnostic::on_unimplemented(
    message = "this scan does not take items of `{T}`",
    label = "a scan of `{T}` is expected here",
    note = "the closure of a scan is given a `&{T}`; for a `Result`, `until_error()` comes first"
)]
pub trait Step<T, O> {
    /// Takes one item; see [`Scan::step`](super::Scan::step).
    fn step(&mut self, item: &T, out: &mut Emitter<'_, O>) -> ControlFlow<()>;
}

impl<T, O, F> Step<T, O> for F
where
    F: FnMut(&T, &mut Emitter<'_, O>) -> ControlFlow<()>,
{
    #[inline]
    fn step(&mut self, item: &T, out: &mut Emitter<'_, O>) -> ControlFlow<()> {
        self(item, out)
    }
}

/// The step of a [`Fold`](super::Fold).
#[allow(unnameable_types, reason = "this is what seals")]
#[diagnostic::on_unimplemented(
    message = "this scan does not take items of `{T}`",
    label = "a scan of `{T}` is expected here",
    note = "the closure of a scan is given a `&{T}`; for a `Result`, `until_error()` comes first"
)]
pub trait Folding<T, B> {
    /// Folds the items into the state until `is_closed`. The state is `None` while a closure has
    /// it by value, and for good once that has panicked.
    fn fold(
        &mut self,
        state: &mut Option<B>,
        items: &[T],
        is_closed: impl Fn() -> bool,
    ) -> ControlFlow<()>;
}

/// Calls `f` with the state by value, which stays in a local variable and thus in registers.
#[inline]
fn fold_by_value<T, B>(
    place: &mut Option<B>,
    items: &[T],
    is_closed: impl Fn() -> bool,
    mut f: impl FnMut(B, &T) -> B,
) -> ControlFlow<()> {
    let Some(mut state) = place.take() else {
        return ControlFlow::Break(());
    };
    let mut flow = ControlFlow::Continue(());
    for item in items {
        if is_closed() {
            flow = ControlFlow::Break(());
            break;
        }
        state = f(state, item);
    }
    *place = Some(state);
    flow
}

impl<T, B, F: FnMut(B, &T) -> B> Folding<T, B> for F {
    #[inline]
    fn fold(
        &mut self,
        state: &mut Option<B>,
        items: &[T],
        is_closed: impl Fn() -> bool,
    ) -> ControlFlow<()> {
        fold_by_value(state, items, is_closed, self)
    }
}

/// The step of a [`TryFold`](super::TryFold).
#[allow(unnameable_types, reason = "this is what seals")]
#[diagnostic::on_unimplemented(
    message = "this scan does not take items of `{T}`",
    label = "a scan of `{T}` is expected here",
    note = "the closure of a scan is given a `&{T}`; for a `Result`, `until_error()` comes first"
)]
pub trait TryFolding<T, B> {
    /// The error that the closure returns.
    type Error;

    /// Returns the next state.
    ///
    /// # Errors
    ///
    /// Returns the error of the closure. The scan ends with it.
    fn try_fold(&mut self, state: B, item: &T) -> Result<B, Self::Error>;
}

/// Without this second candidate, the compiler would report a closure of the wrong type, and not
/// show the message of this trait.
impl<T, B, E, F: FnMut(B, &T) -> Result<B, E>> TryFolding<T, B> for F {
    type Error = E;

    #[inline]
    fn try_fold(&mut self, state: B, item: &T) -> Result<B, E> {
        self(state, item)
    }
}

/// The step of a [`Keep`](super::Keep).
#[allow(unnameable_types, reason = "this is what seals")]
#[diagnostic::on_unimplemented(
    message = "this scan does not take items of `{T}`",
    label = "a scan of `{T}` is expected here",
    note = "the closure of a scan is given a `&{T}`; for a `Result`, `until_error()` comes first"
)]
pub trait Keeping<T> {
    /// Keeps the item, what is kept already, or what becomes of both. After the first item, there
    /// is always something kept.
    fn keep(&mut self, kept: &mut Option<T>, item: &T);
}

/// A closure that says whether the item replaces the one that is kept.
impl<T: Clone, F: FnMut(Option<&T>, &T) -> bool> Keeping<T> for F {
    #[inline]
    fn keep(&mut self, kept: &mut Option<T>, item: &T) {
        if self(kept.as_ref(), item) {
            *kept = Some(item.clone());
        }
    }
}

/// Defines a type around a closure.
macro_rules! closure {
    ($($(#[$doc:meta])* $name:ident)+) => {$(
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name<F>(pub(super) F);

        impl<F> fmt::Debug for $name<F> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).finish_non_exhaustive()
            }
        }
    )+};
}

closure! {
    /// See [`scan::map`](super::map).
    MapEach
    /// See [`scan::filter_map`](super::filter_map).
    FilterMapEach
    /// See [`scan::filter`](super::filter).
    FilterEach
    /// See [`scan::inspect`](super::inspect).
    InspectEach
    /// See [`scan::take_while`](super::take_while).
    TakeWhileEach
    /// See [`scan::sum_by`](super::sum_by).
    SumBy
    /// See [`scan::for_each`](super::for_each).
    ForEach
    /// See [`scan::try_fold`](super::try_fold).
    TryFoldEach
    /// See [`scan::try_for_each`](super::try_for_each).
    TryForEach
    /// See [`scan::fold_mut`](super::fold_mut).
    InPlace
    /// See [`scan::min_by`](super::min_by).
    MinBy
    /// See [`scan::max_by`](super::max_by).
    MaxBy
    /// See [`scan::reduce`](super::reduce).
    Reduce
}

impl<T, B, F: FnMut(&T) -> B> Step<T, B> for MapEach<F> {
    #[inline]
    fn step(&mut self, item: &T, out: &mut Emitter<'_, B>) -> ControlFlow<()> {
        out.emit((self.0)(item));
        ControlFlow::Continue(())
    }
}

impl<T, B, F: FnMut(&T) -> Option<B>> Step<T, B> for FilterMapEach<F> {
    #[inline]
    fn step(&mut self, item: &T, out: &mut Emitter<'_, B>) -> ControlFlow<()> {
        if let Some(output) = (self.0)(item) {
            out.emit(output);
        }
        ControlFlow::Continue(())
    }
}

impl<T: Clone, P: FnMut(&T) -> bool> Step<T, T> for FilterEach<P> {
    #[inline]
    fn step(&mut self, item: &T, out: &mut Emitter<'_, T>) -> ControlFlow<()> {
        if (self.0)(item) {
            out.emit(item.clone());
        }
        ControlFlow::Continue(())
    }
}

impl<T: Clone, F: FnMut(&T)> Step<T, T> for InspectEach<F> {
    #[inline]
    fn step(&mut self, item: &T, out: &mut Emitter<'_, T>) -> ControlFlow<()> {
        (self.0)(item);
        out.emit(item.clone());
        ControlFlow::Continue(())
    }
}

impl<T: Clone, P: FnMut(&T) -> bool> Step<T, T> for TakeWhileEach<P> {
    #[inline]
    fn step(&mut self, item: &T, out: &mut Emitter<'_, T>) -> ControlFlow<()> {
        if (self.0)(item) {
            out.emit(item.clone());
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }
}

/// See [`scan::cloned`](super::cloned).
#[derive(Clone, Copy, Debug)]
pub struct ClonedEach;

impl<T: Clone> Step<T, T> for ClonedEach {
    #[inline]
    fn step(&mut self, item: &T, out: &mut Emitter<'_, T>) -> ControlFlow<()> {
        out.emit(item.clone());
        ControlFlow::Continue(())
    }
}

/// See [`scan::scan`](super::scan()).
#[derive(Clone)]
pub struct ScanEach<St, F> {
    pub(super) state: St,
    pub(super) f: F,
}

impl<T, St, B, F: FnMut(&mut St, &T) -> Option<B>> Step<T, B> for ScanEach<St, F> {
    #[inline]
    fn step(&mut self, item: &T, out: &mut Emitter<'_, B>) -> ControlFlow<()> {
        match (self.f)(&mut self.state, item) {
            Some(output) => {
                out.emit(output);
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(()),
        }
    }
}

impl<St: fmt::Debug, F> fmt::Debug for ScanEach<St, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScanEach").field("state", &self.state).finish_non_exhaustive()
    }
}

impl<T, B: Sum<B>, F: FnMut(&T) -> B> Folding<T, B> for SumBy<F> {
    #[inline]
    fn fold(
        &mut self,
        state: &mut Option<B>,
        items: &[T],
        is_closed: impl Fn() -> bool,
    ) -> ControlFlow<()> {
        fold_by_value(state, items, is_closed, |sum, item| [sum, (self.0)(item)].into_iter().sum())
    }
}

impl<T, F: FnMut(&T)> Folding<T, ()> for ForEach<F> {
    #[inline]
    fn fold(
        &mut self,
        state: &mut Option<()>,
        items: &[T],
        is_closed: impl Fn() -> bool,
    ) -> ControlFlow<()> {
        fold_by_value(state, items, is_closed, |(), item| (self.0)(item))
    }
}

/// The state is not moved, neither for an item nor for a batch.
impl<T, B, F: FnMut(&mut B, &T)> Folding<T, B> for InPlace<F> {
    #[inline]
    fn fold(
        &mut self,
        state: &mut Option<B>,
        items: &[T],
        is_closed: impl Fn() -> bool,
    ) -> ControlFlow<()> {
        let Some(state) = state else {
            return ControlFlow::Break(());
        };
        for item in items {
            if is_closed() {
                return ControlFlow::Break(());
            }
            (self.0)(state, item);
        }
        ControlFlow::Continue(())
    }
}

impl<T, B, E, F: FnMut(B, &T) -> Result<B, E>> TryFolding<T, B> for TryFoldEach<F> {
    type Error = E;

    #[inline]
    fn try_fold(&mut self, state: B, item: &T) -> Result<B, E> {
        (self.0)(state, item)
    }
}

impl<T, E, F: FnMut(&T) -> Result<(), E>> TryFolding<T, ()> for TryForEach<F> {
    type Error = E;

    #[inline]
    fn try_fold(&mut self, (): (), item: &T) -> Result<(), E> {
        (self.0)(item)
    }
}

impl<T: Clone, F: FnMut(&T, &T) -> Ordering> Keeping<T> for MinBy<F> {
    #[inline]
    fn keep(&mut self, kept: &mut Option<T>, item: &T) {
        if kept.as_ref().is_none_or(|kept| (self.0)(kept, item).is_gt()) {
            *kept = Some(item.clone());
        }
    }
}

impl<T: Clone, F: FnMut(&T, &T) -> Ordering> Keeping<T> for MaxBy<F> {
    #[inline]
    fn keep(&mut self, kept: &mut Option<T>, item: &T) {
        if kept.as_ref().is_none_or(|kept| (self.0)(kept, item).is_le()) {
            *kept = Some(item.clone());
        }
    }
}

impl<T: Clone, F: FnMut(T, &T) -> T> Keeping<T> for Reduce<F> {
    #[inline]
    fn keep(&mut self, kept: &mut Option<T>, item: &T) {
        *kept = Some(match kept.take() {
            Some(kept) => (self.0)(kept, item),
            None => item.clone(),
        });
    }
}

/// Keeps the first item with the least key, or the last with the greatest; see
/// [`scan::min_by_key`](super::min_by_key) and [`scan::max_by_key`](super::max_by_key).
#[derive(Clone)]
pub struct ByKey<K, F, const GREATEST: bool> {
    pub(super) key: F,
    /// The key of the item that is kept.
    pub(super) kept: Option<K>,
}

impl<T, K, F, const GREATEST: bool> Keeping<T> for ByKey<K, F, GREATEST>
where
    T: Clone,
    K: Ord,
    F: FnMut(&T) -> K,
{
    #[inline]
    fn keep(&mut self, kept: &mut Option<T>, item: &T) {
        let key = (self.key)(item);
        let preferred = match &self.kept {
            None => true,
            Some(kept) if GREATEST => key >= *kept,
            Some(kept) => key < *kept,
        };
        if preferred {
            self.kept = Some(key);
            *kept = Some(item.clone());
        }
    }
}

impl<K: fmt::Debug, F, const GREATEST: bool> fmt::Debug for ByKey<K, F, GREATEST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByKey").field("kept", &self.kept).finish_non_exhaustive()
    }
}
