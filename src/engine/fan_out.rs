//! The near ends of the input channels: who is to get the next items.

use std::fmt;

use super::batch::{Batch, BatchSender};
use super::branch::InputSide;
use super::growing::Growing;
use super::id::ScanId;
use super::pace::Pace;
use super::run::Run;
use crate::sync::{Arc, AtomicBool, Counter, Mutex, Ordering, TrySendError};

/// What is dispatched, and to whom. It belongs to whoever pulls the input, and to
/// those who end the run or a part of it, from any thread.
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
/// 1. No method blocks, and nothing of the user's is dropped under the lock.
/// 2. A batch is sent to nobody before the one before it was sent to all live
///    scans, and none is filled while one is being sent: at most
///    `input_capacity + 2` are alive, that one included.
///    MODEL: loom-tests/tests/faults.rs::full_input_buffer
/// 3. Stop is the drop of the near end. It is behind the last batch and needs no
///    room, so nobody ever waits to give it.
///    MODEL: loom-tests/tests/faults.rs::endless_scan_and_finite_input
/// 4. A scan is sent the items from the one on that its lane says, and none before, up to
///    the one that its lane says, and none behind. No batch has items on both sides of that.
///    For this an item may be a batch of its own, which waits behind another.
///    MODEL: loom-tests/tests/control.rs::add_behind_an_item_that_is_held_over
pub(crate) struct FanOut<T> {
    state: Mutex<State<T>>,
    /// How many items were pulled. Written by whoever pulls, as each comes.
    pulled: Counter,
    /// Whether the phase is another than open. Raised under the lock; without it whoever
    /// pulls on a thread of its own sees that nothing more is wanted.
    closed: AtomicBool,
    /// Whether a batch that is being pulled on the consumer's thread is left when something
    /// is asked for. Raised before anybody can ask.
    interruptible: AtomicBool,
    run: Arc<Run>,
}

struct State<T> {
    lanes: Vec<Lane<T>>,
    /// How many scans there have been: the number of the next one.
    begun: usize,
    /// Whether to go on when there are no lanes.
    discards: bool,
    /// The batch that is being sent to those that have not got it yet.
    sending: Option<Sending<T>>,
    /// The batch that is to be sent next, if it is there already.
    behind: Option<Sending<T>>,
    /// The end of the last batch, if it grows.
    growing: Option<Arc<Growing<T>>>,
    phase: Phase,
    /// Whether whoever pulls the input was told to, and has not come back since.
    pulling: bool,
}

/// A batch on its way to the scans.
struct Sending<T> {
    batch: Arc<Batch<T>>,
    /// The number of its first item.
    first: u64,
}

/// How much is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Batches.
    Open,
    /// Stop, when what is being sent was sent to all.
    Ending,
    /// Nothing.
    Closed,
}

/// The near end of the input channel of one scan.
struct Lane<T> {
    id: ScanId,
    input: BatchSender<T>,
    pace: Arc<Pace>,
    /// The first item that it is sent, by the number in which items were pulled.
    from: u64,
    /// Behind the batch that begins with this item Stop follows.
    last: Option<u64>,
    /// Whether the batch that is being sent is still to be sent here.
    owed: bool,
}

/// What there is to do next for whoever pulls the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Demand {
    /// Pull the next items.
    Pull {
        /// How many the slowest scan deals with in about half a linger.
        most: usize,
    },
    /// Wait for room: somebody has not got what is being sent.
    Wait,
    /// Nothing more: nobody takes items.
    Leave,
}

/// What has to be let go of when the lock has been left.
struct Garbage<T> {
    lanes: Vec<Lane<T>>,
    sent: [Option<Sending<T>>; 2],
    growing: Option<Arc<Growing<T>>>,
}

impl<T> FanOut<T> {
    /// A fan_out of the scans at the far ends of `inputs`; without scans it is closed,
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

    /// Notes that so many items were pulled, one of them just now.
    #[inline]
    pub(super) fn count_pulled(&self, more: usize) {
        // ORDERING: whoever adds a scan behind an item that it knows of sees the count;
        // to all others any count is right.
        let pulled = self.pulled.load(Ordering::Relaxed) + more as u64;
        self.pulled.store(pulled, Ordering::Relaxed);
    }

