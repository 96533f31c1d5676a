//! What a scan emits into.

use std::fmt;
use std::ops::ControlFlow;

use crate::engine::Outlet;

/// Where a scan's outputs go.
///
/// A scan is lent one for each [`step`](crate::Scan::step) and for its
/// [`flush`](crate::Scan::flush).
pub struct Emitter<'a, O> {
    sink: Sink<'a, O>,
}

enum Sink<'a, O> {
    /// The scan's own way out of its thread: bounded, so `emit` may block.
    Outlet(&'a mut Outlet<O>),
    /// Another scan's input, an adaptor, or a vector.
    Relay(&'a mut dyn Relay<O>),
}

/// Something else than an outlet that takes outputs.
pub(crate) trait Relay<O> {
    fn emit(&mut self, value: O);
    fn is_closed(&self) -> bool;
}

impl<'a, O> Emitter<'a, O> {
    pub(crate) fn outlet(outlet: &'a mut Outlet<O>) -> Self {
        Self { sink: Sink::Outlet(outlet) }
    }

    pub(crate) fn relay(relay: &'a mut dyn Relay<O>) -> Self {
        Self { sink: Sink::Relay(relay) }
    }

    /// Emits one output. May be called any number of times in one step.
    ///
    /// # Blocking
    ///
    /// Blocks while the scan's output buffer is full, until the consumer has
    /// taken something from it, or the run is dropped. From then on values are dropped. In a
    /// run that was aborted what the step in hand emits is still delivered.
    #[inline]
    pub fn emit(&mut self, value: O) {
        match &mut self.sink {
            Sink::Outlet(outlet) => outlet.emit(value),
            Sink::Relay(relay) => relay.emit(value),
        }
    }

    /// Whether the outputs are no longer wanted: the run was dropped or aborted, or an adaptor
    /// has all it takes. A long loop should look at this and return early.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use anabranch::{Emitter, prelude::*};
    ///
    /// let multiples = scan::from_fn(|n: &u64, out: &mut Emitter<'_, u64>| {
    ///     let mut multiple = *n;
    ///     while !out.is_closed() {
    ///         out.emit(multiple);
    ///         multiple += n;
    ///     }
    ///     ControlFlow::Break(())
    /// });
    /// let first: Vec<_> = [7].into_iter().fan_out().distribute([multiples.take(3)]).collect();
    /// assert_eq!(first.iter().map(|(_, multiple)| *multiple).collect::<Vec<_>>(), [7, 14, 21]);
    /// ```
    #[inline]
    #[must_use]
    pub fn is_closed(&self) -> bool {
        match &self.sink {
            Sink::Outlet(outlet) => outlet.is_closed(),
            Sink::Relay(relay) => relay.is_closed(),
        }
    }

    /// Takes note that so many outputs were emitted, of which those that travel do not tell.
    #[inline]
    pub(crate) fn count(&mut self, outputs: u64) {
        if let Sink::Outlet(outlet) = &mut self.sink {
            outlet.count(outputs);
        }
    }

    /// Lends `body` an emitter whose every value goes through `f` into this one,
    /// until `f` returns `Break`: from there on it is closed.
    #[inline]
    pub(crate) fn adapt<A, R>(
        &mut self,
        f: impl FnMut(A, &mut Emitter<'_, O>) -> ControlFlow<()>,
        body: impl FnOnce(&mut Emitter<'_, A>) -> R,
    ) -> R {
        let mut adapter = Adapter { out: self, f, flow: ControlFlow::Continue(()) };
        body(&mut Emitter::relay(&mut adapter))
    }
}

struct Adapter<'r, E, F> {
    out: &'r mut E,
    f: F,
    flow: ControlFlow<()>,
}

impl<A, O, F> Relay<A> for Adapter<'_, Emitter<'_, O>, F>
where
    F: FnMut(A, &mut Emitter<'_, O>) -> ControlFlow<()>,
{
    #[inline]
    fn emit(&mut self, value: A) {
        if self.flow.is_continue() {
            self.flow = (self.f)(value, self.out);
        }
    }

    #[inline]
    fn is_closed(&self) -> bool {
        self.flow.is_break() || self.out.is_closed()
    }
}

impl<O> Relay<O> for Vec<O> {
    fn emit(&mut self, value: O) {
        self.push(value);
    }

    fn is_closed(&self) -> bool {
        false
    }
}

impl<O> fmt::Debug for Emitter<'_, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emitter").field("closed", &self.is_closed()).finish_non_exhaustive()
    }
}
