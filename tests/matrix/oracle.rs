//! What the sequential run gives: everything here comes from `Scan::apply`, or from the code of a
//! branch over an iterator.

use std::sync::Arc;

use anabranch::scan::Scan;

use crate::branch::Outputs;
use crate::cell::Member;
use crate::ledger::Ledger;
use crate::probe::{Acts, Probe};
use crate::script::Script;
use crate::values::{FLUSH, Item, Seen, Value};

/// Knows what the scans of a script give, each alone and all together.
pub(crate) struct Oracle<'a> {
    script: &'a Script,
    numbers: Vec<usize>,
    /// The oracle's own, as its values are none of the run's.
    ledger: Arc<Ledger>,
}

impl<'a> Oracle<'a> {
    pub(crate) fn new(script: &'a Script) -> Self {
        let ledger = Ledger::new(script.scans + 1);
        Self { script, numbers: (0..script.items).collect(), ledger }
    }

    /// What a scan gives for the items from one on and before another, of which it may
    /// see some only. A scan that ends at an item in between is not flushed.
    pub(crate) fn outputs(&self, scan: usize, from: usize, to: usize, flush: bool) -> Vec<Seen> {
        let Script { cell, scans, .. } = *self.script;
        let numbers = self.numbers[from..to.max(from)].iter();
        let mut outputs = if cell.member == Member::Demux {
            let mut outputs = Vec::new();
            let mut numbers = numbers.filter(|number| *number % scans == scan).peekable();
            // Each scan that ends is followed by a fresh one.
            while numbers.peek().is_some() {
                outputs.extend(self.apply(scan, &mut numbers));
            }
            outputs
        } else {
            self.apply(scan, numbers)
        };
        outputs.retain(|seen| flush || seen.at != FLUSH);
        outputs
    }

    fn apply<'n>(&self, scan: usize, numbers: impl Iterator<Item = &'n usize>) -> Vec<Seen> {
        let Self { script, ledger, .. } = self;
        let acts = Acts { ends: script.ends(scan), ..Acts::default() };
        let probe = Probe::new(scan, script.talks(), script.stride(), acts, ledger);
        let items = numbers.map(|number| Item::new(number, false, ledger));
        match script.cell.member {
            Member::Merge | Member::Join => {
                Outputs::new(probe, items.map(Box::new), None).map(Value::take).collect()
            }
            _ => probe.apply(items).into_iter().map(Value::take).collect(),
        }
    }

    /// How many items before `to` are a scan's, from `from` on.
    pub(crate) fn steps(&self, scan: usize, from: usize, to: usize) -> usize {
        let Script { cell, scans, .. } = *self.script;
        let demux = cell.member == Member::Demux;
        (from..to).filter(|number| !demux || number % scans == scan).count()
    }

    /// How many outputs a whole run gives, as the consumer counts them.
    pub(crate) fn events(&self) -> usize {
        let Script { cell, scans, items, .. } = *self.script;
        let whole: Vec<_> = (0..scans).map(|scan| self.outputs(scan, 0, items, true)).collect();
        match cell.member {
            Member::Fold | Member::Join => 1,
            Member::Tee => self.tuples(&whole).len(),
            _ => whole.iter().map(Vec::len).sum(),
        }
    }

    /// The tuples of a tee whose scans give these outputs, each with its item. A tuple is
    /// missing where a scan has ended without an output, and behind that.
    pub(crate) fn tuples(&self, scans: &[Vec<Seen>]) -> Vec<(usize, Vec<Seen>)> {
        let mut latest = vec![None; scans.len()];
        let mut rest: Vec<_> = scans.iter().map(|outputs| outputs.iter().peekable()).collect();
        let mut tuples = Vec::new();
        for item in 0..self.script.items {
            for (scan, (rest, latest)) in rest.iter_mut().zip(&mut latest).enumerate() {
                let mut emits = false;
                while let Some(seen) = rest.next_if(|seen| seen.at == item) {
                    *latest = Some(*seen);
                    emits = true;
                }
                let end = self.script.ends(scan);
                if end.is_some_and(|end| end < item || end == item && !emits) {
                    return tuples;
                }
            }
            tuples.extend(latest.iter().copied().collect::<Option<_>>().map(|each| (item, each)));
        }
        tuples
    }
}

/// The outputs of all scans in the order of the sequential run: item by item, scan by
/// scan, those of the flushes last.
pub(crate) fn merged(scans: &[Vec<Seen>]) -> Vec<Seen> {
    let mut merged = scans.concat();
    merged.sort_by_key(|seen| (seen.at, seen.scan));
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::{Site, cells};

    fn script(wanted: impl Fn(&crate::cell::Cell) -> bool) -> Script {
        Script::new(cells().find(wanted).unwrap())
    }

    #[test]
    fn the_outputs_of_a_part_are_a_part_of_the_outputs() {
        let script = script(|cell| cell.site == Site::Step && cell.width == 16);
        let oracle = Oracle::new(&script);
        for scan in 0..16 {
            let whole = oracle.outputs(scan, 0, script.items, false);
            let half = oracle.outputs(scan, 0, script.items / 2, false);
            assert!(whole.starts_with(&half));
            assert!(oracle.outputs(scan, 0, script.items, true).starts_with(&whole));
        }
    }

    #[test]
    fn a_tee_has_a_tuple_for_each_item_once_all_have_emitted() {
        let script = script(|cell| {
            cell.site == Site::Nothing
                && cell.member == Member::Tee
                && cell.width == 4
                && cell.place == crate::cell::Place::Middle
        });
        let oracle = Oracle::new(&script);
        // The fourth is silent up to its first burst.
        assert_eq!(oracle.events(), script.items - 2);
    }
}
