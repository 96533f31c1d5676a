//! A batch that grows until the first scan takes it.

use std::fmt;
use std::mem;

use crate::sync::Mutex;

/// The end of a batch at which items are added. The batch is already in the queues of the scans;
/// the first scan to read it [takes](Self::take) what is there.
///
/// So an item never waits in a half-filled batch while a scan is idle, and a batch grows only while
/// all scans are busy.
// MODEL: loom-tests/tests/ahead.rs::item_added_while_the_batch_is_taken
pub(super) struct Growing<T> {
    state: Mutex<State<T>>,
}

struct State<T> {
    items: Vec<T>,
    // INVARIANT: once it is set, `items` does not grow.
    sealed: bool,
}

impl<T> Growing<T> {
    /// Creates a batch that begins with these items.
    pub(super) fn new(items: Vec<T>) -> Self {
        Self { state: Mutex::new(State { items, sealed: false }) }
    }

    /// Begins anew with these items. The ones before were taken.
    pub(super) fn restart(&mut self, items: Vec<T>) {
        *self = Self::new(items);
    }

    /// Adds an item, or returns it if the batch is sealed.
    #[inline]
    pub(super) fn push(&self, item: T) -> Result<(), T> {
        let mut state = self.state.lock();
        if state.sealed {
            return Err(item);
        }
        state.items.push(item);
        Ok(())
    }

    /// Stops the batch from growing.
    pub(super) fn seal(&self) {
        self.state.lock().sealed = true;
    }

    /// Seals the batch. Calls `keep` with the items under the lock, so that the next thread finds
    /// them kept.
    pub(super) fn take<R>(&self, keep: impl FnOnce(&mut Vec<T>) -> R) -> R {
        let mut state = self.state.lock();
        state.sealed = true;
        keep(&mut state.items)
    }

    /// Seals the batch and removes the items that nobody has taken.
    pub(super) fn empty(&self) -> Vec<T> {
        self.take(mem::take)
    }
}

impl<T> fmt::Debug for Growing<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Growing").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Growing;

    #[test]
    fn one_that_begins_anew_grows_again() {
        let mut growing = Growing::new(vec![1]);
        assert_eq!((growing.push(2), growing.empty()), (Ok(()), vec![1, 2]));
        assert_eq!(growing.push(3), Err(3));
        growing.restart(vec![4]);
        assert_eq!((growing.push(5), growing.empty()), (Ok(()), vec![4, 5]));
    }
}
