//! Adding scans during a run.

use std::fmt;

use super::error::{AddError, AddErrorKind};
use crate::engine::{Admission, Refusal, ScanId};
use crate::scan::{Driven, Scan};
use crate::sync::Arc;

/// A handle that adds scans to a run from any thread, returned by
/// [`Distribute::adder`](crate::Distribute::adder). Cheap to clone.
///
/// # Examples
///
/// A run that begins without scans, which come and go:
///
/// ```
/// use anabranch::{Control, prelude::*};
///
/// let control = Control::new();
/// let none: [BoxScan<'_, u64, u64>; 0] = [];
/// let run = (0_u64..).fan_out().batch(1).control(&control).discard_without_scans();
/// let mut run = run.distribute(none);
/// let adder = run.adder();
///
/// let evens = adder.add(scan::filter(|x: &u64| x % 2 == 0).named("evens").boxed())?;
/// while let Some((id, x)) = run.next() {
///     assert_eq!((id, run.name(id), x % 2), (evens, Some("evens"), 0));
///     if x >= 10 {
///         break;
///     }
/// }
/// control.stop_scan(evens);
/// let squares = adder.add(scan::map(|x: &u64| x * x).boxed())?;
/// assert!(run.any(|(id, _)| id == squares));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Adder<T, O> {
    admission: Arc<Admission<T, O>>,
}

impl<T, O> Adder<T, O> {
    pub(super) fn new(admission: Arc<Admission<T, O>>) -> Self {
        Self { admission }
    }

    /// Adds a scan to the run, on a thread of the run's pool. For a run in a
    /// [scope](crate::FanOut::on), this is the global pool.
    ///
    /// The scan sees only the items pulled after the call, none pulled before, even if those are
    /// still on their way to other scans. If the thread that pulls the input calls this inside the
    /// input's `next`, the scan sees the item which that `next` returns. The scan gets the next
    /// free number; numbers are never reused.
    ///
    /// # Blocking
    ///
    /// Does not block. The run drops what it keeps of an ended scan when the consumer calls `next`,
    /// so keep calling `next` on a run to which scans are added.
    ///
    /// # Errors
    ///
    /// Returns an error that contains the scan if no thread is available, or if the run takes no
    /// more scans: its input has ended, it was stopped or aborted, or all its scans have ended (but
    /// see [`discard_without_scans`](crate::FanOut::discard_without_scans)).
    pub fn add<S>(&self, scan: S) -> Result<ScanId, AddError<S>>
    where
        T: Send + Sync + 'static,
        S: Scan<T, Output = O> + Send + 'static,
        O: Send + 'static,
    {
        self.admission.add(self.admission.pool(), Driven(scan)).map_err(|(refusal, scan)| {
            let kind = match refusal {
                Refusal::Ended => AddErrorKind::Ended,
                Refusal::Threads(error) => AddErrorKind::Threads(error),
            };
            AddError::new(kind, scan.0)
        })
    }
}

impl<T, O> Clone for Adder<T, O> {
    fn clone(&self) -> Self {
        Self { admission: Arc::clone(&self.admission) }
    }
}

impl<T, O> fmt::Debug for Adder<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adder").field("admission", &self.admission).finish()
    }
}
