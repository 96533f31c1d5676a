//! Scans whose panics are outputs.

use std::any::Any;
use std::fmt;
use std::ops::ControlFlow;

use super::{Emitter, Scan};
use crate::engine::{contain, discard};

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

    /// Emits what `call` does with the scan; if that panics, drops the scan and
    /// emits the payload.
    fn call<T, R>(
        &mut self,
        out: &mut Emitter<'_, Caught<S::Output>>,
        call: impl FnOnce(&mut S, &mut Emitter<'_, S::Output>) -> R,
    ) -> Option<R>
    where
        S: Scan<T>,
    {
        let scan = self.scan.as_mut()?;
        let emit = |output, out: &mut Emitter<'_, Caught<S::Output>>| {
            out.emit(Ok(output));
            ControlFlow::Continue(())
        };
        match contain(|| out.adapt(emit, |out| call(scan, out))) {
            Ok(result) => Some(result),
            Err(payload) => {
                let scan = Option::take(&mut self.scan);
                // The first panic is the one that is told.
                if let Err(payload) = contain(|| drop(scan)) {
                    discard(payload);
                }
                out.emit(Err(payload));
                None
            }
        }
    }
}

/// An output, or what the scan has panicked with.
type Caught<O> = Result<O, Box<dyn Any + Send>>;

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
