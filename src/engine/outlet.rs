//! A scan thread's way out: outputs are gathered into batches and sent.

use std::fmt;
use std::mem;

use super::batch::Outputs;
use super::meter::{Meter, scan_does};
use super::run::Run;
use crate::sync::{Arc, Sender};

/// Which of a scan's outputs travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// All of them, as they come.
    Every,
    /// The last one, when the scan exits.
    Last,
}

/// The output side of a scan thread.
///
/// Invariant: between two batches of items nothing that travels is held here. A scan waits for input only after it has published all that it emitted,
/// but for the one output that is the last so far.
pub(crate) struct Outlet<O> {
    /// Emitted and not yet published; at most `limit`.
    gathered: Vec<O>,
    limit: usize,
    kept: Kept,
    sender: Sender<Outputs<O>>,
    capacity: usize,
    meter: Arc<Meter>,
    run: Arc<Run>,
}

impl<O> Outlet<O> {
    pub(super) fn new(
        limit: usize,
        kept: Kept,
        (sender, capacity): (Sender<Outputs<O>>, usize),
        meter: &Arc<Meter>,
        run: &Arc<Run>,
    ) -> Self {
        let (meter, run) = (Arc::clone(meter), Arc::clone(run));
        Self { gathered: Vec::new(), limit, kept, sender, capacity, meter, run }
    }

    /// Takes one output; publishes when the batch is full.
    #[inline]
    pub(crate) fn emit(&mut self, value: O) {
        self.gathered.push(value);
        if self.gathered.len() >= self.limit {
            self.publish();
        }
    }

    /// Whether nobody listens any more. The manager drops the channel only after
    /// it has aborted the run.
    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.run.is_aborted()
    }

    /// Lets go of what has been gathered and need not be held any longer.
    #[inline(never)]
    pub(super) fn publish(&mut self) {
        match self.kept {
            Kept::Every => self.send(),
            Kept::Last => self.forget_all_but_the_last(),
        }
    }

    /// Sends the last that there is to send.
    pub(super) fn finish(&mut self) {
        if self.kept == Kept::Last {
            self.forget_all_but_the_last();
        }
        self.send();
    }

    fn forget_all_but_the_last(&mut self) {
        if let Some(last) = self.gathered.len().checked_sub(1) {
            self.gathered.swap(0, last);
            self.gathered.truncate(1);
        }
    }

    /// Sends what has been gathered; blocks while the output channel is full.
    ///
    /// The manager empties the channel whenever it looks, or drops it, so the
    /// wait ends. It was rung for everything that fills the channel.
    // MODEL: loom-tests/tests/faults.rs::both_sides_full
    fn send(&mut self) {
        if self.gathered.is_empty() {
            return;
        }
        let next = Vec::with_capacity(self.gathered.len());
        let outputs = Outputs::new(mem::replace(&mut self.gathered, next));
        let (count, waiting) = (outputs.len(), self.sender.len());
        // Nobody else sends here, so in a channel with room there is no wait.
        let full = waiting >= self.capacity;
        if full {
            self.meter.time.turn_to(scan_does::WAIT_FOR_ROOM);
        }
        // What is not sent is dropped: the run has been aborted.
        if !self.is_closed() && self.sender.send(outputs).is_ok() {
            self.meter.published(count, waiting + usize::from(!full));
            // WAKE: the manager's look at the output channels.
            self.run.ring();
        }
        if full {
            self.meter.time.turn_to(scan_does::WORK);
        }
    }
}

impl<O> Drop for Outlet<O> {
    fn drop(&mut self) {
        // What was not published is dropped as outputs are, panics contained.
        drop(Outputs::new(mem::take(&mut self.gathered)));
    }
}

impl<O> fmt::Debug for Outlet<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outlet").field("gathered", &self.gathered.len()).finish_non_exhaustive()
    }
}
