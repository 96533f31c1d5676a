//! The figures of a run.

use std::collections::{BTreeMap, VecDeque};

use super::id::ScanId;
use super::meter::{Managing, Meter, Timesheet};
use crate::sync::{Arc, Mutex};

/// How many added scans keep their figures after they have ended.
const KEPT: usize = 100;

/// The counters of a run's threads, by thread.
#[derive(Debug)]
pub(crate) struct Figures {
    /// How the consumer's thread spends its time.
    pub(crate) consumer: Arc<Timesheet<Managing>>,
    /// How the input's own thread spends its time, if it has one.
    pub(crate) input: Option<Arc<Timesheet<Managing>>>,
    // INVARIANT: no lock is taken under this one, and no value of the user's is dropped.
    scans: Mutex<Scans>,
}

#[derive(Debug, Default)]
struct Scans {
    /// All scans that the run started with, all that are running, and the last added ones that have
    /// ended.
    scans: BTreeMap<ScanId, ScanFigures>,
    /// The added scans that have ended, in order of their ends.
    ended: VecDeque<ScanId>,
}

/// The name of a scan, and its counters.
#[derive(Clone, Debug)]
pub(crate) struct ScanFigures {
    pub(crate) name: Option<Box<str>>,
    pub(crate) meter: Arc<Meter>,
}

impl Figures {
    pub(super) fn new(
        consumer: Arc<Timesheet<Managing>>,
        input: Option<Arc<Timesheet<Managing>>>,
    ) -> Self {
        Self { consumer, input, scans: Mutex::default() }
    }

    /// Records that a scan starts.
    pub(super) fn add(&self, id: ScanId, name: Option<Box<str>>, meter: Arc<Meter>) {
        self.scans.lock().scans.insert(id, ScanFigures { name, meter });
    }

    /// Records that an added scan has ended.
    pub(super) fn ended(&self, id: ScanId) {
        let mut scans = self.scans.lock();
        scans.ended.push_back(id);
        if scans.ended.len() > KEPT {
            if let Some(oldest) = scans.ended.pop_front() {
                scans.scans.remove(&oldest);
            }
        }
    }

    /// Returns the scans, in order.
    pub(crate) fn scans(&self) -> Vec<(ScanId, ScanFigures)> {
        let scans = &self.scans.lock().scans;
        scans.iter().map(|(id, figures)| (*id, figures.clone())).collect()
    }
}
