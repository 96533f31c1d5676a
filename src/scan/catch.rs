//! Scans whose panics are outputs.

use std::any::Any;
use std::fmt;
use std::ops::ControlFlow;
use std::panic::resume_unwind;

use super::{Emitter, Scan};
use crate::engine::{contain, contain_drop, discard};

/// Turns a panic into an output; see [`Scan::catch_unwind`].
#[must_use = "a scan does nothing until a run gives it items"]
#[derive(Clone)]
pub struct CatchUnwind<S> {
    /// `None` once it has panicked.
    scan: Option<S>,
}

impl<S> CatchUnwind<S> {
    pub(super) fn new(scan: S) -> Self {
        Self { scan: Some(scan) }
    }

    /// Emits what `call` emits from the scan; if it panics, drops the scan and emits the payload.
    ///
    /// The receiver of the outputs is called from inside the scan, but is not part of it: a panic
    /// there passes the scan by, and the scan finds its emitter closed.
    pub(super) fn call<T, R>(
        &mut self,
        out: &mut Emitter<'_, Caught<S::Output>>,
        call: impl FnOnce(&mut S, &mut Emitter<'_, S::Output>) -> R,
    ) -> Option<R>
    where
        S: Scan<T>,
    {
        let scan = self.scan.as_mut()?;
        let mut downstream = None;
        let emit = |output, out: &mut Emitter<'_, Caught<S::Output>>| match contain(|| {
            out.emit(Ok(output))
        }) {
            Ok(()) => ControlFlow::Continue(()),
            Err(payload) => {
                downstream = Some(payload);
                ControlFlow::Break(())
            }
        };
        let called = contain(|| out.adapt(emit, |out| call(scan, out)));
        if let Some(payload) = downstream {
            called.err().into_iter().for_each(discard);
            resume_unwind(payload);
        }
        match called {
            Ok(result) => Some(result),
            Err(payload) => {
                // The first panic is the one that is reported.
                contain_drop(Option::take(&mut self.scan)).into_iter().for_each(discard);
                out.emit(Err(payload));
                None
            }
        }
    }
}

/// An output, or the payload of the scan's panic.
pub(super) type Caught<O> = Result<O, Box<dyn Any + Send>>;

impl<T, S: Scan<T>> Scan<T> for CatchUnwind<S> {
    type Output = Caught<S::Output>;

    #[inline]
    fn step(&mut self, item: &T, out: &mut Emitter<'_, Self::Output>) -> ControlFlow<()> {
        self.call(out, |scan, out| scan.step(item, out)).unwrap_or(ControlFlow::Break(()))
    }

    fn step_batch(&mut self, batch: &[T], out: &mut Emitter<'_, Self::Output>) -> ControlFlow<()> {
        self.call(out, |scan, out| scan.step_batch(batch, out)).unwrap_or(ControlFlow::Break(()))
    }

    fn flush(&mut self, out: &mut Emitter<'_, Self::Output>) {
        let _ = self.call(out, |scan, out| scan.flush(out));
    }

    fn name(&self) -> Option<&str> {
        self.scan.as_ref()?.name()
    }
}

impl<S: fmt::Debug> fmt::Debug for CatchUnwind<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CatchUnwind").field("scan", &self.scan).finish()
    }
}
