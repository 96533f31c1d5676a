//! The near ends of the output channels: one lane per scan.

use std::fmt;

use super::batch::Outputs;
use crate::id::ScanId;
use crate::sync::{Receiver, select_ready};

/// How many output channels one selection looks at. A run with more scans looks
/// at one window after the other, so that the cost of finding the next outputs
/// does not grow with the number of scans while most of them have some.
const WINDOW: usize = 16;

/// The near end of the output channel of one scan.
struct Lane<O> {
    id: ScanId,
    output: Receiver<Outputs<O>>,
}

/// The lanes of all scans that may still have outputs.
///
/// Invariant: no method blocks.
pub(super) struct Lanes<O> {
    lanes: Vec<Lane<O>>,
    /// The lane at which the next look for outputs begins.
    cursor: usize,
}

impl<O> Lanes<O> {
    pub(super) fn new() -> Self {
        Self { lanes: Vec::new(), cursor: 0 }
    }

    pub(super) fn add(&mut self, id: ScanId, output: Receiver<Outputs<O>>) {
        self.lanes.push(Lane { id, output });
    }

    /// How many scans may still have outputs to be collected.
    pub(super) fn len(&self) -> usize {
        self.lanes.len()
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

    /// Lets go of all channels.
    pub(super) fn close(&mut self) {
        self.lanes.clear();
    }
}

impl<O> fmt::Debug for Lanes<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.lanes.iter().map(|lane| lane.id)).finish()
    }
}
