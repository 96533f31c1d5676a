//! The input, pulled by the manager on the consumer's thread.

use std::fmt;
use std::time::Instant;

use super::batch::Batch;
use super::batch_size::BatchSize;
use super::contain::{Payload, contain};
use super::feed::{Feed, Turn};
use super::feeder::Feeder;
use super::meter::manager_does;
use super::start::Dispatch;
use crate::sync::Arc;

/// How many items a batch has room for at first. A longer one, which only a fixed
/// size can ask for, grows as it is filled.
const FIRST_CAPACITY: usize = 1 << 13;

/// An input that is pulled batch by batch, each when the one before it was sent.
#[allow(unnameable_types, reason = "only passes through what is public")]
pub struct Pull<I: Iterator> {
    /// `None` once it has ended or is not wanted any more.
    input: Option<I>,
    /// The item that was being pulled when a batch was left because of an
    /// interruption: it belongs to the next one.
    held_over: Option<I::Item>,
    turn: Turn,
    /// Whether there may be interruptions.
    held: bool,
    dispatch: Dispatch<I::Item>,
}

impl<I: Iterator> Pull<I> {
    pub(crate) fn new(input: I, dispatch: Dispatch<I::Item>) -> Self {
        Self { input: Some(input), held_over: None, turn: Turn::Wait, held: false, dispatch }
    }

    /// Whether it is time to pull.
    pub(crate) fn is_due(&self) -> bool {
        self.turn == Turn::Pull && self.input.is_some()
    }

    /// Pulls one batch and begins to send it.
    fn pull(&mut self) -> Result<(), Payload> {
        let Dispatch { feed, batch_size, time, run } = &mut self.dispatch;
        let Some(input) = &mut self.input else {
            feed.stop();
            return Ok(());
        };
        let mut items = Vec::with_capacity(batch_size.target().min(FIRST_CAPACITY));
        time.turn_to(manager_does::PULL_INPUT);
        let pulled = if self.held {
            feed.fill();
            items.extend(self.held_over.take());
            contain(|| pull_until(|| run.is_interrupted(), input, batch_size, &mut items))
        } else {
            contain(|| pull_batch(input, batch_size, &mut items))
        };
        time.turn_to(manager_does::WAIT_FOR_SCANS);
        // From here on the drop of the items is contained, whatever happens.
        let batch = Batch::new(items, run);
        let last = match pulled? {
            Pulled::More => false,
            Pulled::Last => true,
            Pulled::Interrupted(item) => {
                self.held_over = Some(item);
                false
            }
        };
        if last {
            self.drop_input()?;
        }
        if batch.items().is_empty() {
            self.dispatch.feed.skip();
        } else {
            self.dispatch.feed.send(batch, None);
        }
        if last {
            self.dispatch.feed.stop();
        }
        Ok(())
    }

    /// Drops the input, whose drop may panic.
    fn drop_input(&mut self) -> Result<(), Payload> {
        let input = (self.held_over.take(), self.input.take());
        contain(|| drop(input))
    }
}

impl<I: Iterator> Feeder for Pull<I> {
    type Item = I::Item;

    fn dispatch(&mut self) {
        if self.held {
            self.dispatch.run.heed();
        }
        self.turn = self.dispatch.feed.offer();
    }

    fn fill(&mut self) -> Result<bool, Payload> {
        match self.turn {
            Turn::Pull => self.pull().map(|()| true),
            Turn::Wait => Ok(false),
            Turn::Leave => self.drop_input().map(|()| false),
        }
    }

    fn hold(&mut self) {
        self.held = true;
    }

    fn feed(&self) -> &Arc<Feed<I::Item>> {
        &self.dispatch.feed
    }

    fn retire(&mut self, known: usize) -> Result<bool, Payload> {
        let retired = self.dispatch.feed.retire(known);
        if retired {
            self.close()?;
        }
        Ok(retired)
    }

    fn close(&mut self) -> Result<(), Payload> {
        self.dispatch.feed.close();
        self.turn = Turn::Leave;
        self.drop_input()
    }

    fn let_go(&mut self) {}

    fn is_done(&self) -> bool {
        self.turn == Turn::Leave
    }
}

/// Whether the input goes on after a batch.
enum Pulled<T> {
    More,
    Last,
    /// The batch was left before this item.
    Interrupted(T),
}

/// Pulls one batch.
fn pull_batch<I: Iterator>(
    input: &mut I,
    batch_size: &mut BatchSize,
    items: &mut Vec<I::Item>,
) -> Pulled<I::Item> {
    let began = Instant::now();
    loop {
        let wanted = items.len() + batch_size.chunk(items.len());
        items.extend(input.by_ref().take(wanted - items.len()));
        if items.len() < wanted {
            return Pulled::Last;
        }
        if batch_size.is_full(items.len(), || began.elapsed()) {
            batch_size.learn(items.len(), || began.elapsed());
            return Pulled::More;
        }
    }
}

/// Pulls one batch, item by item. If there is an interruption while an item is
/// pulled, the batch ends before it: who is added inside the input's `next` sees just
/// what comes of that call and of those after it.
fn pull_until<I: Iterator>(
    interrupted: impl Fn() -> bool,
    input: &mut I,
    batch_size: &mut BatchSize,
    items: &mut Vec<I::Item>,
) -> Pulled<I::Item> {
    let began = Instant::now();
    loop {
        for _ in 0..batch_size.chunk(items.len()) {
            match input.next() {
                None => return Pulled::Last,
                Some(item) if interrupted() => return Pulled::Interrupted(item),
                Some(item) => items.push(item),
            }
        }
        if batch_size.is_full(items.len(), || began.elapsed()) {
            batch_size.learn(items.len(), || began.elapsed());
            return Pulled::More;
        }
    }
}

impl<I: Iterator> fmt::Debug for Pull<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pull").field("turn", &self.turn).finish_non_exhaustive()
    }
}
