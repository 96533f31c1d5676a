//! The near ends of the input channels: who is to get the next items.

use std::fmt;
use std::mem;

use super::batch::{Batch, BatchSender};
use super::growing::Growing;
use crate::id::ScanId;
use crate::sync::{Arc, Mutex, TrySendError};

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
#[allow(unnameable_types, reason = "only passes through what is public")]
pub struct Feed<T> {
    state: Mutex<State<T>>,
}

struct State<T> {
    lanes: Vec<Lane<T>>,
    /// How many scans there have been: the number of the next one.
    begun: usize,
    /// Whether to go on when there are no lanes.
    discards: bool,
    /// Whether a batch is being filled that the next lane is not owed any more.
    filling: bool,
    /// The batch that is being sent to those that have not got it yet.
    sending: Option<Arc<Batch<T>>>,
    /// The end of the last batch, if it grows.
    growing: Option<Arc<Growing<T>>>,
    phase: Phase,
    /// Whether whoever pulls the input is inside it, as far as others can tell.
    pulling: bool,
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
    /// Whether the batch that is being sent is still to be sent here.
    owed: bool,
    /// Whether the lane is younger than the batch that is being filled.
    fresh: bool,
    /// Whether Stop is to follow what is owed.
    last: bool,
}

/// What there is to do next for whoever pulls the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Pull the next items.
    Pull,
    /// Wait for room: somebody has not got what is being sent.
    Wait,
    /// Nothing more: nobody takes items.
    Leave,
}

/// What has to be let go of when the lock has been left.
struct Waste<T> {
    lanes: Vec<Lane<T>>,
    sending: Option<Arc<Batch<T>>>,
    growing: Option<Arc<Growing<T>>>,
}

impl<T> Feed<T> {
    /// A feed of the scans at the far ends of `inputs`; without scans it is closed,
    /// unless it `discards`.
    pub(super) fn new(inputs: Vec<BatchSender<T>>, discards: bool) -> Self {
        let lanes: Vec<_> = inputs.into_iter().enumerate().map(Lane::new).collect();
        Self {
            state: Mutex::new(State {
                begun: lanes.len(),
                discards,
                filling: false,
                lanes,
                sending: None,
                growing: None,
                phase: Phase::Open,
                pulling: true,
            }),
        }
    }

    /// Whether there is anybody to feed, now or later.
    pub(super) fn is_wanted(&self) -> bool {
        let state = self.state.lock();
        state.discards || !state.lanes.is_empty()
    }

    /// Adds a scan, which is sent all that is pulled from now on. Registers it, with
    /// its number, under the lock: nobody can end the run in between. Says whether a batch
    /// is being filled that is to be left because of it. `None` if nothing more will be
    /// sent.
    // MODEL: loom-tests/tests/control.rs::add_races_with_the_end
    pub(super) fn add(
        &self,
        input: BatchSender<T>,
        register: impl FnOnce(ScanId),
    ) -> Option<(ScanId, bool)> {
        let mut state = self.state.lock();
        if state.phase != Phase::Open {
            drop(state);
            drop(input);
            return None;
        }
        let filling = state.filling;
        let lane = Lane { fresh: filling, ..Lane::new((state.begun, input)) };
        let id = lane.id;
        register(id);
        state.begun += 1;
        state.lanes.push(lane);
        let growing = state.growing.take();
        drop(state);
        growing.iter().for_each(|growing| growing.seal());
        Some((id, filling))
    }

    /// Has Stop follow what one scan is owed.
    // MODEL: loom-tests/tests/control.rs::stop_of_a_scan_races_with_its_end
    pub(super) fn stop_scan(&self, id: ScanId) {
        let mut state = self.state.lock();
        let mut waste = Waste::nothing();
        waste.growing = state.growing.take();
        if let Some(index) = state.lanes.iter().position(|lane| lane.id == id) {
            if state.lanes[index].owed {
                state.lanes[index].last = true;
            } else {
                waste.lanes.push(state.lanes.swap_remove(index));
            }
        }
        drop(state);
        drop(waste);
    }

    /// Closes the feed if all the scans that there have been are the `known` ones, which
    /// have exited, and says whether it is closed for good.
    // MODEL: loom-tests/tests/control.rs::add_races_with_the_end
    pub(super) fn retire(&self, known: usize) -> bool {
        let mut state = self.state.lock();
        if state.begun > known || state.phase == Phase::Open && state.discards {
            return false;
        }
        let waste = state.close();
        drop(state);
        drop(waste);
        true
    }

