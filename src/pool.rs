//! Operating-system threads, reused from run to run.

use std::fmt;
use std::io;
use std::panic::{RefUnwindSafe, UnwindSafe};

use crate::error::StartErrorKind;
use crate::sync::{Arc, Mutex, OnceLock, Receiver, Sender, bounded, spawn};

/// How many idle threads a pool keeps for the next run, unless it is told.
const DEFAULT_MAX_IDLE: usize = 1024;

/// Threads for scans.
///
/// A live scan has a thread to itself, from the start of its run until it exits;
/// then the thread is kept for the next scan. Idle threads end when the last
/// handle to the pool is gone. A handle is cheap to clone.
///
/// By default a pool has no maximum. With one, a run whose scans do not fit is
/// refused with an error at once. No run ever waits for a thread, so a scan may
/// itself start runs on the pool that it lives in.
///
/// # Examples
///
/// ```
/// use anabranch::{Config, IteratorExt, Pool, scan};
///
/// let pool = Pool::with_max_threads(2);
/// let config = Config::new().pool(pool.clone());
/// let scans = || [scan::count::<i32>(), scan::count()];
///
/// let first = (0..10).try_par_distribute_with(&config, scans())?;
/// let second = (0..10).try_par_distribute_with(&config, scans());
/// assert!(second.unwrap_err().is_pool_full());
///
/// drop(first);
/// assert_eq!((pool.live(), pool.idle()), (0, 2));
/// assert_eq!((0..10).try_par_distribute_with(&config, scans())?.count(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    max: Option<usize>,
    max_idle: usize,
    threads: Mutex<Threads>,
}

/// INVARIANT: `live + idle.len()` is at most the maximum, if there is one.
#[derive(Default)]
struct Threads {
    /// How many leases there are.
    live: usize,
    idle: Vec<Worker>,
}

type Job = Box<dyn FnOnce() + Send>;

/// A thread that waits for its next job, or is at one. It ends when its mailbox
/// is dropped.
struct Worker {
    kind: ThreadKind,
    mailbox: Arc<Sender<Job>>,
}

/// What a thread was started as. Runs that ask for different kinds do not share
/// threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ThreadKind {
    pub(crate) name: Arc<str>,
    pub(crate) stack_size: Option<usize>,
}

impl ThreadKind {
    pub(crate) fn new(name: &str, stack_size: Option<usize>) -> Self {
        Self { name: name.into(), stack_size }
    }
}

impl Pool {
    /// Makes a pool without a maximum. It starts threads when runs need them, and
    /// keeps up to 1024 idle ones.
    #[must_use]
    pub fn new() -> Self {
        Self::build(None, DEFAULT_MAX_IDLE)
    }

    /// Makes a pool of at most `max` threads, and so of at most as many scans
    /// that are live at once. With zero it takes only runs without scans.
    #[must_use]
    pub fn with_max_threads(max: usize) -> Self {
        Self::build(Some(max), max)
    }

    /// Makes a pool without a maximum that keeps no more than `max_idle` threads
    /// for later runs. With zero every scan gets a new thread.
    #[must_use]
    pub fn with_max_idle(max_idle: usize) -> Self {
        Self::build(None, max_idle)
    }

    fn build(max: Option<usize>, max_idle: usize) -> Self {
        let threads = Mutex::new(Threads::default());
        Self { shared: Arc::new(Shared { max, max_idle, threads }) }
    }

