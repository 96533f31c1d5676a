//! The near ends of the input channels: which scans get the next items.

use std::fmt;

use super::batch::{Batch, BatchSender};
use super::branch::InputSide;
use super::growing::Growing;
use super::id::ScanId;
use super::pace::Pace;
use super::run::Run;
use crate::sync::{Arc, AtomicBool, Counter, Mutex, Ordering, TrySendError};

/// What is dispatched, and to which scans. Used by the thread that pulls the input, and by any
/// thread that ends the run or a part of it.
///
/// ```text
///            send                stop                   all have it
///   Open ──────────► Open, ──────────────► Ending, ─────────────────┐
///    │  ◄──────────  sending               sending                  ▼
///    │   all have it    │                     │                  Closed
///    └──────────────────┴─────────────────────┴────────────────────►
///      stop, with nothing being sent; close; nobody takes items any more
/// ```
///
/// Invariants:
///
/// 1. No method blocks, and no value of the user's is dropped under the lock.
/// 2. A batch is sent only after the previous one was sent to all live scans, and none is filled
///    while one is being sent. So at most `input_capacity + 2` batches are alive, including the one
///    being sent.
///    MODEL: loom-tests/tests/faults.rs::full_input_buffer
/// 3. Stop is the drop of the near end. It follows the last batch and needs no room, so giving it
///    never waits.
///    MODEL: loom-tests/tests/faults.rs::endless_scan_and_finite_input
/// 4. A scan is sent exactly the items between the first and the last that its lane records. No
///    batch has items on both sides of either bound. To ensure this, an item may be a batch of its
///    own, which waits behind another.
///    MODEL: loom-tests/tests/control.rs::add_behind_an_item_that_is_held_over
pub(crate) struct FanOut<T> {
    state: Mutex<State<T>>,
    /// How many items were pulled. Written by the thread that pulls, at each item.
    pulled: Counter,
    /// Whether the phase is no longer open. Raised under the lock; read without it by the input's
    /// own thread, to see that no more items are wanted.
    closed: AtomicBool,
    /// Whether a request interrupts a batch that is being pulled on the consumer's thread. Raised
    /// before any request is possible.
    interruptible: AtomicBool,
    run: Arc<Run>,
}

struct State<T> {
    lanes: Vec<Lane<T>>,
    /// How many scans have started: the number of the next one.
    begun: usize,
    /// Whether to go on when there are no lanes.
    discards: bool,
    /// The batch that is being sent to the scans that do not have it yet.
    sending: Option<Sending<T>>,
    /// The batch to send next, if it exists already.
    behind: Option<Sending<T>>,
    /// The end of the last batch, if it grows.
    growing: Option<Arc<Growing<T>>>,
    phase: Phase,
    /// Whether the thread that pulls the input was told to, and has not returned since.
    pulling: bool,
}

/// A batch on its way to the scans.
struct Sending<T> {
    batch: Arc<Batch<T>>,
    /// The number of its first item.
    first: u64,
}

/// What is still to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Batches.
    Open,
    /// Stop, once the current batch was sent to all.
    Ending,
    /// Nothing.
    Closed,
}

/// The near end of the input channel of one scan.
struct Lane<T> {
    id: ScanId,
    input: BatchSender<T>,
    /// Whether the scan needs no more items.
    gone: Arc<AtomicBool>,
    pace: Arc<Pace>,
    /// The first item that it is sent, by the number in which items were pulled.
    from: u64,
    /// Stop follows the batch that begins with this item.
    last: Option<u64>,
    /// Whether the current batch has yet to be sent here.
    owed: bool,
}

/// What the thread that pulls the input should do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Demand {
    /// Pull the next items.
    Pull {
        /// How many items the slowest scan processes in about half a linger.
        most: usize,
    },
    /// Wait for room: some scan does not have the current batch.
    Wait,
    /// Stop pulling: no scan takes items any more.
    Leave,
}

/// Values to drop after the lock is released.
struct Garbage<T> {
    lanes: Vec<Lane<T>>,
    sent: [Option<Sending<T>>; 2],
    growing: Option<Arc<Growing<T>>>,
}

impl<T> FanOut<T> {
    /// Creates the fan-out to the scans at the far ends of `inputs`. Without scans it is closed,
    /// unless it `discards`.
    pub(super) fn new(inputs: Vec<InputSide<T>>, discards: bool, run: &Arc<Run>) -> Self {
        let lane = |(index, input)| Lane::new(index, input, 0);
        let lanes: Vec<_> = inputs.into_iter().enumerate().map(lane).collect();
        lanes.iter().for_each(|_| run.begin_scan());
        let wanted = discards || !lanes.is_empty();
        Self {
            state: Mutex::new(State {
                begun: lanes.len(),
                discards,
                lanes,
                sending: None,
                behind: None,
                growing: None,
                phase: if wanted { Phase::Open } else { Phase::Closed },
                pulling: false,
            }),
            pulled: Counter::new(0),
            closed: AtomicBool::new(!wanted),
            interruptible: AtomicBool::new(false),
            run: Arc::clone(run),
        }
    }

