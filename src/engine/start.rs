//! Putting a run together.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::resume_unwind;

use super::batch_size::BatchSize;
use super::contain::{contain, contain_drop, discard, drop_each};
use super::exit_guard::ExitGuard;
use super::feed::Feed;
use super::lanes::Lanes;
use super::manager::Manager;
use super::meter::{Timesheet, manager_does};
use super::outlet::Kept;
use super::run::{Request, Run, Stage};
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
    /// Checks the settings for items of type `T` and outputs of type `O`, and gets a thread
    /// for each of `scans` scans.
    pub(crate) fn new<T, O>(
        threads: impl ThreadSource<'a, Thread = H>,
        config: &Config,
        scans: usize,
    ) -> Result<Self, StartErrorKind> {
        let settings = config.settings::<T>()?;
        let hosts = threads.threads(&settings, &settings.thread_kind_for::<T, O>(), scans)?;
        Ok(Self { settings, hosts })
    }

    /// Starts the run. Of what a scan emits, the manager is given what `kept` says.
    ///
    /// A scan whose name panics has the run not start: no scan is given anything, a flush
    /// included.
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
        let names = match contain(|| names_of(&scans)) {
            Ok(names) => names,
            Err(payload) => {
                // What the drops panic with is not told.
                drop_each(scans).into_iter().chain(contain_drop(input)).for_each(discard);
                resume_unwind(payload)
            }
        };
        // From here on no code of the user's is called on this thread.
        let settings = Arc::new(settings);
        let run = Arc::new(Run::new(I::HAS_THREAD));
        let mut inputs = Vec::with_capacity(scans.len());
        let mut lanes = Lanes::new();
        let mut figures = Vec::new();
        for (index, (scan, host)) in scans.into_iter().zip(hosts).enumerate() {
            let id = ScanId::new(index);
            let (thread, input, side) = ScanThread::new(scan, kept, &settings, &run);
            let (meter, run) = (Arc::clone(&side.meter), Arc::clone(&run));
            figures.push((names.get(&id).cloned(), Arc::clone(&meter)));
            host.host(move |lease| thread.live(ExitGuard::new(id, lease, meter, run)));
            inputs.push(input);
            lanes.add(id, side);
        }
        let feed = Arc::new(Feed::new(inputs, settings.discard_without_scans, &run));
        let time = Arc::new(Timesheet::new(manager_does::LET_CONSUME));
        let own_time = I::HAS_THREAD.then(|| Arc::new(Timesheet::new(manager_does::PULL_INPUT)));
        if let Some(control) = &settings.control {
            let (consumer, input) = (Arc::clone(&time), own_time.clone());
            match control.hold(Arc::clone(&run), Figures::new(consumer, input, figures)) {
                // Before anything is pulled.
                // MODEL: loom-tests/tests/control.rs::stop_before_the_start
                Some(Request::Abort) => {
                    run.advance(Stage::Aborted);
                    feed.close();
                }
                Some(_) => feed.stop(),
                None => {}
            }
        }
        let feeder = input.feeder(Dispatch {
            feed,
            batch_size: settings.batch_size.clone(),
            time: own_time.unwrap_or_else(|| Arc::clone(&time)),
            run: Arc::clone(&run),
        });
        Manager::new(feeder, lanes, names, time, settings, run)
    }
}

/// The names of those that have one.
fn names_of<T, S: Scan<T>>(scans: &[S]) -> BTreeMap<ScanId, Box<str>> {
    let name = |(index, scan): (usize, &S)| Some((ScanId::new(index), Box::from(scan.name()?)));
    scans.iter().enumerate().filter_map(name).collect()
}

/// What a feeder works with.
#[allow(unnameable_types, reason = "only passes through what is public")]
pub struct Dispatch<T> {
    pub(super) feed: Arc<Feed<T>>,
    pub(super) batch_size: BatchSize,
    pub(super) time: Arc<Timesheet>,
    pub(super) run: Arc<Run>,
}

impl<T> fmt::Debug for Dispatch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatch").field("feed", &self.feed).finish_non_exhaustive()
    }
}
