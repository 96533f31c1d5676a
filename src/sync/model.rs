//! The checked side: the same interface from the primitives of loom or shuttle.
//!
//! Channels have crossbeam's semantics for what the engine uses. A wait on a [`Condvar`] may return
//! without a notification, as on the real one.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;

use crossbeam_channel::{RecvError, SendError, TryRecvError, TrySendError};

#[cfg(loom)]
use loom as checker;
#[cfg(shuttle)]
use shuttle as checker;

use super::{Arc, Ordering};
use checker::sync::atomic::AtomicUsize;
use checker::thread::Thread;

pub(crate) use checker::sync::atomic::{AtomicBool, AtomicU8};
pub(crate) use clock::Instant;
pub(crate) use std::thread::panicking;

/// A mutex without poisoning, as parking_lot's; under loom, as long as no model
/// panics while it holds one.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(checker::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(checker::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard { mutex: self, guard: unpoisoned(self.0.lock()) }
    }
}

/// A guard that knows its mutex, so that a wait can release and reacquire it.
#[derive(Debug)]
pub(crate) struct MutexGuard<'a, T> {
    mutex: &'a Mutex<T>,
    guard: checker::sync::MutexGuard<'a, T>,
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

/// A condition variable with injected spurious wake-ups.
///
/// A notification is a step of the checker only if a thread waits; otherwise it does nothing, at
/// any time.
#[derive(Debug, Default)]
pub(crate) struct Condvar {
    notified: checker::sync::Condvar,
    waiters: std::sync::atomic::AtomicUsize,
    spurious: spurious::Budget,
}

impl Condvar {
    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        let MutexGuard { mutex, guard } = guard;
        if self.spurious.strikes() {
            drop(guard);
            return mutex.lock();
        }
        self.waiters.fetch_add(1, Ordering::Relaxed);
        let guard = unpoisoned(self.notified.wait(guard));
        self.waiters.fetch_sub(1, Ordering::Relaxed);
        MutexGuard { mutex, guard }
    }

    pub(crate) fn notify_one(&self) {
        if self.waiters.load(Ordering::Relaxed) > 0 {
            self.notified.notify_one();
        }
    }
}

/// A panic under a lock leaves it as it is, here as with parking_lot.
fn unpoisoned<G>(result: Result<G, PoisonError<G>>) -> G {
    result.unwrap_or_else(PoisonError::into_inner)
}

/// When a wait returns for no reason.
pub(crate) mod spurious {
    /// Under loom, which has no free choice to explore, the first wait on each
    /// condition variable returns at once if the model asks for it.
    #[cfg(loom)]
    #[derive(Debug, Default)]
    pub(crate) struct Budget(std::sync::atomic::AtomicBool);

    #[cfg(loom)]
    impl Budget {
        pub(crate) fn strikes(&self) -> bool {
            INJECT.get() && !self.0.swap(true, std::sync::atomic::Ordering::Relaxed)
        }
    }

    #[cfg(loom)]
    thread_local! {
        /// All threads of a model run on the one thread that checks it.
        static INJECT: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
    }

    /// Whether the models that this thread checks inject spurious wake-ups.
    #[cfg(loom)]
    pub fn inject(yes: bool) {
        INJECT.set(yes);
    }

    /// Under shuttle each wait tosses a coin of the schedule's own.
    #[cfg(shuttle)]
    #[derive(Debug, Default)]
    pub(crate) struct Budget;

    #[cfg(shuttle)]
    impl Budget {
        pub(crate) fn strikes(&self) -> bool {
            use shuttle::rand::Rng;
            shuttle::rand::thread_rng().gen_ratio(1, 8)
        }
    }
}

/// A channel is a queue whose every operation is one step of the checker: a turn
/// taken at an atomic, and then, with no step in between, the work. An operation
/// that has to wait parks, which is not a step either, and takes another turn
/// when it is woken.
struct Channel<T> {
    turn: AtomicUsize,
    /// Never contended, as no step is taken under it.
    state: std::sync::Mutex<State<T>>,
}

struct State<T> {
    queue: VecDeque<T>,
    capacity: usize,
    sender_gone: bool,
    receiver_gone: bool,
    parked_sender: Option<Thread>,
    parked_receiver: Option<Thread>,
    /// The threads that the current step must wake.
    woken: Option<Thread>,
}

impl<T> Channel<T> {
    /// Takes the next step: `work` on the state, atomically. The threads that it must wake are
    /// woken after it, since that may be a step of its own.
    fn step<R>(&self, work: impl FnOnce(&mut State<T>) -> R) -> R {
        self.turn.fetch_add(1, Ordering::AcqRel);
        let (result, woken) = {
            let mut state = unpoisoned(self.state.lock());
            (work(&mut state), state.woken.take())
        };
        if let Some(thread) = woken {
            thread.unpark();
        }
        result
    }

    /// Takes steps until `work` has a result; parks after each that has none.
    fn steps<R>(&self, mut work: impl FnMut(&mut State<T>, &Thread) -> Option<R>) -> R {
        let this = checker::thread::current();
        loop {
            if let Some(result) = self.step(|state| work(state, &this)) {
                return result;
            }
            checker::thread::park();
        }
    }

    fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        self.step(|state| state.push(message))
    }

    fn send(&self, message: T) -> Result<(), SendError<T>> {
        let mut message = Some(message);
        self.steps(|state, this| match state.push(message.take()?) {
            Ok(()) => Some(Ok(())),
            Err(TrySendError::Disconnected(message)) => Some(Err(SendError(message))),
            Err(TrySendError::Full(back)) => {
                message = Some(back);
                state.parked_sender = Some(this.clone());
                None
            }
        })
    }

    fn try_recv(&self) -> Result<T, TryRecvError> {
        self.step(State::pop)
    }

    fn recv(&self) -> Result<T, RecvError> {
        self.steps(|state, this| match state.pop() {
            Ok(message) => Some(Ok(message)),
            Err(TryRecvError::Disconnected) => Some(Err(RecvError)),
            Err(TryRecvError::Empty) => {
                state.parked_receiver = Some(this.clone());
                None
            }
        })
    }
}

