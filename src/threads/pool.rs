//! Operating-system threads, reused from run to run.

use std::fmt;
use std::io;
use std::iter;
use std::mem;
use std::panic::{RefUnwindSafe, UnwindSafe};

use super::{Host, Lease, LeaseError, ThreadKind};
use crate::sync::{Arc, Mutex, OnceLock, Receiver, Sender, bounded, spawn};

/// How many idle threads a pool keeps for the next run by default.
const DEFAULT_MAX_IDLE: usize = 1024;

/// The most threads that a pool without a maximum leases: more than any system has.
const MOST_THREADS: usize = 1 << 20;

/// A pool of threads for scans.
///
/// A scan has a dedicated thread from the start of its run until it exits; then the pool keeps the
/// thread for the next scan. Idle threads exit when the last handle to the pool is dropped. Handles
/// are cheap to clone.
///
/// A pool has no maximum by default. With a maximum, if too few threads are free,
/// [`lease`](Self::lease) returns an error, and starting a run on the pool itself panics. No run
/// ever waits for a thread, so a scan may start runs on the pool that it runs in.
///
/// # Examples
///
/// ```
/// use anabranch::{Pool, prelude::*};
///
/// let pool = Pool::with_max_threads(2);
/// let scans = || [scan::count::<i32>(), scan::count()];
///
/// let first = (0..10).fan_out().on(pool.lease(2)?).distribute(scans());
/// assert!(pool.lease(1).is_err());
///
/// drop(first);
/// assert_eq!((pool.in_use(), pool.idle()), (0, 2));
/// assert_eq!((0..10).fan_out().on(&pool).distribute(scans()).count(), 2);
/// # Ok::<(), anabranch::LeaseError>(())
/// ```
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    max: Option<usize>,
    max_idle: usize,
    /// The pool that the threads are leased from, if this is the inside of a lease. That pool
    /// counts all of them as in use.
    parent: Option<Arc<Shared>>,
    state: Mutex<State>,
}

/// INVARIANT: `in_use + idle.len()` is at most the maximum, if there is one.
#[derive(Default)]
struct State {
    /// How many threads are in use.
    in_use: usize,
    idle: Vec<Thread>,
    /// Whether a lease has ended: it gives out no threads, and those that return go to its parent.
    closed: bool,
}

type Job = Box<dyn FnOnce() + Send>;

/// A thread that waits for its next job or runs one. It exits when its mailbox is dropped.
struct Thread {
    kind: ThreadKind,
    mailbox: Arc<Sender<Job>>,
}

impl Pool {
    /// Creates a pool without a maximum. It starts threads when runs need them, and keeps up to
    /// 1024 idle ones.
    #[must_use]
    pub fn new() -> Self {
        Self::build(None, DEFAULT_MAX_IDLE)
    }

    /// Creates a pool of at most `max` threads. If `max` is zero, only runs without scans can
    /// start.
    #[must_use]
    pub fn with_max_threads(max: usize) -> Self {
        Self::build(Some(max), max)
    }

    /// Creates a pool without a maximum that keeps at most `max_idle` idle threads for later runs.
    /// If `max_idle` is zero, every scan gets a new thread.
    ///
    /// ```
    /// use anabranch::{Pool, prelude::*};
    ///
    /// let pool = Pool::with_max_idle(1);
    /// let scans = [scan::count(), scan::count(), scan::count()];
    /// assert_eq!((0..10).fan_out().on(&pool).fold(scans), [10, 10, 10]);
    /// assert_eq!((pool.in_use(), pool.idle()), (0, 1));
    /// ```
    #[must_use]
    pub fn with_max_idle(max_idle: usize) -> Self {
        Self::build(None, max_idle)
    }

    fn build(max: Option<usize>, max_idle: usize) -> Self {
        let state = Mutex::new(State::default());
        Self { shared: Arc::new(Shared { max, max_idle, parent: None, state }) }
    }

