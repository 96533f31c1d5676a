//! The emitter: where a scan sends its outputs.

use std::fmt;
use std::ops::ControlFlow;

use crate::engine::Outlet;

/// A handle through which a scan emits its outputs.
///
/// A scan borrows one for each [`step`](crate::Scan::step) and for its
/// [`flush`](crate::Scan::flush).
pub struct Emitter<'a, O> {
    sink: Sink<'a, O>,
}

enum Sink<'a, O> {
    /// The outlet of the scan's thread: bounded, so `emit` may block.
    Outlet(&'a mut Outlet<O>),
    /// Another scan's input, an adaptor, or a vector.
    Relay(&'a mut dyn Relay<O>),
}

/// A receiver of outputs other than an outlet.
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

    /// Emits one output. A step may call this any number of times.
    ///
    /// # Blocking
    ///
    /// Blocks while the scan's output buffer is full, until the consumer takes outputs from it or
    /// the run is dropped. After the run is dropped, values are discarded. In an aborted run, what
    /// the current step emits is still delivered.
    #[inline]
    pub fn emit(&mut self, value: O) {
        match &mut self.sink {
            Sink::Outlet(outlet) => outlet.emit(value),
            Sink::Relay(relay) => relay.emit(value),
        }
    }

    /// Returns `true` if outputs are no longer wanted: the run was dropped or aborted, or an
    /// adaptor takes no more. A long loop should check this and return early.
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

    /// Records the number of outputs emitted, where those that are sent do not show it.
    #[inline]
    pub(crate) fn count(&mut self, outputs: u64) {
        if let Sink::Outlet(outlet) = &mut self.sink {
            outlet.count(outputs);
        }
    }

    /// Calls `body` with an emitter that passes every value through `f` into this one, until `f`
    /// returns `Break`. From then on it is closed.
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
