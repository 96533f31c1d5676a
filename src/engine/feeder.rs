//! Where the input is pulled: the two ways to feed a run.

use super::contain::Payload;
use super::feed::Feed;
use crate::sync::Arc;

/// The input side of a run, as the manager sees it.
///
/// An input that panics has its run severed: scans step over what was pulled before, and
/// leave. What it panicked with comes as an error, once.
#[allow(unnameable_types, reason = "only passes through what is public")]
pub trait Feeder {
    /// What the scans are fed with.
    type Item;

    /// Goes on with what is being sent. Never blocks.
    fn dispatch(&mut self);

    /// Pulls items, if that is done on this thread and if it is time to, and says
    /// whether anything has changed. Blocks in the input alone.
    ///
    /// # Errors
    ///
    /// What the input has panicked with.
    fn fill(&mut self) -> Result<bool, Payload>;

    /// Notes that the run can be interrupted from now on.
    fn hold(&mut self);

    /// Where scans can be added.
    fn feed(&self) -> &Arc<Feed<Self::Item>>;

    /// Lets go of the input if no scan is left, and says whether that is so: all the
    /// `known` ones have exited, and no other was added.
    ///
    /// # Errors
    ///
    /// What the drop of the input has panicked with.
    fn retire(&mut self, known: usize) -> Result<bool, Payload>;

    /// Lets go of the scans and of the input.
    ///
    /// # Errors
    ///
    /// What the drop of the input has panicked with.
    fn close(&mut self) -> Result<(), Payload>;

    /// Waits for the input's own thread no more: it has left the run.
    fn let_go(&mut self);

    /// Whether nothing is left of the input, not even a thread, so that the run can
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
