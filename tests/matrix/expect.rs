//! What the contract says of a cell: which outputs there are to be, which panic, which
//! flushes.

use crate::cell::{Asker, Cell, Member, Place, Site};
use crate::ledger::{Added, Ledger};
use crate::oracle::Oracle;
use crate::script::Script;
use crate::values::{FLUSH, Origin, Seen};

/// All that is expected of a cell.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) scans: Vec<ExpectedScan>,
    pub(crate) panics: Panics,
    /// Up to where, at least and at most, an order of all outputs or a tee goes.
    pub(crate) in_order: (Upto, Upto),
    /// Whether the thread that pulls the input may be detached.
    pub(crate) detaches: bool,
    /// Whether the input comes to its own end, and the run to it.
    pub(crate) whole: bool,
    /// What is wrong already.
    pub(crate) wrong: Option<String>,
}

/// What is expected of one scan.
#[derive(Debug)]
pub(crate) struct ExpectedScan {
    /// All that it may give.
    pub(crate) outputs: Vec<Seen>,
    /// How much of that it gives at least.
    pub(crate) at_least: usize,
    pub(crate) flushed: Flushed,
    /// How many steps it has done when it is flushed.
    pub(crate) steps: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flushed {
    Once,
    Never,
    /// Once, if it came to that in time.
    Perhaps,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Panics {
    Never,
    /// With one of these.
    Always(Vec<Origin>),
    Perhaps(Vec<Origin>),
}

/// A point in the sequential run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Upto {
    Start,
    /// Right behind the outputs of a scan for an item.
    Behind(usize, usize),
    End,
}

/// Right before an item.
fn before(item: usize) -> Upto {
    item.checked_sub(1).map_or(Upto::Start, |item| Upto::Behind(item, usize::MAX))
}

impl Expected {
    /// What is expected of a run over which the ledger was kept.
    pub(crate) fn new(script: &Script, oracle: &Oracle<'_>, ledger: &Ledger) -> Self {
        Expecting { script, oracle, ledger }.expect()
    }
}

struct Expecting<'a> {
    script: &'a Script,
    oracle: &'a Oracle<'a>,
    ledger: &'a Ledger,
}

