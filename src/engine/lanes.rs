//! The manager's ends of the channels: one lane per scan.

use std::fmt;

use super::batch::Outputs;
use super::message::Message;
use crate::id::ScanId;
use crate::sync::{Receiver, Sender, TrySendError, select_ready};

/// How many output channels one selection looks at. A run with more scans looks
/// at one window after the other, so that the cost of finding the next outputs
/// does not grow with the number of scans while most of them have some.
const WINDOW: usize = 16;

/// The manager's side of one scan.
struct Lane<T, O> {
    id: ScanId,
    /// `None` once the scan takes no more messages.
    input: Option<Sender<Message<T>>>,
    output: Receiver<Outputs<O>>,
    /// Whether the message that is being dispatched is still to be sent here.
    owed: bool,
}

/// The lanes of all scans that may still have outputs.
///
/// Invariant: no method blocks.
pub(super) struct Lanes<T, O> {
    lanes: Vec<Lane<T, O>>,
    /// The lane at which the next look for outputs begins.
    cursor: usize,
}

impl<T, O> Lanes<T, O> {
    pub(super) fn new() -> Self {
        Self { lanes: Vec::new(), cursor: 0 }
    }

    pub(super) fn add(
        &mut self,
        id: ScanId,
        input: Sender<Message<T>>,
        output: Receiver<Outputs<O>>,
    ) {
        self.lanes.push(Lane { id, input: Some(input), output, owed: false });
    }

    /// How many scans may still have outputs to be collected.
    pub(super) fn len(&self) -> usize {
        self.lanes.len()
    }

    /// Whether any scan still takes messages.
    pub(super) fn take_input(&self) -> bool {
        self.lanes.iter().any(|lane| lane.input.is_some())
    }

    /// Begins to dispatch a message: from now on every lane is owed it.
    pub(super) fn owe_all(&mut self) {
        for lane in &mut self.lanes {
            lane.owed = lane.input.is_some();
        }
    }

    /// Sends `message` to every lane that is owed it and has room, and says
    /// whether all have it now. A scan that has gone is owed nothing.
    // MODEL: loom-tests/tests/faults.rs::scan_that_ends_early_with_a_buffer_of_one
    pub(super) fn offer(&mut self, message: &Message<T>) -> bool {
        let mut all = true;
        for lane in self.lanes.iter_mut().filter(|lane| lane.owed) {
            let sent = match &lane.input {
                Some(input) => input.try_send(message.clone()),
                None => Ok(()),
            };
            match sent {
                Ok(()) => lane.owed = false,
                Err(TrySendError::Full(_)) => all = false,
                Err(TrySendError::Disconnected(_)) => {
                    lane.owed = false;
                    lane.input = None;
                }
            }
        }
        all
    }

    /// Takes the next batch of outputs of any scan, if there is one, and the
    /// lanes of scans that have exited off the list.
    pub(super) fn collect(&mut self) -> Option<(ScanId, Outputs<O>)> {
        let mut unseen = self.lanes.len();
        while unseen > 0 {
            if self.cursor >= self.lanes.len() {
                self.cursor = 0;
            }
            let start = self.cursor;
            let end = self.lanes.len().min(start + WINDOW);
            let window: Vec<_> = self.lanes[start..end].iter().map(|lane| &lane.output).collect();
            match select_ready(&window) {
                Some((index, Some(outputs))) => {
                    self.cursor = end;
                    return Some((self.lanes[start + index].id, outputs));
                }
                Some((index, None)) => {
                    self.lanes.swap_remove(start + index);
                    unseen -= 1;
                }
                None => {
                    self.cursor = end;
                    unseen = unseen.saturating_sub(end - start);
                }
            }
        }
        None
    }

    /// Takes the next batch of outputs of the `index`th scan, if there is one, or
    /// says with an inner `None` that there will be no more. For runs whose lanes
    /// are not [collected](Self::collect), and so keep their places.
    pub(super) fn receive(&mut self, index: usize) -> Option<Option<Outputs<O>>> {
        select_ready(&[&self.lanes[index].output]).map(|(_, outputs)| outputs)
    }

    /// Lets go of the input channels, which aborts the scans that wait there.
    pub(super) fn close_inputs(&mut self) {
        for lane in &mut self.lanes {
            lane.input = None;
        }
    }

    /// Lets go of all channels.
    pub(super) fn close(&mut self) {
        self.lanes.clear();
    }
}

impl<T, O> fmt::Debug for Lanes<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.lanes.iter().map(|lane| lane.id)).finish()
    }
}
