//! The one way out of a scan thread.

use super::contain::Payload;
use super::id::ScanId;
use super::meter::{Meter, Scanning};
use super::run::Run;
use crate::sync::Arc;
use crate::threads::Worker;

/// Reports on drop that a scan has exited: ended, flushed, aborted or panicked.
///
/// Invariant: it is the first thing that a scan thread owns and the last that it drops, so at this
/// point the thread has dropped the scan, every item and output, and its ends of the two channels.
/// (Its queue went with the inlet; outputs are dropped with their channel's other end, which the
/// manager drops before the run ends.) Then, in this order:
///
/// 1. the thread returns to the pool, so that once the run has ended, another run can start on it;
/// 2. the exit is published;
/// 3. the manager is rung.
// MODEL: loom-tests/tests/end.rs::everything_is_dropped_before_the_end
// MODEL: loom-tests/tests/pool.rs::a_full_pool_is_free_again_when_the_run_has_ended
#[derive(Debug)]
pub(super) struct ExitGuard {
    id: ScanId,
    worker: Option<Worker>,
    panic: Option<Payload>,
    meter: Arc<Meter>,
    run: Arc<Run>,
}

impl ExitGuard {
    pub(super) fn new(
        id: ScanId,
        worker: Option<Worker>,
        meter: Arc<Meter>,
        run: Arc<Run>,
    ) -> Self {
        Self { id, worker, panic: None, meter, run }
    }

    /// Which scan it is.
    pub(super) fn id(&self) -> ScanId {
        self.id
    }

    /// The figures of the scan.
    pub(super) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Records the panic of the branch, if there was one.
    pub(super) fn note(&mut self, panic: Option<Payload>) {
        self.panic = panic;
    }
}

impl Drop for ExitGuard {
    fn drop(&mut self) {
        self.meter.time.turn_to(Scanning::Done);
        self.worker = None;
        self.run.exited(self.id, self.panic.take());
    }
}
