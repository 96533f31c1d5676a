//! Scans that emit their state after each item.

use std::ops::ControlFlow;

use super::steps::{Folding, Keeping};
use super::{Emitter, Fold, Keep, Scan};

/// A scan that emits its state after each item, and nothing at the flush; see [`Fold::running`] and
/// [`Keep::running`].
#[must_use = "a scan does nothing until a run gives it items"]
#[derive(Clone, Debug)]
pub struct Running<S>(S);

impl<B, F> Fold<B, F> {
    /// Emits a clone of the state after each item, and nothing at the flush.
    ///
    /// ```
    /// # use anabranch::scan::{self, Scan};
    /// assert_eq!(scan::count().running().apply(["a", "b"]), [1, 2]);
    /// assert_eq!(scan::sum::<i32, i32>().running().apply([1, 2, 3]), [1, 3, 6]);
    /// ```
    pub fn running(self) -> Running<Self>
    where
        B: Clone,
    {
        Running(self)
    }
}

impl<T, F> Keep<T, F> {
    /// Emits a clone of what is kept after each item, and nothing at the flush.
    ///
    /// ```
    /// # use anabranch::scan::{self, Scan};
    /// assert_eq!(scan::max().running().apply([1, 3, 2]), [1, 3, 3]);
    /// ```
    pub fn running(self) -> Running<Self>
    where
        T: Clone,
    {
        Running(self)
    }
}

impl<T, B: Clone, F: Folding<T, B>> Scan<T> for Running<Fold<B, F>> {
    type Output = B;

    #[inline]
    fn step(&mut self, item: &T, out: &mut Emitter<'_, B>) -> ControlFlow<()> {
        self.0.step(item, out)?;
        self.0.state.iter().for_each(|state| out.emit(state.clone()));
        ControlFlow::Continue(())
    }
}

impl<T: Clone, F: Keeping<T>> Scan<T> for Running<Keep<T, F>> {
    type Output = T;

    #[inline]
    fn step(&mut self, item: &T, out: &mut Emitter<'_, T>) -> ControlFlow<()> {
        self.0.step(item, out)?;
        self.0.kept.iter().for_each(|kept| out.emit(kept.clone()));
        ControlFlow::Continue(())
    }
}
