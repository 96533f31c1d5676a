//! Where the input is pulled: on the consumer's thread, or on one of its own.

use super::contain::Payload;

/// The input of a run, as the manager sees it.
///
/// An input that panics severs its run: scans step over what was pulled before, and leave.
/// Its panic comes as an error, once.
#[allow(unnameable_types, reason = "only passes through what is public")]
pub trait Source {
    /// What the scans are given.
    type Item;

    /// Sends what there is. Never blocks.
    fn send(&mut self);

    /// Pulls items, if that is done on this thread and if they are wanted, and returns
    /// whether anything has changed. Blocks in the input alone.
    ///
    /// # Errors
    ///
    /// Returns the panic of the input.
    fn pull(&mut self) -> Result<bool, Payload>;

    /// Drops the input, of which nothing more is wanted. `pulling` is whether a thread of its
    /// own is inside it.
    ///
    /// # Errors
    ///
    /// Returns the panic of the drop.
    fn release(&mut self, pulling: bool) -> Result<(), Payload>;

    /// Notes that the input's own thread has left the run.
    fn left(&mut self);

    /// Returns whether nothing is left of the input, not even a thread, so that the run can
    /// end when no scan is left either.
    fn has_left(&mut self) -> Left;
}

/// Whether an input has left its run.
#[allow(unnameable_types, reason = "only passes through what is public")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Nobody waits for it.
    Yes,
    /// Very likely it will at once. Ask again.
    Soon,
    /// It will ring.
    No,
}

/// What is done before each batch, where the input is pulled.
#[allow(unnameable_types, reason = "only passes through what is public")]
pub trait Hook {
    /// Whether there is anything to do.
    const CALLED: bool = true;

    /// Called before a batch is pulled. Its panics are taken for panics of the input.
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
