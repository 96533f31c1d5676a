//! The near ends of the output channels: one lane per scan.

use std::collections::VecDeque;
use std::fmt;

use super::batch::Outputs;
use super::branch::OutputSide;
use super::id::ScanId;
use super::look::{Answer, look};
use super::pace::Pace;
use crate::sync::{Arc, SELECTED, select_ready};

/// The near end of the output channel of one scan.
struct Lane<O> {
    id: ScanId,
    side: OutputSide<O>,
}

/// The lanes of all scans that may still have outputs.
///
/// Invariant: no method blocks.
pub(super) struct FanIn<O> {
    /// In runs whose lanes are not [collected](Self::collect), in the order of the scans.
    lanes: VecDeque<Lane<O>>,
}

impl<O> FanIn<O> {
    pub(super) fn new() -> Self {
        Self { lanes: VecDeque::new() }
    }

    pub(super) fn add(&mut self, id: ScanId, side: OutputSide<O>) {
        self.lanes.push_back(Lane { id, side });
    }

    /// Returns how many scans may still have outputs to collect.
    pub(super) fn len(&self) -> usize {
        self.lanes.len()
    }

    /// Returns whether a scan may still have outputs.
    pub(super) fn has(&self, id: ScanId) -> bool {
        self.lanes.iter().any(|lane| lane.id == id)
    }

    /// Takes the next batch of outputs of any scan, if there is one. Removes the lanes of scans
    /// that have exited.
    pub(super) fn collect(&mut self) -> Option<(ScanId, Outputs<O>, Arc<Pace>)> {
        // A run with more scans than a selection covers looks at one window of them after another.
        let outputs = look(&mut self.lanes, SELECTED, |lanes| {
            let mut lanes = lanes.map(|lane| &lane.side.outputs);
            let Some(first) = lanes.next() else { return Answer::Idle };
            let (mut channels, mut width) = ([first; SELECTED], 1);
            for (channel, lane) in channels[1..].iter_mut().zip(lanes) {
                *channel = lane;
                width += 1;
            }
            match select_ready(&channels[..width]) {
                None => Answer::Idle,
                Some((index, None)) => Answer::Ended(index),
                Some((index, Some(outputs))) => Answer::Ready(index, outputs),
            }
        })?;
        // The lane that was ready is now the last.
        let lane = self.lanes.back()?;
        Some((lane.id, outputs, Arc::clone(&lane.side.pace)))
    }

    /// Takes the next batch of outputs of the `index`th scan, if there is one; an inner `None`
    /// means that there will be no more. For runs whose lanes are not [collected](Self::collect)
    /// and so keep their places.
    pub(super) fn receive(&mut self, index: usize) -> Option<Option<(Outputs<O>, Arc<Pace>)>> {
        let side = &self.lanes[index].side;
        let (_, outputs) = select_ready(&[&side.outputs])?;
        Some(outputs.map(|outputs| (outputs, Arc::clone(&side.pace))))
    }

    /// Drops all channels.
    pub(super) fn close(&mut self) {
        self.lanes.clear();
    }
}

impl<O> fmt::Debug for FanIn<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.lanes.iter().map(|lane| lane.id)).finish()
    }
}
