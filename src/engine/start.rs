//! Putting a run together.

use super::exit_guard::ExitGuard;
use super::inlet::Inlet;
use super::lanes::Lanes;
use super::manager::Manager;
use super::outlet::Outlet;
use super::run::Run;
use super::scan_thread::ScanThread;
use crate::config::Config;
use crate::error::{StartError, StartErrorKind};
use crate::id::ScanId;
use crate::scan::Scan;
use crate::sync::{Arc, bounded};

/// Starts a run: all of `scans`, each on a thread of its own, or none.
pub(crate) fn start<I, S>(
    config: &Config,
    input: I,
    scans: Vec<S>,
) -> Result<Manager<I, S::Output>, StartError<I, S>>
where
    I: Iterator,
    I::Item: Send + Sync + 'static,
    S: Scan<I::Item> + Send + 'static,
    S::Output: Send + 'static,
{
    let leased =
        config.settings::<I::Item>().map_err(StartErrorKind::Config).and_then(|settings| {
            let leases = settings.pool.lease(scans.len(), &settings.thread_kind)?;
            Ok((settings, leases))
        });
    let (settings, leases) = match leased {
        Ok(leased) => leased,
        Err(kind) => return Err(StartError::new(kind, input, scans)),
    };
    let run = Arc::new(Run::default());
    let mut lanes = Lanes::new();
    let live = scans.len();
    for (index, (scan, lease)) in scans.into_iter().zip(leases).enumerate() {
        let id = ScanId::new(index);
        let (input, receiver) = bounded(settings.input_capacity);
        let (sender, output) = bounded(settings.output_capacity);
        let inlet = Inlet::new(receiver, settings.input_capacity, &run);
        let outlet = Outlet::new(settings.batch_size.max(), sender, &run);
        let thread = ScanThread { scan, inlet, outlet };
        let run = Arc::clone(&run);
        lease.start(move |lease| thread.live(ExitGuard::new(id, lease, run)));
        lanes.add(id, input, output);
    }
    Ok(Manager::new(input, settings.batch_size, lanes, live, run))
}
