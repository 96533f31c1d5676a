//! Where the input is pulled: on the consumer's thread, or on one of its own.

use super::contain::Payload;

/// The input of a run, as the manager sees it.
///
/// An input that panics severs its run: scans step over what was pulled before, and leave. Its
/// panic is returned as an error, once.
#[allow(unnameable_types, reason = "only passes through what is public")]
pub trait Source {
    /// The type of item that the scans get.
    type Item;

    /// Sends the current batch as far as there is room. Never blocks.
    fn send(&mut self);

    /// Pulls items, if this thread pulls them and they are wanted, and returns whether anything has
    /// changed. Blocks only in the input.
    ///
    /// # Errors
    ///
    /// Returns the panic of the input.
    fn pull(&mut self) -> Result<bool, Payload>;

    /// Drops the input, which is no longer wanted. `pulling` is whether its own thread is inside
    /// it.
    ///
    /// # Errors
    ///
    /// Returns the panic of the drop.
    fn release(&mut self, pulling: bool) -> Result<(), Payload>;

    /// Records that the input's own thread has left the run.
    fn left(&mut self);

    /// Returns whether the input and its thread have left, so that the run can end once no scan is
    /// left either.
    fn has_left(&mut self) -> Left;
}

/// Whether an input has left its run.
#[allow(unnameable_types, reason = "only passes through what is public")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Yes, or it was detached: the run does not wait for it.
    Yes,
    /// Not yet, but very likely at once. Check again.
    Soon,
    /// No. It will ring when it leaves.
    No,
}

/// A hook that runs before each batch, where the input is pulled.
#[allow(unnameable_types, reason = "only passes through what is public")]
pub trait Hook {
    /// Whether the hook does anything.
    const CALLED: bool = true;

    /// Called before a batch is pulled. Its panics count as panics of the input.
    fn before_batch(&mut self);
}

/// Does nothing.
#[allow(unnameable_types, reason = "only passes through what is public")]
#[derive(Clone, Copy, Debug)]
pub struct NoHook;

impl Hook for NoHook {
    const CALLED: bool = false;

    #[inline]
    fn before_batch(&mut self) {}
}
