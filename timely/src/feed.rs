//! A blocking input on a thread of its own, and the items that it has yielded.

use std::mem;
use std::sync::Arc;
use std::thread;

use parking_lot::{Condvar, Mutex};
use timely::scheduling::SyncActivator;

use crate::contain::{Payload, contain, drop_contained, drop_each};

/// The worker's end. Dropping it closes the feed: the input is not pulled again.
#[derive(Debug)]
pub(crate) struct Feed<T> {
    shared: Arc<Shared<T>>,
}

#[derive(Debug)]
struct Shared<T> {
    state: Mutex<State<T>>,
    // WAKE: the input's thread waits here for room; the worker makes it, and closes.
    room: Condvar,
}

#[derive(Debug)]
struct State<T> {
    /// INVARIANT: the input's thread appends while there are fewer than `batch`; the worker takes.
    items: Vec<T>,
    /// Written by the input's thread, as the last thing it does.
    end: Option<End>,
    /// Written by the worker, once.
    closed: bool,
}

/// How an input has ended.
#[derive(Debug)]
pub(crate) enum End {
    Exhausted,
    Panicked(Payload),
}

/// What a worker gets from a feed.
#[derive(Debug)]
pub(crate) enum Taken<T> {
    /// At least as many items as were asked for.
    Items(Vec<T>),
    /// There are fewer, or no room for them.
    Few,
    /// There are none.
    Nothing,
    /// The last items, perhaps none.
    End(Vec<T>, End),
}

impl<T: Send + 'static> Feed<T> {
    /// Starts the input's thread, which pulls up to `batch` items ahead.
    pub(crate) fn start<F, I>(input: F, batch: usize, wake: SyncActivator) -> std::io::Result<Self>
    where
        F: FnOnce() -> I + Send + 'static,
        I: IntoIterator<Item = T>,
    {
        let state = State { items: Vec::new(), end: None, closed: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), room: Condvar::new() });
        let inlet = Arc::clone(&shared);
        thread::Builder::new().name("anabranch:input".into()).spawn(move || {
            let end = match contain(|| pull(input, &inlet, batch, &wake)) {
                Ok(()) => End::Exhausted,
                Err(payload) => End::Panicked(payload),
            };
            let mut state = inlet.state.lock();
            // A closed feed has nobody to tell.
            let spare = if state.closed { Some(end) } else { state.end.replace(end) };
            drop(state);
            drop_contained(spare);
            let _ = wake.activate();
        })?;
        Ok(Self { shared })
    }

    /// Takes all items that there are, if they are at least `least`, or the last ones. Takes none
    /// without `room` for them.
    pub(crate) fn take(&self, least: usize, room: bool) -> Taken<T> {
        let mut state = self.shared.state.lock();
        if state.items.is_empty() && state.end.is_none() {
            return Taken::Nothing;
        }
        let ready = state.items.len() >= least || state.end.is_some();
        if !(room && ready) {
            return Taken::Few;
        }
        // What ends the input is taken with the last items, in their turn.
        let end = state.end.take();
        let items = mem::take(&mut state.items);
        drop(state);
        self.shared.room.notify_one();
        match end {
            Some(end) => Taken::End(items, end),
            None => Taken::Items(items),
        }
    }
}

impl<T> Drop for Feed<T> {
    fn drop(&mut self) {
        let mut state = self.shared.state.lock();
        state.closed = true;
        let (items, end) = (mem::take(&mut state.items), state.end.take());
        drop(state);
        self.shared.room.notify_one();
        drop_contained(drop_each(items));
        drop_contained(end);
    }
}

fn pull<T, I>(input: impl FnOnce() -> I, shared: &Shared<T>, batch: usize, wake: &SyncActivator)
where
    I: IntoIterator<Item = T>,
{
    if shared.state.lock().closed {
        return;
    }
    for item in input() {
        let mut state = shared.state.lock();
        if state.closed {
            drop(state);
            return;
        }
        state.items.push(item);
        let length = state.items.len();
        if length == 1 || length == batch {
            parking_lot::MutexGuard::unlocked(&mut state, || {
                // An error is a worker that has left; it closes the feed as it does.
                let _ = wake.activate();
            });
        }
        // WAKE: `take` makes room, and a drop of the feed closes it.
        while state.items.len() >= batch && !state.closed {
            shared.room.wait(&mut state);
        }
        if state.closed {
            return;
        }
    }
}
