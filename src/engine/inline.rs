//! An input that the manager pulls on the consumer's thread.

use std::fmt;

use super::batch::Batch;
use super::batch_size::BatchSize;
use super::contain::{Payload, contain, contain_drop, keep_first};
use super::fan_out::{Demand, FanOut};
use super::meter::Managing;
use super::run::Stage;
use super::source::{Hook, Left, NoHook, Source};
use super::start::Dispatch;
use super::trace;
use crate::sync::Instant;

/// The initial capacity of a batch, in items. A longer batch, which only a fixed size can require,
/// grows as it is filled.
const FIRST_CAPACITY: usize = 1 << 13;

/// An input that is pulled batch by batch, each after the previous one was sent.
#[allow(unnameable_types, reason = "only passes through what is public")]
pub struct Inline<I: Iterator, H = NoHook> {
    /// `None` once it has ended or is no longer wanted.
    input: Option<I>,
    /// The item that was being pulled when an interruption ended a batch. It is held until the
    /// manager has handled the interruption, and then becomes a batch of its own.
    held_over: Option<I::Item>,
    demand: Demand,
    /// `None` once it has gone with the input.
    hook: Option<H>,
    /// Whether the hook was called for the next batch.
    hooked: bool,
    dispatch: Dispatch<I::Item>,
}

impl<I: Iterator, H: Hook> Inline<I, H> {
    pub(crate) fn new(input: I, hook: H, dispatch: Dispatch<I::Item>) -> Self {
        let (input, held_over, demand) = (Some(input), None, Demand::Wait);
        Self { input, held_over, demand, hook: Some(hook), hooked: false, dispatch }
    }

    /// Pulls one batch and begins to send it, or sends Stop if the input has ended.
    fn pull_batch(&mut self, most: usize) -> Result<(), Payload> {
        let Dispatch { fan_out, batch_size, recycler, time, run } = &mut self.dispatch;
        let Some(input) = &mut self.input else {
            fan_out.stop();
            return Ok(());
        };
        batch_size.begin(most);
        let mut items = recycler.vector(batch_size.goal().min(FIRST_CAPACITY));
        let first = fan_out.pulled();
        time.turn_to(Managing::PullInput);
        let interruptible = fan_out.is_interruptible();
        let pulled = contain(|| {
            let _span = trace::pull(fan_out);
            fill(batch_size, &mut items, |chunk, items| match interruptible {
                false => pull(input, fan_out, chunk, items),
                true => pull_until(|| run.is_called(), input, fan_out, chunk, items),
            })
        });
        time.turn_to(Managing::WaitForScans);
        // From here on, the drop of the items is contained, whatever happens.
        let batch = recycler.batch(items, run);
        if !batch.items().is_empty() {
            fan_out.enqueue(batch, first, None);
        }
        match pulled {
            Ok(Pulled::More) => Ok(()),
            Ok(Pulled::Last) => self.drop_input().inspect_err(|_| self.sever()),
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

    /// Calls the hook before the next batch, once, and returns whether it did.
    fn call_hook(&mut self) -> Result<bool, Payload> {
        if !H::CALLED || self.input.is_none() {
            return Ok(false);
        }
        self.hooked = !self.hooked;
        if self.hooked {
            let hook = &mut self.hook;
            contain(|| hook.iter_mut().for_each(H::before_batch)).inspect_err(|_| self.sever())?;
        }
        Ok(self.hooked)
    }

    /// Ends the run after the items pulled so far, because the input or its hook has panicked.
    // MODEL: loom-tests/tests/panics.rs::panic_in_the_input
    fn sever(&mut self) {
        self.dispatch.run.advance(Stage::Severed);
        self.dispatch.fan_out.stop();
        // Only one panic is reported. The input is dropped in any case.
        self.drop_input().unwrap_or_else(super::contain::discard);
    }

    /// Drops the input, the held item, and the items that the input would have filled again; each
    /// drop may panic.
    fn drop_input(&mut self) -> Result<(), Payload> {
        let mut first = contain_drop(self.held_over.take());
        if let Some(payload) = contain_drop(self.input.take()) {
            keep_first(&mut first, payload);
        }
        self.dispatch.recycler.retire();
        if let Some(payload) = contain_drop(self.hook.take()) {
            keep_first(&mut first, payload);
        }
        first.map_or(Ok(()), Err)
    }
}

impl<I: Iterator, H: Hook> Source for Inline<I, H> {
    type Item = I::Item;

    // MODEL: loom-tests/tests/control.rs::add_behind_an_item_that_is_held_over
    fn send(&mut self) {
        let Dispatch { fan_out, run, .. } = &self.dispatch;
        let _span = trace::dispatch();
        if let Some(item) = self.held_over.take() {
            fan_out.enqueue(Batch::new(vec![item], run), fan_out.pulled() - 1, None);
        }
        self.demand = fan_out.send();
    }

    fn pull(&mut self) -> Result<bool, Payload> {
        match self.demand {
            // Scans that the hook has added are handled first, and do not interrupt the batch.
            Demand::Pull { most } => match self.call_hook()? {
                true => Ok(true),
                false => self.pull_batch(most).map(|()| true),
            },
            Demand::Wait => Ok(false),
            Demand::Leave => self.drop_input().map(|()| false),
        }
    }

    fn release(&mut self, _: bool) -> Result<(), Payload> {
        self.demand = Demand::Leave;
        self.drop_input()
    }

    fn left(&mut self) {}

    fn has_left(&mut self) -> Left {
        if self.demand == Demand::Leave { Left::Yes } else { Left::No }
    }
}

/// How the input continues after a batch.
enum Pulled<T> {
    More,
    Last,
    /// An interruption ended the batch before this item.
    Interrupted(T),
}

/// Pulls one batch, chunk by chunk.
fn fill<T>(
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

/// Pulls `count` items at once, or fewer if the input ends.
fn pull<I: Iterator>(
    input: &mut I,
    fan_out: &FanOut<I::Item>,
    count: usize,
    items: &mut Vec<I::Item>,
) -> Pulled<I::Item> {
    let before = items.len();
    items.extend(input.by_ref().take(count));
    let pulled = items.len() - before;
    fan_out.count_pulled(pulled);
    if pulled < count { Pulled::Last } else { Pulled::More }
}

/// Pulls items one by one. If an interruption arrives while an item is pulled, the batch ends
/// before that item: a scan added inside the input's `next` sees only what that call and later ones
/// return.
// MODEL: loom-tests/tests/control.rs::add_inside_the_input
fn pull_until<I: Iterator>(
    interrupted: impl Fn() -> bool,
    input: &mut I,
    fan_out: &FanOut<I::Item>,
    count: usize,
    items: &mut Vec<I::Item>,
) -> Pulled<I::Item> {
    for _ in 0..count {
        let Some(item) = input.next() else { return Pulled::Last };
        fan_out.count_pulled(1);
        if interrupted() {
            return Pulled::Interrupted(item);
        }
        items.push(item);
    }
    Pulled::More
}

impl<I: Iterator, H> fmt::Debug for Inline<I, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inline").field("demand", &self.demand).finish_non_exhaustive()
    }
}
