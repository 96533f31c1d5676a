//! Outputs in the order of the sequential run.

use std::fmt;
use std::mem;

use crate::engine::{Manager, Outputs};
use crate::id::ScanId;
use crate::input::Input;
use crate::scan::Part;

/// Gives outputs in item order, and for each item in the order of the scans: those
/// of the first item, scan by scan, then those of the second, and so on; at last
/// those of the flushes.
///
/// It takes turns: of one scan it takes all parts for an item, then of the next.
/// A scan that has ended is left out from then on. So is one that leaves without saying so
/// because the run was aborted on request. If there was a panic, the sequence ends there,
/// so that what was given is a prefix of the sequential one.
pub(crate) struct Ordered<I: Input, O> {
    manager: Manager<I::Feeder, Part<O>>,
    /// The scans that have not ended, in order.
    turns: Vec<Turn<O>>,
    /// Whose turn it is.
    current: usize,
}

struct Turn<O> {
    index: usize,
    parts: Outputs<Part<O>>,
}

impl<I: Input, O> Ordered<I, O> {
    pub(crate) fn new(manager: Manager<I::Feeder, Part<O>>, scans: usize) -> Self {
        let turn = |index| Turn { index, parts: Outputs::new(Vec::new()) };
        Self { manager: manager.in_turns(), turns: (0..scans).map(turn).collect(), current: 0 }
    }

    pub(crate) fn manager(&self) -> &Manager<I::Feeder, Part<O>> {
        &self.manager
    }

    pub(crate) fn next(&mut self) -> Option<(ScanId, O)> {
        loop {
            let Some(turn) = self.turns.get_mut(self.current) else {
                if self.turns.is_empty() {
                    self.manager.finish();
                    return None;
                }
                self.current = 0;
                continue;
            };
            let id = ScanId::new(turn.index);
            match turn.parts.next() {
                Some(Part::More(output)) => return Some((id, output)),
                Some(Part::Last(output)) => {
                    self.current += 1;
                    if let Some(output) = output {
                        return Some((id, output));
                    }
                }
                Some(Part::End) => {
                    self.manager.pass(turn.index);
                    drop(self.turns.remove(self.current));
                }
                None => match self.manager.next_of(turn.index) {
                    Some(parts) => turn.parts = parts,
                    None if self.manager.panicked().is_some() => drop(mem::take(&mut self.turns)),
                    None => drop(self.turns.remove(self.current)),
                },
            }
        }
    }
}

impl<I: Input, O> fmt::Debug for Ordered<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ordered")
            .field("manager", &self.manager)
            .field("current", &self.current)
            .finish_non_exhaustive()
    }
}
