//! Putting a run together.

use std::fmt;

use super::batch_size::BatchSize;
use super::exit_guard::ExitGuard;
use super::feed::Feed;
use super::lanes::Lanes;
use super::manager::Manager;
use super::meter::{Timesheet, manager_does};
use super::outlet::Kept;
use super::run::Run;
use super::scan_thread::ScanThread;
use crate::config::{Config, Settings};
use crate::error::StartErrorKind;
use crate::id::ScanId;
use crate::input::Input;
use crate::scan::Scan;
use crate::stats::Figures;
use crate::sync::Arc;
use crate::threads::{ScanHost, ThreadSource};

/// All that a run needs but its input and its scans: they can be given to
/// [`start`](Self::start), which cannot fail, or back to the caller.
#[derive(Debug)]
pub(crate) struct Ready<H> {
    settings: Settings,
    /// A thread for each scan.
    hosts: Vec<H>,
}

impl<'a, H: ScanHost<'a>> Ready<H> {
    /// Checks the settings for items of type `T` and gets a thread for each of
    /// `scans` scans.
    pub(crate) fn new<T>(
        threads: impl ThreadSource<'a, Thread = H>,
        config: &Config,
        scans: usize,
    ) -> Result<Self, StartErrorKind> {
        let settings = config.settings::<T>()?;
        let hosts = threads.threads(&settings, scans)?;
        Ok(Self { settings, hosts })
    }

    /// Starts the run. Of what a scan emits, the manager is given what `kept` says.
    pub(crate) fn start<I, S>(
        self,
        input: I,
        scans: Vec<S>,
        kept: Kept,
    ) -> Manager<I::Feeder, S::Output>
    where
        I: Input<Item: Send + Sync + 'a>,
        S: Scan<I::Item> + Send + 'a,
        S::Output: Send + 'a,
    {
        let Self { settings, hosts } = self;
        debug_assert_eq!(scans.len(), hosts.len(), "a thread for each scan");
        let settings = Arc::new(settings);
        let run = Arc::new(Run::new(I::HAS_THREAD));
        let mut inputs = Vec::with_capacity(scans.len());
        let mut lanes = Lanes::new();
        let mut meters = Vec::new();
        for (index, (scan, host)) in scans.into_iter().zip(hosts).enumerate() {
            let id = ScanId::new(index);
            let (thread, input, near) = ScanThread::new(scan, kept, &settings, &run);
            let (meter, run) = (Arc::clone(&near.meter), Arc::clone(&run));
            host.host(move |lease| thread.live(ExitGuard::new(id, lease, meter, run)));
            inputs.push(input);
            lanes.add(id, near.output);
            meters.push((near.name, near.meter));
        }
        let time = Arc::new(Timesheet::new(manager_does::LET_CONSUME));
        let own_time = I::HAS_THREAD.then(|| Arc::new(Timesheet::new(manager_does::PULL_INPUT)));
        if let Some(control) = &settings.control {
            let (consumer, input) = (Arc::clone(&time), own_time.clone());
            control.hold(Arc::clone(&run), Figures { consumer, input, scans: meters });
        }
        let feeder = input.feeder(Dispatch {
            feed: Arc::new(Feed::new(inputs, settings.discard_without_scans)),
            batch_size: settings.batch_size.clone(),
            time: own_time.unwrap_or_else(|| Arc::clone(&time)),
            run: Arc::clone(&run),
        });
        Manager::new(feeder, lanes, time, settings, run)
    }
}

/// What a feeder works with.
#[allow(unnameable_types, reason = "only passes through what is public")]
pub struct Dispatch<T> {
    pub(super) feed: Arc<Feed<T>>,
    pub(super) batch_size: BatchSize,
    pub(super) time: Arc<Timesheet>,
    pub(super) run: Arc<Run>,
}

impl<T> Dispatch<T> {
    /// Whether there is anybody to feed, now or later.
    pub(crate) fn is_wanted(&self) -> bool {
        self.feed.is_wanted()
    }
}

impl<T> fmt::Debug for Dispatch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatch").field("feed", &self.feed).finish_non_exhaustive()
    }
}
