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
    // INVARIANT: scan threads append, the manager takes all; a notice is
    // appended before its ring.
    notices: Mutex<Vec<Notice>>,
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

    /// Publishes a notice, then rings.
    // MODEL: loom-tests/tests/end.rs::two_scans_end_at_once
    pub(super) fn notify(&self, notice: Notice) {
        self.notices.lock().push(notice);
        self.ring();
    }

    /// Takes the notices that have come since the last call.
    pub(super) fn take_notices(&self) -> Vec<Notice> {
        mem::take(&mut *self.notices.lock())
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
