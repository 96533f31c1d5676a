//! The checked side: the same interface from the primitives of loom or shuttle.
//!
//! A channel is a queue under the checker's mutex with two of its condition
//! variables, with crossbeam's semantics for what the engine uses. A wait on
//! the facade's own [`Condvar`] may return with nobody having notified it, as
//! the real one may.

use std::collections::VecDeque;
use std::fmt;
use std::io;

use crossbeam_channel::{RecvError, SendError, TryRecvError, TrySendError};

#[cfg(loom)]
use loom as checker;
#[cfg(shuttle)]
use shuttle as checker;

use super::Arc;

pub(crate) use checker::sync::MutexGuard;
pub(crate) use checker::sync::atomic::AtomicBool;

/// A mutex without poisoning, as parking_lot's.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(checker::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(checker::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        match self.0.lock() {
            Ok(guard) => guard,
            Err(poisoned) => poisoned.into_inner(),
        }
    }
}

/// A condition variable with injected spurious wake-ups.
#[derive(Debug, Default)]
pub(crate) struct Condvar {
    notified: checker::sync::Condvar,
    spurious: spurious::Budget,
}

impl Condvar {
    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        if self.spurious.strikes() {
            return guard;
        }
        wait(&self.notified, guard)
    }

    pub(crate) fn notify_one(&self) {
        self.notified.notify_one();
    }
}

fn wait<'a, T>(condvar: &checker::sync::Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    match condvar.wait(guard) {
        Ok(guard) => guard,
        Err(poisoned) => poisoned.into_inner(),
    }
}

/// When a wait returns for no reason.
pub(crate) mod spurious {
    /// Under shuttle each wait tosses a coin of the schedule's own; under loom,
    /// which has no free choice to explore, the first wait on each condition
    /// variable returns at once if the model asks for it.
    #[derive(Debug, Default)]
    pub(crate) struct Budget(#[cfg(loom)] std::sync::atomic::AtomicBool);

    impl Budget {
        #[cfg(loom)]
        pub(crate) fn strikes(&self) -> bool {
            use std::sync::atomic::Ordering::Relaxed;
            INJECT.load(Relaxed) && !self.0.swap(true, Relaxed)
        }

        #[cfg(shuttle)]
        pub(crate) fn strikes(&self) -> bool {
            use shuttle::rand::Rng;
            shuttle::rand::thread_rng().gen_ratio(1, 8)
        }
    }

    /// Whether the models that run now inject spurious wake-ups.
    #[cfg(loom)]
    pub(crate) static INJECT: std::sync::atomic::AtomicBool =
        std::sync::atomic::AtomicBool::new(false);
}

struct Channel<T> {
    state: checker::sync::Mutex<State<T>>,
    not_empty: checker::sync::Condvar,
    not_full: checker::sync::Condvar,
}

struct State<T> {
    queue: VecDeque<T>,
    capacity: usize,
    sender_gone: bool,
    receiver_gone: bool,
    receiver_waits: bool,
    sender_waits: bool,
}

impl<T> Channel<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        match self.state.lock() {
            Ok(guard) => guard,
            Err(poisoned) => poisoned.into_inner(),
        }
    }

    fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        let mut state = self.lock();
        if state.receiver_gone {
            return Err(TrySendError::Disconnected(message));
        }
        if state.queue.len() == state.capacity {
            return Err(TrySendError::Full(message));
        }
        self.push(&mut state, message);
        Ok(())
    }

    fn send(&self, message: T) -> Result<(), SendError<T>> {
        let mut state = self.lock();
        while !state.receiver_gone && state.queue.len() == state.capacity {
            state.sender_waits = true;
            state = wait(&self.not_full, state);
            state.sender_waits = false;
        }
        if state.receiver_gone {
            return Err(SendError(message));
        }
        self.push(&mut state, message);
        Ok(())
    }

    fn push(&self, state: &mut State<T>, message: T) {
        state.queue.push_back(message);
        if state.receiver_waits {
            self.not_empty.notify_one();
        }
    }

    fn recv(&self) -> Result<T, RecvError> {
        let mut state = self.lock();
        while !state.sender_gone && state.queue.is_empty() {
            state.receiver_waits = true;
            state = wait(&self.not_empty, state);
            state.receiver_waits = false;
        }
        self.pop(&mut state).ok_or(RecvError)
    }

    fn try_recv(&self) -> Result<T, TryRecvError> {
        let mut state = self.lock();
        match self.pop(&mut state) {
            Some(message) => Ok(message),
            None if state.sender_gone => Err(TryRecvError::Disconnected),
            None => Err(TryRecvError::Empty),
        }
    }

    fn pop(&self, state: &mut State<T>) -> Option<T> {
        let message = state.queue.pop_front()?;
        if state.sender_waits {
            self.not_full.notify_one();
        }
        Some(message)
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
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.sender_gone = true;
        if state.receiver_waits {
            self.0.not_empty.notify_one();
        }
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
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let left = {
            let mut state = self.0.lock();
            state.receiver_gone = true;
            if state.sender_waits {
                self.0.not_full.notify_one();
            }
            std::mem::take(&mut state.queue)
        };
        // Outside the lock: dropping a message runs user code.
        drop(left);
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
        state: checker::sync::Mutex::new(State {
            queue: VecDeque::with_capacity(capacity),
            capacity,
            sender_gone: false,
            receiver_gone: false,
            receiver_waits: false,
            sender_waits: false,
        }),
        not_empty: checker::sync::Condvar::new(),
        not_full: checker::sync::Condvar::new(),
    });
    (Sender(Arc::clone(&channel)), Receiver(channel))
}

/// As the native side's, but for where several are ready: loom takes the first,
/// shuttle starts anywhere.
pub(crate) fn select_ready<T>(receivers: &[&Receiver<T>]) -> Option<(usize, Option<T>)> {
    #[cfg(loom)]
    let start = 0;
    #[cfg(shuttle)]
    let start = {
        use shuttle::rand::Rng;
        match receivers.len() {
            0 => 0,
            len => shuttle::rand::thread_rng().gen_range(0..len),
        }
    };
    let indices = (start..receivers.len()).chain(0..start);
    indices.into_iter().find_map(|index| match receivers[index].try_recv() {
        Ok(message) => Some((index, Some(message))),
        Err(TryRecvError::Disconnected) => Some((index, None)),
        Err(TryRecvError::Empty) => None,
    })
}

/// Starts a detached thread; in a model there is always room for it.
pub(crate) fn spawn(
    name: &str,
    _stack_size: Option<usize>,
    body: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    checker::thread::Builder::new().name(name.to_owned()).spawn(body).map(drop)
}
