//! What the manager and the scan threads of one run share.

use std::mem;

use super::contain::{Payload, discard};
use super::doorbell::Doorbell;
use crate::id::ScanId;
use crate::sync::{AtomicBool, Mutex, Ordering};

/// The shared side of a run. It holds nothing of the user's but the payloads of
/// panics, on their way to the manager.
#[derive(Debug)]
pub(crate) struct Run {
    /// Set once, by the manager, before it lets go of any channel; read by scan
    /// threads between any two items, and when a channel has come to its end.
    aborted: AtomicBool,
    // INVARIANT: any thread appends, the manager takes all; a notice is appended
    // before its ring.
    notices: Mutex<Vec<Notice>>,
    /// Set by a notice that nothing else tells the manager to expect: that of an
    /// exit follows the disconnection of the scan's output channel.
    unexpected: AtomicBool,
    /// Set with a notice that an input which is pulled on the consumer's thread is to
    /// be interrupted for.
    interrupted: AtomicBool,
    /// Where the manager sleeps.
    doorbell: Doorbell,
    /// Where the input's own thread sleeps, if it has one.
    room: Option<Doorbell>,
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
    /// What a [`Control`](crate::Control) has asked for.
    Asked(Request),
    /// A scan was added; it is to be found where added scans are.
    Added,
    /// The input's own thread is done with the run, with what it panicked with, if it
    /// did. The input has been dropped, and the thread is back in the pool.
    InputLeft(Option<Payload>),
}

/// What is asked for from outside.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Request {
    /// That the run end as if the input did.
    Stop,
    /// That one scan end so.
    StopScan(ScanId),
    /// That the run end at once.
    Abort,
}

impl Run {
    /// What is shared by the threads of a run, the input's own one included if it has
    /// one.
    pub(super) fn new(input_has_thread: bool) -> Self {
        Self {
            room: input_has_thread.then(Doorbell::default),
            aborted: AtomicBool::new(false),
            notices: Mutex::default(),
            unexpected: AtomicBool::new(false),
            interrupted: AtomicBool::new(false),
            doorbell: Doorbell::default(),
        }
    }

    /// Whether the input is pulled on a thread of its own.
    pub(super) fn has_input_thread(&self) -> bool {
        self.room.is_some()
    }

    /// Tells the scan threads to leave at once.
    pub(super) fn abort(&self) {
        // ORDERING: a thread that reads the flag late comes to the end of a channel,
        // whose near end is dropped after this; that publishes the flag.
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
        // WAKE: a scan that has gone has room for everything.
        if let Some(room) = &self.room {
            room.ring();
        }
    }

    /// Publishes that the drop of an item panicked, then rings.
    // MODEL: loom-tests/tests/panics.rs::panic_in_the_drop_of_an_item
    pub(super) fn item_panicked(&self, payload: Payload) {
        self.notify(Notice::ItemPanicked(payload));
    }

    /// Publishes that the input's own thread has left, then rings.
    // MODEL: loom-tests/tests/ahead.rs::input_is_dropped_before_the_end
    pub(super) fn input_left(&self, panic: Option<Payload>) {
        self.notify(Notice::InputLeft(panic));
    }

    /// Publishes that something is asked for, then rings.
    // MODEL: loom-tests/tests/control.rs::stop_from_another_thread
    pub(crate) fn ask(&self, request: Request) {
        if matches!(request, Request::Abort) {
            self.abort();
        }
        self.notify(Notice::Asked(request));
        self.interrupt();
    }

    /// Publishes that a scan was added, then rings; interrupts a batch that is being
    /// filled.
    // MODEL: loom-tests/tests/control.rs::add_races_with_the_end
    pub(super) fn added(&self, filling: bool) {
        self.notify(Notice::Added);
        if filling {
            self.interrupt();
        }
    }

    /// Has an input that is pulled on the consumer's thread leave the batch in hand.
    fn interrupt(&self) {
        // ORDERING: on the thread that pulls it is seen at once, as every thread sees
        // what it did itself. From another thread any item will do.
        self.interrupted.store(true, Ordering::Relaxed);
    }

    /// Whether there was an interruption since [`heed`](Self::heed).
    #[inline]
    pub(super) fn is_interrupted(&self) -> bool {
        // ORDERING: see `interrupt`.
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Begins a look, in which the notices of all interruptions so far are read.
    pub(super) fn heed(&self) {
        // ORDERING: see `interrupt`. A notice is published before the interruption.
        self.interrupted.store(false, Ordering::Relaxed);
    }

    /// Publishes what the manager does not expect, then rings.
    fn notify(&self, notice: Notice) {
        self.notices.lock().push(notice);
        // ORDERING: the flag publishes nothing, it says where to look; the lock
        // above publishes. A manager that misses it has the ring still to come.
        self.unexpected.store(true, Ordering::Relaxed);
        self.ring();
    }

    /// Takes the notices that have come since the last call, if an exit is
    /// expected or there is one of the other kind.
    pub(super) fn take_notices(&self, exit_expected: bool) -> Vec<Notice> {
        // ORDERING: pairs with nothing; see `notify`.
        if exit_expected || self.unexpected.load(Ordering::Relaxed) {
            mem::take(&mut *self.notices.lock())
        } else {
            Vec::new()
        }
    }

    /// Says that there is something for the manager to see: called after publishing
    /// it.
    pub(super) fn ring(&self) {
        self.doorbell.ring();
    }

    /// Says that there is room for batches, to whoever sends them.
    pub(super) fn ring_for_room(&self) {
        self.room.as_ref().unwrap_or(&self.doorbell).ring();
    }

    /// Blocks the manager until something was published since it last woke.
    pub(super) fn wait(&self) {
        self.doorbell.wait();
    }

    /// Blocks the input's own thread until there may be room.
    pub(super) fn wait_for_room(&self) {
        self.room.as_ref().unwrap_or(&self.doorbell).wait();
    }
}

/// What nobody has read was left behind by an input thread that was let go.
// MODEL: loom-tests/tests/ahead.rs::panic_of_an_input_that_was_let_go
impl Drop for Run {
    fn drop(&mut self) {
        for notice in mem::take(&mut *self.notices.lock()) {
            match notice {
                Notice::Exited { panic: Some(payload), .. }
                | Notice::InputLeft(Some(payload))
                | Notice::ItemPanicked(payload) => discard(payload),
                Notice::Exited { .. }
                | Notice::InputLeft(None)
                | Notice::Asked(_)
                | Notice::Added => {}
            }
        }
    }
}