    /// Records that `more` items were pulled, the last of them just now.
    #[inline]
    pub(super) fn count_pulled(&self, more: usize) {
        // ORDERING: a thread that adds a scan after an item that it knows of sees the count; for
        // all others any count is correct.
        let pulled = self.pulled.load(Ordering::Relaxed) + more as u64;
        self.pulled.store(pulled, Ordering::Relaxed);
    }

    /// How many items were pulled.
    pub(super) fn pulled(&self) -> u64 {
        self.pulled.load(Ordering::Relaxed)
    }

    /// Lets requests interrupt batches from now on.
    pub(super) fn interrupt(&self) {
        // ORDERING: raised and read by the consumer's thread.
        self.interruptible.store(true, Ordering::Relaxed);
    }

    /// Returns whether requests interrupt batches.
    pub(super) fn is_interruptible(&self) -> bool {
        self.interruptible.load(Ordering::Relaxed)
    }

    /// Returns whether no more items are taken, as far as is visible without the lock.
    #[inline]
    pub(super) fn is_closed(&self) -> bool {
        // ORDERING: a hint. A thread that misses it sees the phase when the item is sent.
        self.closed.load(Ordering::Relaxed)
    }

    /// Returns whether more scans can be added.
    pub(super) fn is_open(&self) -> bool {
        self.state.lock().phase == Phase::Open
    }

    /// Works on the state under the lock, and drops the garbage after releasing it.
    fn locked<R>(&self, work: impl FnOnce(&mut State<T>, &mut Garbage<T>) -> R) -> R {
        let mut garbage = Garbage::nothing();
        let result = work(&mut self.state.lock(), &mut garbage);
        drop(garbage);
        result
    }

    /// Adds a scan, which gets all items pulled from now on. Registers it, with its number, under
    /// the lock, so that the run cannot end in between. Returns `None` if nothing more will be
    /// sent.
    // MODEL: loom-tests/tests/control.rs::add_races_with_the_end
    pub(super) fn add(&self, input: InputSide<T>, register: impl FnOnce(ScanId)) -> Option<ScanId> {
        self.locked(|state, garbage| {
            let lane = Lane::new(state.begun, input, self.pulled());
            if state.phase != Phase::Open {
                garbage.lanes.push(lane);
                return None;
            }
            let id = lane.id;
            register(id);
            state.begun += 1;
            self.run.begin_scan();
            state.lanes.push(lane);
            garbage.growing = state.growing.take();
            Some(id)
        })
    }

    /// Makes Stop follow what one scan is owed.
    // MODEL: loom-tests/tests/control.rs::stop_of_a_scan_races_with_its_end
    pub(super) fn stop_scan(&self, id: ScanId) {
        self.locked(|state, garbage| {
            garbage.growing = state.growing.take();
            let Some(index) = state.lanes.iter().position(|lane| lane.id == id) else { return };
            let last = state.last_owed(&state.lanes[index]);
            if last.is_some() {
                state.lanes[index].last = last;
            } else {
                garbage.lanes.push(state.lanes.swap_remove(index));
            }
        });
    }

    /// Closes if the `known` scans, which have exited, are all that ever started. Returns whether
    /// the input is being pulled, or `None` if the run goes on.
    // MODEL: loom-tests/tests/control.rs::add_races_with_the_end
    pub(super) fn retire(&self, known: usize) -> Option<bool> {
        self.locked(|state, garbage| {
            let goes_on = state.begun > known || state.phase == Phase::Open && state.discards;
            (!goes_on).then(|| self.close_locked(state, garbage))
        })
    }

    /// Queues a batch. `first` is the number of its first item; `growing` is its end, if it grows.
    /// It follows the current batch, if there is one, and is dropped if nothing more will be sent.
    // MODEL: loom-tests/tests/control.rs::stop_behind_an_item_that_is_held_over
    pub(super) fn enqueue(
        &self,
        batch: Arc<Batch<T>>,
        first: u64,
        growing: Option<Arc<Growing<T>>>,
    ) {
        self.locked(|state, garbage| {
            state.pulling = false;
            let next = Sending { batch, first };
            if state.phase != Phase::Open {
                garbage.sent[0] = Some(next);
            } else if state.sending.is_some() {
                state.behind = Some(next);
            } else if state.begin(next) {
                state.growing = growing;
            } else {
                // The items after the first belong to more scans than this one.
                garbage.growing = growing;
            }
        });
    }

    /// Sends the current batch to every scan that has room, and returns what to do next.
    // MODEL: loom-tests/tests/ahead.rs::nothing_is_pulled_behind_a_drop
    pub(super) fn send(&self) -> Demand {
        self.locked(|state, garbage| {
            let demand = state.send(garbage);
            state.pulling = matches!(demand, Demand::Pull { .. });
            if demand == Demand::Leave {
                self.closed.store(true, Ordering::Relaxed);
            }
            demand
        })
    }

