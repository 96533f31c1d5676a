//! Scans that are added while a run goes on.

use std::fmt;
use std::mem;

use super::exit_guard::ExitGuard;
use super::feed::Feed;
use super::outlet::Kept;
use super::run::Run;
use super::scan_thread::{OutputSide, ScanThread};
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
    entered: Mutex<Vec<Entered<O>>>,
    settings: Arc<Settings>,
    run: Arc<Run>,
}

/// A scan that has entered.
pub(super) struct Entered<O> {
    pub(super) id: ScanId,
    pub(super) name: Option<Box<str>>,
    pub(super) side: OutputSide<O>,
}

impl<T, O> Entrance<T, O> {
    pub(super) fn new(feed: Arc<Feed<T>>, settings: Arc<Settings>, run: Arc<Run>) -> Self {
        Self { feed, entered: Mutex::new(Vec::new()), settings, run }
    }

    /// The scans that have entered since the last call.
    pub(super) fn take_entered(&self) -> Vec<Entered<O>> {
        mem::take(&mut *self.entered.lock())
    }

    /// Adds a scan, on a thread of the pool.
    pub(crate) fn add<S>(&self, scan: S) -> Result<ScanId, AddError<S>>
    where
        T: Send + Sync + 'static,
        S: Scan<T, Output = O> + Send + 'static,
        O: Send + 'static,
    {
        if self.has_ended() {
            return Err(AddError::new(AddErrorKind::Ended, scan));
        }
        let kind = self.settings.thread_kind_for::<T, O>();
        let lease = match self.settings.pool.lease(1, &kind) {
            Ok(mut leases) => leases.pop(),
            // The threads may have been taken by runs that began when this one had ended.
            Err(_) if self.has_ended() => return Err(AddError::new(AddErrorKind::Ended, scan)),
            Err(kind) => return Err(AddError::new(AddErrorKind::Thread(kind), scan)),
        };
        let name = scan.name().map(Box::from);
        let (thread, input, side) = ScanThread::new(scan, Kept::Every, &self.settings, &self.run);
        let meter = Arc::clone(&side.meter);
        let register = |id| self.entered.lock().push(Entered { id, name, side });
        let Some(id) = self.feed.add(input, register) else {
            return Err(AddError::new(AddErrorKind::Ended, thread.scan));
        };
        self.run.added();
        if let Some(lease) = lease {
            let run = Arc::clone(&self.run);
            lease.start(move |lease| thread.live(ExitGuard::new(id, Some(lease), meter, run)));
        }
        Ok(id)
    }

    /// Whether the run takes no more scans. Then it never does again.
    fn has_ended(&self) -> bool {
        self.run.is_aborted() || self.run.is_asked_to_end() || !self.feed.is_open()
    }
}

impl<T, O> fmt::Debug for Entrance<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entrance").field("feed", &self.feed).finish_non_exhaustive()
    }
}