    /// Returns the pool that runs use by default. It has no maximum, is created on first use, and
    /// lives until the process ends.
    pub fn global() -> &'static Self {
        static GLOBAL: OnceLock<Pool> = OnceLock::new();
        GLOBAL.get_or_init(Self::new)
    }

    /// Reserves `size` threads for one run; see [`Lease`].
    ///
    /// # Blocking
    ///
    /// Does not block.
    ///
    /// # Errors
    ///
    /// Returns an error if the pool has a maximum and fewer threads are free, or if the operating
    /// system fails to start a thread.
    ///
    /// # Examples
    ///
    /// ```
    /// use anabranch::Pool;
    ///
    /// let pool = Pool::with_max_threads(1);
    /// let error = pool.lease(2).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "the pool cannot give 2 threads: its maximum is 1, and 0 are in use",
    /// );
    /// ```
    // MODEL: loom-tests/tests/pool.rs::a_lease_comes_back_with_the_run
    pub fn lease(&self, size: usize) -> Result<Lease, LeaseError> {
        let workers = self.workers(iter::repeat_n(&ThreadKind::default(), size))?;
        // From here on, the threads count as in use here until the lease returns them.
        let idle = workers.into_iter().filter_map(Worker::into_thread).collect();
        let shared = Shared {
            max: Some(size),
            max_idle: size,
            parent: Some(Arc::clone(&self.shared)),
            state: Mutex::new(State { in_use: 0, idle, closed: false }),
        };
        Ok(Lease { pool: Self { shared: Arc::new(shared) } })
    }

    /// Ends a lease, if this is the inside of one: idle threads return to its pool now, the others
    /// when they are done.
    // MODEL: loom-tests/tests/pool.rs::a_lease_comes_back_with_the_run
    pub(crate) fn end_lease(&self) {
        self.shared.end_lease();
    }

    /// The maximum, if there is one.
    pub(crate) fn max_threads(&self) -> Option<usize> {
        self.shared.max
    }

    /// The number of threads, if this is the inside of a lease.
    pub(crate) fn lease_size(&self) -> Option<usize> {
        self.shared.parent.as_ref().and(self.shared.max)
    }

    /// How many threads are in use: by scans, by inputs that are read ahead, and in leases.
    #[must_use]
    pub fn in_use(&self) -> usize {
        self.shared.state.lock().in_use
    }

    /// Returns how many threads are idle.
    #[must_use]
    pub fn idle(&self) -> usize {
        self.shared.state.lock().idle.len()
    }

    /// Takes a thread of each kind, or none: idle ones first, then new ones.
    ///
    /// Does not wait. A refusal leaves the pool unchanged, except that threads already started are
    /// now idle.
    // MODEL: loom-tests/tests/pool.rs::a_maximum_refuses_and_never_waits
    pub(crate) fn workers<'k>(
        &self,
        kinds: impl ExactSizeIterator<Item = &'k ThreadKind> + Clone,
    ) -> Result<Vec<Worker>, LeaseError> {
        let (found, retired) = self.shared.take_idle(kinds.clone())?;
        drop(retired);
        let mut missing = found.iter().filter(|worker| worker.is_none()).count();
        let mut workers = Vec::with_capacity(kinds.len());
        for (found, kind) in found.into_iter().zip(kinds) {
            let worker = match found {
                Some(worker) => worker,
                None => {
                    let mailbox = start_thread(kind).map_err(|error| {
                        self.shared.state.lock().in_use -= missing;
                        LeaseError::Spawn(error)
                    })?;
                    missing -= 1;
                    self.shared.worker(Thread { kind: kind.clone(), mailbox })
                }
            };
            workers.push(worker);
        }
        Ok(workers)
    }
}

