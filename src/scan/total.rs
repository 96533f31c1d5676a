//! Scans with one result, at the end.

use std::fmt;
use std::ops::ControlFlow;

use super::adaptors::{FilterInput, Map, MapInput, Named, Then};
use super::steps::{Folding, Keeping, TryFolding};
use super::{CatchUnwind, Emitter, Fold, Keep, Scan, TryFold};

/// A scan with one result, which it emits at the flush. [`FanOut::fold`](crate::FanOut::fold) takes
/// totals.
///
/// [`count`](super::count), [`sum`](super::sum), [`fold`](super::fold()),
/// [`collect`](super::collect) and similar totals always have a result; [`min`](super::min),
/// [`max`](super::max), [`reduce`](super::reduce) and [`last`](super::last) have none without
/// items. The result of [`try_fold`](super::try_fold) and [`try_for_each`](super::try_for_each) is
/// a `Result`. [`Scan::last`] turns any other scan into a total.
///
/// This trait is sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a total: it may emit more than once",
    label = "a scan that has one result, at the end, is expected here",
    note = "`.last()` keeps the last output of any scan, a boxed one too; `distribute` gives \
            all of them"
)]
pub trait Total<T>: HandOver<T> {
    /// The type that `fold` returns: `X`, or `Option<X>` if there may be no result.
    type Of<X>;

    /// The type of the result as emitted.
    #[doc(hidden)]
    fn of<X>(result: Option<X>) -> Self::Of<X>;
}

/// A total that can be interrupted.
#[allow(unnameable_types, reason = "this is what seals")]
pub trait HandOver<T>: Scan<T> {
    /// Emits the result so far, instead of a flush.
    #[doc(hidden)]
    fn hand_over(&mut self, out: &mut Emitter<'_, Self::Output>);
}

/// Unwraps the result of a total that always has one.
fn always<X>(result: Option<X>) -> X {
    result.expect("a scan that always has a result was flushed")
}

impl<T, B, F: Folding<T, B>> HandOver<T> for Fold<B, F> {
    fn hand_over(&mut self, out: &mut Emitter<'_, B>) {
        self.flush(out);
    }
}

impl<T, B, F: Folding<T, B>> Total<T> for Fold<B, F> {
    type Of<X> = X;

    fn of<X>(result: Option<X>) -> X {
        always(result)
    }
}

impl<T, B, F: TryFolding<T, B>> HandOver<T> for TryFold<B, F> {
    fn hand_over(&mut self, out: &mut Emitter<'_, Self::Output>) {
        self.flush(out);
    }
}

impl<T, B, F: TryFolding<T, B>> Total<T> for TryFold<B, F> {
    type Of<X> = X;

    fn of<X>(result: Option<X>) -> X {
        always(result)
    }
}

impl<T, F: Keeping<T>> HandOver<T> for Keep<T, F> {
    fn hand_over(&mut self, out: &mut Emitter<'_, T>) {
        self.flush(out);
    }
}

impl<T, F: Keeping<T>> Total<T> for Keep<T, F> {
    type Of<X> = Option<X>;

    fn of<X>(result: Option<X>) -> Option<X> {
        result
    }
}

impl<T, B, S: HandOver<T>, F: FnMut(S::Output) -> B> HandOver<T> for Map<S, F> {
    fn hand_over(&mut self, out: &mut Emitter<'_, B>) {
        self.through(out, |scan, out| scan.hand_over(out));
    }
}

impl<T, B, S: Total<T>, F: FnMut(S::Output) -> B> Total<T> for Map<S, F> {
    type Of<X> = S::Of<X>;

    fn of<X>(result: Option<X>) -> S::Of<X> {
        S::of(result)
    }
}

impl<T, U, S: HandOver<T>, F: FnMut(&U) -> T> HandOver<U> for MapInput<S, F> {
    fn hand_over(&mut self, out: &mut Emitter<'_, S::Output>) {
        self.scan.hand_over(out);
    }
}

impl<T, U, S: Total<T>, F: FnMut(&U) -> T> Total<U> for MapInput<S, F> {
    type Of<X> = S::Of<X>;

