//! The shipping side: crossbeam channels, parking_lot locks, std threads.

use std::io;
use std::thread::{self, Builder};
use std::time::Duration;

use crossbeam_channel::select_biased;

pub(crate) use crossbeam_channel::{Receiver, Sender, bounded};
pub(crate) use parking_lot::{Mutex, MutexGuard};
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU8};
pub(crate) use std::thread::{Scope, panicking, scope, yield_now};
pub(crate) use std::time::Instant;

/// A condition variable whose `wait` takes the guard and gives it back, so that
/// both sides of the facade can be written without `unsafe`.
#[derive(Debug, Default)]
pub(crate) struct Condvar(parking_lot::Condvar);

impl Condvar {
    pub(crate) fn wait<'a, T>(&self, mut guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(&mut guard);
        guard
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }
}

/// How many channels one selection covers.
pub(crate) const SELECTED: usize = 4;

/// Receives from one of `receivers` that is ready, without blocking: returns its index with the
/// message, or with `None` if that channel is disconnected and drained. Returns `None` if every
/// channel is empty and still connected.
///
/// If several are ready, it takes the first.
///
/// # Panics
///
/// Panics if there are more than [`SELECTED`].
pub(crate) fn select_ready<T>(receivers: &[&Receiver<T>]) -> Option<(usize, Option<T>)> {
    // With a list of known length, a selection allocates nothing.
    macro_rules! select_from {
        ($($receiver:ident $index:literal),+) => {
            select_biased! {
                $(recv($receiver) -> message => Some(($index, message.ok())),)+
                default => None,
            }
        };
    }
    match receivers {
        [] => None,
        [a] => select_from!(a 0),
        [a, b] => select_from!(a 0, b 1),
        [a, b, c] => select_from!(a 0, b 1, c 2),
        [a, b, c, d] => select_from!(a 0, b 1, c 2, d 3),
        _ => unreachable!("a selection covers at most {SELECTED} channels"),
    }
}

/// Starts a detached thread.
pub(crate) fn spawn(
    name: &str,
    stack_size: Option<usize>,
    body: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    builder(name, stack_size).spawn(body).map(drop)
}

/// Starts a thread that the scope waits for at its end.
pub(crate) fn spawn_scoped<'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    stack_size: Option<usize>,
    body: impl FnOnce() + Send + 'scope,
) -> io::Result<()> {
    builder(name, stack_size).spawn_scoped(scope, body).map(drop)
}

fn builder(name: &str, stack_size: Option<usize>) -> Builder {
    let builder = Builder::new().name(name.to_owned());
    match stack_size {
        Some(bytes) => builder.stack_size(bytes),
        None => builder,
    }
}

/// Waits briefly for something that will most likely happen at once.
#[derive(Debug)]
pub(crate) struct Patience(Instant);

impl Patience {
    const ENDS_AFTER: Duration = Duration::from_micros(200);

    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }

    /// Yields to other threads, and returns whether to go on waiting.
    pub(crate) fn lasts(&mut self) -> bool {
        yield_now();
        self.0.elapsed() < Self::ENDS_AFTER
    }
}

/// Returns how many threads the machine runs at once, if known.
pub(crate) fn available_parallelism() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}
