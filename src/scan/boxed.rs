//! Scans behind a pointer, and scans that may be missing.

use std::ops::ControlFlow;

use super::{Emitter, Scan};

/// A boxed scan of any type, returned by [`Scan::boxed`]. What it borrows lives for `'a`.
pub type BoxScan<'a, T, O> = Box<dyn Scan<T, Output = O> + Send + 'a>;

impl<T, S: Scan<T> + ?Sized> Scan<T> for Box<S> {
    type Output = S::Output;

    #[inline]
    fn step(&mut self, item: &T, out: &mut Emitter<'_, S::Output>) -> ControlFlow<()> {
        (**self).step(item, out)
    }

    fn flush(&mut self, out: &mut Emitter<'_, S::Output>) {
        (**self).flush(out);
    }

    // Forwarded, so that the loop over the batch is behind the virtual call.
    fn step_batch(&mut self, batch: &[T], out: &mut Emitter<'_, S::Output>) -> ControlFlow<()> {
        (**self).step_batch(batch, out)
    }

    fn name(&self) -> Option<&str> {
        (**self).name()
    }
}

/// `None` is a scan that ends at its first item.
///
/// ```
/// # use anabranch::scan::{self, Scan};
/// let count = |wanted: bool| wanted.then(scan::count);
/// assert_eq!(count(true).apply(["a", "b"]), [2]);
/// assert_eq!(count(false).apply(["a", "b"]), []);
/// ```
impl<T, S: Scan<T>> Scan<T> for Option<S> {
    type Output = S::Output;

    #[inline]
    fn step(&mut self, item: &T, out: &mut Emitter<'_, S::Output>) -> ControlFlow<()> {
        match self {
            Some(scan) => scan.step(item, out),
            None => ControlFlow::Break(()),
        }
    }

    fn flush(&mut self, out: &mut Emitter<'_, S::Output>) {
        if let Some(scan) = self {
            scan.flush(out);
        }
    }

    fn step_batch(&mut self, batch: &[T], out: &mut Emitter<'_, S::Output>) -> ControlFlow<()> {
        match self {
            Some(scan) => scan.step_batch(batch, out),
            None => ControlFlow::Break(()),
        }
    }

    fn name(&self) -> Option<&str> {
        self.as_ref()?.name()
    }
}
