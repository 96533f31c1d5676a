//! What one scan did, as it notes itself.

use std::sync::Mutex;

use super::board::lock;
use super::program::{Plan, Steps};

/// One scan's notes.
pub(crate) struct Log {
    /// In the order in which the scans were made.
    pub(crate) number: usize,
    pub(crate) plan: Plan,
    /// The key, in a demux.
    pub(crate) key: Option<u64>,
    record: Mutex<Record>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    /// The items that it was given, and when the step over each began.
    pub(crate) steps: Vec<(u64, u64)>,
    /// How many steps have returned.
    pub(crate) completed: usize,
    /// When each call for a batch began.
    pub(crate) batches: Vec<u64>,
    pub(crate) emitted: Vec<Emitted>,
    pub(crate) flush: Flush,
    /// Whether it said that it had ended.
    pub(crate) ended: bool,
    pub(crate) refused: bool,
    /// What it should never have been asked.
    pub(crate) wrong: Vec<&'static str>,
}

/// Something that a scan emitted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Emitted {
    pub(crate) value: u64,
    /// How many items the scan had been given by then.
    pub(crate) items: usize,
    pub(crate) in_flush: bool,
    pub(crate) tick: u64,
    pub(crate) delivered: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Flush {
    #[default]
    None,
    Begun,
    Done,
}

impl Log {
    pub(crate) fn new(number: usize, plan: Plan, key: Option<u64>) -> Self {
        Self { number, plan, key, record: Mutex::default() }
    }

    pub(crate) fn record(&self) -> Record {
        lock(&self.record).clone()
    }

    pub(crate) fn note_batch(&self, tick: u64) {
        lock(&self.record).batches.push(tick);
    }

    pub(crate) fn note_step(&self, item: u64, tick: u64) {
        let record = &mut *lock(&self.record);
        if record.ended {
            record.wrong.push("a step after its end");
        }
        if record.flush != Flush::None {
            record.wrong.push("a step after its flush");
        }
        if record.refused {
            record.wrong.push("a step though it was refused");
        }
        if self.plan.steps != Steps::Whole && record.completed < record.steps.len() {
            record.wrong.push("a step after its panic");
        }
        // The step before has returned, or there would not be this one.
        record.completed = record.steps.len();
        record.steps.push((item, tick));
    }

    pub(crate) fn note_completion(&self, ended: bool) {
        let record = &mut *lock(&self.record);
        record.completed = record.steps.len();
        record.ended |= ended;
    }

    /// Notes an output, and gives its number.
    pub(crate) fn note_output(&self, value: u64, tick: u64, delivered: u64) -> u64 {
        let record = &mut *lock(&self.record);
        let (items, in_flush) = (record.steps.len(), record.flush != Flush::None);
        record.emitted.push(Emitted { value, items, in_flush, tick, delivered });
        record.emitted.len() as u64 - 1
    }

    pub(crate) fn note_flush(&self) {
        let record = &mut *lock(&self.record);
        if record.ended {
            record.wrong.push("a flush after its end");
        }
        if record.flush != Flush::None {
            record.wrong.push("a second flush");
        }
        if record.refused {
            record.wrong.push("a flush though it was refused");
        }
        record.flush = Flush::Begun;
    }

    pub(crate) fn note_flushed(&self) {
        lock(&self.record).flush = Flush::Done;
    }

    pub(crate) fn note_refusal(&self) {
        lock(&self.record).refused = true;
    }
}
