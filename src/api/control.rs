//! Controlling a run from outside.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};

use super::stats::Stats;
use crate::engine::{Figures, PanicOrigin, Request, Run, ScanId};
use crate::sync::{Arc, Mutex};

/// A handle that reports the statistics of a run, and ends the run or one of its scans, from any
/// thread.
///
/// Attached to a run with [`FanOut::control`](crate::FanOut::control). If it is attached to several
/// runs, it controls the one started last. Cheap to clone; all clones control the same run. To add
/// scans, see [`Distribute::adder`](crate::Distribute::adder).
///
/// # Blocking
///
/// No method blocks. The consumer's thread carries out a request inside the run's `next`: at once
/// if it is waiting there, otherwise as soon as it returns to the run from its own work or from the
/// input. A run that has ended ignores requests.
///
/// # Examples
///
/// ```
/// use anabranch::{Control, prelude::*};
///
/// let control = Control::new();
/// let evens = (0_u64..).step_by(2);
/// let mut outputs = Vec::new();
/// for (_, x) in evens.fan_out().control(&control).distribute([scan::cloned()]) {
///     outputs.push(x);
///     if x == 10 {
///         control.stop();
///     }
/// }
/// // Everything that was pulled before the stop has been delivered.
/// assert!(outputs.iter().copied().eq((0..).step_by(2).take(outputs.len())));
/// assert_eq!(control.stats().scans[0].items, outputs.len() as u64);
/// ```
#[derive(Clone, Default)]
pub struct Control {
    // INVARIANT: no lock is taken under this one, and nothing is dropped under it.
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    attached: Option<Attached>,
    latched: Option<Request>,
}

/// The run that is controlled.
struct Attached {
    run: Arc<Run>,
    figures: Arc<Figures>,
}

impl Control {
    /// Makes a control that is attached to no run.
    ///
    /// ```
    /// use anabranch::Control;
    ///
    /// let control = Control::new();
    /// assert!(!control.is_stopped());
    /// assert!(control.stats().scans.is_empty());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Attaches a run that is starting, and detaches the previous one. Returns the latched request,
    /// which the run must carry out too.
    pub(super) fn attach(&self, run: Arc<Run>, figures: Arc<Figures>) -> Option<Request> {
        let mut shared = self.shared.lock();
        let before = shared.attached.replace(Attached { run, figures });
        let latched = shared.latched;
        drop(shared);
        // It may own payloads of panics that never surfaced.
        drop(before);
        latched
    }

    /// Ends the run as if its input had ended: no further item is pulled, every scan is flushed,
    /// and what the scans emit is delivered.
    ///
    /// The stop is a cut at one item: every scan is given the items before it, and none is given
    /// those behind it. If the consumer's thread pulls the input, the cut is at the call of the
    /// input's `next` that is pending, or comes next: that item is given to no scan. If the input
    /// is read ahead, the cut is where its thread is when the consumer's thread handles the stop.
    ///
    /// A stop latches: until [`reset`](Self::reset), a run that is started with this control ends
    /// at once. If the input blocks, a run ends when its `next` returns, unless it is
    /// [read ahead](crate::FanOut::read_ahead).
    ///
    /// Takes effect after what is queued for each scan: at most
    /// [`output_capacity`](crate::FanOut::output_capacity) + 2 batches of outputs, and the outputs
    /// for at most [`input_capacity`](crate::FanOut::input_capacity) + 2 batches of items.
    ///
    /// ```
    /// use anabranch::{Control, prelude::*};
    ///
    /// let control = Control::new();
    /// let input = (1_u64..).inspect(|x| if *x == 101 { control.stop() });
    /// let (count, sum) = input.fan_out().control(&control).fold((scan::count(), scan::sum()));
    /// assert_eq!((count, sum), (100, 5050_u64));
    /// ```
    pub fn stop(&self) {
        self.ask(Request::Stop);
    }

    /// Ends one scan as if the input had ended: the scan sees no item pulled from now on, it is
    /// flushed, and what it emits is delivered.
    ///
    /// The other scans go on; if it was the last one, the run ends. Has no effect if the scan has
    /// ended or has not been added yet.
    ///
    /// The run no longer waits for the scan, which may still have up to
    /// [`input_capacity`](crate::FanOut::input_capacity) + 1 batches to step over. These take
    /// memory in addition to the batches of the other scans.
    ///
    /// In an [ordered](crate::FanOut::ordered) run, the outputs of the flush come in the middle of
    /// the sequence, after those for the scan's last item. A
    /// [`zip_latest`](crate::FanOut::zip_latest) run ends as soon as any of its scans does.
    ///
    /// ```
    /// use anabranch::{Control, ScanId, prelude::*};
    ///
    /// let control = Control::new();
    /// let sums = [scan::sum::<i32, i32>(), scan::sum()];
    /// let run = (1..=4).fan_out().control(&control).distribute(sums);
    /// // No item has been pulled yet.
    /// control.stop_scan(ScanId::new(1));
    ///
    /// let mut sums: Vec<_> = run.map(|(id, sum)| (id.index(), sum)).collect();
    /// sums.sort();
    /// assert_eq!(sums, [(0, 10), (1, 0)]);
    /// ```
    pub fn stop_scan(&self, id: ScanId) {
        self.ask(Request::StopScan(id));
    }

