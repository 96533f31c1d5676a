//! Threads reserved for one run.

use std::fmt;

use super::Pool;

/// Threads of a [`Pool`], reserved for one run; returned by [`Pool::lease`].
///
/// A run uses one thread for each scan, and one more if its input is
/// [read ahead](crate::FanOut::read_ahead). On a lease of as many it starts without fail; on a
/// smaller one its verb panics, and says how many it needs. What is left is for scans that are
/// added while the run goes on; the thread of a scan that has ended is available again a moment
/// after its last output. [`demux`](crate::FanOut::demux) makes as many shards as there
/// are threads for. The threads go back to the pool when the run has been dropped, or the lease,
/// if no run was started on it.
///
/// The threads are those that the pool has by default. For a run that asks for a
/// [name](crate::FanOut::thread_name) or a [stack size](crate::FanOut::stack_size), or whose
/// items or outputs are big values, they are started anew, which the operating system may
/// refuse.
///
/// # Examples
///
/// ```
/// use anabranch::{Pool, prelude::*};
///
/// let pool = Pool::with_max_threads(3);
/// let lease = pool.lease(2)?;
/// assert!(pool.lease(2).is_err_and(|error| error.is_full()));
///
/// let (count, sum) = (1..=4).fan_out().on(lease).fold((scan::count(), scan::sum::<i32, i32>()));
/// assert_eq!((count, sum), (4, 10));
/// assert_eq!((pool.in_use(), pool.idle()), (0, 2));
/// # Ok::<(), anabranch::LeaseError>(())
/// ```
#[must_use = "dropped at once, the threads go back to the pool"]
pub struct Lease {
    /// A pool of only these threads, which returns them when it is dropped.
    pub(super) pool: Pool,
}

impl Lease {
    /// Returns the number of threads.
    #[must_use]
    pub fn size(&self) -> usize {
        self.pool.lease_size().unwrap_or(0)
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("size", &self.size()).finish_non_exhaustive()
    }
}
