//! The emitter: where a scan sends its outputs.

use std::fmt;
use std::ops::ControlFlow;

use crate::engine::{Outlet, Run};

/// A handle through which a scan emits its outputs.
///
/// A scan borrows one for each [`step`](crate::Scan::step) and for its
/// [`flush`](crate::Scan::flush). Code that steps a scan by hand makes one from a `&mut Vec<O>`.
pub struct Emitter<'a, O> {
    sink: Sink<'a, O>,
    /// The run that a scan's thread belongs to.
    run: Option<&'a Run>,
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
    pub(crate) fn outlet(outlet: &'a mut Outlet<O>, run: &'a Run) -> Self {
        Self { sink: Sink::Outlet(outlet), run: Some(run) }
    }

    pub(crate) fn relay(relay: &'a mut dyn Relay<O>, run: Option<&'a Run>) -> Self {
        Self { sink: Sink::Relay(relay), run }
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

    /// Returns whether the run was aborted. Between two outputs, nothing else closes an emitter that
    /// is open; this is faster to ask for every item.
    #[inline]
    pub(crate) fn is_aborted(&self) -> bool {
        self.run.is_some_and(Run::is_aborted)
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
        let run = self.run;
        let mut adapter = Adapter { out: self, f, flow: ControlFlow::Continue(()) };
        body(&mut Emitter::relay(&mut adapter, run))
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

/// Makes an emitter that appends to a vector. It never blocks, and is never closed.
///
/// It steps a scan by hand where [`Scan::apply`](crate::Scan::apply) does not fit, such as in an
/// engine outside this crate.
///
/// ```
/// use anabranch::{Emitter, prelude::*};
///
/// let mut running_sum = scan::scan(0, |sum, x: &i32| { *sum += x; Some(*sum) });
/// let mut outputs = Vec::new();
/// for item in [1, 2, 3] {
///     if running_sum.step(&item, &mut Emitter::from(&mut outputs)).is_break() {
///         break;
///     }
/// }
/// assert_eq!(outputs, [1, 3, 6]);
/// ```
impl<'a, O> From<&'a mut Vec<O>> for Emitter<'a, O> {
    fn from(outputs: &'a mut Vec<O>) -> Self {
        Self::relay(outputs, None)
    }
}

impl<O> fmt::Debug for Emitter<'_, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emitter").field("closed", &self.is_closed()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Emitter;
    use crate::scan::{self, Scan};

    #[test]
    fn a_vector_gets_the_outputs_behind_those_it_has() {
        let mut doubled_sum = scan::map(|x: &i32| x * 2).then(scan::sum::<i32, i32>());
        let mut outputs = vec![7];
        for item in [1, 2] {
            let mut out = Emitter::from(&mut outputs);
            assert!(doubled_sum.step(&item, &mut out).is_continue());
            assert!(!out.is_closed());
        }
        doubled_sum.flush(&mut Emitter::from(&mut outputs));
        assert_eq!(outputs, [7, 6]);
    }

    #[test]
    fn a_scan_that_is_stepped_by_hand_ends_as_in_a_run() {
        let mut two = scan::cloned().take(2);
        let mut outputs = Vec::new();
        let taken = (1..10)
            .take_while(|item| two.step(item, &mut Emitter::from(&mut outputs)).is_continue());
        assert_eq!(taken.count(), 1);
        assert_eq!(outputs, [1, 2]);
    }
}
