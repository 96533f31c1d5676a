//! What the threads of a run count of themselves.
//!
//! These figures are no part of the protocol: nothing that has to be right is concluded
//! from them.
//! Each is written by one thread and read by anybody at any time.
// ORDERING: all relaxed. A reader may see one figure older than another.

use std::time::Duration;

use crate::sync::{Counter, Instant, Ordering};

/// How a thread spends its time: on one of three things, or on none any more.
#[derive(Debug)]
pub(crate) struct Timesheet {
    begun: Instant,
    /// Nanoseconds since the beginning at which the thread began what it does now.
    since: Counter,
    now: Counter,
    /// Nanoseconds that each thing took, up to `since`.
    took: [Counter; 3],
}

/// What a scan thread spends its time on.
pub(crate) mod scan_does {
    pub(crate) const WAIT_FOR_INPUT: usize = 0;
    pub(crate) const WORK: usize = 1;
    pub(crate) const WAIT_FOR_ROOM: usize = 2;
}

/// What the manager, and whose thread it works on, spend their time on.
pub(crate) mod manager_does {
    pub(crate) const WAIT_FOR_SCANS: usize = 0;
    pub(crate) const PULL_INPUT: usize = 1;
    pub(crate) const LET_CONSUME: usize = 2;
}

/// What a thread does that has left the run.
pub(crate) const NOTHING: usize = 3;

impl Timesheet {
    pub(super) fn new(doing: usize) -> Self {
        let counter = |value: usize| Counter::new(value as u64);
        Self {
            begun: Instant::now(),
            since: counter(0),
            now: counter(doing),
            took: [0; 3].map(counter),
        }
    }

    /// Notes that from now on the thread does something else.
    pub(super) fn turn_to(&self, doing: usize) {
        let now = self.now();
        let since = self.since.load(Ordering::Relaxed);
        if let Some(took) = self.took.get(self.now.load(Ordering::Relaxed) as usize) {
            add(took, now.saturating_sub(since));
        }
        self.since.store(now, Ordering::Relaxed);
        self.now.store(doing as u64, Ordering::Relaxed);
    }

    /// How long the thread has been doing this, what it does now included.
    pub(crate) fn time(&self, doing: usize) -> Duration {
        let mut took = self.took[doing].load(Ordering::Relaxed);
        if self.now.load(Ordering::Relaxed) == doing as u64 {
            took += self.now().saturating_sub(self.since.load(Ordering::Relaxed));
        }
        Duration::from_nanos(took)
    }

    /// How long the thread has done what it does not do now. Does not ask the clock.
    pub(super) fn past(&self, doing: usize) -> Duration {
        Duration::from_nanos(self.took[doing].load(Ordering::Relaxed))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// The figures of one scan.
#[derive(Debug)]
pub(crate) struct Meter {
    pub(crate) time: Timesheet,
    items: Counter,
    outputs: Counter,
    most_input: Counter,
    most_output: Counter,
}

impl Meter {
    pub(super) fn new() -> Self {
        Self {
            time: Timesheet::new(scan_does::WAIT_FOR_INPUT),
            items: Counter::new(0),
            outputs: Counter::new(0),
            most_input: Counter::new(0),
            most_output: Counter::new(0),
        }
    }

    /// Notes that a batch was taken from a channel that held so many.
    pub(super) fn took_batch(&self, items: usize, held: usize) {
        add(&self.items, items as u64);
        raise(&self.most_input, held as u64);
    }

    /// Notes that the scan has emitted so many outputs.
    pub(super) fn emitted(&self, outputs: u64) {
        add(&self.outputs, outputs);
    }

    /// Notes that outputs were published, into a channel that then held so many batches.
    pub(super) fn published(&self, held: usize) {
        raise(&self.most_output, held as u64);
    }

    pub(crate) fn items(&self) -> u64 {
        self.items.load(Ordering::Relaxed)
    }

    pub(crate) fn outputs(&self) -> u64 {
        self.outputs.load(Ordering::Relaxed)
    }

    /// The most batches that the input channel and the output channel have held.
    pub(crate) fn high_water(&self) -> (u64, u64) {
        (self.most_input.load(Ordering::Relaxed), self.most_output.load(Ordering::Relaxed))
    }
}

// There is one writer: a load and a store are enough.
fn add(counter: &Counter, more: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
}

fn raise(counter: &Counter, to: u64) {
    if to > counter.load(Ordering::Relaxed) {
        counter.store(to, Ordering::Relaxed);
    }
}