    /// The pool that runs use if they are given no other: without a maximum,
    /// made at its first use, alive until the process ends.
    pub fn global() -> &'static Self {
        static GLOBAL: OnceLock<Pool> = OnceLock::new();
        GLOBAL.get_or_init(Self::new)
    }

    /// How many scans have a thread of the pool now.
    #[must_use]
    pub fn live(&self) -> usize {
        self.shared.threads.lock().live
    }

    /// How many threads of the pool wait for a scan now.
    #[must_use]
    pub fn idle(&self) -> usize {
        self.shared.threads.lock().idle.len()
    }

    /// Leases `wanted` threads, or none: idle ones first, then new ones.
    ///
    /// Does not wait. Whatever is refused leaves the pool as it was, but for
    /// threads that were started and are idle now.
    // MODEL: loom-tests/tests/pool.rs::a_maximum_refuses_and_never_waits
    pub(crate) fn lease(
        &self,
        wanted: usize,
        kind: &ThreadKind,
    ) -> Result<Vec<Lease>, StartErrorKind> {
        let (mut leases, retired) = self.shared.take_idle(wanted, kind)?;
        drop(retired);
        while leases.len() < wanted {
            let mailbox = start_worker(kind).map_err(|error| {
                self.shared.threads.lock().live -= wanted - leases.len();
                StartErrorKind::Spawn(error)
            })?;
            leases.push(self.shared.lease(Worker { kind: kind.clone(), mailbox }));
        }
        Ok(leases)
    }
}

impl Shared {
    /// Counts `wanted` scans as live, and takes idle threads for as many of them
    /// as there are. Also takes off the list idle threads of other kinds that
    /// would bring the pool above its maximum, to be dropped.
    fn take_idle(
        self: &Arc<Self>,
        wanted: usize,
        kind: &ThreadKind,
    ) -> Result<(Vec<Lease>, Vec<Worker>), StartErrorKind> {
        let mut threads = self.threads.lock();
        let live = threads.live;
        if let Some(max) = self.max.filter(|max| wanted > max - live) {
            return Err(StartErrorKind::PoolFull { wanted, live, max });
        }
        threads.live += wanted;
        let mut leases = Vec::with_capacity(wanted);
        let mut index = threads.idle.len();
        while index > 0 && leases.len() < wanted {
            index -= 1;
            if threads.idle[index].kind == *kind {
                leases.push(self.lease(threads.idle.swap_remove(index)));
            }
        }
        let room = self.max.map_or(usize::MAX, |max| max - threads.live);
        let keep = threads.idle.len().min(room);
        Ok((leases, threads.idle.split_off(keep)))
    }

    fn lease(self: &Arc<Self>, worker: Worker) -> Lease {
        Lease { worker: Some(worker), pool: Arc::clone(self) }
    }

    /// Takes a thread back; if enough are idle already, it ends after its job.
    fn hand_back(&self, worker: Worker) {
        let mut threads = self.threads.lock();
        threads.live -= 1;
        if threads.idle.len() < self.max_idle {
            threads.idle.push(worker);
        }
    }
}

/// Starts a thread that does one job after the other until its mailbox is gone.
fn start_worker(kind: &ThreadKind) -> io::Result<Arc<Sender<Job>>> {
    let (mailbox, jobs): (_, Receiver<Job>) = bounded(1);
    spawn(&kind.name, kind.stack_size, move || {
        while let Ok(job) = jobs.recv() {
            job();
        }
    })?;
    Ok(Arc::new(mailbox))
}

/// One thread, leased for one scan. Dropping the lease hands the thread back,
/// which the thread itself may do as the last act of its job.
// MODEL: loom-tests/tests/pool.rs::threads_are_handed_back_and_reused
pub(crate) struct Lease {
    /// `None` only inside `drop`.
    worker: Option<Worker>,
    pool: Arc<Shared>,
}

impl Lease {
    /// Has the thread run `job`, which takes charge of the lease. A job must not
    /// unwind.
    pub(crate) fn start(self, job: impl FnOnce(Lease) + Send + 'static) {
        let mailbox = self.worker.as_ref().map(|worker| Arc::clone(&worker.mailbox));
        if let Some(mailbox) = mailbox {
            // The mailbox is empty, as nobody else has this lease, and the
            // thread is there, as the mailbox is.
            let sent = mailbox.try_send(Box::new(move || job(self)));
            debug_assert!(sent.is_ok(), "a leased thread takes a job");
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(worker) = self.worker.take() {
            self.pool.hand_back(worker);
        }
    }
}

// Nothing that can unwind runs while the pool's state is half changed.
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
            .field("live", &self.live())
            .field("idle", &self.idle())
            .finish()
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").finish_non_exhaustive()
    }
}
