//! The input, pulled by the manager on the consumer's thread.

use std::fmt;

use super::batch::Batch;
use super::batch_size::BatchSize;
use super::contain::{Payload, contain, contain_drop, keep_first};
use super::feed::{Feed, Turn};
use super::feeder::{Feeder, Left};
use super::meter::manager_does;
use super::run::Stage;
use super::start::Dispatch;
use crate::sync::{Arc, Instant};

/// How many items a batch has room for at first. A longer one, which only a fixed
/// size can ask for, grows as it is filled.
const FIRST_CAPACITY: usize = 1 << 13;

/// An input that is pulled batch by batch, each when the one before it was sent.
#[allow(unnameable_types, reason = "only passes through what is public")]
pub struct Pull<I: Iterator> {
    /// `None` once it has ended or is not wanted any more.
    input: Option<I>,
    /// The item that was being pulled when a batch was left because of an interruption. It
    /// is held until what interrupted has been heeded, then it is a batch of its own.
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
        matches!(self.turn, Turn::Pull { .. }) && self.input.is_some()
    }

    /// Pulls one batch and begins to send it; or gives Stop, when the input has ended.
    fn pull(&mut self, most: usize) -> Result<(), Payload> {
        let Dispatch { feed, batch_size, time, run } = &mut self.dispatch;
        let Some(input) = &mut self.input else {
            feed.stop();
            return Ok(());
        };
        batch_size.begin(most);
        let mut items = Vec::with_capacity(batch_size.goal().min(FIRST_CAPACITY));
        let first = feed.pulled();
        time.turn_to(manager_does::PULL_INPUT);
        let held = self.held;
        let pulled = contain(|| {
            pull_batch(batch_size, &mut items, |chunk, items| match held {
                false => pull(input, feed, chunk, items),
                true => pull_until(|| run.is_called(), input, feed, chunk, items),
            })
        });
        time.turn_to(manager_does::WAIT_FOR_SCANS);
        // From here on the drop of the items is contained, whatever happens.
        let batch = Batch::new(items, run);
        if !batch.items().is_empty() {
            feed.send(batch, first, None);
        }
        match pulled {
            Ok(Pulled::More) => Ok(()),
            Ok(Pulled::Last) => self.let_go_of_input().inspect_err(|_| self.sever()),
            Ok(Pulled::Interrupted(item)) => {
                self.held_over = Some(item);
                Ok(())
            }
            Err(payload) => {
                self.sever();
                Err(payload)
            }
        }
    }

    /// Ends the run behind what was pulled: the input has panicked, or who is asked for
    /// scans along with it.
    // MODEL: loom-tests/tests/panics.rs::panic_in_the_input
    pub(crate) fn sever(&mut self) {
        self.dispatch.run.advance(Stage::Severed);
        self.dispatch.feed.stop();
        // One panic is told. The input has gone in any case.
        self.let_go_of_input().unwrap_or_else(super::contain::discard);
    }

    /// Drops the input, and the item of it that nobody was given; each drop may panic.
    fn let_go_of_input(&mut self) -> Result<(), Payload> {
        let mut first = contain_drop(self.held_over.take());
        if let Some(payload) = contain_drop(self.input.take()) {
            keep_first(&mut first, payload);
        }
        first.map_or(Ok(()), Err)
    }
}

impl<I: Iterator> Feeder for Pull<I> {
    type Item = I::Item;

    // MODEL: loom-tests/tests/control.rs::add_behind_an_item_that_is_held_over
    fn dispatch(&mut self) {
        let Dispatch { feed, run, .. } = &self.dispatch;
        if let Some(item) = self.held_over.take() {
            feed.send(Batch::new(vec![item], run), feed.pulled() - 1, None);
        }
        self.turn = feed.offer();
    }

    fn fill(&mut self) -> Result<bool, Payload> {
        match self.turn {
            Turn::Pull { most } => self.pull(most).map(|()| true),
            Turn::Wait => Ok(false),
            Turn::Leave => self.let_go_of_input().map(|()| false),
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
        self.let_go_of_input()
    }

    fn let_go(&mut self) {}

    fn has_left(&mut self) -> Left {
        if self.turn == Turn::Leave { Left::Yes } else { Left::No }
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
    while !batch_size.is_full(items.len(), || began.elapsed()) {
        let pulled = pull_chunk(batch_size.chunk(items.len()), items);
        if !matches!(pulled, Pulled::More) {
            return pulled;
        }
    }
    batch_size.learn(items.len(), || began.elapsed());
    Pulled::More
}

/// Pulls so many items at once.
fn pull<I: Iterator>(
    input: &mut I,
    feed: &Feed<I::Item>,
    count: usize,
    items: &mut Vec<I::Item>,
) -> Pulled<I::Item> {
    let before = items.len();
    items.extend(input.by_ref().take(count));
    let pulled = items.len() - before;
    feed.count_pulled(pulled);
    if pulled < count { Pulled::Last } else { Pulled::More }
}

/// Pulls so many items one by one. If there is an interruption while an item is pulled,
/// the batch ends before it: a scan that is added inside the input's `next` sees just
/// what comes of that call and of those after it.
// MODEL: loom-tests/tests/control.rs::add_inside_the_input
fn pull_until<I: Iterator>(
    interrupted: impl Fn() -> bool,
    input: &mut I,
    feed: &Feed<I::Item>,
    count: usize,
    items: &mut Vec<I::Item>,
) -> Pulled<I::Item> {
    for _ in 0..count {
        let Some(item) = input.next() else { return Pulled::Last };
        feed.count_pulled(1);
        if interrupted() {
            return Pulled::Interrupted(item);
        }
        items.push(item);
    }
    Pulled::More
}

impl<I: Iterator> fmt::Debug for Pull<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pull").field("turn", &self.turn).finish_non_exhaustive()
    }
}