impl<T> State<T> {
    fn push(&mut self, message: T) -> Result<(), TrySendError<T>> {
        if self.receiver_gone {
            return Err(TrySendError::Disconnected(message));
        }
        if self.queue.len() == self.capacity {
            return Err(TrySendError::Full(message));
        }
        self.queue.push_back(message);
        self.woken = self.parked_receiver.take();
        Ok(())
    }

    fn pop(&mut self) -> Result<T, TryRecvError> {
        match self.queue.pop_front() {
            Some(message) => {
                self.woken = self.parked_sender.take();
                Ok(message)
            }
            None if self.sender_gone => Err(TryRecvError::Disconnected),
            None => Err(TryRecvError::Empty),
        }
    }
}

/// The one sending end of a channel.
pub(crate) struct Sender<T>(Arc<Channel<T>>);

impl<T> Sender<T> {
    pub(crate) fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        self.0.try_send(message)
    }

    pub(crate) fn send(&self, message: T) -> Result<(), SendError<T>> {
        self.0.send(message)
    }

    /// For statistics alone, and so not a step.
    pub(crate) fn len(&self) -> usize {
        unpoisoned(self.0.state.lock()).queue.len()
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.step(|state| {
            state.sender_gone = true;
            state.woken = state.parked_receiver.take();
        });
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sender { .. }")
    }
}

/// The one receiving end of a channel.
pub(crate) struct Receiver<T>(Arc<Channel<T>>);

impl<T> Receiver<T> {
    pub(crate) fn recv(&self) -> Result<T, RecvError> {
        self.0.recv()
    }

    pub(crate) fn try_recv(&self) -> Result<T, TryRecvError> {
        self.0.try_recv()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.step(|state| state.queue.len())
    }
}

impl<T> Drop for Receiver<T> {
    /// What is left in the queue stays until the sender has gone too, as with
    /// crossbeam.
    fn drop(&mut self) {
        self.0.step(|state| {
            state.receiver_gone = true;
            state.woken = state.parked_sender.take();
        });
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Receiver { .. }")
    }
}

/// As crossbeam's: a channel that holds at most `capacity` messages.
pub(crate) fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    assert!(capacity > 0, "the model has no rendezvous channel");
    let channel = Arc::new(Channel {
        turn: AtomicUsize::new(0),
        state: std::sync::Mutex::new(State {
            queue: VecDeque::with_capacity(capacity),
            capacity,
            sender_gone: false,
            receiver_gone: false,
            parked_sender: None,
            parked_receiver: None,
            woken: None,
        }),
    });
    (Sender(Arc::clone(&channel)), Receiver(channel))
}

/// As the native side's, but small, so that models have more lanes than a selection covers.
pub(crate) const SELECTED: usize = 2;

/// As the native side's.
pub(crate) fn select_ready<T>(receivers: &[&Receiver<T>]) -> Option<(usize, Option<T>)> {
    receivers.iter().enumerate().find_map(|(index, receiver)| match receiver.try_recv() {
        Ok(message) => Some((index, Some(message))),
        Err(TryRecvError::Disconnected) => Some((index, None)),
        Err(TryRecvError::Empty) => None,
    })
}

/// Starts a detached thread, unless the model [refuses](refusals) it.
pub(crate) fn spawn(
    name: &str,
    _stack_size: Option<usize>,
    body: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    refusals::ask()?;
    checker::thread::Builder::new().name(name.to_owned()).spawn(body).map(drop)
}

/// The refusal to start another thread.
pub(crate) mod refusals {
    use std::cell::Cell;
    use std::io;

    thread_local! {
        /// All threads of a model run on the one thread that checks it.
        static ALLOWED: Cell<usize> = const { Cell::new(usize::MAX) };
    }

    /// Allows this many more threads to start.
    pub fn allow(threads: usize) {
        ALLOWED.set(threads);
    }

    pub(super) fn ask() -> io::Result<()> {
        match ALLOWED.get().checked_sub(1) {
            None => Err(io::Error::other("refused")),
            Some(_) if ALLOWED.get() == usize::MAX => Ok(()),
            Some(left) => {
                ALLOWED.set(left);
                Ok(())
            }
        }
    }
}

/// Schedules are the checker's: it needs no hint.
pub(crate) fn yield_now() {}

/// Waits for one turn of the others.
#[derive(Debug)]
pub(crate) struct Patience;

impl Patience {
    pub(crate) fn new() -> Self {
        Self
    }

    pub(crate) fn lasts(&mut self) -> bool {
        checker::thread::yield_now();
        false
    }
}

/// Time in a model. It stands still, or advances by a tick each time it is read.
pub(crate) mod clock {
    use std::cell::Cell;
    use std::time::Duration;

    thread_local! {
        /// All threads of a model run on the one thread that checks it.
        static NOW: Cell<Duration> = const { Cell::new(Duration::ZERO) };
        static TICK: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    }

    /// Makes time advance by `tick` each time it is read.
    pub fn tick(tick: Duration) {
        TICK.set(tick);
    }

    /// A moment.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Instant(Duration);

    impl Instant {
        pub(crate) fn now() -> Self {
            NOW.set(NOW.get() + TICK.get());
            Self(NOW.get())
        }

        pub(crate) fn elapsed(&self) -> Duration {
            Self::now().0 - self.0
        }
    }
}

/// As many shards as a model has by default.
pub(crate) fn available_parallelism() -> usize {
    2
}
