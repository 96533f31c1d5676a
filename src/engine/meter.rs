//! The counters that the threads of a run keep.
//!
//! These figures are no part of the protocol: no decision that must be correct depends on them.
//! Each is written by one thread, and any thread may read it at any time.
// ORDERING: all relaxed. A reader may see one figure older than another.

use std::marker::PhantomData;
use std::time::Duration;

use crate::sync::{Counter, Instant, Ordering};

/// The activities that a thread may spend its time on.
pub(crate) trait Activity: Copy {
    /// The index, from zero. No time is kept for the last activity, which is the end.
    fn index(self) -> usize;
}

/// What a scan thread spends its time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scanning {
    /// Its input channel is empty.
    WaitForInput,
    /// It is in the scan.
    Work,
    /// Its output channel is full.
    WaitForRoom,
    /// It has left the run.
    Done,
}

/// What the threads that pull the input and collect outputs spend their time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Managing {
    /// Nothing is ready, or no scan has room.
    WaitForScans,
    /// It is in the input.
    PullInput,
    /// It is in the consumer's code.
    LetConsume,
    /// The run is over.
    Done,
}

impl Activity for Scanning {
    fn index(self) -> usize {
        self as usize
    }
}

impl Activity for Managing {
    fn index(self) -> usize {
        self as usize
    }
}

/// How a thread spends its time.
#[derive(Debug)]
pub(crate) struct Timesheet<A> {
    begun: Instant,
    /// When the thread began its current activity, in nanoseconds since the beginning.
    since: Counter,
    /// The index of the current activity.
    now: Counter,
    /// Nanoseconds that each activity took, up to `since`.
    took: [Counter; 3],
    activity: PhantomData<fn() -> A>,
}

impl<A: Activity> Timesheet<A> {
    pub(super) fn new(doing: A) -> Self {
        let counter = |value: usize| Counter::new(value as u64);
        Self {
            begun: Instant::now(),
            since: counter(0),
            now: counter(doing.index()),
            took: [0; 3].map(counter),
            activity: PhantomData,
        }
    }

    /// Records that the thread turns to another activity.
    pub(super) fn turn_to(&self, doing: A) {
        let now = self.now();
        let since = self.since.load(Ordering::Relaxed);
        if let Some(took) = self.took.get(self.now.load(Ordering::Relaxed) as usize) {
            add(took, now.saturating_sub(since));
        }
        self.since.store(now, Ordering::Relaxed);
        self.now.store(doing.index() as u64, Ordering::Relaxed);
    }

    /// Returns how long the thread has spent on an activity, including the current one.
    pub(crate) fn time(&self, doing: A) -> Duration {
        let mut took = self.took[doing.index()].load(Ordering::Relaxed);
        if self.now.load(Ordering::Relaxed) == doing.index() as u64 {
            took += self.now().saturating_sub(self.since.load(Ordering::Relaxed));
        }
        Duration::from_nanos(took)
    }

    /// Returns how long the thread has spent on an activity other than the current one. Does not
    /// read the clock.
    pub(super) fn past(&self, doing: A) -> Duration {
        Duration::from_nanos(self.took[doing.index()].load(Ordering::Relaxed))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// The figures of one scan.
#[derive(Debug)]
pub(crate) struct Meter {
    pub(crate) time: Timesheet<Scanning>,
    items: Counter,
    outputs: Counter,
    most_input: Counter,
    most_output: Counter,
}

impl Meter {
    pub(super) fn new() -> Self {
        Self {
            time: Timesheet::new(Scanning::WaitForInput),
            items: Counter::new(0),
            outputs: Counter::new(0),
            most_input: Counter::new(0),
            most_output: Counter::new(0),
        }
    }

    /// Records that a batch was taken from a channel that held `held` of them.
    pub(super) fn took_batch(&self, items: usize, held: usize) {
        add(&self.items, items as u64);
        raise(&self.most_input, held as u64);
    }

    /// Records that the scan has emitted more outputs.
    pub(super) fn emitted(&self, outputs: u64) {
        add(&self.outputs, outputs);
    }

    /// Records that outputs were published, and how many batches the channel then held.
    pub(super) fn published(&self, held: usize) {
        raise(&self.most_output, held as u64);
    }

    pub(crate) fn items(&self) -> u64 {
        self.items.load(Ordering::Relaxed)
    }

    pub(crate) fn outputs(&self) -> u64 {
        self.outputs.load(Ordering::Relaxed)
    }

    /// Returns the most batches that the input channel and the output channel have held.
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
