//! What the threads of a process share: whether the run goes on, and why not.
//!
//! ```text
//!            cancelled, panicked, told by a peer        an unclean end of a connection, or
//!  Running ───────────────────────────────────▶ Draining ── failed and `GRACE` is over ──▶ Cut
//!     └────────────── an unclean end of a connection, a panic outside the operators ────────▲
//! ```
//!
//! While **draining**, inputs and scans have ended, nothing is flushed, and what was emitted is
//! delivered; the dataflow completes as usual. When **cut**, workers leave wherever they are, and
//! the connections are shut down, which the other processes take for the loss of this one.

use std::fmt;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::thread::Thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::contain::{Payload, drop_contained};
use crate::error::{Panicked, RunError};
use crate::setup::Setup;

/// How long a run that failed may take to deliver what was emitted.
const GRACE: Duration = Duration::from_millis(400);

/// How long the connections of a process that has lost another one stay: the others notice for
/// themselves who it is, and do not take this process for it.
const COURTESY: Duration = Duration::from_millis(50);

/// How long threads that were told to leave are waited for. A worker that is still inside a step
/// then is detached.
const PATIENCE: Duration = Duration::from_millis(300);

/// Whether the run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Stage {
    Running,
    Draining,
    Cut,
}

#[derive(Debug)]
pub(crate) struct Process {
    index: usize,
    /// The number of workers in each process.
    workers: usize,
    /// Whether workers of this process serialise what they send each other.
    serialised: bool,
    // ORDERING: written under the lock of `inner`, with Release; read anywhere, with Acquire: who
    // sees a stage sees what made it so.
    stage: AtomicU8,
    inner: Mutex<Inner>,
    // WAKE: rung at each change of `inner`.
    changed: Condvar,
    pub(crate) traffic: Traffic,
    sinks: Mutex<Finishers>,
}

/// What ends the iterators over outputs.
#[derive(Default)]
struct Finishers(Vec<Box<dyn FnOnce() + Send>>);

impl fmt::Debug for Finishers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Finishers").field(&self.0.len()).finish()
    }
}

#[derive(Debug, Default)]
struct Inner {
    outcome: Outcome,
    /// When the present stage began, or the run has failed in it.
    since: Option<Instant>,
    /// INVARIANT: workers that have not left. Each leaves once, when it has dropped everything of
    /// the run.
    workers: usize,
    /// Whether one has left a run that had ended before it was complete there.
    cancelled: bool,
    closed: bool,
    threads: Vec<Thread>,
    /// Handles of the connections, until they are shut down.
    sockets: Vec<TcpStream>,
}

/// What the run came to in this process, as far as it is known.
#[derive(Debug, Default)]
enum Outcome {
    #[default]
    Complete,
    Panicked(Panicked),
    Lost(usize),
}

/// Bytes that went over the connections.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    // ORDERING: counters, read when the threads that write them have ended.
    pub(crate) sent: AtomicU64,
    pub(crate) received: AtomicU64,
}

impl Process {
    /// `sockets` has a handle of each connection, to shut it down.
    pub(crate) fn new(setup: &Setup, sockets: Vec<TcpStream>) -> Self {
        let (index, workers) = (setup.process, setup.workers);
        Self {
            index,
            workers,
            serialised: setup.serialised,
            stage: AtomicU8::new(Stage::Running as u8),
            inner: Mutex::new(Inner { workers, sockets, ..Inner::default() }),
            changed: Condvar::new(),
            traffic: Traffic::default(),
            sinks: Mutex::default(),
        }
    }

    /// Returns the index of this process.
    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// Returns whether what is sent to a worker is serialised.
    pub(crate) fn serialises_for(&self, worker: usize) -> bool {
        self.serialised || worker / self.workers != self.index
    }

