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

    /// Pulls one batch and begins to send it; or gives Stop, when the input has ended.
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
            let interrupted = || run.is_interrupted();
            contain(|| {
                pull_batch(batch_size, &mut items, |chunk, items| {
                    pull_until(interrupted, input, chunk, items)
                })
            })
        } else {
            contain(|| pull_batch(batch_size, &mut items, |chunk, items| pull(input, chunk, items)))
        };
        time.turn_to(manager_does::WAIT_FOR_SCANS);
        // From here on the drop of the items is contained, whatever happens.
        let batch = Batch::new(items, run);
        match pulled? {
            Pulled::More => {}
            Pulled::Last => self.drop_input()?,
            Pulled::Interrupted(item) => self.held_over = Some(item),
        }
        if batch.items().is_empty() {
            self.dispatch.feed.skip();
        } else {
            self.dispatch.feed.send(batch, None);
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

/// Pulls one batch, chunk by chunk.
fn pull_batch<T>(
    batch_size: &mut BatchSize,
    items: &mut Vec<T>,
    mut pull_chunk: impl FnMut(usize, &mut Vec<T>) -> Pulled<T>,
) -> Pulled<T> {
    let began = Instant::now();
    loop {
        let pulled = pull_chunk(batch_size.chunk(items.len()), items);
        if !matches!(pulled, Pulled::More) {
            return pulled;
        }
        if batch_size.is_full(items.len(), || began.elapsed()) {
            batch_size.learn(items.len(), || began.elapsed());
            return pulled;
        }
    }
}

/// Pulls so many items at once.
fn pull<I: Iterator>(input: &mut I, count: usize, items: &mut Vec<I::Item>) -> Pulled<I::Item> {
    let wanted = items.len() + count;
    items.extend(input.by_ref().take(count));
    if items.len() < wanted { Pulled::Last } else { Pulled::More }
}

/// Pulls so many items one by one. If there is an interruption while an item is pulled,
/// the batch ends before it: a scan that is added inside the input's `next` sees just
/// what comes of that call and of those after it.
// MODEL: loom-tests/tests/control.rs::add_inside_the_input
fn pull_until<I: Iterator>(
    interrupted: impl Fn() -> bool,
    input: &mut I,
    count: usize,
    items: &mut Vec<I::Item>,
) -> Pulled<I::Item> {
    for _ in 0..count {
        match input.next() {
            None => return Pulled::Last,
            Some(item) if interrupted() => return Pulled::Interrupted(item),
            Some(item) => items.push(item),
        }
    }
    Pulled::More
}

impl<I: Iterator> fmt::Debug for Pull<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pull").field("turn", &self.turn).finish_non_exhaustive()
    }
}
