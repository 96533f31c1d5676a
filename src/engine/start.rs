//! Putting a run together.

use super::exit_guard::ExitGuard;
use super::inlet::Inlet;
use super::lanes::Lanes;
use super::manager::Manager;
use super::meter::{Meter, Timesheet, manager_does};
use super::outlet::{Kept, Outlet};
use super::run::Run;
use super::scan_thread::ScanThread;
use crate::config::{Config, Settings};
use crate::error::StartErrorKind;
use crate::id::ScanId;
use crate::scan::Scan;
use crate::sync::{Arc, bounded};
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
    pub(crate) fn start<I, S>(self, input: I, scans: Vec<S>, kept: Kept) -> Manager<I, S::Output>
    where
        I: Iterator,
        I::Item: Send + Sync + 'a,
        S: Scan<I::Item> + Send + 'a,
        S::Output: Send + 'a,
    {
        let Self { settings, hosts } = self;
        debug_assert_eq!(scans.len(), hosts.len(), "a thread for each scan");
        let run = Arc::new(Run::default());
        let mut lanes = Lanes::new();
        let mut meters = Vec::new();
        let live = scans.len();
        for (index, (scan, host)) in scans.into_iter().zip(hosts).enumerate() {
            let id = ScanId::new(index);
            let (input, receiver) = bounded(settings.input_capacity);
            let (sender, output) = bounded(settings.output_capacity);
            let meter = Arc::new(Meter::new());
            let inlet = Inlet::new(receiver, settings.input_capacity, &meter, &run);
            let outlet = Outlet::new(
                settings.batch_size.max(),
                kept,
                (sender, settings.output_capacity),
                &meter,
                &run,
            );
            if settings.monitor.is_some() {
                meters.push((scan.name().map(Box::from), Arc::clone(&meter)));
            }
            let thread = ScanThread { scan, inlet, outlet };
            let run = Arc::clone(&run);
            host.host(move |lease| thread.live(ExitGuard::new(id, lease, meter, run)));
            lanes.add(id, input, output);
        }
        let time = Arc::new(Timesheet::new(manager_does::LET_CONSUME));
        if let Some(monitor) = settings.monitor {
            monitor.attach(Arc::clone(&time), meters);
        }
        Manager::new(input, settings.batch_size, lanes, live, time, run)
    }
}
