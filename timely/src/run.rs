//! Runs: start the workers, supervise them, end in order.

use std::any::Any;
use std::fmt;
use std::io;
use std::mem;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use timely::WorkerConfig;
use timely::communication::Hooks;
use timely::communication::allocator::ProcessBuilder;
use timely::communication::allocator::zero_copy::initialize::initialize_networking_from_sockets;
use timely::communication::{Allocator, AllocatorBuilder, WorkerGuards, initialize_from};
use timely::worker::Worker;

use crate::connect::connect;
use crate::contain::{Payload, contain, drop_contained};
use crate::error::{RunError, SetupError};
use crate::job::Job;
use crate::link::Link;
use crate::process::{Process, Stage};
use crate::setup::Setup;
use crate::site::Site;
use crate::stats::{Stats, WorkerStats};

/// How long a worker sleeps at most. What concerns it wakes it before.
const NAP: Duration = Duration::from_millis(50);

/// Starts a run and waits for its end.
///
/// Equivalent to [`spawn`], and [`join`](Run::join) on what it returns. Outputs are taken by another
/// thread meanwhile: a run does not end while its [sink](crate::Sink) is full.
///
/// # Errors
///
/// Returns an error if the run does not start, if user code panics in this process, or if another
/// process is lost.
///
/// # Examples
///
/// ```
/// use anabranch::prelude::*;
/// use anabranch_timely::{Deliver, Order, Scans, Setup, execute, outputs};
///
/// let (sink, outputs) = outputs(16);
/// let consumer = std::thread::spawn(move || outputs.collect::<Vec<_>>());
/// execute(&Setup::new().workers(2), move |job| {
///     let numbers = job.source(|| 1..=100_u64).only_on(0).stream();
///     let sums = numbers.demux(job, Order::Arrival, |n| n % 2, |_| scan::sum::<u64, u64>());
///     sums.deliver(job, &sink);
/// })?;
/// let mut sums = consumer.join().unwrap();
/// sums.sort_unstable();
/// assert_eq!(sums, [(0, 2_550), (1, 2_500)]);
/// # Ok::<(), anabranch_timely::RunError>(())
/// ```
pub fn execute<F>(setup: &Setup, build: F) -> Result<Stats, RunError>
where
    F: Fn(&Job<'_>) + Send + Sync + 'static,
{
    spawn(setup, build)?.join()
}

/// Starts a run: connects with the other processes, and calls `build` on every worker of this one.
///
/// # Blocking
///
/// Blocks until all processes have come.
///
/// # Errors
///
/// Returns an error if the set-up is wrong, if an address is taken or does not resolve, or if
/// another process does not come in time.
///
/// # Examples
///
/// ```
/// use anabranch::prelude::*;
/// use anabranch_timely::{Deliver, Order, Scans, Setup, outputs, spawn};
///
/// let (sink, mut outputs) = outputs(16);
/// let run = spawn(&Setup::new(), move |job| {
///     // An endless input.
///     let numbers = job.source(|| 1_u64..).stream();
///     let scans = |i| scan::map(move |n: &u64| n * 10_u64.pow(i as u32));
///     numbers.distribute(job, 2, Order::Arrival, scans).deliver(job, &sink);
/// })?;
/// assert!(outputs.by_ref().take(100).all(|(scan, n)| scan == 0 || n % 10 == 0));
/// drop(outputs);
/// assert!(run.join().is_ok());
/// # Ok::<(), anabranch_timely::SetupError>(())
/// ```
pub fn spawn<F>(setup: &Setup, build: F) -> Result<Run, SetupError>
where
    F: Fn(&Job<'_>) + Send + Sync + 'static,
{
    let connections = connect(setup)?;
    let handles: Result<Vec<_>, _> =
        connections.sockets.iter().flatten().map(|socket| socket.try_clone()).collect();
    let process = Arc::new(Process::new(setup, handles?));
    let (report, result) = mpsc::channel();
    let (hand_over, ends) = mpsc::channel();
    let (supervised, listeners) = (Arc::clone(&process), connections.listeners);
    // It comes first: from then on, whatever fails leaves nothing behind that would be waited for.
    thread::Builder::new().name("anabranch:supervisor".into()).spawn(move || {
        if let Ok(ends) = ends.recv() {
            // The caller may have gone.
            drop(report.send(supervise(&supervised, ends, listeners)));
        }
    })?;
    let (builders, connections) = allocators(setup, connections.sockets, &process)?;
    match start(builders, &process, build) {
        // The supervisor waits for it.
        Ok(workers) => drop(hand_over.send(Ends { workers, connections })),
        Err(error) => {
            process.cut();
            // Dropping them would wait for workers that there are not.
            mem::forget(connections);
            return Err(error);
        }
    }
    Ok(Run { process, result })
}

/// A run, on the threads of this process and on those of the others.
///
/// Dropping it ends the run on all workers and waits for that. In this process, nothing is pulled,
/// stepped or flushed behind the calls that are under way; another one hears of it when its workers
/// look, behind what has arrived there.
#[must_use = "a run ends when it is dropped"]
pub struct Run {
    process: Arc<Process>,
    result: Receiver<Result<Stats, RunError>>,
}

impl Run {
    /// Waits until the run has ended, in all processes.
    ///
    /// # Blocking
    ///
    /// A run that is complete returns when all processes have completed it; one that has failed,
    /// within a second of that. A worker that is inside a step then is detached, and ends when the
    /// step returns.
    ///
    /// # Errors
    ///
    /// Returns [`RunError::Panicked`] with the payload if user code has panicked in this process,
    /// and [`RunError::Lost`] if another process has failed, was killed, or is cut off.
    pub fn join(self) -> Result<Stats, RunError> {
        match self.result.recv() {
            Ok(result) => result,
            // The supervisor calls no user code, and ends by reporting.
            Err(mpsc::RecvError) => Err(RunError::Lost { process: self.process.index() }),
        }
    }

    /// Ends the run on all workers, without an error. Returns at once.
    pub fn cancel(&self) {
        self.process.cancel();
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.process.cancel();
        // Nothing comes any more if `join` has taken the result.
        drop(self.result.recv());
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("stage", &self.process.stage()).finish_non_exhaustive()
    }
}

/// Makes what workers talk to each other through, and the threads of the connections.
fn allocators(
    setup: &Setup,
    sockets: Vec<Option<std::net::TcpStream>>,
    process: &Arc<Process>,
) -> Result<(Vec<AllocatorBuilder>, Box<dyn Any + Send>), SetupError> {
    let hooks = Hooks::default();
    let new_vector = match setup.serialised {
        true => ProcessBuilder::new_bytes_vector,
        false => ProcessBuilder::new_typed_vector,
    };
    let local = new_vector(setup.workers, hooks.refill.clone(), None);
    if sockets.len() < 2 {
        return Ok((local.into_iter().map(AllocatorBuilder::Process).collect(), Box::new(())));
    }
    let links = sockets
        .into_iter()
        .enumerate()
        .map(|(peer, socket)| Some(Link::new(socket?, peer, Arc::clone(process))))
        .collect();
    let (builders, guard) = initialize_networking_from_sockets::<Link>(
        local,
        links,
        setup.process,
        setup.workers,
        hooks,
    )?;
    Ok((builders.into_iter().map(AllocatorBuilder::Tcp).collect(), Box::new(guard)))
}

/// Starts the workers.
fn start<F>(
    builders: Vec<AllocatorBuilder>,
    process: &Arc<Process>,
    build: F,
) -> Result<WorkerGuards<WorkerStats>, SetupError>
where
    F: Fn(&Job<'_>) + Send + Sync + 'static,
{
    let process = Arc::clone(process);
    let started = initialize_from(builders, Box::new(()), move |allocator| {
        let leaves = Leaves(Arc::clone(&process));
        let stats = work(allocator, &leaves.0, &build);
        drop(leaves);
        stats
    });
    started.map_err(|error| SetupError::System(io::Error::other(error)))
}

/// Says that a worker has left, when everything of it is dropped.
struct Leaves(Arc<Process>);

impl Drop for Leaves {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// A worker's life.
fn work(allocator: Allocator, process: &Arc<Process>, build: &impl Fn(&Job<'_>)) -> WorkerStats {
    process.enlist();
    // Without a clock, an idle worker spins.
    let mut worker = Worker::new(WorkerConfig::default(), allocator, Some(Instant::now()));
    let index = worker.index();
    let failed = |payload: Payload| {
        process.panicked(index, payload);
        process.cut();
    };
    let site = Rc::new(Site::new(&worker, Arc::clone(process)));
    let built = contain(|| {
        worker.dataflow(|scope| build(&Job::new(scope, Rc::clone(&site))));
    });
    if let Err(payload) = built {
        failed(payload);
    }
    while process.stage() < Stage::Cut && worker.has_dataflows() {
        // What unwinds here stops short of what the connections share.
        let stepped = contain(|| {
            site.look();
            worker.step_or_park(Some(NAP));
        });
        if let Err(payload) = stepped {
            failed(payload);
        }
    }
    let stats = site.stats.borrow().clone();
    for dataflow in worker.installed_dataflows() {
        if let Err(payload) = contain(|| worker.drop_dataflow(dataflow)) {
            drop_contained(payload);
        }
    }
    drop_contained(site);
    drop_contained(worker);
    stats
}

/// What ends behind a run, in this order.
struct Ends {
    workers: WorkerGuards<WorkerStats>,
    /// The threads of the connections, which wait for the other processes.
    connections: Box<dyn Any + Send>,
}

impl Ends {
    fn wait(self) -> Vec<WorkerStats> {
        let stats = self.workers.join().into_iter().filter_map(Result::ok).collect();
        drop_contained(self.connections);
        stats
    }
}

/// Sees to it that a run ends, and says how.
fn supervise(
    process: &Arc<Process>,
    ends: Ends,
    listeners: Vec<TcpListener>,
) -> Result<Stats, RunError> {
    process.await_workers();
    let closing = Arc::clone(process);
    // A thread of its own, as a worker that is inside a step may keep it.
    let closer = thread::Builder::new().name("anabranch:closer".into()).spawn(move || {
        let stats = ends.wait();
        closing.close();
        stats
    });
    if closer.is_err() {
        process.close();
    }
    process.await_connections();
    drop(listeners);
    process.finish_sinks();
    process.outcome()?;
    // There is no error, so nothing was cut, and the closer has ended.
    let workers = closer.ok().and_then(|closer| closer.join().ok()).unwrap_or_default();
    Ok(Stats {
        workers,
        cancelled: process.was_cancelled(),
        bytes_sent: process.traffic.sent.load(Ordering::Relaxed),
        bytes_received: process.traffic.received.load(Ordering::Relaxed),
    })
}
