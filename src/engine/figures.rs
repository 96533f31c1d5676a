//! Where the figures of a run are.

use std::collections::{BTreeMap, VecDeque};

use super::id::ScanId;
use super::meter::{Managing, Meter, Timesheet};
use crate::sync::{Arc, Mutex};

/// Of so many scans that were added and have ended the figures are kept.
const KEPT: usize = 100;

/// What the threads of a run count, by thread.
#[derive(Debug)]
pub(crate) struct Figures {
    /// How the consumer's thread spends its time.
    pub(crate) consumer: Arc<Timesheet<Managing>>,
    /// How the input's own thread does, if it has one.
    pub(crate) input: Option<Arc<Timesheet<Managing>>>,
    // INVARIANT: no lock is taken under this one, and nothing of the user's is dropped.
    scans: Mutex<Scans>,
}

#[derive(Debug, Default)]
struct Scans {
    /// All that the run was started with, all that go on, and the last that have ended.
    scans: BTreeMap<ScanId, ScanFigures>,
    /// Those that were added and have ended, in this order.
    ended: VecDeque<ScanId>,
}

/// The name of a scan, and what it counts.
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

    /// Notes a scan that begins.
    pub(super) fn add(&self, id: ScanId, name: Option<Box<str>>, meter: Arc<Meter>) {
        self.scans.lock().scans.insert(id, ScanFigures { name, meter });
    }

    /// Notes that a scan which was added has ended.
    pub(super) fn ended(&self, id: ScanId) {
        let mut scans = self.scans.lock();
        scans.ended.push_back(id);
        if scans.ended.len() > KEPT {
            if let Some(oldest) = scans.ended.pop_front() {
                scans.scans.remove(&oldest);
            }
        }
    }

    /// The scans, in order.
    pub(crate) fn scans(&self) -> Vec<(ScanId, ScanFigures)> {
        let scans = &self.scans.lock().scans;
        scans.iter().map(|(id, figures)| (*id, figures.clone())).collect()
    }
}
