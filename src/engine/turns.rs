//! Panics of scans whose outputs are put in order.

use super::contain::{Payload, discard};
use super::id::ScanId;

/// When the panic of a scan takes effect in a run that takes outputs scan by scan: when the order
/// reaches the place where the scan panicked. Until then all other scans go on, so that the
/// sequential run up to that place is delivered.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// For each scan, whether it has exited.
    exited: Vec<bool>,
    /// For each scan, whether all its outputs were taken.
    passed: Vec<bool>,
    /// Panics that have not taken effect yet.
    held: Vec<(ScanId, Payload)>,
}

impl Turns {
    /// Creates the turns of a run of `scans` scans.
    pub(super) fn new(scans: usize) -> Self {
        Self { exited: vec![false; scans], passed: vec![false; scans], held: Vec::new() }
    }

    /// Records that a scan has exited, and returns its panic if that takes effect now.
    pub(super) fn exited(&mut self, id: ScanId, panic: Option<Payload>) -> Option<Payload> {
        self.exited[id.index()] = true;
        if self.passed[id.index()] {
            return panic;
        }
        self.held.extend(panic.map(|payload| (id, payload)));
        None
    }

    pub(super) fn has_exited(&self, index: usize) -> bool {
        self.exited[index]
    }

    /// Records that all outputs of a scan were taken, and returns its panic, if there was one.
    pub(super) fn pass(&mut self, index: usize) -> Option<Payload> {
        self.passed[index] = true;
        let at = self.held.iter().position(|(id, _)| id.index() == index)?;
        Some(self.held.swap_remove(at).1)
    }

    /// Returns all panics that have not taken effect, because the order has ended.
    pub(super) fn end(&mut self) -> Vec<(ScanId, Payload)> {
        self.passed.fill(true);
        std::mem::take(&mut self.held)
    }
}

/// A run may be dropped before the order reaches a panic.
impl Drop for Turns {
    fn drop(&mut self) {
        self.end().into_iter().for_each(|(_, payload)| discard(payload));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(text: &'static str) -> Option<Payload> {
        Some(Box::new(text))
    }

    #[test]
    fn a_panic_waits_for_its_turn() {
        let mut turns = Turns::new(2);
        assert!(turns.exited(ScanId::new(1), payload("early")).is_none());
        assert!(turns.has_exited(1) && !turns.has_exited(0));
        assert!(turns.pass(0).is_none());
        let panic = turns.pass(1).and_then(|payload| payload.downcast_ref().copied());
        assert_eq!(panic, Some("early"));
        assert!(turns.exited(ScanId::new(0), payload("late")).is_some());
    }

    #[test]
    fn without_an_order_every_panic_takes_effect() {
        let mut turns = Turns::new(2);
        assert!(turns.exited(ScanId::new(0), payload("held")).is_none());
        assert_eq!(turns.end().len(), 1);
        assert!(turns.exited(ScanId::new(1), payload("later")).is_some());
    }
}
