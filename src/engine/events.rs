//! Events: what the manager receives besides outputs.

use std::collections::BTreeSet;
use std::mem;

use super::contain::{Payload, discard};
use super::id::ScanId;
use crate::sync::Mutex;

/// What has happened and what was requested since the manager last read the events.
///
/// A repeated request takes no more room than a single one.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// The scans whose threads have left the run.
    pub(super) exits: Vec<Exit>,
    /// The payload of a panic in the drop of an item, on whichever thread dropped it; the first
    /// counts.
    pub(super) item_panic: Option<Payload>,
    /// The input's own thread has left the run: the input has been dropped, and the thread is back
    /// in the pool.
    pub(super) input_left: Option<InputLeft>,
    /// Scans were added; the manager takes them from the admission.
    pub(super) added: bool,
    /// The run should end as if the input had ended.
    pub(super) stop: bool,
    /// These scans should end as if the input had ended.
    pub(super) stop_scans: BTreeSet<ScanId>,
    /// The run should end at once.
    pub(super) abort: bool,
}

/// A scan's thread has left the run: everything it held has been dropped, all that it emitted is in
/// its output channel, and the thread is back in the pool.
#[derive(Debug)]
pub(super) struct Exit {
    /// The scan that has exited.
    pub(super) id: ScanId,
    /// The payload, if it panicked.
    pub(super) panic: Option<Payload>,
}

/// How the input's own thread left.
#[derive(Debug)]
pub(super) struct InputLeft {
    /// The payload, if the input panicked.
    pub(super) panic: Option<Payload>,
}

/// A request from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// To end the run as if the input had ended.
    Stop,
    /// To end one scan as if the input had ended.
    StopScan(ScanId),
    /// To end the run at once.
    Abort,
}

impl Events {
    /// Records a request.
    pub(super) fn ask(&mut self, request: Request) {
        match request {
            Request::Stop => self.stop = true,
            Request::StopScan(id) => _ = self.stop_scans.insert(id),
            Request::Abort => self.abort = true,
        }
    }

    /// Drops events that nobody will read.
    pub(super) fn discard(self) {
        let exits = self.exits.into_iter().filter_map(|exit| exit.panic);
        let input = self.input_left.and_then(|left| left.panic);
        exits.chain(self.item_panic).chain(input).for_each(discard);
    }
}

/// Where events wait for the manager.
#[derive(Debug)]
pub(super) struct Mailbox {
    // INVARIANT: any thread adds, the manager takes all; `None` once the manager has gone. No value
    // of the user's is dropped under the lock.
    events: Mutex<Option<Events>>,
}

impl Mailbox {
    pub(super) fn new() -> Self {
        Self { events: Mutex::new(Some(Events::default())) }
    }

    /// Calls `add` with the unread events, or with `None` if the manager has gone.
    pub(super) fn add<R>(&self, add: impl FnOnce(Option<&mut Events>) -> R) -> R {
        add(self.events.lock().as_mut())
    }

    /// Takes the events since the last call.
    pub(super) fn take(&self) -> Events {
        self.events.lock().as_mut().map(mem::take).unwrap_or_default()
    }

    /// Takes the events since the last call, and closes the mailbox.
    pub(super) fn close(&self) -> Events {
        self.events.lock().take().unwrap_or_default()
    }
}

/// Unread events were left by an input thread that was detached.
// MODEL: loom-tests/tests/ahead.rs::panic_of_an_input_that_was_let_go
impl Drop for Mailbox {
    fn drop(&mut self) {
        self.close().discard();
    }
}
