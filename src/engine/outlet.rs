//! The output of a scan thread: it gathers outputs into batches and sends them.

use std::fmt;
use std::mem;
use std::time::Duration;

use super::batch::Outputs;
use super::batch_size::BatchSize;
use super::meter::{Meter, Scanning};
use super::pace::Pace;
use super::run::{Run, Stage};
use super::trace;
use crate::sync::{Arc, Instant, Sender};

/// Which of a scan's outputs are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// All of them, as they are emitted.
    Every,
    /// All of them, among marks that are sent too; the scan reports how many outputs there are.
    Marked,
}

/// The output side of a scan thread.
///
/// Invariant: between two pieces of a batch of items, nothing that should be sent is held here. A
/// scan waits for input only after it has published all its outputs.
pub(crate) struct Outlet<O> {
    /// Outputs emitted and not yet published.
    gathered: Vec<O>,
    /// How many outputs are published at once.
    size: BatchSize,
    /// The number of gathered outputs at which to check whether it is time to publish.
    look_at: usize,
    /// When the scan began to fill this batch.
    since: Instant,
    /// How long the scan has waited for room since then.
    waited: Duration,
    /// How many outputs the scan has emitted that are not in its figures yet.
    counted: u64,
    kept: Kept,
    sender: Sender<Outputs<O>>,
    capacity: usize,
    pace: Arc<Pace>,
    meter: Arc<Meter>,
    run: Arc<Run>,
}

impl<O> Outlet<O> {
    pub(super) fn new(
        size: BatchSize,
        kept: Kept,
        (sender, capacity): (Sender<Outputs<O>>, usize),
        pace: &Arc<Pace>,
        meter: &Arc<Meter>,
        run: &Arc<Run>,
    ) -> Self {
        let mut outlet = Self {
            gathered: Vec::new(),
            size,
            look_at: 1,
            since: Instant::now(),
            waited: Duration::ZERO,
            counted: 0,
            kept,
            sender,
            capacity,
            pace: Arc::clone(pace),
            meter: Arc::clone(meter),
            run: Arc::clone(run),
        };
        outlet.begin_batch();
        outlet
    }

    /// Takes one output; publishes when the batch is full.
    #[inline]
    pub(crate) fn emit(&mut self, value: O) {
        self.gathered.push(value);
        if self.gathered.len() >= self.look_at {
            self.look();
        }
    }

    /// Records that outputs were emitted, where the outlet cannot count them itself.
    #[inline]
    pub(crate) fn count(&mut self, outputs: u64) {
        if self.kept == Kept::Marked {
            self.counted += outputs;
        }
    }

    /// Returns whether outputs are still wanted.
    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.run.is_aborted()
    }

    /// Returns whether outputs may be no longer wanted, as the input has panicked or the run was
    /// aborted.
    #[inline]
    pub(crate) fn is_severed(&self) -> bool {
        self.run.is(Stage::Severed)
    }

    /// Records when the scan begins a piece of a batch.
    pub(crate) fn begin_piece(&mut self, now: Instant) {
        self.since = now;
        self.waited = Duration::ZERO;
    }

    /// Returns how many items the next piece should have.
    pub(crate) fn piece(&self) -> usize {
        self.pace.items.get()
    }

    /// Learns from a piece of `items` items.
    pub(crate) fn end_piece(&self, items: usize, began: Instant) {
        self.pace.items.learn(items, || began.elapsed().saturating_sub(self.waited));
    }

    /// Publishes what has been gathered.
    pub(crate) fn publish(&mut self) {
        self.send();
        self.settle();
    }

    /// Adds what the scan has emitted to its figures.
    fn settle(&mut self) {
        if self.counted > 0 {
            self.meter.emitted(mem::take(&mut self.counted));
        }
    }

    /// Publishes the batch if it is full or due. So if a scan emits many outputs in one step, or
    /// each takes long, they do not wait for the end of the step.
    #[inline(never)]
    fn look(&mut self) {
        let filled = self.gathered.len();
        let began = self.since;
        // The clock is read at most once.
        let mut took = None;
        let mut elapsed = || *took.get_or_insert_with(|| began.elapsed());
        if !self.size.is_full(filled, &mut elapsed) {
            self.look_at = self.size.next_look(filled);
            return;
        }
        self.size.learn(filled, &mut elapsed);
        self.send();
        if !self.size.is_fixed() {
            self.since = Instant::now();
        }
    }

    /// Sends what has been gathered; blocks while the output channel is full.
    ///
    /// The wait ends because the manager empties the channel whenever it looks, or drops it, and
    /// the bell was rung for everything in the channel.
    ///
    /// In an aborted run, outputs are sent as usual: those gathered before, and those that the
    /// current step emits. They are dropped only if nobody takes them.
    // MODEL: loom-tests/tests/faults.rs::both_sides_full
    // MODEL: loom-tests/tests/panics.rs::outputs_before_an_abort_are_delivered
    fn send(&mut self) {
        if self.gathered.is_empty() {
            return;
        }
        let next = Vec::with_capacity(self.gathered.len());
        let outputs = Outputs::new(mem::replace(&mut self.gathered, next));
        let _span = trace::publish(outputs.len());
        self.begin_batch();
        if self.run.is(Stage::Unheard) {
            return;
        }
        if self.kept == Kept::Every {
            self.counted += outputs.len() as u64;
        }
        self.settle();
        let waiting = self.sender.len();
        // This is the only sender, so it does not wait if the channel has room.
        let full = waiting >= self.capacity;
        let sent =
            if full { self.send_to_full(outputs) } else { self.sender.send(outputs).is_ok() };
        if sent {
            self.meter.published(waiting + usize::from(!full));
            // WAKE: the manager's look at the output channels.
            self.run.ring();
        }
    }

    fn send_to_full(&mut self, outputs: Outputs<O>) -> bool {
        self.meter.time.turn_to(Scanning::WaitForRoom);
        let _span = trace::wait_for_consumer();
        let began = Instant::now();
        let sent = self.sender.send(outputs).is_ok();
        self.waited += began.elapsed();
        self.meter.time.turn_to(Scanning::Work);
        sent
    }

    /// Begins the next batch.
    fn begin_batch(&mut self) {
        self.size.begin(self.pace.outputs.get());
        self.look_at = self.size.next_look(0);
    }
}

impl<O> Drop for Outlet<O> {
    fn drop(&mut self) {
        // Unpublished outputs are dropped like published ones, with panics contained.
        drop(Outputs::new(mem::take(&mut self.gathered)));
    }
}

impl<O> fmt::Debug for Outlet<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outlet").field("gathered", &self.gathered.len()).finish_non_exhaustive()
    }
}
