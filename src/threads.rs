//! Where the threads of a run come from.

use crate::config::Settings;
use crate::error::StartErrorKind;
use crate::pool::{Lease, ThreadKind};

/// Something that gives a run its threads, each of which may borrow what lives for
/// `'a`.
pub(crate) trait ThreadSource<'a> {
    type Thread: ScanHost<'a>;

    /// Gives `wanted` threads of this kind, or none. Does not wait.
    fn threads(
        self,
        settings: &Settings,
        kind: &ThreadKind,
        wanted: usize,
    ) -> Result<Vec<Self::Thread>, StartErrorKind>;
}

/// A thread that waits for the scan that it is to run. Dropped, it is let go.
pub(crate) trait ScanHost<'a> {
    /// Has the thread run `life`, which takes charge of the lease, if there is one.
    /// A life must not unwind.
    fn host(self, life: impl FnOnce(Option<Lease>) + Send + 'a);
}

/// The pool that the settings name.
#[derive(Debug)]
pub(crate) struct InPool;

impl ThreadSource<'static> for InPool {
    type Thread = Lease;

    fn threads(
        self,
        settings: &Settings,
        kind: &ThreadKind,
        wanted: usize,
    ) -> Result<Vec<Lease>, StartErrorKind> {
        settings.pool.lease(wanted, kind)
    }
}

impl ScanHost<'static> for Lease {
    fn host(self, life: impl FnOnce(Option<Lease>) + Send + 'static) {
        self.start(|lease| life(Some(lease)));
    }
}