    /// Ends the run at once: no further step starts, and no scan is flushed.
    ///
    /// What was emitted is delivered, in the order of the run, including what steps already in
    /// progress emit. A [fold](crate::FanOut::fold) returns what its totals have accumulated so
    /// far. An abort latches, as a [stop](Self::stop) does.
    ///
    /// ```
    /// use anabranch::{Control, prelude::*};
    ///
    /// let control = Control::new();
    /// let input = (1_u64..).inspect(|x| if *x == 101 { control.abort() });
    /// let [count] = input.fan_out().control(&control).fold([scan::count()]);
    /// // The total has not stepped over all that was pulled.
    /// assert!(count <= 100);
    /// assert!(control.is_aborted());
    /// ```
    pub fn abort(&self) {
        self.ask(Request::Abort);
    }

    /// Clears a latched stop or abort, so that runs started from now on run normally.
    ///
    /// Has no effect on the attached run.
    ///
    /// ```
    /// use anabranch::{Control, prelude::*};
    ///
    /// let control = Control::new();
    /// let sum = || (1..=3).fan_out().control(&control).fold([scan::sum::<i32, i32>()]);
    /// control.stop();
    /// // No item is pulled; the total is flushed.
    /// assert_eq!(sum(), [0]);
    ///
    /// control.reset();
    /// assert_eq!(sum(), [6]);
    /// ```
    pub fn reset(&self) {
        self.shared.lock().latched = None;
    }

    /// Returns `true` if there was a stop or an abort since the last [`reset`](Self::reset).
    ///
    /// ```
    /// use anabranch::Control;
    ///
    /// let control = Control::new();
    /// control.stop();
    /// assert!(control.is_stopped() && !control.is_aborted());
    /// ```
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.shared.lock().latched.is_some()
    }

    /// Returns `true` if there was an abort since the last [`reset`](Self::reset).
    ///
    /// ```
    /// use anabranch::Control;
    ///
    /// let control = Control::new();
    /// control.abort();
    /// assert!(control.is_stopped() && control.is_aborted());
    /// ```
    #[must_use]
    pub fn is_aborted(&self) -> bool {
        self.shared.lock().latched == Some(Request::Abort)
    }

    /// Returns the origin of the panic that ended the run, if there was one. Useful for verbs that
    /// return no iterator.
    ///
    /// ```
    /// use std::panic::{AssertUnwindSafe, catch_unwind};
    /// use anabranch::{Control, PanicOrigin, prelude::*};
    ///
    /// let control = Control::new();
    /// let reciprocals = scan::sum_by(|x: &i32| 100 / x).named("reciprocals");
    /// let run = [2, 1, 0].into_iter().fan_out().control(&control);
    /// let fold = || run.fold((scan::count(), reciprocals));
    /// assert!(catch_unwind(AssertUnwindSafe(fold)).is_err());
    ///
    /// let Some(PanicOrigin::Scan(id)) = control.panicked() else { panic!("it was a scan") };
    /// let name = &control.stats().scans[id.index()].name;
    /// assert_eq!((id.index(), name.as_deref()), (1, Some("reciprocals")));
    /// ```
    #[must_use]
    pub fn panicked(&self) -> Option<PanicOrigin> {
        self.run()?.panicked()
    }

    /// Returns the id of the scan or branch whose error has ended the run, for
    /// [`try_fold`](crate::FanOut::try_fold) and [`try_join`](crate::Branches::try_join).
    ///
    /// ```
    /// use anabranch::{Control, prelude::*};
    ///
    /// let control = Control::new();
    /// let run = (0..100).fan_out().control(&control);
    /// let small = scan::try_for_each(|n: &i32| if *n < 50 { Ok(()) } else { Err(*n) });
    /// let any = scan::try_for_each(|_: &i32| Ok(()));
    /// assert_eq!(run.try_fold((any, small)), Err(50));
    /// assert_eq!(control.failed().map(|id| id.index()), Some(1));
    /// ```
    #[must_use]
    pub fn failed(&self) -> Option<ScanId> {
        self.run()?.failed()
    }

    /// Returns the statistics of the run so far, without interrupting it. They are empty if no run
    /// is attached.
    ///
    /// ```
    /// use anabranch::{Control, prelude::*};
    ///
    /// let control = Control::new();
    /// let even = scan::filter(|x: &i32| x % 2 == 0);
    /// assert_eq!((1..=10).fan_out().control(&control).distribute([even]).count(), 5);
    ///
    /// let stats = control.stats();
    /// assert_eq!((stats.scans[0].items, stats.scans[0].outputs), (10, 5));
    /// ```
    #[must_use]
    pub fn stats(&self) -> Stats {
        let shared = self.shared.lock();
        let figures = shared.attached.as_ref().map(|attached| Arc::clone(&attached.figures));
        drop(shared);
        figures.map_or_else(Stats::default, |figures| Stats::new(&figures))
    }

    fn ask(&self, request: Request) {
        let mut shared = self.shared.lock();
        match request {
            Request::Abort => shared.latched = Some(Request::Abort),
            Request::Stop => shared.latched = shared.latched.or(Some(Request::Stop)),
            Request::StopScan(_) => {}
        }
        let run = shared.run();
        drop(shared);
        if let Some(run) = run {
            run.ask(request);
        }
    }

    fn run(&self) -> Option<Arc<Run>> {
        self.shared.lock().run()
    }
}

impl Shared {
    fn run(&self) -> Option<Arc<Run>> {
        self.attached.as_ref().map(|attached| Arc::clone(&attached.run))
    }
}

// No code that can unwind runs while the attached run is being replaced.
impl UnwindSafe for Control {}
impl RefUnwindSafe for Control {}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("stats", &self.stats()).finish()
    }
}
