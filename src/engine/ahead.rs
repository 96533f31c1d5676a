//! The input, pulled on a thread of its own, ahead of the consumer.

use std::fmt;

use super::batch::Batch;
use super::contain::{Payload, contain, keep_first};
use super::feed::{Feed, Turn};
use super::feeder::Feeder;
use super::growing::Growing;
use super::meter::{NOTHING, manager_does};
use super::run::Run;
use super::start::Dispatch;
use crate::pool::Lease;
use crate::sync::Arc;

/// An input that has its own thread, as the manager sees it.
#[allow(unnameable_types, reason = "only passes through what is public")]
pub struct Ahead<T> {
    feed: Arc<Feed<T>>,
    /// Whether the thread is still to be waited for.
    awaited: bool,
}

impl<T> Ahead<T> {
    /// The two ends of an input that has its own thread: what the manager has, and
    /// what the thread works with.
    pub(crate) fn new(dispatch: Dispatch<T>) -> (Self, Puller<T>) {
        (Self { feed: Arc::clone(&dispatch.feed), awaited: true }, Puller(dispatch))
    }

    /// One of which nothing is wanted: the thread never begins.
    pub(crate) fn unwanted(self) -> Self {
        self.feed.close();
        Self { awaited: false, ..self }
    }
}

impl<T> Feeder for Ahead<T> {
    type Item = T;

    fn dispatch(&mut self) {}

    fn fill(&mut self) -> Result<bool, Payload> {
        Ok(false)
    }

    fn hold(&mut self) {}

    fn feed(&self) -> &Arc<Feed<T>> {
        &self.feed
    }

    fn retire(&mut self, known: usize) -> Result<bool, Payload> {
        let retired = self.feed.retire(known);
        if retired {
            self.close()?;
        }
        Ok(retired)
    }

    /// A thread that is inside the input is let go. It finds the feed closed when it
    /// comes back.
    // MODEL: loom-tests/tests/ahead.rs::drop_while_the_input_blocks
    fn close(&mut self) -> Result<(), Payload> {
        if self.feed.close() {
            self.awaited = false;
        }
        Ok(())
    }

    fn let_go(&mut self) {
        self.awaited = false;
    }

    fn is_done(&self) -> bool {
        !self.awaited
    }
}

/// What the input's thread works with; the other end of an [`Ahead`].
pub(crate) struct Puller<T>(Dispatch<T>);

impl<T> Puller<T> {
    /// Pulls the input to its end, or until nobody takes items any more; then hands
    /// the thread back.
    pub(crate) fn live(self, input: impl Iterator<Item = T>, lease: Option<Lease>) {
        let mut exit = Exit { lease, panic: None, run: Arc::clone(&self.0.run) };
        let mut input = Some(input);
        exit.contain(|| input.iter_mut().for_each(|input| self.pull(input)));
        self.0.feed.pulled();
        exit.contain(|| drop(input));
        if exit.panic.is_none() {
            self.0.feed.stop();
        }
        self.0.time.turn_to(NOTHING);
        drop(self);
        drop(exit);
    }

    /// Adds every item to the batch that grows. When a scan has taken that, or it is
    /// full, the item begins the next one.
    fn pull(&self, input: &mut impl Iterator<Item = T>) {
        let Some(first) = input.next() else { return };
        let Some(mut growing) = self.begin(first) else { return };
        for item in input {
            if let Err(item) = growing.push(item) {
                match self.begin(item) {
                    Some(next) => growing = next,
                    None => return,
                }
            }
        }
    }

    /// Sends a batch that consists of one item so far, and gives the end at which it
    /// grows; `None` if nobody takes items any more. Blocks until all scans have it.
    // MODEL: loom-tests/tests/ahead.rs::both_sides_full
    fn begin(&self, first: T) -> Option<Arc<Growing<T>>> {
        self.0.time.turn_to(manager_does::WAIT_FOR_SCANS);
        let growing = Arc::new(Growing::new(first, self.0.batch_size.max()));
        self.0.feed.send(Batch::growing(&growing, &self.0.run), Some(Arc::clone(&growing)));
        loop {
            match self.0.feed.offer() {
                Turn::Pull => break,
                // WAKE: room in an input channel, or an exit, by whoever makes it. When
                // the feed is closed, the exit of who has no room is still to come.
                Turn::Wait => self.0.run.wait_for_room(),
                Turn::Leave => return None,
            }
        }
        self.0.time.turn_to(manager_does::PULL_INPUT);
        Some(growing)
    }
}

/// Says on drop that the input's thread has left: like the exit of a scan, first
/// the thread goes back to the pool, then it is published, then rung for.
struct Exit {
    lease: Option<Lease>,
    panic: Option<Payload>,
    run: Arc<Run>,
}

impl Exit {
    fn contain(&mut self, f: impl FnOnce()) {
        if let Err(payload) = contain(f) {
            keep_first(&mut self.panic, payload);
        }
    }
}

impl Drop for Exit {
    fn drop(&mut self) {
        self.lease = None;
        self.run.input_left(self.panic.take());
    }
}

impl<T> fmt::Debug for Ahead<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ahead").field("awaited", &self.awaited).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Puller<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Puller").field(&self.0).finish()
    }
}
