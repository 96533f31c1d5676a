//! Scans that are added during a run.

use std::fmt;
use std::mem;

use super::branch::{Branch, OutputSide, connect};
use super::exit_guard::ExitGuard;
use super::fan_out::FanOut;
use super::id::ScanId;
use super::outlet::Kept;
use super::run::Run;
use super::settings::Settings;
use super::trace::ScanSpan;
use crate::sync::{Arc, Mutex};
use crate::threads::{Host, LeaseError, More, Pool};

/// Where a scan enters a run, from any thread.
pub(crate) struct Admission<T, O> {
    fan_out: Arc<FanOut<T>>,
    // INVARIANT: a scan is put here under the lock of the fan-out, which also assigns its number.
    // So the fan-out knows how many scans there have been, and the manager, which takes them out,
    // how many it has seen.
    admitted: Mutex<Vec<Admitted<O>>>,
    settings: Arc<Settings>,
    /// Where the threads of added scans come from.
    pool: Pool,
    run: Arc<Run>,
}

/// Why a scan is not admitted.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The run takes no more scans.
    Ended,
    /// There is no thread for it.
    Threads(LeaseError),
}

/// A scan that was admitted.
pub(super) struct Admitted<O> {
    pub(super) id: ScanId,
    pub(super) name: Option<Box<str>>,
    pub(super) side: OutputSide<O>,
}

impl<T, O> Admission<T, O> {
    pub(super) fn new(
        fan_out: Arc<FanOut<T>>,
        settings: Arc<Settings>,
        pool: Pool,
        run: Arc<Run>,
    ) -> Self {
        Self { fan_out, admitted: Mutex::new(Vec::new()), settings, pool, run }
    }

    /// Takes the scans that were admitted since the last call.
    pub(super) fn take_admitted(&self) -> Vec<Admitted<O>> {
        mem::take(&mut *self.admitted.lock())
    }

    /// Returns the pool of the run.
    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Adds a branch, on a thread from `more`. Returns the branch if it cannot be added.
    pub(crate) fn add<'a, B>(
        &self,
        threads: &impl More<'a>,
        branch: B,
    ) -> Result<ScanId, (Refusal, B)>
    where
        T: Send + Sync + 'a,
        B: Branch<T, Output = O> + Send + 'a,
        O: Send + 'a,
    {
        if self.has_ended() {
            return Err((Refusal::Ended, branch));
        }
        match threads.host(&self.settings.kind_for::<T, O>()) {
            Ok(host) => self.add_on(host, branch).map_err(|branch| (Refusal::Ended, branch)),
            // The threads may have gone to runs that started after this one ended.
            Err(_) if self.has_ended() => Err((Refusal::Ended, branch)),
            Err(error) => Err((Refusal::Threads(error), branch)),
        }
    }

    /// Adds a branch, on this thread. Returns the branch if the run takes no more.
    fn add_on<'a, B>(&self, host: impl Host<'a>, branch: B) -> Result<ScanId, B>
    where
        T: Send + Sync + 'a,
        B: Branch<T, Output = O> + Send + 'a,
        O: Send + 'a,
    {
        let name: Option<Box<str>> = branch.name().map(Box::from);
        let span = ScanSpan::new(name.as_deref());
        let (connected, input, side) = connect(branch, Kept::Every, &self.settings, &self.run);
        let meter = Arc::clone(&side.meter);
        let register = |id| self.admitted.lock().push(Admitted { id, name, side });
        let Some(id) = self.fan_out.add(input, register) else {
            return Err(connected.branch);
        };
        self.run.added();
        let run = Arc::clone(&self.run);
        host.host(move |worker| connected.run(span, ExitGuard::new(id, worker, meter, run)));
        Ok(id)
    }

    /// Returns whether the run takes no more scans. Once true, this stays true.
    fn has_ended(&self) -> bool {
        self.run.is_aborted() || self.run.is_asked_to_end() || !self.fan_out.is_open()
    }
}

impl<T, O> fmt::Debug for Admission<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission").field("fan_out", &self.fan_out).finish_non_exhaustive()
    }
}