    fn of<X>(result: Option<X>) -> S::Of<X> {
        S::of(result)
    }
}

impl<T, S: HandOver<T>, P: FnMut(&T) -> bool> HandOver<T> for FilterInput<S, P> {
    fn hand_over(&mut self, out: &mut Emitter<'_, S::Output>) {
        self.scan.hand_over(out);
    }
}

impl<T, S: Total<T>, P: FnMut(&T) -> bool> Total<T> for FilterInput<S, P> {
    type Of<X> = S::Of<X>;

    fn of<X>(result: Option<X>) -> S::Of<X> {
        S::of(result)
    }
}

impl<T, S: HandOver<T>> HandOver<T> for Named<S> {
    fn hand_over(&mut self, out: &mut Emitter<'_, S::Output>) {
        self.scan.hand_over(out);
    }
}

impl<T, S: Total<T>> Total<T> for Named<S> {
    type Of<X> = S::Of<X>;

    fn of<X>(result: Option<X>) -> S::Of<X> {
        S::of(result)
    }
}

impl<T, A: Scan<T>, B: HandOver<A::Output>> HandOver<T> for Then<A, B> {
    fn hand_over(&mut self, out: &mut Emitter<'_, B::Output>) {
        self.second.hand_over(out);
    }
}

impl<T, A: Scan<T>, B: Total<A::Output>> Total<T> for Then<A, B> {
    type Of<X> = B::Of<X>;

    fn of<X>(result: Option<X>) -> B::Of<X> {
        B::of(result)
    }
}

impl<T, S: HandOver<T>> HandOver<T> for CatchUnwind<S> {
    fn hand_over(&mut self, out: &mut Emitter<'_, Self::Output>) {
        self.call(out, |scan, out| scan.hand_over(out));
    }
}

impl<T, S: Total<T>> Total<T> for CatchUnwind<S> {
    type Of<X> = S::Of<X>;

    fn of<X>(result: Option<X>) -> S::Of<X> {
        S::of(result)
    }
}

/// Emits only the last output, at the flush; see [`Scan::last`].
#[must_use = "a scan does nothing until a run gives it items"]
#[derive(Clone)]
pub struct Last<S, O> {
    scan: S,
    last: Option<O>,
}

impl<S, O> Last<S, O> {
    pub(super) fn new(scan: S) -> Self {
        Self { scan, last: None }
    }
}

/// Keeps the output, and drops the previous one.
fn keep<'k, O>(
    last: &'k mut Option<O>,
) -> impl FnMut(O, &mut Emitter<'_, O>) -> ControlFlow<()> + use<'k, O> {
    |output, _| {
        let before = last.replace(output);
        // This may panic; the new output has replaced it by then.
        drop(before);
        ControlFlow::Continue(())
    }
}

impl<T, S: Scan<T>> Scan<T> for Last<S, S::Output> {
    type Output = S::Output;

    fn step(&mut self, item: &T, out: &mut Emitter<'_, S::Output>) -> ControlFlow<()> {
        let flow = out.adapt(keep(&mut self.last), |out| self.scan.step(item, out));
        // A scan may also end because its outputs are no longer wanted.
        if flow.is_break() && !out.is_closed() {
            self.hand_over(out);
        }
        flow
    }

    fn flush(&mut self, out: &mut Emitter<'_, S::Output>) {
        out.adapt(keep(&mut self.last), |out| self.scan.flush(out));
        self.hand_over(out);
    }

    fn step_batch(&mut self, batch: &[T], out: &mut Emitter<'_, S::Output>) -> ControlFlow<()> {
        let flow = out.adapt(keep(&mut self.last), |out| self.scan.step_batch(batch, out));
        if flow.is_break() && !out.is_closed() {
            self.hand_over(out);
        }
        flow
    }

    fn name(&self) -> Option<&str> {
        self.scan.name()
    }
}

impl<T, S: Scan<T>> HandOver<T> for Last<S, S::Output> {
    fn hand_over(&mut self, out: &mut Emitter<'_, S::Output>) {
        if let Some(last) = self.last.take() {
            out.emit(last);
        }
    }
}

impl<T, S: Scan<T>> Total<T> for Last<S, S::Output> {
    type Of<X> = Option<X>;

    fn of<X>(result: Option<X>) -> Option<X> {
        result
    }
}

impl<S: fmt::Debug, O> fmt::Debug for Last<S, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Last").field("scan", &self.scan).finish_non_exhaustive()
    }
}
