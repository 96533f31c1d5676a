//! An input that is pulled on its own thread, ahead of the consumer.

use std::fmt;
use std::marker::PhantomData;

use super::branch::contain_into;
use super::contain::Payload;
use super::fan_out::Demand;
use super::growing::Growing;
use super::meter::Managing;
use super::run::{Run, Stage};
use super::source::{Hook, Left, Source};
use super::start::Dispatch;
use super::trace;
use crate::sync::{Arc, Instant, Patience};
use crate::threads::Worker;

/// An input that has its own thread, as the manager sees it.
#[allow(unnameable_types, reason = "only passes through what is public")]
pub struct ReadAhead<T> {
    awaited: Awaited,
    item: PhantomData<fn() -> T>,
}

/// Whether the run still waits for the thread.
#[derive(Debug)]
enum Awaited {
    /// It rings when it leaves.
    Yes,
    /// The thread was inside the input when the run released it. If the input does not block, the
    /// thread leaves at once.
    Briefly(Patience),
    /// No.
    No,
}

impl<T> ReadAhead<T> {
    /// Creates the two ends of an input that has its own thread: the manager's, and the thread's.
    pub(crate) fn new(dispatch: Dispatch<T>) -> (Self, Puller<T>) {
        (Self { awaited: Awaited::Yes, item: PhantomData }, Puller(dispatch))
    }
}

impl<T> Source for ReadAhead<T> {
    type Item = T;

    fn send(&mut self) {}

    fn pull(&mut self) -> Result<bool, Payload> {
        Ok(false)
    }

    /// A thread that is inside the input is detached if it does not leave at once. It finds the
    /// fan-out closed when it returns. A thread that is elsewhere leaves by itself.
    // MODEL: loom-tests/tests/ahead.rs::drop_while_the_input_blocks
    // MODEL: loom-tests/tests/ahead.rs::nothing_is_pulled_behind_a_drop
    fn release(&mut self, pulling: bool) -> Result<(), Payload> {
        if pulling && matches!(self.awaited, Awaited::Yes) {
            self.awaited = Awaited::Briefly(Patience::new());
        }
        Ok(())
    }

    fn left(&mut self) {
        self.awaited = Awaited::No;
    }

    fn has_left(&mut self) -> Left {
        match &mut self.awaited {
            Awaited::Yes => Left::No,
            Awaited::No => Left::Yes,
            Awaited::Briefly(patience) => {
                if patience.lasts() {
                    return Left::Soon;
                }
                self.awaited = Awaited::No;
                Left::Yes
            }
        }
    }
}

/// The end of a [`ReadAhead`] that the input's thread uses.
#[allow(unnameable_types, reason = "only passes through what is public")]
pub struct Puller<T>(Dispatch<T>);

impl<T> Puller<T> {
    /// Pulls the input to its end, or until no scan takes items any more; then returns the thread
    /// to its pool.
    pub(crate) fn run<H: Hook>(
        mut self,
        input: impl Iterator<Item = T>,
        mut hook: H,
        worker: Option<Worker>,
    ) {
        let mut exit = Exit { worker, panic: None, run: Arc::clone(&self.0.run) };
        let mut input = Some(input);
        contain_into(&mut exit.panic, || {
            input.iter_mut().for_each(|input| self.pull(input, &mut hook));
        });
        self.0.fan_out.leave();
        contain_into(&mut exit.panic, || drop(input));
        contain_into(&mut exit.panic, || drop(hook));
        if exit.panic.is_some() {
            self.0.run.advance(Stage::Severed);
        }
        self.0.fan_out.stop();
        self.0.time.turn_to(Managing::Done);
        drop(self);
        drop(exit);
    }

    /// Pulls item by item, and adds each to the growing batch. If that is full or a scan has taken
    /// it, the item begins the next batch.
    fn pull(&mut self, input: &mut impl Iterator<Item = T>, hook: &mut impl Hook) {
        let Some(mut most) = self.wait_for_demand() else { return };
        let first = {
            let _span = trace::pull(&self.0.fan_out);
            hook.before_batch();
            self.next(input)
        };
        let Some(mut item) = first else { return };
        loop {
            self.0.batch_size.begin(most);
            let growing = self.begin(item);
            match self.wait_for_demand() {
                Some(then) => most = then,
                None => return,
            }
            let _span = trace::pull(&self.0.fan_out);
            hook.before_batch();
            match self.grow(&growing, input) {
                Some(next) => item = next,
                None => return,
            }
        }
    }

    /// Pulls the next item, unless no scan would take it.
    #[inline]
    fn next(&self, input: &mut impl Iterator<Item = T>) -> Option<T> {
        if self.0.fan_out.is_closed() {
            return None;
        }
        let item = input.next()?;
        self.0.fan_out.count_pulled(1);
        Some(item)
    }

    /// Sends a batch of one item, and returns the end at which it grows.
    fn begin(&mut self, item: T) -> Arc<Growing<T>> {
        let Dispatch { fan_out, recycler, run, .. } = &mut self.0;
        let (batch, growing) = recycler.growing(item, run);
        fan_out.enqueue(batch, fan_out.pulled() - 1, Some(Arc::clone(&growing)));
        growing
    }

    /// Blocks until all scans have the current batch. Returns how many items the slowest scan
    /// processes at once, or `None` if no scan takes items any more.
    // MODEL: loom-tests/tests/ahead.rs::both_sides_full
    fn wait_for_demand(&self) -> Option<usize> {
        let Dispatch { fan_out, run, time, .. } = &self.0;
        time.turn_to(Managing::WaitForScans);
        let _span = trace::dispatch();
        loop {
            match fan_out.send() {
                Demand::Pull { most } => {
                    time.turn_to(Managing::PullInput);
                    return Some(most);
                }
                // WAKE: room in an input channel, or an exit, by the thread that makes it. When the
                // fan-out is closed, the exit of a scan without room is still to come.
                Demand::Wait => run.wait_for_room(),
                Demand::Leave => return None,
            }
        }
    }

    /// Pulls items and adds them to the batch until it is full or a scan has taken it. Returns the
    /// first item of the next batch, or `None` if there is none.
    fn grow(&mut self, growing: &Growing<T>, input: &mut impl Iterator<Item = T>) -> Option<T> {
        let began = Instant::now();
        let (mut filled, mut look_at) = (1, 1);
        loop {
            let item = self.next(input)?;
            // The time that the current item took to arrive counts.
            let size = &mut self.0.batch_size;
            if filled >= look_at {
                if size.is_full(filled, || began.elapsed()) {
                    size.learn(filled, || began.elapsed());
                    return Some(item);
                }
                look_at = filled + size.chunk(filled);
            }
            if let Err(item) = growing.push(item) {
                return Some(item);
            }
            filled += 1;
        }
    }
}

/// Reports on drop that the input's thread has left. As at the exit of a scan, first the thread
/// returns to the pool, then the exit is published, then the bell is rung.
struct Exit {
    worker: Option<Worker>,
    panic: Option<Payload>,
    run: Arc<Run>,
}

impl Drop for Exit {
    fn drop(&mut self) {
        self.worker = None;
        self.run.input_left(self.panic.take());
    }
}

impl<T> fmt::Debug for ReadAhead<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadAhead").field("awaited", &self.awaited).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Puller<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Puller").field(&self.0).finish()
    }
}
