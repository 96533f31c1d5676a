//! A hold on a run from outside.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};

use crate::engine::{Meter, Request, Run};
use crate::id::ScanId;
use crate::stats::{Figures, Stats};
use crate::sync::{Arc, Mutex};

/// A hold on a run from outside, from any thread: shows what it does, and ends it, or
/// one of its scans.
///
/// Given to a run with [`Config::control`](crate::Config::control). Of several runs it
/// holds the one that was started last. Cheap to clone; all clones hold the same. To
/// add scans, see [`ParDistribute::adder`](crate::ParDistribute::adder).
///
/// # Blocking
///
/// No method blocks. What is asked for is done by the consumer's thread, inside the
/// run's `next`: at once if it waits there, and otherwise when it comes back, from
/// elsewhere or from the input. Nothing is done in a run that has ended.
///
/// # Examples
///
/// ```
/// use anabranch::{Config, Control, IteratorExt, scan};
///
/// let control = Control::new();
/// let config = Config::new().control(&control);
/// let mut counts = Vec::new();
/// let evens = (0_u64..).step_by(2);
/// for (_, x) in evens.par_distribute_with(&config, [scan::cloned()]) {
///     counts.push(x);
///     if x == 10 {
///         control.stop();
///     }
/// }
/// // All that was pulled before has been delivered.
/// assert!(counts.iter().copied().eq((0..).step_by(2).take(counts.len())));
/// assert_eq!(control.stats().scans[0].items, counts.len() as u64);
/// ```
#[derive(Clone, Default)]
pub struct Control {
    held: Arc<Mutex<Option<Held>>>,
}

/// A run that is held.
struct Held {
    run: Arc<Run>,
    figures: Figures,
}

impl Control {
    /// Makes a control that holds nothing until it is given to a run.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Holds a run that is starting, and no other any more.
    pub(crate) fn hold(&self, run: Arc<Run>, figures: Figures) {
        *self.held.lock() = Some(Held { run, figures });
    }

    /// Takes note of a scan that was added to `run`.
    pub(crate) fn note(&self, run: &Arc<Run>, name: Option<Box<str>>, meter: Arc<Meter>) {
        if let Some(held) = &mut *self.held.lock() {
            if Arc::ptr_eq(&held.run, run) {
                held.figures.scans.push((name, meter));
            }
        }
    }

    /// Ends the run as the end of the input does: no item is pulled any more, every
    /// scan is flushed, and what they emit is delivered.
    ///
    /// Called inside the input's `next`, on the consumer's thread, it leaves out the
    /// item that this call returns.
    pub fn stop(&self) {
        self.ask(Request::Stop);
    }

    /// Ends one scan as the end of the input does: it sees no item that is pulled from
    /// now on, is flushed, and what it emits is delivered. The others go on; when it was
    /// the last one, the run ends. Does nothing if the scan has ended.
    ///
    /// A run of [`par_tee`](crate::IteratorExt::par_tee) ends with any of its scans.
    pub fn stop_scan(&self, id: ScanId) {
        self.ask(Request::StopScan(id));
    }

    /// Ends the run at once: the scans leave between two items, without a flush. What
    /// they have emitted before is delivered.
    pub fn abort(&self) {
        self.ask(Request::Abort);
    }

    fn ask(&self, request: Request) {
        let run = self.held.lock().as_ref().map(|held| Arc::clone(&held.run));
        if let Some(run) = run {
            run.ask(request);
        }
    }

    /// What the run has done up to now. Does not hold it up.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.held.lock().as_ref().map_or_else(Stats::default, |held| held.figures.read())
    }
}

// Nothing that can unwind runs while the run that is held is being changed.
impl UnwindSafe for Control {}
impl RefUnwindSafe for Control {}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("stats", &self.stats()).finish()
    }
}
