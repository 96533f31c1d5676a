//! Scans behind a pointer.

use std::ops::ControlFlow;

use super::{Emitter, Scan};

/// A scan of any type, owned and behind a pointer; made by [`Scan::boxed`].
pub type BoxScan<T, O> = Box<dyn Scan<T, Output = O> + Send>;

impl<T, S: Scan<T> + ?Sized> Scan<T> for Box<S> {
    type Output = S::Output;

    #[inline]
    fn step(&mut self, item: &T, out: &mut Emitter<'_, S::Output>) -> ControlFlow<()> {
        (**self).step(item, out)
    }

    fn flush(&mut self, out: &mut Emitter<'_, S::Output>) {
        (**self).flush(out);
    }

    // Forwarded, so that the loop over the batch is on the far side of the
    // virtual call.
    fn step_batch(&mut self, batch: &[T], out: &mut Emitter<'_, S::Output>) -> ControlFlow<()> {
        (**self).step_batch(batch, out)
    }

    fn name(&self) -> Option<&str> {
        (**self).name()
    }
}