    /// Makes Stop follow the current batch.
    pub(super) fn stop(&self) {
        self.locked(|state, garbage| {
            if state.sending.is_none() {
                self.close_locked(state, garbage);
                return;
            }
            state.phase = Phase::Ending;
            self.closed.store(true, Ordering::Relaxed);
            garbage.growing = state.growing.take();
        });
    }

    /// Records that the input is no longer being pulled.
    pub(super) fn leave(&self) {
        self.state.lock().pulling = false;
    }

    /// Drops the channels of all scans at once, and returns whether the input is being pulled. In
    /// an aborted run, this makes the scans leave.
    pub(super) fn close(&self) -> bool {
        self.locked(|state, garbage| self.close_locked(state, garbage))
    }

    fn close_locked(&self, state: &mut State<T>, garbage: &mut Garbage<T>) -> bool {
        state.phase = Phase::Closed;
        self.closed.store(true, Ordering::Relaxed);
        garbage.lanes.append(&mut state.lanes);
        garbage.sent = [state.sending.take(), state.behind.take()];
        garbage.growing = state.growing.take();
        state.pulling
    }
}

impl<T> State<T> {
    /// Marks the batch as owed to the lanes that take its items, and returns whether these are all
    /// lanes.
    fn begin(&mut self, next: Sending<T>) -> bool {
        let mut all = true;
        for lane in &mut self.lanes {
            lane.owed = lane.takes(next.first);
            all &= lane.owed;
        }
        self.sending = Some(next);
        all
    }

    /// Returns the last batch that a lane is owed so far, by the number of its first item.
    fn last_owed(&self, lane: &Lane<T>) -> Option<u64> {
        let behind = self.behind.as_ref().filter(|behind| lane.takes(behind.first));
        behind.or(self.sending.as_ref().filter(|_| lane.owed)).map(|sending| sending.first)
    }

    /// Sends the current batch to every lane that is owed it and has room. A scan that has exited
    /// is owed nothing.
    // MODEL: loom-tests/tests/faults.rs::scan_that_ends_early_with_a_buffer_of_one
    fn send(&mut self, garbage: &mut Garbage<T>) -> Demand {
        for sent in &mut garbage.sent {
            if !self.send_one(&mut garbage.lanes) {
                return Demand::Wait;
            }
            *sent = self.sending.take();
            match self.behind.take() {
                Some(next) => self.begin(next),
                None => break,
            };
        }
        if self.phase == Phase::Open && (self.discards || !self.lanes.is_empty()) {
            let most = self.lanes.iter().map(|lane| lane.pace.items.get()).min();
            return Demand::Pull { most: most.unwrap_or(usize::MAX) };
        }
        garbage.lanes.append(&mut self.lanes);
        self.phase = Phase::Closed;
        Demand::Leave
    }

    /// Sends one batch, and returns whether all lanes have it.
    fn send_one(&mut self, gone: &mut Vec<Lane<T>>) -> bool {
        let Some(Sending { batch, first }) = &self.sending else { return true };
        let mut all = true;
        let mut index = 0;
        while let Some(lane) = self.lanes.get_mut(index) {
            if lane.owed {
                match lane.input.try_send(Arc::clone(batch)) {
                    Ok(()) if lane.last == Some(*first) || lane.is_gone() => {
                        gone.push(self.lanes.swap_remove(index));
                        continue;
                    }
                    Ok(()) => lane.owed = false,
                    Err(TrySendError::Full(_)) => all = false,
                    Err(TrySendError::Disconnected(_)) => {
                        gone.push(self.lanes.swap_remove(index));
                        continue;
                    }
                }
            }
            index += 1;
        }
        all
    }
}

impl<T> Lane<T> {
    fn new(index: usize, input: InputSide<T>, from: u64) -> Self {
        let InputSide { batches, gone, pace } = input;
        Self { id: ScanId::new(index), input: batches, gone, pace, from, last: None, owed: false }
    }

    /// Returns whether the scan needs no more items. Asked after a batch was sent: either the scan
    /// has found it when it emptied the channel, or it is dropped here, with the channel.
    // MODEL: loom-tests/tests/end.rs::queue_of_a_scan_that_has_ended
    fn is_gone(&self) -> bool {
        // ORDERING: with the store in `Inlet::drop`; each comes before or after an operation on the
        // channel, and at least one of the two sides sees what the other has done.
        self.gone.load(Ordering::SeqCst)
    }

    /// Returns whether a batch that begins with this item is for the scan.
    fn takes(&self, first: u64) -> bool {
        self.from <= first && self.last.is_none_or(|last| first <= last)
    }
}

impl<T> Garbage<T> {
    fn nothing() -> Self {
        Self { lanes: Vec::new(), sent: [None, None], growing: None }
    }
}

impl<T> Drop for Garbage<T> {
    fn drop(&mut self) {
        if let Some(growing) = &self.growing {
            growing.seal();
        }
    }
}

impl<T> fmt::Debug for FanOut<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FanOut").finish_non_exhaustive()
    }
}
