//! What the manager and the scan threads of one run share.

use std::mem;

use super::contain::Payload;
use super::doorbell::Doorbell;
use crate::id::ScanId;
use crate::sync::{AtomicBool, Mutex, Ordering};

/// The shared side of a run. It holds nothing of the user's but the payloads of
/// panics, on their way to the manager.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// Set once, by the manager; read by scan threads between any two items.
    aborted: AtomicBool,
    // INVARIANT: any thread appends, the manager takes all; a notice is appended
    // before its ring.
    notices: Mutex<Vec<Notice>>,
    /// Set by a notice that nothing else tells the manager to expect: that of an
    /// exit follows the disconnection of the scan's output channel.
    unexpected: AtomicBool,
    doorbell: Doorbell,
}

/// What the manager is told beside the outputs.
#[derive(Debug)]
pub(super) enum Notice {
    /// A scan's thread is done with the run: everything it held has been
    /// dropped, all that it emitted is in its output channel, and the thread is
    /// back in the pool.
    Exited {
        /// The scan that is no more.
        id: ScanId,
        /// What it panicked with, if it did.
        panic: Option<Payload>,
    },
    /// The drop of an item panicked, on whichever thread let go of it last.
    ItemPanicked(Payload),
}

impl Run {
    /// Tells the scan threads to leave at once.
    pub(super) fn abort(&self) {
        // ORDERING: the flag publishes nothing. A thread that reads it late
        // finds its channels disconnected, which no thread can miss.
        self.aborted.store(true, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn is_aborted(&self) -> bool {
        // ORDERING: pairs with nothing; see `abort`.
        self.aborted.load(Ordering::Relaxed)
    }

    /// Publishes that a scan's thread is done with the run, then rings.
    // MODEL: loom-tests/tests/end.rs::two_scans_end_at_once
    pub(super) fn exited(&self, id: ScanId, panic: Option<Payload>) {
        self.notices.lock().push(Notice::Exited { id, panic });
        self.ring();
    }

    /// Publishes that the drop of an item panicked, then rings.
    // MODEL: loom-tests/tests/panics.rs::panic_in_the_drop_of_an_item
    pub(super) fn item_panicked(&self, payload: Payload) {
        self.notices.lock().push(Notice::ItemPanicked(payload));
        // ORDERING: the flag publishes nothing, it says where to look; the lock
        // above publishes. A manager that misses it has the ring still to come.
        self.unexpected.store(true, Ordering::Relaxed);
        self.ring();
    }

    /// Takes the notices that have come since the last call, if an exit is
    /// expected or there is one of the other kind.
    pub(super) fn take_notices(&self, exit_expected: bool) -> Vec<Notice> {
        // ORDERING: pairs with nothing; see `item_panicked`.
        if exit_expected || self.unexpected.load(Ordering::Relaxed) {
            mem::take(&mut *self.notices.lock())
        } else {
            Vec::new()
        }
    }

    /// Says that there is something to see: called after publishing it.
    pub(super) fn ring(&self) {
        self.doorbell.ring();
    }

    /// Blocks the manager until something was published since it last woke.
    pub(super) fn wait(&self) {
        self.doorbell.wait();
    }
}
