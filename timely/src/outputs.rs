//! The way of outputs out of a dataflow, to an ordinary thread.

use std::collections::VecDeque;
use std::sync::Arc;
use std::{fmt, vec};

use parking_lot::{Condvar, Mutex};
use timely::scheduling::SyncActivator;

use crate::contain::{drop_contained, drop_each};

/// Makes a bounded channel out of a dataflow: a [`Sink`] for [`deliver`](crate::Deliver::deliver),
/// and an iterator over what is delivered.
///
/// `capacity` is the number of batches that wait for the iterator, from 1. While it is full, the
/// epochs behind are in flight, and the sources wait. A batch is one of timely's: some of what an
/// operator emitted at once, up to 8,192 bytes.
///
/// # Panics
///
/// Panics if `capacity` is 0.
pub fn outputs<T>(capacity: usize) -> (Sink<T>, Outputs<T>) {
    assert!(capacity > 0, "at least one batch has to fit");
    let state = State {
        batches: VecDeque::new(),
        sinks: 1,
        finished: false,
        open: true,
        wakes: Vec::new(),
        cancels: Vec::new(),
    };
    let queue = Arc::new(Queue { state: Mutex::new(state), changed: Condvar::new(), capacity });
    let outputs = Outputs { queue: Arc::clone(&queue), batch: Vec::new().into_iter() };
    (Sink { queue }, outputs)
}

struct Queue<T> {
    state: Mutex<State<T>>,
    // WAKE: the consumer waits here for a batch, for the end of the run, or for the last sink to go.
    changed: Condvar,
    capacity: usize,
}

struct State<T> {
    batches: VecDeque<Vec<T>>,
    sinks: usize,
    /// Whether the run has ended: no batch follows.
    finished: bool,
    /// Whether the iterator is there.
    open: bool,
    /// Operators that may wait for room.
    wakes: Vec<SyncActivator>,
    /// What ends the runs that deliver here.
    cancels: Vec<Box<dyn FnOnce() + Send>>,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offered {
    Taken,
    Full,
    /// Nobody listens.
    Closed,
}

/// Where [`deliver`](crate::Deliver::deliver) puts outputs. Made by [`outputs`].
///
/// The iterator ends with the run that delivers to it, or when all clones of its sink are gone. So
/// a closure for [`spawn`](crate::spawn) owns the sink that it uses.
pub struct Sink<T> {
    queue: Arc<Queue<T>>,
}

impl<T> Sink<T> {
    /// Has an operator woken when there is room, or when nobody listens any more.
    pub(crate) fn wake_with(&self, wake: SyncActivator) {
        self.queue.state.lock().wakes.push(wake);
    }

    /// Has a run ended as soon as the iterator is dropped.
    pub(crate) fn cancel_with(&self, cancel: Box<dyn FnOnce() + Send>) {
        self.queue.state.lock().cancels.push(cancel);
    }

    /// Takes the outputs out of `batch`, if there is room, or if they are to be taken `anyway`.
    pub(crate) fn offer(&self, batch: &mut Vec<T>, anyway: bool) -> Offered {
        let mut state = self.queue.state.lock();
        if !state.open {
            return Offered::Closed;
        }
        if state.batches.len() >= self.queue.capacity && !anyway {
            return Offered::Full;
        }
        state.batches.push_back(std::mem::take(batch));
        drop(state);
        self.queue.changed.notify_one();
        Offered::Taken
    }

    /// Has the iterator end behind what is there, whoever still has a sink. Returns what does so.
    pub(crate) fn finisher(&self) -> Box<dyn FnOnce() + Send>
    where
        T: Send + 'static,
    {
        let queue = Arc::clone(&self.queue);
        Box::new(move || {
            queue.state.lock().finished = true;
            queue.changed.notify_one();
        })
    }

    pub(crate) fn is_closed(&self) -> bool {
        !self.queue.state.lock().open
    }
}

impl<T> Clone for Sink<T> {
    fn clone(&self) -> Self {
        self.queue.state.lock().sinks += 1;
        Self { queue: Arc::clone(&self.queue) }
    }
}

impl<T> Drop for Sink<T> {
    fn drop(&mut self) {
        self.queue.state.lock().sinks -= 1;
        self.queue.changed.notify_one();
    }
}

impl<T> fmt::Debug for Sink<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink").field("capacity", &self.queue.capacity).finish_non_exhaustive()
    }
}

/// An iterator over delivered outputs. Made by [`outputs`].
///
/// # Blocking
///
/// `next` blocks until an output is delivered in this process, or the run has ended. It then
/// returns `None`, whether the run is complete or has failed: [`Run::join`](crate::Run::join) says
/// which.
///
/// An iterator that is not read holds back the sources of its run, and so all other iterators:
/// several of one run are read by a thread each.
///
/// Dropping it ends the run on all workers. In this process, nothing is pulled, stepped or flushed
/// behind the calls that are under way; another one hears of it when its workers look, behind what
/// has arrived there.
#[must_use = "a run whose outputs are dropped ends"]
pub struct Outputs<T> {
    queue: Arc<Queue<T>>,
    batch: vec::IntoIter<T>,
}

impl<T> Iterator for Outputs<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        loop {
            if let Some(output) = self.batch.next() {
                return Some(output);
            }
            let mut state = self.queue.state.lock();
            let batch = loop {
                if let Some(batch) = state.batches.pop_front() {
                    break batch;
                }
                if state.sinks == 0 || state.finished {
                    return None;
                }
                // WAKE: `offer`, the finisher, and the drop of the last sink.
                self.queue.changed.wait(&mut state);
            };
            state.wake();
            drop(state);
            self.batch = batch.into_iter();
        }
    }
}

impl<T> State<T> {
    fn wake(&self) {
        for wake in &self.wakes {
            // An error is a worker that has left.
            let _ = wake.activate();
        }
    }
}

impl<T> Drop for Outputs<T> {
    fn drop(&mut self) {
        let mut state = self.queue.state.lock();
        state.open = false;
        let rest = std::mem::take(&mut state.batches);
        let cancels = std::mem::take(&mut state.cancels);
        state.wake();
        drop(state);
        cancels.into_iter().for_each(|cancel| cancel());
        let batch = std::mem::replace(&mut self.batch, Vec::new().into_iter());
        drop_contained(drop_each(batch.chain(rest.into_iter().flatten())));
    }
}

impl<T> fmt::Debug for Outputs<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outputs").field("capacity", &self.queue.capacity).finish_non_exhaustive()
    }
}
