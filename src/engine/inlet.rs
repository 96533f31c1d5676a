//! The input of a scan thread: it receives batches, and rings for room.

use std::fmt;

use super::batch::Batch;
use super::message::Message;
use super::meter::{Meter, Scanning};
use super::run::{Run, Stage};
use super::trace;
use crate::sync::{Arc, AtomicBool, Ordering, Receiver, RecvError, yield_now};

/// The input side of a scan thread.
///
/// A sender may be waiting for room in this channel, so receiving must ring; but a wake-up can cost
/// more than a batch. It is enough to ring when a channel that was full is half empty.
///
/// Why no ring is missing. If a sender waits for room here, its last look found the channel full,
/// and nothing was sent since. Receiving the next batch leaves the channel one short of its
/// capacity, so the thread knows that it was full. It empties half the channel without waiting for
/// another batch, and then rings.
// MODEL: loom-tests/tests/faults.rs::full_input_buffer
// MODEL: loom-tests/tests/faults.rs::full_input_buffer_of_three
pub(crate) struct Inlet<T> {
    receiver: Receiver<Arc<Batch<T>>>,
    capacity: usize,
    /// Whether the channel was full, with no ring since.
    was_full: bool,
    /// Raised when no more items are needed.
    gone: Arc<AtomicBool>,
    meter: Arc<Meter>,
    run: Arc<Run>,
}

impl<T> Inlet<T> {
    pub(super) fn new(
        (receiver, capacity): (Receiver<Arc<Batch<T>>>, usize),
        gone: &Arc<AtomicBool>,
        meter: &Arc<Meter>,
        run: &Arc<Run>,
    ) -> Self {
        let (gone, meter, run) = (Arc::clone(gone), Arc::clone(meter), Arc::clone(run));
        Self { receiver, capacity, was_full: false, gone, meter, run }
    }

    /// Returns the next message, or `None` if the scan must leave. Blocks until a batch is sent or
    /// the other end is dropped.
    pub(crate) fn next(&mut self) -> Option<Message<T>> {
        let received = self.wait();
        let Ok(batch) = received else {
            // A run is severed or aborted before its channels are dropped.
            // MODEL: loom-tests/tests/drop.rs::while_filling
            return (!self.run.is(Stage::Severed)).then_some(Message::Stop);
        };
        let left = self.announce_room();
        self.meter.took_batch(batch.items().len(), left + 1);
        Some(Message::Batch(batch))
    }

    /// Leaves, although items may come, and rings for the room that this makes.
    ///
    /// A scan need not ring here, as its exit follows at once.
    // MODEL: loom-tests/tests/branches.rs::branch_that_works_on_without_its_items
    pub(crate) fn close(self) {
        let run = Arc::clone(&self.run);
        drop(self);
        // WAKE: the look for room in the input channels.
        run.ring_for_room();
    }

    /// The run that sends the items.
    pub(crate) fn run(&self) -> &Arc<Run> {
        &self.run
    }

    fn wait(&self) -> Result<Arc<Batch<T>>, RecvError> {
        self.meter.time.turn_to(Scanning::WaitForInput);
        let _span = trace::wait_for_input();
        let received = self.receive();
        self.meter.time.turn_to(Scanning::Work);
        received
    }

    fn receive(&self) -> Result<Arc<Batch<T>>, RecvError> {
        if self.run.has_input_thread() {
            // A batch that was there without a wait may have only just started. If other threads
            // want the processor, the batch grows meanwhile; if not, this takes no time.
            if let Ok(batch) = self.receiver.try_recv() {
                if batch.is_growing() {
                    yield_now();
                }
                return Ok(batch);
            }
        }
        self.receiver.recv()
    }

    /// Rings if it is time to, and returns how many batches are left.
    fn announce_room(&mut self) -> usize {
        // In a channel of capacity one, there is nothing left to count.
        let left = if self.capacity == 1 { 0 } else { self.receiver.len() };
        self.was_full |= left + 1 >= self.capacity;
        if self.was_full && left <= self.capacity / 2 {
            self.was_full = false;
            // WAKE: the look for room in the input channels.
            self.run.ring_for_room();
        }
        left
    }
}

/// Empties the channel, which would keep its batches until the next one is sent: and what an item
/// holds may be what the input waits for.
// MODEL: loom-tests/tests/end.rs::queue_of_a_scan_that_has_ended
impl<T> Drop for Inlet<T> {
    fn drop(&mut self) {
        // ORDERING: see `Lane::is_gone`.
        self.gone.store(true, Ordering::SeqCst);
        while self.receiver.try_recv().is_ok() {}
    }
}

impl<T> fmt::Debug for Inlet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inlet").field("was_full", &self.was_full).finish_non_exhaustive()
    }
}
