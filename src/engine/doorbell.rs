//! Where the manager sleeps.

use crate::sync::{Condvar, Mutex};

/// The one place where the manager of a run sleeps. It carries no data: a thread publishes first,
/// and rings afterwards.
///
/// ```text
///            ring                 ring
///          ┌──────┐             ┌──────┐
///          ▼      │             ▼      │
///       silent ───┴──────────► rung ───┘
///          ▲        ring        │
///          └──── wait returns ──┘
/// ```
///
/// Why no wake-up is lost. The manager's cycle is *look, wait, look, wait*, and
/// a wait clears the flag as its last act, before the next look. Take anything
/// published, and the ring that follows it. If the ring comes after the clear,
/// the flag stays set and the next wait returns at once. If it comes before the
/// clear, so did the publication, and the lock that both took makes it visible
/// to the look that follows the clear.
///
/// There is one waiter, the manager, so waking one is waking all.
// MODEL: loom-tests/tests/doorbell.rs::ring_is_never_lost
#[derive(Debug, Default)]
pub(crate) struct Doorbell {
    // INVARIANT: set by `ring`, cleared by `wait`, both under this lock.
    rung: Mutex<bool>,
    bell: Condvar,
}

impl Doorbell {
    /// Wakes the manager, or keeps it from falling asleep.
    // WAKE: `rung`, for the waiter in `wait`.
    pub(crate) fn ring(&self) {
        let mut rung = self.rung.lock();
        if !*rung {
            *rung = true;
            drop(rung);
            self.bell.notify_one();
        }
    }

    /// Blocks until the bell has been rung since the last `wait`.
    // WAKE: `rung`, which `ring` sets.
    // MODEL: loom-tests/tests/doorbell.rs::wait_returns_only_when_rung
    pub(crate) fn wait(&self) {
        let mut rung = self.rung.lock();
        while !*rung {
            rung = self.bell.wait(rung);
        }
        *rung = false;
    }
}