    /// How many items were pulled.
    pub(super) fn pulled(&self) -> u64 {
        self.pulled.load(Ordering::Relaxed)
    }

    /// Has batches be left from now on when something is asked for.
    pub(super) fn interrupt(&self) {
        // ORDERING: raised and read by the consumer's thread.
        self.interruptible.store(true, Ordering::Relaxed);
    }

    /// Whether batches are to be left when something is asked for.
    pub(super) fn is_interruptible(&self) -> bool {
        self.interruptible.load(Ordering::Relaxed)
    }

    /// Whether no more items are taken, as far as can be told without the lock.
    #[inline]
    pub(super) fn is_closed(&self) -> bool {
        // ORDERING: a hint. Whoever misses it finds the phase when the item is sent.
        self.closed.load(Ordering::Relaxed)
    }

    /// Whether more scans can be added.
    pub(super) fn is_open(&self) -> bool {
        self.state.lock().phase == Phase::Open
    }

    /// Works on the state under the lock, and drops what is garbage then behind it.
    fn locked<R>(&self, work: impl FnOnce(&mut State<T>, &mut Garbage<T>) -> R) -> R {
        let mut garbage = Garbage::nothing();
        let result = work(&mut self.state.lock(), &mut garbage);
        drop(garbage);
        result
    }

    /// Adds a scan, which is sent all that is pulled from now on. Registers it, with
    /// its number, under the lock: nobody can end the run in between. `None` if nothing
    /// more will be sent.
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

    /// Has Stop follow what one scan is owed.
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

    /// Closes if the `known` scans, which have exited, are all that there have been. Returns
    /// whether the input is being pulled; `None` if the run goes on.
    // MODEL: loom-tests/tests/control.rs::add_races_with_the_end
    pub(super) fn retire(&self, known: usize) -> Option<bool> {
        self.locked(|state, garbage| {
            let goes_on = state.begun > known || state.phase == Phase::Open && state.discards;
            (!goes_on).then(|| self.close_locked(state, garbage))
        })
    }

    /// Takes a batch to be sent. Its first item is the `first` that was pulled; `growing` is its
    /// end, if it grows. It comes behind the batch in hand, if there is one. When no more is to
    /// be sent, it is dropped.
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
                // What comes behind the first item belongs to more scans than that.
                garbage.growing = growing;
            }
        });
    }

    /// Sends what there is to every scan that has room for it, and returns what is to be done
    /// next.
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

    /// Has Stop follow the batch that is being sent.
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

    /// Notes that the input is not being pulled any more.
    pub(super) fn leave(&self) {
        self.state.lock().pulling = false;
    }

    /// Drops the channels of all scans at once, and returns whether the input is being pulled.
    /// In a run that was aborted this makes the scans leave.
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
    /// Owes the batch to the lanes that take its items, and says whether these are all.
    fn begin(&mut self, next: Sending<T>) -> bool {
        let mut all = true;
        for lane in &mut self.lanes {
            lane.owed = lane.takes(next.first);
            all &= lane.owed;
        }
        self.sending = Some(next);
        all
    }

    /// The batch, by its first item, that is the last of those that a lane is owed so far.
    fn last_owed(&self, lane: &Lane<T>) -> Option<u64> {
        let behind = self.behind.as_ref().filter(|behind| lane.takes(behind.first));
        behind.or(self.sending.as_ref().filter(|_| lane.owed)).map(|sending| sending.first)
    }

    /// Sends what is there to every lane that is owed it and has room. A scan that has
    /// gone is owed nothing.
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

    /// Sends one batch, and says whether all have it.
    fn send_one(&mut self, gone: &mut Vec<Lane<T>>) -> bool {
        let Some(Sending { batch, first }) = &self.sending else { return true };
        let mut all = true;
        let mut index = 0;
        while let Some(lane) = self.lanes.get_mut(index) {
            if lane.owed {
                match lane.input.try_send(Arc::clone(batch)) {
                    Ok(()) if lane.last == Some(*first) => {
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
        let InputSide { batches, pace } = input;
        Self { id: ScanId::new(index), input: batches, pace, from, last: None, owed: false }
    }

    /// Whether a batch that begins with this item is for the scan.
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
