//! The manager: pulls the input, dispatches batches, collects outputs.

use std::fmt;
use std::mem;
use std::panic::resume_unwind;
use std::time::Instant;

use super::batch::{Batch, Outputs};
use super::batch_size::BatchSize;
use super::contain::{Payload, contain, discard};
use super::lanes::Lanes;
use super::message::Message;
use super::meter::{NOTHING, Timesheet, manager_does};
use super::run::{Notice, Run};
use crate::error::PanicOrigin;
use crate::id::ScanId;
use crate::sync::Arc;

/// How many items a batch has room for at first. A longer one, which only a fixed
/// size can ask for, grows as it is filled.
const FIRST_CAPACITY: usize = 1 << 13;

/// The near side of a run. It has no thread of its own: it works on the
/// consumer's, inside [`next`](Manager::next).
///
/// ```text
///                 a batch is full           all have it
///   ┌─────────┐ ──────────────────► ┌─────────────────┐
///   │ Filling │                     │ Sending a batch │
///   └─────────┘ ◄────────────────── └─────────────────┘
///     │     │     all have it,               │ all have it,
///     │     │     input goes on              │ input has ended
///     │     │                                ▼
///     │     │  input has ended      ┌─────────────────┐
///     │     └─────────────────────► │  Sending Stop   │
///     │ all scans have ended        └─────────────────┘
///     │ (or abort, from anywhere)            │ all have it
///     ▼                                      │
///   ┌──────────┐ ◄───────────────────────────┘
///   │ Draining │ ──────► Ended
///   └──────────┘  every scan exited, every output collected
/// ```
///
/// Invariants:
///
/// 1. The manager blocks on the doorbell alone, and only after a look that found
///    nothing to do. (A source that blocks in its `next` is the caller's.)
///    MODEL: loom-tests/tests/faults.rs::both_sides_full
/// 2. A batch is sent to nobody before the one before it was sent to all live
///    scans, and none is filled while one is being sent: at most
///    `input_capacity + 2` are alive, that one included.
///    MODEL: loom-tests/tests/faults.rs::full_input_buffer
/// 3. Outputs that are ready are delivered before the input is pulled.
pub(crate) struct Manager<I: Iterator, O> {
    /// `None` once it has ended or is not wanted any more.
    input: Option<I>,
    batch_size: BatchSize,
    phase: Phase<I::Item>,
    lanes: Lanes<I::Item, O>,
    /// How many scans have not reported their exit.
    live: usize,
    /// The outputs that the consumer is being given, and whose they are.
    ready: (ScanId, Outputs<O>),
    panic: Option<Panic>,
    time: Arc<Timesheet>,
    run: Arc<Run>,
}

/// Where the manager is in the life of a run; see [`Manager`].
enum Phase<T> {
    /// The next batch is to be filled.
    Filling,
    /// This message is being sent to those that have not got it yet.
    Sending(Message<T>),
    /// Nothing more will be sent; outputs and exits are awaited.
    Draining,
    /// Every scan has exited and every output was delivered.
    Ended,
}

/// The first panic of a run.
struct Panic {
    origin: PanicOrigin,
    /// `None` once it has surfaced.
    payload: Option<Payload>,
}

impl<I: Iterator, O> Manager<I, O> {
    /// Takes charge of `live` scans that are running at the far ends of `lanes`.
    pub(super) fn new(
        input: I,
        batch_size: BatchSize,
        lanes: Lanes<I::Item, O>,
        live: usize,
        time: Arc<Timesheet>,
        run: Arc<Run>,
    ) -> Self {
        Self {
            input: Some(input),
            batch_size,
            phase: Phase::Filling,
            lanes,
            live,
            ready: (ScanId::new(0), Outputs::new(Vec::new())),
            panic: None,
            time,
            run,
        }
    }