    /// Notes that a batch is being filled, which lanes that are added meanwhile are not
    /// owed.
    pub(super) fn fill(&self) {
        self.state.lock().filling = true;
    }

    /// Notes that nothing came of it.
    pub(super) fn skip(&self) {
        self.state.lock().filled();
    }

    /// Begins to send a batch, of which `growing` is the end if it grows. In a feed
    /// that is closed it is dropped.
    pub(super) fn send(&self, batch: Arc<Batch<T>>, growing: Option<Arc<Growing<T>>>) {
        let mut state = self.state.lock();
        state.pulling = false;
        if state.phase == Phase::Open {
            state.lanes.iter_mut().for_each(|lane| lane.owed = !lane.fresh);
            state.filled();
            state.sending = Some(batch);
            state.growing = growing;
        } else {
            drop(state);
            drop(batch);
        }
    }

    /// Goes on with the batch that is being sent, and says what is next.
    pub(super) fn offer(&self) -> Turn {
        let mut state = self.state.lock();
        let mut waste = Waste::nothing();
        let turn = state.offer(&mut waste);
        state.pulling = turn == Turn::Pull;
        drop(state);
        drop(waste);
        turn
    }

    /// Has Stop follow the batch that is being sent.
    pub(super) fn stop(&self) {
        let mut state = self.state.lock();
        if state.sending.is_some() {
            state.phase = Phase::Ending;
        } else {
            let waste = state.close();
            drop(state);
            drop(waste);
        }
    }

    /// Notes that the input is not being pulled any more.
    pub(super) fn pulled(&self) {
        self.state.lock().pulling = false;
    }

    /// Lets go of all scans at once, and says whether the input is being pulled. In
    /// a run that was aborted it makes the scans leave.
    pub(super) fn close(&self) -> bool {
        let mut state = self.state.lock();
        let pulling = state.pulling;
        let waste = state.close();
        drop(state);
        drop(waste);
        pulling
    }
}

impl<T> State<T> {
    fn filled(&mut self) {
        self.filling = false;
        self.lanes.iter_mut().for_each(|lane| lane.fresh = false);
    }

    /// Sends the batch to every lane that is owed it and has room. A scan that has
    /// gone is owed nothing.
    // MODEL: loom-tests/tests/faults.rs::scan_that_ends_early_with_a_buffer_of_one
    fn offer(&mut self, waste: &mut Waste<T>) -> Turn {
        let mut all = true;
        if let Some(batch) = &self.sending {
            let mut index = 0;
            while let Some(lane) = self.lanes.get_mut(index) {
                if lane.owed {
                    match lane.input.try_send(Arc::clone(batch)) {
                        Ok(()) if lane.last => {
                            waste.lanes.push(self.lanes.swap_remove(index));
                            continue;
                        }
                        Ok(()) => lane.owed = false,
                        Err(TrySendError::Full(_)) => all = false,
                        Err(TrySendError::Disconnected(_)) => {
                            waste.lanes.push(self.lanes.swap_remove(index));
                            continue;
                        }
                    }
                }
                index += 1;
            }
        }
        if !all {
            return Turn::Wait;
        }
        waste.sending = self.sending.take();
        if self.phase == Phase::Open && (self.discards || !self.lanes.is_empty()) {
            return Turn::Pull;
        }
        waste.lanes.append(&mut self.lanes);
        self.phase = Phase::Closed;
        Turn::Leave
    }

    fn close(&mut self) -> Waste<T> {
        self.phase = Phase::Closed;
        Waste {
            lanes: mem::take(&mut self.lanes),
            sending: self.sending.take(),
            growing: self.growing.take(),
        }
    }
}

impl<T> Lane<T> {
    fn new((index, input): (usize, BatchSender<T>)) -> Self {
        Self { id: ScanId::new(index), input, owed: false, fresh: false, last: false }
    }
}

impl<T> Waste<T> {
    fn nothing() -> Self {
        Self { lanes: Vec::new(), sending: None, growing: None }
    }
}

impl<T> Drop for Waste<T> {
    fn drop(&mut self) {
        if let Some(growing) = &self.growing {
            growing.seal();
        }
    }
}

impl<T> fmt::Debug for Feed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").finish_non_exhaustive()
    }
}