    pub(crate) fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            0 => Stage::Running,
            1 => Stage::Draining,
            _ => Stage::Cut,
        }
    }

    /// Returns the process that the run was lost by, if it was.
    pub(crate) fn culprit(&self) -> Option<usize> {
        match self.inner.lock().outcome {
            Outcome::Complete => None,
            Outcome::Panicked(_) => Some(self.index),
            Outcome::Lost(process) => Some(process),
        }
    }

    /// Ends the run without an error.
    pub(crate) fn cancel(&self) {
        self.advance(&mut self.inner.lock(), Stage::Draining);
    }

    /// Records a panic of user code. The first one of the process counts.
    pub(crate) fn panicked(&self, worker: usize, payload: Payload) {
        let mut inner = self.inner.lock();
        let spare = match inner.outcome {
            Outcome::Panicked(_) => Some(payload),
            _ => {
                self.fail(&mut inner, Outcome::Panicked(Panicked::new(worker, payload)));
                None
            }
        };
        self.advance(&mut inner, Stage::Draining);
        drop(inner);
        drop_contained(spare);
    }

    /// Records that another process has said, in order, that the run is lost by `culprit`.
    pub(crate) fn told(&self, culprit: usize) {
        let mut inner = self.inner.lock();
        self.lose(&mut inner, culprit);
        self.advance(&mut inner, Stage::Draining);
    }

    /// Records that the connection to a process has ended without a word.
    pub(crate) fn disconnected(&self, process: usize) {
        let mut inner = self.inner.lock();
        if self.stage() == Stage::Cut {
            // It was this process that shut the connection down.
            return;
        }
        self.lose(&mut inner, process);
        self.advance(&mut inner, Stage::Cut);
        // The connections follow in `wait`, a little later.
    }

    /// Ends the run at once.
    pub(crate) fn cut(&self) {
        let mut inner = self.inner.lock();
        self.advance(&mut inner, Stage::Cut);
        inner.shut_down();
    }

    fn lose(&self, inner: &mut Inner, process: usize) {
        if let Outcome::Complete = inner.outcome {
            self.fail(inner, Outcome::Lost(process));
        }
    }

    /// Records an error. Those who wait have limits from now on, also if the run was cancelled
    /// before.
    fn fail(&self, inner: &mut Inner, outcome: Outcome) {
        if let Outcome::Complete = inner.outcome {
            inner.since = Some(Instant::now());
        }
        inner.outcome = outcome;
        self.changed.notify_all();
    }

    /// Goes to a stage, unless the run is there or beyond.
    fn advance(&self, inner: &mut Inner, stage: Stage) {
        if self.stage() >= stage {
            return;
        }
        self.stage.store(stage as u8, Ordering::Release);
        inner.since = Some(Instant::now());
        for thread in &inner.threads {
            thread.unpark();
        }
        self.changed.notify_all();
    }

    /// Lists the current thread among those that a change of stage wakes.
    pub(crate) fn enlist(&self) {
        self.inner.lock().threads.push(std::thread::current());
    }

    /// Records that one worker has left, or did not start.
    pub(crate) fn leave(&self) {
        let mut inner = self.inner.lock();
        inner.workers -= 1;
        inner.cancelled |= self.stage() != Stage::Running;
        self.changed.notify_all();
    }

    /// Records that the threads of all connections have ended.
    pub(crate) fn close(&self) {
        self.inner.lock().closed = true;
        self.changed.notify_all();
    }

    /// Waits until every worker has left, however long that takes.
    pub(crate) fn wait_for_workers(&self) {
        let mut inner = self.inner.lock();
        // WAKE: `leave`.
        while inner.workers > 0 {
            self.changed.wait(&mut inner);
        }
    }

    /// Waits until every worker has left. A run that has failed is cut in the end, and then waited
    /// for no longer.
    pub(crate) fn await_workers(&self) {
        self.wait(|inner| inner.workers == 0);
    }

    /// Waits until the threads of all connections have ended, with the same limits.
    pub(crate) fn await_connections(&self) {
        self.wait(|inner| inner.closed);
    }

    fn wait(&self, done: impl Fn(&Inner) -> bool) {
        let mut inner = self.inner.lock();
        // WAKE: every change of `inner` rings, a change of stage included.
        while !done(&inner) {
            let begun = inner.since.unwrap_or_else(Instant::now);
            match self.stage() {
                Stage::Running => self.changed.wait(&mut inner),
                // A run that was cancelled has all the time that it needs.
                Stage::Draining if matches!(inner.outcome, Outcome::Complete) => {
                    self.changed.wait(&mut inner);
                }
                Stage::Draining => {
                    if self.changed.wait_until(&mut inner, begun + GRACE).timed_out() {
                        self.advance(&mut inner, Stage::Cut);
                        inner.shut_down();
                    }
                }
                Stage::Cut if !inner.sockets.is_empty() => {
                    if self.changed.wait_until(&mut inner, begun + COURTESY).timed_out() {
                        inner.shut_down();
                    }
                }
                Stage::Cut => {
                    if self.changed.wait_until(&mut inner, begun + PATIENCE).timed_out() {
                        return;
                    }
                }
            }
        }
    }

    /// Has an iterator over outputs ended when the run has.
    pub(crate) fn at_the_end(&self, finish: Box<dyn FnOnce() + Send>) {
        self.sinks.lock().0.push(finish);
    }

    /// Ends the iterators over outputs: also those that a detached worker has the sink of.
    pub(crate) fn finish_sinks(&self) {
        let finishers = std::mem::take(&mut self.sinks.lock().0);
        for finish in finishers {
            finish();
        }
    }

    /// Returns whether the run ended before it was complete in this process.
    pub(crate) fn was_cancelled(&self) -> bool {
        self.inner.lock().cancelled
    }

    /// Takes what the run came to.
    pub(crate) fn outcome(&self) -> Result<(), RunError> {
        match std::mem::take(&mut self.inner.lock().outcome) {
            Outcome::Complete => Ok(()),
            Outcome::Panicked(panicked) => Err(RunError::Panicked(panicked)),
            Outcome::Lost(process) => Err(RunError::Lost { process }),
        }
    }
}

impl Inner {
    fn shut_down(&mut self) {
        for socket in self.sockets.drain(..) {
            // A connection that has ended already needs no shutdown.
            drop(socket.shutdown(Shutdown::Both));
        }
    }
}
