//! A hold on a run from outside.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};

use super::stats::Stats;
use crate::engine::{Figures, PanicOrigin, Request, Run, ScanId};
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
///
/// A stop latches: a run that is started with a control that was stopped, or aborted, ends
/// at once, until the control is [reset](Self::reset).
///
/// ```
/// use anabranch::{Config, Control, IteratorExt, scan};
///
/// let control = Control::new();
/// let config = Config::new().control(&control);
/// control.stop();
/// let mut sums = (1..=3).par_distribute_with(&config, [scan::sum::<i32, i32>()]);
/// // Nothing was pulled, and the scan was flushed.
/// assert_eq!(sums.next().map(|(_, sum)| sum), Some(0));
///
/// control.reset();
/// let mut sums = (1..=3).par_distribute_with(&config, [scan::sum::<i32, i32>()]);
/// assert_eq!(sums.next().map(|(_, sum)| sum), Some(6));
/// ```
#[derive(Clone, Default)]
pub struct Control {
    // INVARIANT: no lock is taken under this one, and nothing is dropped under it.
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    held: Option<Held>,
    latched: Option<Request>,
}

/// A run that is held.
struct Held {
    run: Arc<Run>,
    figures: Arc<Figures>,
}

impl Control {
    /// Makes a control that holds nothing until it is given to a run.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Holds a run that is starting, and no other any more. Gives what was asked for
    /// before, which concerns this run, too.
    pub(super) fn attach(&self, run: Arc<Run>, figures: Arc<Figures>) -> Option<Request> {
        let mut shared = self.shared.lock();
        let before = shared.held.replace(Held { run, figures });
        let latched = shared.latched;
        drop(shared);
        // It may hold payloads of panics that nobody has seen.
        drop(before);
        latched
    }

    /// Ends the run as the end of the input does: no item is pulled any more, every
    /// scan is flushed, and what they emit is delivered.
    ///
    /// An item whose `next` is pending meanwhile is pulled and given to no scan: on the
    /// consumer's thread that is the item of the call in which this is called.
    ///
    /// Takes effect behind what is queued: for each scan at most
    /// [`output_capacity`](crate::Config::output_capacity) + 2 batches of outputs, and
    /// what the [`input_capacity`](crate::Config::input_capacity) + 2 batches of items
    /// give that were pulled before.
    pub fn stop(&self) {
        self.ask(Request::Stop);
    }

    /// Ends one scan as the end of the input does: it sees no item that is pulled from
    /// now on, is flushed, and what it emits is delivered. The others go on; when it was
    /// the last one, the run ends. Does nothing if the scan has ended, or has not begun.
    ///
    /// Nobody waits for it from then on: what it has still to step over, at most
    /// [`input_capacity`](crate::Config::input_capacity) + 1 batches, is alive beside what
    /// the run holds otherwise.
    ///
    /// In a run whose outputs come [in order](crate::Config::ordered) what the flush emits
    /// comes behind the outputs for the scan's last item, in the middle of the sequence. A
    /// run of [`par_tee`](crate::IteratorExt::par_tee) ends with any of its scans.
    pub fn stop_scan(&self, id: ScanId) {
        self.ask(Request::StopScan(id));
    }

    /// Ends the run at once: no further step is begun, and no scan is flushed. What was
    /// emitted is delivered, in the order of the run, and so is what the steps in hand emit.
    ///
    /// A fold that was aborted gives what its scans have emitted before, and most emit at
    /// the flush; [`is_aborted`](Self::is_aborted) tells that from scans with nothing to
    /// say.
    pub fn abort(&self) {
        self.ask(Request::Abort);
    }

    /// Forgets that a stop or an abort was asked for: it concerns no run that is started
    /// from now on. Changes nothing about the one that is held.
    pub fn reset(&self) {
        self.shared.lock().latched = None;
    }

    /// Whether a stop or an abort was asked for since the last [`reset`](Self::reset).
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.shared.lock().latched.is_some()
    }

    /// Whether an abort was asked for since the last [`reset`](Self::reset).
    #[must_use]
    pub fn is_aborted(&self) -> bool {
        self.shared.lock().latched == Some(Request::Abort)
    }

    /// Where the panic came from that ended the run, once there was one. For those who
    /// have no iterator to ask.
    ///
    /// ```
    /// use std::panic::{AssertUnwindSafe, catch_unwind};
    /// use anabranch::{Config, Control, IteratorExt, PanicOrigin, scan::{self, Scan}};
    ///
    /// let control = Control::new();
    /// let config = Config::new().control(&control);
    /// let reciprocal = scan::map(|x: &i32| 100 / x).named("reciprocal");
    /// let fold = || [2, 1, 0].into_iter().par_fold_with(&config, (scan::count(), reciprocal));
    /// assert!(catch_unwind(AssertUnwindSafe(fold)).is_err());
    ///
    /// let Some(PanicOrigin::Scan(id)) = control.panicked() else { panic!("it was a scan") };
    /// let name = &control.stats().scans[id.index()].name;
    /// assert_eq!((id.index(), name.as_deref()), (1, Some("reciprocal")));
    /// ```
    #[must_use]
    pub fn panicked(&self) -> Option<PanicOrigin> {
        self.run()?.panicked()
    }

    fn ask(&self, request: Request) {
        let mut shared = self.shared.lock();
        match request {
            Request::Abort => shared.latched = Some(Request::Abort),
            Request::Stop => shared.latched = shared.latched.or(Some(Request::Stop)),
            Request::StopScan(_) => {}
        }
        let run = shared.held.as_ref().map(|held| Arc::clone(&held.run));
        drop(shared);
        if let Some(run) = run {
            run.ask(request);
        }
    }

    fn run(&self) -> Option<Arc<Run>> {
        self.shared.lock().held.as_ref().map(|held| Arc::clone(&held.run))
    }

    /// What the run has done up to now. Does not hold it up.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let figures = self.shared.lock().held.as_ref().map(|held| Arc::clone(&held.figures));
        figures.map_or_else(Stats::default, |figures| Stats::new(&figures))
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