impl Shared {
    /// Counts a thread of each kind as in use, and takes idle ones where there are any. Also removes
    /// idle threads of other kinds that would put the pool above its maximum, for the caller to
    /// drop.
    #[allow(clippy::type_complexity, reason = "an alias would say no more")]
    fn take_idle<'k>(
        self: &Arc<Self>,
        kinds: impl ExactSizeIterator<Item = &'k ThreadKind>,
    ) -> Result<(Vec<Option<Worker>>, Vec<Thread>), LeaseError> {
        let wanted = kinds.len();
        let mut state = self.state.lock();
        let in_use = state.in_use;
        let max = if state.closed { in_use } else { self.max.unwrap_or(MOST_THREADS) };
        if wanted > max - in_use {
            return Err(LeaseError::Full { wanted, in_use, max });
        }
        state.in_use += wanted;
        let take = |kind: &ThreadKind| {
            let index = state.idle.iter().rposition(|thread| thread.kind == *kind)?;
            Some(self.worker(state.idle.swap_remove(index)))
        };
        let found = kinds.map(take).collect();
        let room = self.max.map_or(usize::MAX, |max| max - state.in_use);
        let keep = state.idle.len().min(room);
        Ok((found, state.idle.split_off(keep)))
    }

    fn worker(self: &Arc<Self>, thread: Thread) -> Worker {
        Worker { thread: Some(thread), pool: Arc::clone(self) }
    }

    /// Takes a thread back; if enough are idle already, it exits after its job.
    fn hand_back(&self, thread: Thread) {
        let mut state = self.state.lock();
        state.in_use -= 1;
        if !state.closed && self.max_idle > 0 {
            // The one that has been idle longest makes room: its kind may be out of use.
            let full = state.idle.len() >= self.max_idle;
            let oldest = full.then(|| state.idle.remove(0));
            state.idle.push(thread);
            drop(state);
            drop(oldest);
            return;
        }
        drop(state);
        if let Some(parent) = &self.parent {
            parent.hand_back(thread);
        }
    }

    /// Returns idle threads, and the places of those that were never started or have exited.
    fn end_lease(&self) {
        let Some(parent) = &self.parent else { return };
        let mut state = self.state.lock();
        if mem::replace(&mut state.closed, true) {
            return;
        }
        let idle = mem::take(&mut state.idle);
        let missing = self.max.unwrap_or(0) - state.in_use - idle.len();
        drop(state);
        idle.into_iter().for_each(|thread| parent.hand_back(thread));
        parent.state.lock().in_use -= missing;
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.end_lease();
    }
}

/// Starts a thread that runs one job after another until its mailbox is dropped.
fn start_thread(kind: &ThreadKind) -> io::Result<Arc<Sender<Job>>> {
    let (mailbox, jobs): (_, Receiver<Job>) = bounded(1);
    spawn(&kind.name, kind.stack_size, move || {
        while let Ok(job) = jobs.recv() {
            job();
        }
    })?;
    Ok(Arc::new(mailbox))
}

/// A thread of a pool that is in use. Dropping this returns the thread to the pool; the thread
/// itself may do so at the end of its job.
// MODEL: loom-tests/tests/pool.rs::threads_are_handed_back_and_reused
#[allow(unnameable_types, reason = "only passes through what is public")]
pub struct Worker {
    /// `None` only inside `drop`.
    thread: Option<Thread>,
    pool: Arc<Shared>,
}

impl Worker {
    /// Takes the thread, which still counts as in use.
    fn into_thread(mut self) -> Option<Thread> {
        self.thread.take()
    }
}

impl Host<'static> for Worker {
    fn host(self, job: impl FnOnce(Option<Worker>) + Send + 'static) {
        let mailbox = self.thread.as_ref().map(|thread| Arc::clone(&thread.mailbox));
        if let Some(mailbox) = mailbox {
            // The mailbox is empty, because nobody else has this thread, and the thread is alive,
            // because its mailbox is.
            let sent = mailbox.try_send(Box::new(move || job(Some(self))));
            debug_assert!(sent.is_ok(), "a thread that waits for its job takes it");
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.pool.hand_back(thread);
        }
    }
}

// No code that can unwind runs while the pool's state is inconsistent.
impl UnwindSafe for Pool {}
impl RefUnwindSafe for Pool {}

impl Default for Pool {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("max_threads", &self.shared.max)
            .field("in_use", &self.in_use())
            .field("idle", &self.idle())
            .finish()
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").finish_non_exhaustive()
    }
}