impl Expecting<'_> {
    fn expect(&self) -> Expected {
        let Script { cell, items, at, target, other, .. } = *self.script;
        let always = |origin| Panics::Always(vec![origin]);
        let last = cell.place == Place::Last;
        match cell.site {
            Site::Nothing => self.exact(items),
            Site::Next => self.all_cut_at_input(at, Origin::Next),
            Site::InputDrop => match cell.place {
                Place::First => self.dropped(Panics::Never),
                Place::Middle => {
                    let mut expected = self.ending();
                    expected.panics = if cell.read_ahead {
                        Panics::Perhaps(vec![Origin::InputDrop])
                    } else {
                        always(Origin::InputDrop)
                    };
                    expected
                }
                Place::Last => self.all_cut_at_input(items, Origin::InputDrop),
            },
            Site::Step => {
                let mut expected = self.cut(always(Origin::Step(target)), 0);
                expected.scans[target] = self.scan(target, at + 1, Flushed::Never);
                expected.in_order = both(Upto::Behind(at, target));
                if cell.member == Member::Tee {
                    expected.in_order = both(before(at));
                }
                expected
            }
            Site::Flush => {
                let mut expected = self.cut(always(Origin::Flush(target)), 0);
                expected.scans[target] = self.scan(target, items, Flushed::Once);
                expected.in_order = both(Upto::Behind(FLUSH, target));
                expected.detaches = false;
                expected
            }
            Site::ScanDrop => {
                let mut expected = self.cut(always(Origin::ScanDrop(target)), 0);
                expected.scans[target] = match last {
                    true => self.scan(target, items, Flushed::Once),
                    false => self.scan(target, at + 1, Flushed::Never),
                };
                expected.detaches = !last;
                let from = match (cell.member, last) {
                    (_, true) => Upto::Behind(FLUSH, target),
                    (Member::Tee, _) => before(at),
                    _ => Upto::Behind(at, target),
                };
                expected.in_order = (from, Upto::End);
                expected
            }
            Site::ItemDrop => {
                // Whoever drops it has it from the last scan that stepped over it.
                let mut expected = self.cut(always(Origin::ItemDrop), at + 1);
                expected.in_order = (before(at + 1), Upto::End);
                expected
            }
            Site::OutputDrop if self.script.drops() => self.dropped(Panics::Never),
            // Only results can be dropped, in whose place an error comes; but a scan among the
            // branches drops what comes before its last output.
            Site::OutputDrop if cell.member == Member::Join && cell.width != 4 => self.exact(items),
            Site::OutputDrop => self.cut(Panics::Perhaps(vec![Origin::OutputDrop]), 0),
            Site::Payload | Site::PayloadUntaken => {
                let origins = vec![Origin::Step(target), Origin::Step(other)];
                if cell.site == Site::PayloadUntaken {
                    return self.dropped(Panics::Perhaps(origins));
                }
                let mut expected = self.cut(Panics::Always(origins), 0);
                for scan in [target, other] {
                    expected.scans[scan].outputs = self.oracle.outputs(scan, 0, at + 1, false);
                    expected.scans[scan].flushed = Flushed::Never;
                }
                expected.in_order = both(Upto::Behind(at, target.min(other)));
                if cell.member == Member::Tee {
                    expected.in_order = both(before(at));
                }
                expected
            }
            Site::EarlyDrop => self.dropped(Panics::Never),
            Site::OneEnds | Site::AllEnd => self.ending(),
            Site::Stop(asker) => self.stopped(asker),
            Site::StopScan(asker) => self.one_stopped(asker),
            Site::Abort(asker) => self.aborted(asker),
            Site::Add(asker) => self.grown(asker),
            Site::PoolFull => unreachable!("a run that does not start"),
        }
    }

    /// A scan that sees the items before `to`, and gives all that it emits.
    fn scan(&self, scan: usize, to: usize, flushed: Flushed) -> ExpectedScan {
        self.scan_from(scan, 0, to, flushed)
    }

    fn scan_from(&self, scan: usize, from: usize, to: usize, flushed: Flushed) -> ExpectedScan {
        let steps = self.oracle.steps(scan, from, to);
        // In a demux, a key without an item has no scan.
        let demux = self.script.cell.member == Member::Demux;
        let flushed = if demux && steps == 0 { Flushed::Never } else { flushed };
        let outputs = self.oracle.outputs(scan, from, to, flushed != Flushed::Never);
        ExpectedScan { at_least: outputs.len(), outputs, flushed, steps }
    }

    /// All scans see the items before `to`, and are flushed.
    fn exact(&self, to: usize) -> Expected {
        let scans = (0..self.script.scans).map(|scan| self.scan(scan, to, Flushed::Once));
        // What is flushed is in no tuple.
        let tee = self.script.cell.member == Member::Tee;
        Expected {
            scans: scans.collect(),
            panics: Panics::Never,
            in_order: both(if tee { before(to) } else { Upto::End }),
            detaches: false,
            whole: to == self.script.items,
            wrong: None,
        }
    }

    /// All scans see the items before `to`; then the input panics.
    fn all_cut_at_input(&self, to: usize, origin: Origin) -> Expected {
        let scans = (0..self.script.scans).map(|scan| self.scan(scan, to, Flushed::Never));
        Expected {
            scans: scans.collect(),
            panics: Panics::Always(vec![origin]),
            whole: false,
            ..self.exact(to)
        }
    }

    /// The run is left at some point, at which each scan has seen the items before `least`
    /// at least. All that was emitted by then is given.
    fn cut(&self, panics: Panics, least: usize) -> Expected {
        let Script { items, scans, .. } = *self.script;
        let scan = |scan| {
            let mut expected = self.scan(scan, items, Flushed::Once);
            let surely = self.oracle.outputs(scan, 0, least, false).len();
            // What a branch yields when the run is left already is dropped, and it yields no more.
            let late = usize::from(self.script.cell.member == Member::Merge);
            let emitted = self.ledger.scan(scan).emitted();
            expected.at_least = surely.max(emitted.saturating_sub(late));
            expected.flushed = match expected.flushed {
                Flushed::Once if self.script.ends(scan).is_none() => Flushed::Perhaps,
                _ => Flushed::Never,
            };
            expected
        };
        Expected {
            scans: (0..scans).map(scan).collect(),
            panics,
            in_order: (Upto::Start, Upto::End),
            detaches: true,
            whole: false,
            wrong: None,
        }
    }

    /// The run is dropped, so that what was emitted may be lost.
    fn dropped(&self, panics: Panics) -> Expected {
        let mut expected = self.cut(panics, 0);
        expected.scans.iter_mut().for_each(|scan| scan.at_least = 0);
        let unused = self.script.cell.place == Place::First && !self.script.cell.read_ahead;
        if unused && !self.ledger.is_untouched() {
            expected.wrong = Some("something was called before the first `next`".to_owned());
        }
        expected
    }

    /// Some scans end by themselves.
    fn ending(&self) -> Expected {
        let Script { cell, items, .. } = *self.script;
        let demux = cell.member == Member::Demux;
        let mut expected = self.exact(items);
        let mut all = true;
        for (scan, expected) in expected.scans.iter_mut().enumerate() {
            // In a demux fresh ones follow, which end as soon.
            let ends = self.script.ends(scan);
            let ends = ends.is_some_and(|at| !demux || self.oracle.steps(scan, at, items) > 0);
            all &= ends;
            if ends {
                *expected = self.scan(scan, items, Flushed::Never);
            } else if cell.member == Member::Tee {
                // It is left when the other one ends.
                expected.flushed = Flushed::Perhaps;
            }
        }
        let over = !demux && (all || cell.member == Member::Tee);
        expected.detaches = over;
        expected.whole = !over;
        expected.wrong = self.pulled_too_much().filter(|_| over && all);
        expected
    }

    /// Whether more was pulled than fits into the channels, when all scans had ended.
    fn pulled_too_much(&self) -> Option<String> {
        let Cell { capacity, batch, .. } = self.script.cell;
        let most = self.script.at + 1 + (capacity.unwrap_or(8) + 2) * batch?;
        let given = self.ledger.given();
        (given > most).then(|| format!("{given} items were pulled, and not {most} at most"))
    }

    /// How many items a scan has seen that was stopped, within these bounds.
    fn seen(&self, asker: Asker, seen: usize, wrong: &mut Option<String>) -> usize {
        let Script { cell, items, at, .. } = *self.script;
        let asked = self.ledger.asked();
        let given = asked.map_or(0, |asked| asked.given_before);
        let (least, most) = match asker {
            Asker::Input if !cell.read_ahead => (at, at),
            Asker::Input => (at, items),
            Asker::Scan => (at + 1, items),
            Asker::Consumer if !cell.read_ahead => (given, given),
            // One may have been on its way out of the input.
            Asker::Consumer => (given.saturating_sub(1), items),
            Asker::Nobody => (0, 0),
        };
        if !(least..=most).contains(&seen) {
            let bounds = format!("from {least} to {most}");
            *wrong = Some(format!("{seen} items were seen behind a stop, and not {bounds}"));
        }
        seen.min(items)
    }

    /// The run is stopped: all scans have seen the same, and are flushed.
    fn stopped(&self, asker: Asker) -> Expected {
        let steps = |scan| self.ledger.scan(scan).steps();
        let demux = self.script.cell.member == Member::Demux;
        let seen = if demux { (0..self.script.scans).map(steps).sum() } else { steps(0) };
        let mut wrong = None;
        let mut expected = self.exact(self.seen(asker, seen, &mut wrong));
        if asker == Asker::Nobody {
            // Whether a run begins at all that is stopped before is not said.
            let flushed = self.ledger.scan(0).flushes() > 0;
            if !flushed {
                expected = self.all_cut_at_input(0, Origin::Next);
                expected.panics = Panics::Never;
            }
        }
        Expected { detaches: true, whole: false, wrong, ..expected }
    }

    /// One scan is stopped; the others go on, but in a tee.
    fn one_stopped(&self, asker: Asker) -> Expected {
        let Script { cell, items, scans, target, .. } = *self.script;
        let mut wrong = None;
        let seen = self.seen(asker, self.ledger.scan(target).steps(), &mut wrong);
        let mut expected = self.exact(items);
        if cell.member == Member::Tee {
            expected = self.cut(Panics::Never, seen);
            expected.in_order = both(before(seen));
        }
        expected.scans[target] = self.scan(target, seen, Flushed::Once);
        expected.detaches |= scans == 1;
        expected.whole &= scans > 1;
        Expected { wrong, ..expected }
    }

    /// The run is aborted.
    fn aborted(&self, asker: Asker) -> Expected {
        let Script { cell, items, at, scans, .. } = *self.script;
        let mut expected = self.cut(Panics::Never, 0);
        let most = match asker {
            Asker::Input => at,
            Asker::Consumer if !cell.read_ahead => {
                self.ledger.asked().map_or(items, |asked| asked.given_before)
            }
            _ => items,
        };
        if most < items || asker == Asker::Input {
            for (scan, expected) in expected.scans.iter_mut().enumerate() {
                expected.outputs = self.oracle.outputs(scan, 0, most, false);
                expected.flushed = Flushed::Never;
            }
        }
        // Up to the first scan that has not stepped over an item.
        let first = (0..scans).filter_map(|scan| {
            let record = self.ledger.scan(scan);
            match record.steps() {
                steps if steps < items => Some((steps, scan)),
                _ if record.flushes() == 0 => Some((FLUSH, scan)),
                _ => None,
            }
        });
        expected.in_order = both(match first.min() {
            None => Upto::End,
            Some((item, _)) if cell.member == Member::Tee && item != FLUSH => before(item),
            Some((item, 0)) if item == FLUSH => before(items),
            Some((item, 0)) => before(item),
            Some((item, scan)) => Upto::Behind(item, scan - 1),
        });
        expected
    }

    /// A scan is added.
    fn grown(&self, asker: Asker) -> Expected {
        let Script { cell, items, at, scans, .. } = *self.script;
        let mut expected = self.exact(items);
        let (Some(asked), late) = (self.ledger.asked(), self.ledger.scan(scans)) else {
            // It was not asked at the right time, as only a dynamic run may not be.
            let may = cell.member == Member::Dynamic && asker == Asker::Input;
            let never = "nobody asked for the scan to be added".to_owned();
            expected.wrong = (!may).then_some(never);
            return expected;
        };
        match asked.added {
            Some(Added::As(number)) if number == scans && !cell.is_tight() => {
                let given = asked.given_before;
                let from = late.first().unwrap_or(items);
                let (least, most) = match asker {
                    Asker::Input if cell.member == Member::Dynamic => (given, given),
                    Asker::Input => (at, at),
                    Asker::Consumer if !cell.read_ahead => (given, given),
                    // One may have been on its way out of the input.
                    _ => (given.saturating_sub(1), asked.begun_after),
                };
                if !(least..=most.min(items)).contains(&from) {
                    let bounds = format!("between {least} and {most}");
                    expected.wrong =
                        Some(format!("the added scan began at item {from}, and not {bounds}"));
                }
                expected.scans.push(self.scan_from(scans, from, items, Flushed::Once));
            }
            Some(Added::Ended) if asker != Asker::Input && asked.ended_after => {
                expected.scans.push(self.scan(scans, 0, Flushed::Never));
            }
            Some(Added::NoThread) if cell.is_tight() => {
                expected.scans.push(self.scan(scans, 0, Flushed::Never));
            }
            other => expected.wrong = Some(format!("the scan was added so: {other:?}")),
        }
        expected
    }
}

fn both(upto: Upto) -> (Upto, Upto) {
    (upto, upto)
}