    /// The next output, in the order in which batches of outputs are found.
    ///
    /// Resumes the run's first panic once everything else was delivered.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<(ScanId, O)> {
        loop {
            if let Some(output) = self.ready.1.next() {
                return Some((self.ready.0, output));
            }
            self.ready = self.work(Lanes::collect)?;
        }
    }

    /// The next outputs of one scan, the `index`th; `None` if it has emitted its
    /// last. The outputs of all others wait, and hold their scans back.
    ///
    /// Whoever takes outputs scan by scan does so to the end, which is
    /// [`finish`](Self::finish), and item by item: no scan may be waited for that
    /// has emitted all there is for an item while another one has not. Then
    /// waiting for one never deadlocks. For suppose that the manager sleeps. The
    /// scan has nothing to do: it has had every item that was dispatched, and all
    /// that it emitted for them was taken. So the others, too, have had what they
    /// emitted for all of these items taken; none of them is owed one; and with
    /// nobody owed anything the manager does not sleep, it fills the next batch.
    // MODEL: loom-tests/tests/aligned.rs::silent_scan_beside_a_chatty_one
    pub(crate) fn next_of(&mut self, index: usize) -> Option<Outputs<O>> {
        self.work(|lanes| lanes.receive(index))?
    }

    /// Drops what outputs are still to come, and ends the run.
    ///
    /// Resumes the run's first panic.
    pub(crate) fn finish(&mut self) {
        while self.work(Lanes::collect).is_some() {}
    }

    /// How many outputs are at hand, and whether that is all there will be.
    pub(crate) fn size_hint(&self) -> (usize, Option<usize>) {
        let ready = self.ready.1.len();
        let ended = matches!(self.phase, Phase::Ended);
        (ready, ended.then_some(ready))
    }

    /// Where the panic that ended the run came from.
    pub(crate) fn panicked(&self) -> Option<&PanicOrigin> {
        self.panic.as_ref().map(|panic| &panic.origin)
    }

    /// Works until a look at the lanes finds something; `None` if the run is over.
    #[inline(never)]
    fn work<R>(&mut self, mut look: impl FnMut(&mut Lanes<I::Item, O>) -> Option<R>) -> Option<R> {
        if !matches!(self.phase, Phase::Ended) {
            self.time.turn_to(manager_does::WAIT_FOR_SCANS);
        }
        loop {
            // One look. It ends with the notices, as it is the disconnection of
            // an output channel that makes the manager expect an exit.
            // MODEL: loom-tests/tests/end.rs::end_races_with_the_last_output
            self.dispatch();
            if let Some(found) = look(&mut self.lanes) {
                self.time.turn_to(manager_does::LET_CONSUME);
                return Some(found);
            }
            self.read_notices();
            match self.phase {
                Phase::Filling => self.fill(),
                Phase::Draining if self.live == 0 && self.lanes.len() == 0 => self.end(),
                // WAKE: an output batch, room in an input channel, an exit; each
                // is published by a scan thread, which then rings.
                Phase::Sending(_) | Phase::Draining => self.run.wait(),
                Phase::Ended => return None,
            }
        }
    }

    /// Reads what scan threads have said beside their outputs, if they can have
    /// said anything: a scan disconnects its output channel, then it exits. With
    /// the notices that this look expects may come one of a scan that was found
    /// connected a moment ago; its ring is then still to come, or has come since.
    fn read_notices(&mut self) {
        let exit_expected = self.live > self.lanes.len();
        for notice in self.run.take_notices(exit_expected) {
            match notice {
                Notice::Exited { id, panic } => {
                    self.live -= 1;
                    if let Some(payload) = panic {
                        self.fail(PanicOrigin::Scan(id), payload);
                    }
                }
                Notice::ItemPanicked(payload) => self.fail(PanicOrigin::Item, payload),
            }
        }
    }

    /// Goes on with the message that is being sent, and with the one after it.
    /// Never blocks: whoever has no room is tried again at the next look.
    fn dispatch(&mut self) {
        while let Phase::Sending(message) = &self.phase {
            if !self.lanes.offer(message) {
                return;
            }
            let sent = mem::replace(&mut self.phase, Phase::Draining);
            match sent {
                Phase::Sending(Message::Batch(_)) if self.input.is_some() => {
                    self.phase = Phase::Filling;
                }
                Phase::Sending(Message::Batch(_)) => self.send(Message::Stop),
                _ => {}
            }
        }
    }

    fn send(&mut self, message: Message<I::Item>) {
        self.lanes.owe_all();
        self.phase = Phase::Sending(message);
    }

    /// Pulls one batch from the input, if anybody is there to take it.
    fn fill(&mut self) {
        if !self.lanes.take_input() {
            self.phase = Phase::Draining;
            return self.drop_input();
        }
        let Some(input) = &mut self.input else {
            return self.send(Message::Stop);
        };
        let mut items = Vec::with_capacity(self.batch_size.target().min(FIRST_CAPACITY));
        self.time.turn_to(manager_does::PULL_INPUT);
        let pulled = contain(|| pull_batch(input, &mut self.batch_size, &mut items));
        self.time.turn_to(manager_does::WAIT_FOR_SCANS);
        // From here on the drop of the items is contained, whatever happens.
        let batch = Batch::new(items, &self.run);
        match pulled {
            Ok(Pulled::More) => {}
            Ok(Pulled::Last) => self.drop_input(),
            Err(payload) => return self.fail(PanicOrigin::Input, payload),
        }
        if matches!(self.phase, Phase::Filling) {
            self.send(if batch.items().is_empty() { Message::Stop } else { Message::Batch(batch) });
        }
    }

    /// Drops the input, whose drop may panic.
    fn drop_input(&mut self) {
        let input = self.input.take();
        if let Err(payload) = contain(|| drop(input)) {
            self.fail(PanicOrigin::Input, payload);
        }
    }

    /// Aborts the run because of a panic. What was emitted before is delivered,
    /// then the first panic surfaces.
    // MODEL: loom-tests/tests/panics.rs::panic_while_the_manager_waits_for_room
    fn fail(&mut self, origin: PanicOrigin, payload: Payload) {
        if self.panic.is_some() {
            discard(payload);
        } else {
            self.panic = Some(Panic { origin, payload: Some(payload) });
        }
        self.abort();
    }

    /// Makes every scan thread leave. One that waits for input finds its channel
    /// disconnected; one that waits for room for outputs gets it from the
    /// consumer or from [`drop`](Drop::drop).
    pub(crate) fn abort(&mut self) {
        self.run.abort();
        self.lanes.close_inputs();
        self.phase = Phase::Draining;
        self.drop_input();
    }

    /// Ends the run, with the panic that it had, if it had one.
    fn end(&mut self) {
        // The last batch may have been dropped since the look began, here.
        self.read_notices();
        self.phase = Phase::Ended;
        self.time.turn_to(NOTHING);
        let payload = self.panic.as_mut().and_then(|panic| panic.payload.take());
        if let Some(payload) = payload {
            resume_unwind(payload);
        }
    }
}

/// Whether the input goes on after a batch.
enum Pulled {
    More,
    Last,
}

fn pull_batch<I: Iterator>(
    input: &mut I,
    batch_size: &mut BatchSize,
    items: &mut Vec<I::Item>,
) -> Pulled {
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

/// Aborts what is left of the run, and waits until every scan thread has left it:
/// for at most the one call of user code that each is in.
// MODEL: loom-tests/tests/drop.rs::while_dispatching_with_both_sides_full
impl<I: Iterator, O> Drop for Manager<I, O> {
    fn drop(&mut self) {
        self.time.turn_to(NOTHING);
        self.abort();
        self.lanes.close();
        loop {
            self.read_notices();
            if self.live == 0 {
                break;
            }
            // WAKE: an exit, published by a scan thread, which then rings.
            self.run.wait();
        }
        if let Some(payload) = self.panic.take().and_then(|panic| panic.payload) {
            discard(payload);
        }
    }
}

impl<I: Iterator, O> fmt::Debug for Manager<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manager")
            .field("live", &self.live)
            .field("ready", &self.ready)
            .finish_non_exhaustive()
    }
}
