//! What is put on record while a cell runs, by the values, the scans and the input.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use crate::support::Gate;

/// What is wrong if the input is pulled when the run is over.
pub(crate) const LATE_PULL: &str = "the input was pulled when the run was over";

/// The kinds of values that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Item,
    Output,
    Scan,
    Input,
    Payload,
    Error,
    Key,
}

const KINDS: [Kind; 7] =
    [Kind::Item, Kind::Output, Kind::Scan, Kind::Input, Kind::Payload, Kind::Error, Kind::Key];

/// The record of one cell.
pub(crate) struct Ledger {
    /// Of each kind, how many values were made and how many were dropped.
    counts: [(AtomicUsize, AtomicUsize); KINDS.len()],
    /// How often the input was asked for an item …
    begun: AtomicUsize,
    /// … and how many it has given.
    given: AtomicUsize,
    /// Whether the input is being asked for what comes behind its last item, or was.
    ended: AtomicBool,
    /// Whether the run is over, so that nothing may begin any more.
    over: AtomicBool,
    gate: Gate,
    /// Whether an abort was asked for, by a call that has returned.
    aborted: AtomicBool,
    scans: Vec<ScanRecord>,
    /// What should never happen, and did.
    wrongs: Mutex<Vec<&'static str>>,
    asked: Mutex<Option<Asked>>,
}

/// What one scan did; in a demux, all scans of one key.
#[derive(Debug, Default)]
pub(crate) struct ScanRecord {
    steps: AtomicUsize,
    /// The first item that it stepped over, and one; zero if there was none.
    first: AtomicUsize,
    emitted: AtomicUsize,
    flushes: AtomicUsize,
    /// How many steps began when an abort had been asked for.
    late: AtomicUsize,
}

/// What somebody asked for, and what of the input had been pulled by then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    /// How many items the input had given before.
    pub(crate) given_before: usize,
    /// How often it had been asked for one after, and whether it had come to its end.
    pub(crate) begun_after: usize,
    pub(crate) ended_after: bool,
    /// What came of an add.
    pub(crate) added: Option<Added>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Added {
    /// As the scan of this number.
    As(usize),
    /// Not, as the run has ended.
    Ended,
    /// Not, for want of a thread.
    NoThread,
}

impl Ledger {
    pub(crate) fn new(scans: usize) -> Arc<Self> {
        Arc::new(Self {
            counts: Default::default(),
            begun: AtomicUsize::default(),
            given: AtomicUsize::default(),
            ended: AtomicBool::default(),
            over: AtomicBool::default(),
            gate: Gate::default(),
            aborted: AtomicBool::default(),
            scans: (0..scans).map(|_| ScanRecord::default()).collect(),
            wrongs: Mutex::default(),
            asked: Mutex::default(),
        })
    }

    /// Of what kind not every value was dropped exactly once, and the counts; but for those
    /// that somebody may still have.
    pub(crate) fn unsettled(&self, kept: &[Kind]) -> Option<(Kind, usize, usize)> {
        let mut counts = KINDS.iter().zip(&self.counts).filter(|(kind, _)| !kept.contains(kind));
        counts.find_map(|(kind, (made, dropped))| {
            // In this order, so that one that is made meanwhile is not missed.
            let (dropped, made) = (dropped.load(SeqCst), made.load(SeqCst));
            (made != dropped).then_some((*kind, made, dropped))
        })
    }

    pub(crate) fn scan(&self, scan: usize) -> &ScanRecord {
        &self.scans[scan]
    }

    pub(crate) fn begin_next(&self) {
        if self.over.load(SeqCst) {
            self.wrong(LATE_PULL);
        }
        self.begun.fetch_add(1, SeqCst);
    }

    pub(crate) fn give(&self) {
        self.given.fetch_add(1, SeqCst);
    }

    pub(crate) fn end_input(&self) {
        if self.ended.swap(true, SeqCst) {
            self.wrong("the input was pulled behind its end");
        }
    }

    pub(crate) fn begun(&self) -> usize {
        self.begun.load(SeqCst)
    }

    pub(crate) fn given(&self) -> usize {
        self.given.load(SeqCst)
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(SeqCst)
    }

    /// Nothing may begin from now on.
    pub(crate) fn close(&self) {
        self.over.store(true, SeqCst);
        self.gate.open();
    }

    pub(crate) fn wait_for_the_end(&self) {
        self.gate.pass();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.over.load(SeqCst)
    }

    pub(crate) fn note_abort(&self) {
        self.aborted.store(true, SeqCst);
    }

    pub(crate) fn is_aborted(&self) -> bool {
        self.aborted.load(SeqCst)
    }

    pub(crate) fn note_asked(&self, asked: Asked) {
        *self.asked.lock().unwrap() = Some(asked);
    }

    pub(crate) fn asked(&self) -> Option<Asked> {
        *self.asked.lock().unwrap()
    }

    pub(crate) fn wrong(&self, what: &'static str) {
        self.wrongs.lock().unwrap().push(what);
    }

    /// What went wrong, each thing once.
    pub(crate) fn wrongs(&self) -> Vec<&'static str> {
        let mut wrongs = self.wrongs.lock().unwrap().clone();
        wrongs.sort_unstable();
        wrongs.dedup();
        wrongs
    }

    /// Whether no scan and no input was ever called.
    pub(crate) fn is_untouched(&self) -> bool {
        self.begun() == 0 && self.scans.iter().all(|scan| scan.steps() + scan.flushes() == 0)
    }
}

impl ScanRecord {
    pub(crate) fn step(&self, item: usize, late: bool) {
        self.steps.fetch_add(1, SeqCst);
        self.late.fetch_add(usize::from(late), SeqCst);
        // It is the same scan if this is not the first.
        _ = self.first.compare_exchange(0, item + 1, SeqCst, SeqCst);
    }

    pub(crate) fn emit(&self) {
        self.emitted.fetch_add(1, SeqCst);
    }

    pub(crate) fn flush(&self) {
        self.flushes.fetch_add(1, SeqCst);
    }

    pub(crate) fn steps(&self) -> usize {
        self.steps.load(SeqCst)
    }

    pub(crate) fn first(&self) -> Option<usize> {
        self.first.load(SeqCst).checked_sub(1)
    }

    pub(crate) fn emitted(&self) -> usize {
        self.emitted.load(SeqCst)
    }

    pub(crate) fn flushes(&self) -> usize {
        self.flushes.load(SeqCst)
    }

    pub(crate) fn late(&self) -> usize {
        self.late.load(SeqCst)
    }
}

/// The mark of one value: says when it is made and when it is dropped.
pub(crate) struct Mark {
    kind: Kind,
    ledger: Arc<Ledger>,
}

impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl Mark {
    pub(crate) fn new(kind: Kind, ledger: &Arc<Ledger>) -> Self {
        ledger.counts[kind as usize].0.fetch_add(1, SeqCst);
        Self { kind, ledger: Arc::clone(ledger) }
    }

    pub(crate) fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }
}

impl Clone for Mark {
    fn clone(&self) -> Self {
        Self::new(self.kind, &self.ledger)
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        self.ledger.counts[self.kind as usize].1.fetch_add(1, SeqCst);
    }
}
