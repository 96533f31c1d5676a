//! Panics of scans whose outputs are put in order.

use super::contain::{Payload, discard};
use super::id::ScanId;

/// When the panic of a scan takes effect in a run that takes outputs scan by scan: when the
/// order has come to the place where the scan panicked. Until then all others go on, so
/// that what is given is the sequential run up to that place.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Of each scan, whether it has exited.
    exited: Vec<bool>,
    /// Of each scan, whether all that it emitted was taken.
    passed: Vec<bool>,
    /// Panics for which it is too early.
    held: Vec<(ScanId, Payload)>,
}

impl Turns {
    /// Of a run of so many scans.
    pub(super) fn new(scans: usize) -> Self {
        Self { exited: vec![false; scans], passed: vec![false; scans], held: Vec::new() }
    }

    /// Notes that a scan has exited, and gives its panic back if that takes effect now.
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

    /// Notes that all that a scan emitted was taken, and gives its panic, if it had one.
    pub(super) fn pass(&mut self, index: usize) -> Option<Payload> {
        self.passed[index] = true;
        let at = self.held.iter().position(|(id, _)| id.index() == index)?;
        Some(self.held.swap_remove(at).1)
    }

    /// Gives all panics that were too early: there is no order any more.
    pub(super) fn end(&mut self) -> Vec<(ScanId, Payload)> {
        self.passed.fill(true);
        std::mem::take(&mut self.held)
    }
}

/// A run may be dropped before the order has come to a panic.
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
