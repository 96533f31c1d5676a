//! Adding scans to a run that goes on.

use std::fmt;

use crate::engine::Entrance;
use crate::error::AddError;
use crate::id::ScanId;
use crate::scan::Scan;
use crate::sync::Arc;

/// Adds scans to a run that goes on, from any thread; made by
/// [`ParDistribute::adder`](crate::ParDistribute::adder). Cheap to clone.
pub struct Adder<T, O> {
    entrance: Arc<Entrance<T, O>>,
}

impl<T, O> Adder<T, O> {
    pub(crate) fn new(entrance: Arc<Entrance<T, O>>) -> Self {
        Self { entrance }
    }

    /// Adds a scan to the run, on a thread of the run's [pool](crate::Config::pool).
    ///
    /// The scan sees just the items that are pulled after the call: none that was
    /// pulled before, though it may still be on its way to others. Called by the thread
    /// that pulls the input, inside the input's `next`, that includes the item which
    /// this call of `next` returns. The number of the scan is the next one; numbers are
    /// never used again.
    ///
    /// # Blocking
    ///
    /// Does not block. What the run keeps of a scan that has ended goes when the consumer calls
    /// `next`: a run to which scans are added is to be polled.
    ///
    /// # Errors
    ///
    /// Refuses a scan if the run takes no more, because its input has ended, it was
    /// stopped or aborted, or all its scans have ended (but see
    /// [`discard_without_scans`](crate::Config::discard_without_scans)); or if no
    /// thread is to be had. The error gives back the scan.
    pub fn add<S>(&self, scan: S) -> Result<ScanId, AddError<S>>
    where
        T: Send + Sync + 'static,
        S: Scan<T, Output = O> + Send + 'static,
        O: Send + 'static,
    {
        self.entrance.add(scan)
    }
}

impl<T, O> Clone for Adder<T, O> {
    fn clone(&self) -> Self {
        Self { entrance: Arc::clone(&self.entrance) }
    }
}

impl<T, O> fmt::Debug for Adder<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adder").field("entrance", &self.entrance).finish()
    }
}
