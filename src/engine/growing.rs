//! A batch that grows while it waits for the first scan that takes it.

use std::fmt;
use std::mem;

use crate::sync::Mutex;

/// The end of a batch at which items are added. The batch is in the queues of the
/// scans already; whoever reads it first [takes](Self::take) what is there.
///
/// So an item never waits in a half-filled batch while a scan is idle, and a batch
/// grows just as long as all are busy.
// MODEL: loom-tests/tests/ahead.rs::item_added_while_the_batch_is_taken
pub(super) struct Growing<T> {
    state: Mutex<State<T>>,
}

struct State<T> {
    items: Vec<T>,
    // INVARIANT: set once; then `items` grows no more.
    sealed: bool,
}

impl<T> Growing<T> {
    /// A batch of one item.
    pub(super) fn new(first: T) -> Self {
        Self { state: Mutex::new(State { items: vec![first], sealed: false }) }
    }

    /// Adds an item, or gives it back if the batch is sealed.
    #[inline]
    pub(super) fn push(&self, item: T) -> Result<(), T> {
        let mut state = self.state.lock();
        if state.sealed {
            return Err(item);
        }
        state.items.push(item);
        Ok(())
    }

    /// Has the batch grow no more.
    pub(super) fn seal(&self) {
        self.state.lock().sealed = true;
    }

    /// Seals the batch. Lends the items to `keep`, which is run under the lock, so
    /// that whoever comes second finds them kept.
    pub(super) fn take<R>(&self, keep: impl FnOnce(&mut Vec<T>) -> R) -> R {
        let mut state = self.state.lock();
        state.sealed = true;
        keep(&mut state.items)
    }

    /// Seals the batch and takes out the items that nobody has taken.
    pub(super) fn empty(&self) -> Vec<T> {
        self.take(mem::take)
    }
}

impl<T> fmt::Debug for Growing<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Growing").finish_non_exhaustive()
    }
}
