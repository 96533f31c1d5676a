//! A scan thread's way out: outputs are gathered into batches and sent.

use std::fmt;
use std::mem;
use std::time::Duration;

use super::batch::Outputs;
use super::batch_size::BatchSize;
use super::meter::{Meter, Scanning};
use super::pace::Pace;
use super::run::{Run, Stage};
use crate::sync::{Arc, Instant, Sender};

/// Which of a scan's outputs travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// All of them, as they come.
    Every,
    /// All of them, among marks that travel along: the scan says how many outputs there
    /// are.
    Marked,
    /// The last one, when the scan exits.
    Last,
}

/// The output side of a scan thread.
///
/// Invariant: between two pieces of a batch of items nothing that travels is held here. A
/// scan waits for input only after it has published all that it emitted, but for the one
/// output that is the last so far.
pub(crate) struct Outlet<O> {
    /// Emitted and not yet published.
    gathered: Vec<O>,
    /// How many are published at once.
    size: BatchSize,
    /// With how many gathered to look whether it is time to publish.
    look_at: usize,
    /// When the scan began to fill this batch.
    since: Instant,
    /// How long it has waited for room meanwhile.
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

    /// Takes note that so many outputs were emitted, where that cannot be seen here.
    #[inline]
    pub(crate) fn count(&mut self, outputs: u64) {
        if self.kept == Kept::Marked {
            self.counted += outputs;
        }
    }

    /// Whether what is emitted is still wanted.
    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.run.is_aborted()
    }

    /// Notes when the scan begins with a piece of a batch.
    pub(crate) fn begin_piece(&mut self, now: Instant) {
        self.since = now;
        self.waited = Duration::ZERO;
    }

    /// How many items the next piece is to have.
    pub(crate) fn piece(&self) -> usize {
        self.pace.items.get()
    }

    /// Learns from a piece of so many items.
    pub(crate) fn end_piece(&self, items: usize, began: Instant) {
        self.pace.items.learn(items, || began.elapsed().saturating_sub(self.waited));
    }

    /// Publishes what has been gathered and need not be held any longer.
    pub(crate) fn publish(&mut self) {
        if self.kept != Kept::Last {
            self.send();
        }
        self.settle();
    }

    /// Sends the last that there is to send.
    pub(crate) fn finish(&mut self) {
        if self.kept == Kept::Last {
            self.counted += self.gathered.len() as u64;
        }
        self.send();
        self.settle();
    }

    /// Puts down in the figures what the scan has emitted.
    fn settle(&mut self) {
        if self.counted > 0 {
            self.meter.emitted(mem::take(&mut self.counted));
        }
    }

    /// Publishes the batch if it is full: of a scan that emits much in one step, or so much
    /// that each output takes its time, nothing waits for the end of the step.
    #[inline(never)]
    fn look(&mut self) {
        if self.kept == Kept::Last {
            return self.keep_the_last();
        }
        let filled = self.gathered.len();
        let began = self.since;
        // The clock is asked once, if at all.
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

    /// Drops the output before the last. That may panic, inside the step that emits.
    fn keep_the_last(&mut self) {
        self.counted += 1;
        let before = self.gathered.swap_remove(0);
        drop(before);
    }

    /// Sends what has been gathered; blocks while the output channel is full.
    ///
    /// The manager empties the channel whenever it looks, or drops it, so the
    /// wait ends. It was rung for everything that fills the channel.
    ///
    /// In a run that has been aborted outputs are sent as ever: those that were gathered
    /// before, and what the step in hand emits. Only when nobody takes them are they dropped.
    // MODEL: loom-tests/tests/faults.rs::both_sides_full
    // MODEL: loom-tests/tests/panics.rs::outputs_before_an_abort_are_delivered
    fn send(&mut self) {
        if self.gathered.is_empty() {
            return;
        }
        let next = Vec::with_capacity(self.gathered.len());
        let outputs = Outputs::new(mem::replace(&mut self.gathered, next));
        self.begin_batch();
        if self.run.is(Stage::Unheard) {
            return;
        }
        if self.kept == Kept::Every {
            self.counted += outputs.len() as u64;
        }
        self.settle();
        let waiting = self.sender.len();
        // Nobody else sends here, so in a channel with room there is no wait.
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
        let began = Instant::now();
        let sent = self.sender.send(outputs).is_ok();
        self.waited += began.elapsed();
        self.meter.time.turn_to(Scanning::Work);
        sent
    }

    /// Begins the next batch.
    fn begin_batch(&mut self) {
        self.size.begin(self.pace.outputs.get());
        self.look_at = match self.kept {
            Kept::Every | Kept::Marked => self.size.next_look(0),
            Kept::Last => 2,
        };
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
