//! Threads reserved for one run.

use std::fmt;

use super::{LeaseError, Pool, ThreadKind, Threads, Worker, sealed};

/// Threads of a [`Pool`], reserved for one run; returned by [`Pool::lease`].
///
/// A run on a lease never fails because the pool is full. It uses one thread per scan, and one more
/// if its input is [read ahead](crate::FanOut::read_ahead); for [`demux`](crate::FanOut::demux),
/// the size of the lease sets the number of shards. Any threads left are for scans added during the
/// run. The threads return to the pool when the run is dropped, or when the lease is dropped if no
/// run was started on it.
///
/// The threads have the pool's default name and stack size. A run that sets a
/// [name](crate::FanOut::thread_name) or a [stack size](crate::FanOut::stack_size), or whose items
/// or outputs are large values, starts new threads in their place.
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
/// assert_eq!((pool.live(), pool.idle()), (0, 2));
/// # Ok::<(), anabranch::LeaseError>(())
/// ```
#[must_use = "dropped at once, the threads go back to the pool"]
pub struct Lease {
    /// A pool of only these threads, which returns them when it is dropped.
    pub(super) pool: Pool,
    pub(super) size: usize,
}

impl Lease {
    /// Returns the number of threads.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }
}

impl sealed::Sealed for Lease {}

impl Threads<'static> for Lease {
    type Host = Worker;
    type More = Pool;

    // Its threads already have names.
    const NAMES_THREADS: bool = false;

    fn more(&self) -> Pool {
        self.pool()
    }

    fn pool(&self) -> Pool {
        self.pool.clone()
    }

    fn size(&self) -> Option<usize> {
        Some(self.size)
    }

    fn hosts(self, kinds: &[ThreadKind]) -> Result<Vec<Worker>, LeaseError> {
        self.pool.workers(kinds)
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("size", &self.size).finish_non_exhaustive()
    }
}
