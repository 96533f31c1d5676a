//! The steps of the stock scans, as types, so that a scan is `Clone` if its closures are.

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
    /// Returns the next state.
    fn fold(&mut self, state: B, item: &T) -> B;
}

impl<T, B, F: FnMut(B, &T) -> B> Folding<T, B> for F {
    #[inline]
    fn fold(&mut self, state: B, item: &T) -> B {
        self(state, item)
    }
}

/// The choice of a [`Keep`](super::Keep) between an item and the one that it has.
#[allow(unnameable_types, reason = "this is what seals")]
#[diagnostic::on_unimplemented(
    message = "this scan does not take items of `{T}`",
    label = "a scan of `{T}` is expected here",
    note = "the closure of a scan is given a `&{T}`; for a `Result`, `until_error()` comes first"
)]
pub trait Prefers<T> {
    /// Returns whether `item` replaces the one that is kept.
    fn prefers(&mut self, kept: Option<&T>, item: &T) -> bool;
}

impl<T, F: FnMut(Option<&T>, &T) -> bool> Prefers<T> for F {
    #[inline]
    fn prefers(&mut self, kept: Option<&T>, item: &T) -> bool {
        self(kept, item)
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
    fn fold(&mut self, sum: B, item: &T) -> B {
        [sum, (self.0)(item)].into_iter().sum()
    }
}

impl<T, F: FnMut(&T)> Folding<T, ()> for ForEach<F> {
    #[inline]
    fn fold(&mut self, (): (), item: &T) {
        (self.0)(item);
    }
}

/// Prefers the first item with the least key, or the last with the greatest; see
/// [`scan::min_by_key`](super::min_by_key) and [`scan::max_by_key`](super::max_by_key).
#[derive(Clone)]
pub struct ByKey<K, F, const GREATEST: bool> {
    pub(super) key: F,
    /// The key of the item that is kept.
    pub(super) kept: Option<K>,
}

impl<T, K: Ord, F: FnMut(&T) -> K, const GREATEST: bool> Prefers<T> for ByKey<K, F, GREATEST> {
    #[inline]
    fn prefers(&mut self, _: Option<&T>, item: &T) -> bool {
        let key = (self.key)(item);
        let preferred = match &self.kept {
            None => true,
            Some(kept) if GREATEST => key >= *kept,
            Some(kept) => key < *kept,
        };
        if preferred {
            self.kept = Some(key);
        }
        preferred
    }
}

impl<K: fmt::Debug, F, const GREATEST: bool> fmt::Debug for ByKey<K, F, GREATEST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByKey").field("kept", &self.kept).finish_non_exhaustive()
    }
}
