//! The consumer, as the manager sees it: how long it takes over its outputs.

use std::time::Duration;

use super::meter::{Managing, Timesheet};
use super::pace::Pace;
use crate::sync::Arc;

/// Keeps the time of the consumer's thread, and learns from it how many outputs to deliver at once.
#[derive(Debug)]
pub(super) struct Consumer {
    time: Arc<Timesheet<Managing>>,
    /// The batches in its hands, from one scan or from each.
    given: Vec<Option<Given>>,
}

/// A batch of outputs in the consumer's hands.
#[derive(Debug)]
struct Given {
    pace: Arc<Pace>,
    outputs: usize,
    /// How long the consumer had worked before this batch.
    at: Duration,
}

impl Consumer {
    /// Creates a consumer that takes one batch at a time.
    pub(super) fn new(time: Arc<Timesheet<Managing>>) -> Self {
        Self { time, given: vec![None] }
    }

    /// Lets the consumer take a batch from each of `scans` scans.
    pub(super) fn takes_from_each(&mut self, scans: usize) {
        self.given = (0..scans).map(|_| None).collect();
    }

    /// Notes that the consumer asks for more, having finished its batch from this place.
    pub(super) fn asks(&mut self, place: usize) {
        self.time.turn_to(Managing::WaitForScans);
        if let Some(given) = self.given.get_mut(place).and_then(Option::take) {
            let at = self.time.past(Managing::LetConsume);
            given.pace.outputs.learn(given.outputs, || at.saturating_sub(given.at));
        }
    }

    /// Notes that the consumer has a batch from this place.
    pub(super) fn has(&mut self, place: usize, pace: Arc<Pace>, outputs: usize) {
        let at = self.time.past(Managing::LetConsume);
        self.given[place] = Some(Given { pace, outputs, at });
    }

    /// Notes that the consumer goes on with the outputs that it has.
    pub(super) fn goes_on(&self) {
        self.time.turn_to(Managing::LetConsume);
    }

    /// Notes that there are no more outputs.
    pub(super) fn leaves(&self) {
        self.time.turn_to(Managing::Done);
    }
}
