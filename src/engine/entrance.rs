//! Scans that are added while a run goes on.

use std::fmt;
use std::mem;

use super::exit_guard::ExitGuard;
use super::feed::Feed;
use super::outlet::Kept;
use super::run::Run;
use super::scan_thread::{NearSide, ScanThread};
use crate::config::Settings;
use crate::error::{AddError, AddErrorKind};
use crate::id::ScanId;
use crate::scan::Scan;
use crate::sync::{Arc, Mutex};

/// Where a scan enters a run, from any thread.
pub(crate) struct Entrance<T, O> {
    feed: Arc<Feed<T>>,
    // INVARIANT: a scan is put here under the lock of the feed, along with its number. So
    // the feed says how many there have been, and the manager, which takes them out,
    // how many it knows of.
    entered: Mutex<Vec<(ScanId, NearSide<O>)>>,
    settings: Arc<Settings>,
    run: Arc<Run>,
}

impl<T, O> Entrance<T, O> {
    pub(super) fn new(feed: Arc<Feed<T>>, settings: Arc<Settings>, run: Arc<Run>) -> Self {
        Self { feed, entered: Mutex::new(Vec::new()), settings, run }
    }

    /// The scans that have entered since the last call.
    pub(super) fn take_entered(&self) -> Vec<(ScanId, NearSide<O>)> {
        mem::take(&mut *self.entered.lock())
    }

    /// Adds a scan, on a thread of the pool.
    pub(crate) fn add<S>(&self, scan: S) -> Result<ScanId, AddError<S>>
    where
        T: Send + Sync + 'static,
        S: Scan<T, Output = O> + Send + 'static,
        O: Send + 'static,
    {
        let lease = match self.settings.pool.lease(1, &self.settings.thread_kind) {
            Ok(mut leases) => leases.pop(),
            Err(kind) => return Err(AddError::new(AddErrorKind::Thread(kind), scan)),
        };
        if self.run.is_aborted() {
            return Err(AddError::new(AddErrorKind::Ended, scan));
        }
        let (thread, input, near) = ScanThread::new(scan, Kept::Every, &self.settings, &self.run);
        let meter = Arc::clone(&near.meter);
        let Some((id, filling)) = self.feed.add(input, |id| self.entered.lock().push((id, near)))
        else {
            return Err(AddError::new(AddErrorKind::Ended, thread.scan));
        };
        self.run.added(filling);
        if let Some(lease) = lease {
            let run = Arc::clone(&self.run);
            lease.start(move |lease| thread.live(ExitGuard::new(id, Some(lease), meter, run)));
        }
        Ok(id)
    }
}

impl<T, O> fmt::Debug for Entrance<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entrance").field("feed", &self.feed).finish_non_exhaustive()
    }
}
