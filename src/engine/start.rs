//! Putting a run together.

use super::exit_guard::ExitGuard;
use super::inlet::Inlet;
use super::lanes::Lanes;
use super::manager::Manager;
use super::outlet::{Kept, Outlet};
use super::run::Run;
use super::scan_thread::ScanThread;
use crate::config::{Config, Settings};
use crate::error::StartErrorKind;
use crate::id::ScanId;
use crate::pool::Lease;
use crate::scan::Scan;
use crate::sync::{Arc, bounded};

/// All that a run needs but its input and its scans: they can be given to
/// [`start`](Self::start), which cannot fail, or back to the caller.
#[derive(Debug)]
pub(crate) struct Ready {
    settings: Settings,
    leases: Vec<Lease>,
}

impl Ready {
    /// Checks the settings for items of type `T` and leases a thread for each of
    /// `scans` scans.
    pub(crate) fn new<T>(config: &Config, scans: usize) -> Result<Self, StartErrorKind> {
        let settings = config.settings::<T>()?;
        let leases = settings.pool.lease(scans, &settings.thread_kind)?;
        Ok(Self { settings, leases })
    }

    /// Starts the run. Of what a scan emits, the manager is given what `kept` says.
    pub(crate) fn start<I, S>(self, input: I, scans: Vec<S>, kept: Kept) -> Manager<I, S::Output>
    where
        I: Iterator,
        I::Item: Send + Sync + 'static,
        S: Scan<I::Item> + Send + 'static,
        S::Output: Send + 'static,
    {
        let Self { settings, leases } = self;
        debug_assert_eq!(scans.len(), leases.len(), "a thread for each scan");
        let run = Arc::new(Run::default());
        let mut lanes = Lanes::new();
        let live = scans.len();
        for (index, (scan, lease)) in scans.into_iter().zip(leases).enumerate() {
            let id = ScanId::new(index);
            let (input, receiver) = bounded(settings.input_capacity);
            let (sender, output) = bounded(settings.output_capacity);
            let inlet = Inlet::new(receiver, settings.input_capacity, &run);
            let outlet = Outlet::new(settings.batch_size.max(), kept, sender, &run);
            let thread = ScanThread { scan, inlet, outlet };
            let run = Arc::clone(&run);
            lease.start(move |lease| thread.live(ExitGuard::new(id, lease, run)));
            lanes.add(id, input, output);
        }
        Manager::new(input, settings.batch_size, lanes, live, run)
    }
}
