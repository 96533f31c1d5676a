//! What the manager is told beside the outputs.

use std::collections::BTreeSet;
use std::mem;

use super::contain::{Payload, discard};
use super::id::ScanId;
use crate::sync::Mutex;

/// What has happened, and what was asked for, since the manager last read it.
///
/// However often something is asked for, it takes up no more room than once.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// The scans whose threads are done with the run.
    pub(super) exits: Vec<Exit>,
    /// What the drop of an item panicked with, on whichever thread dropped it; the first
    /// counts.
    pub(super) item_panic: Option<Payload>,
    /// The input's own thread is done with the run: the input has been dropped, and the
    /// thread is back in the pool.
    pub(super) input_left: Option<InputLeft>,
    /// Scans were added; they are to be found where added scans are.
    pub(super) added: bool,
    /// The run is to end as if the input did.
    pub(super) stop: bool,
    /// These scans are to end so.
    pub(super) stop_scans: BTreeSet<ScanId>,
    /// The run is to end at once.
    pub(super) abort: bool,
}

/// A scan's thread is done with the run: everything it held has been dropped, all that
/// it emitted is in its output channel, and the thread is back in the pool.
#[derive(Debug)]
pub(super) struct Exit {
    /// The scan that is no more.
    pub(super) id: ScanId,
    /// What it panicked with, if it did.
    pub(super) panic: Option<Payload>,
}

/// How the input's own thread left.
#[derive(Debug)]
pub(super) struct InputLeft {
    /// What the input panicked with, if it did.
    pub(super) panic: Option<Payload>,
}

/// What is asked for from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// That the run end as if the input did.
    Stop,
    /// That one scan end so.
    StopScan(ScanId),
    /// That the run end at once.
    Abort,
}

impl Events {
    /// Takes note of a request.
    pub(super) fn ask(&mut self, request: Request) {
        match request {
            Request::Stop => self.stop = true,
            Request::StopScan(id) => _ = self.stop_scans.insert(id),
            Request::Abort => self.abort = true,
        }
    }

    /// Drops what nobody will read.
    pub(super) fn discard(self) {
        let exits = self.exits.into_iter().filter_map(|exit| exit.panic);
        let input = self.input_left.and_then(|left| left.panic);
        exits.chain(self.item_panic).chain(input).for_each(discard);
    }
}

/// Where events wait for the manager.
#[derive(Debug)]
pub(super) struct Mailbox {
    // INVARIANT: any thread adds, the manager takes all; `None` from the moment that the
    // manager has gone. Nothing of the user's is dropped under the lock.
    events: Mutex<Option<Events>>,
}

impl Mailbox {
    pub(super) fn new() -> Self {
        Self { events: Mutex::new(Some(Events::default())) }
    }

    /// Lends `add` the events that nobody has read; none if nobody will.
    pub(super) fn add<R>(&self, add: impl FnOnce(Option<&mut Events>) -> R) -> R {
        add(self.events.lock().as_mut())
    }

    /// Takes what has come since the last call.
    pub(super) fn take(&self) -> Events {
        self.events.lock().as_mut().map(mem::take).unwrap_or_default()
    }

    /// Takes what has come since, and lets nothing more in.
    pub(super) fn close(&self) -> Events {
        self.events.lock().take().unwrap_or_default()
    }
}

/// What nobody has read was left behind by an input thread that was let go.
// MODEL: loom-tests/tests/ahead.rs::panic_of_an_input_that_was_let_go
impl Drop for Mailbox {
    fn drop(&mut self) {
        self.close().discard();
    }
}
