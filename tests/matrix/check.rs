//! What was seen, against what is expected.

use crate::cell::{Member, Site};
use crate::consumer::{Taken, Witness};
use crate::expect::{Expected, ExpectedScan, Flushed, Panics, Upto};
use crate::layer::Culprit;
use crate::ledger::{Added, Ledger};
use crate::oracle::{Oracle, merged};
use crate::probe::name_of;
use crate::script::Script;
use crate::values::{FLUSH, Origin, Seen};

/// Says all that is wrong.
pub(crate) fn check(
    script: &Script,
    oracle: &Oracle<'_>,
    ledger: &Ledger,
    expected: &Expected,
    witness: &Witness,
) -> Vec<String> {
    let mut check = Check { script, oracle, ledger, expected, witness, wrongs: Vec::new() };
    check.wrongs.extend(ledger.wrongs().into_iter().map(str::to_owned));
    check.wrongs.extend(witness.wrongs.iter().cloned());
    check.wrongs.extend(expected.wrong.clone());
    check.panics();
    check.names();
    check.hints();
    check.error();
    check.flushes();
    check.late_steps();
    match script.cell.member {
        Member::Fold | Member::Join => check.fold(),
        Member::Tee if script.cell.site == Site::OutputDrop => check.tuples_with_gaps(),
        Member::Tee => check.tuples(),
        Member::Ordered => check.order(),
        _ => check.streams(),
    }
    check.wrongs
}

struct Check<'a> {
    script: &'a Script,
    oracle: &'a Oracle<'a>,
    ledger: &'a Ledger,
    expected: &'a Expected,
    witness: &'a Witness,
    wrongs: Vec<String>,
}

impl Check<'_> {
    fn wrong(&mut self, what: String) {
        self.wrongs.push(what);
    }

    fn panics(&mut self) {
        let panics = &self.witness.panics;
        let (least, allowed) = match &self.expected.panics {
            Panics::Never => (0, &[][..]),
            Panics::Always(origins) => (1, &origins[..]),
            Panics::Perhaps(origins) => (0, &origins[..]),
        };
        let several = self.script.cell.site == Site::OutputDrop;
        if panics.len() < least {
            self.wrong(format!("no panic surfaced, expected {allowed:?}"));
        }
        if panics.len() > 1 && !several {
            self.wrong(format!("several panics surfaced: {panics:?}"));
        }
        if let Some(origin) = panics.iter().find(|origin| !allowed.contains(origin)) {
            self.wrong(format!("another panic surfaced: {origin:?}, expected {allowed:?}"));
        }
        let Some(culprit) = self.witness.culprit else { return };
        let wanted = match panics.first() {
            None => None,
            Some(Origin::Next | Origin::InputDrop) => Some(Culprit::Input),
            Some(Origin::ItemDrop) => Some(Culprit::Item),
            Some(Origin::Step(scan) | Origin::Flush(scan) | Origin::ScanDrop(scan)) => {
                Some(Culprit::Scan(*scan))
            }
            Some(Origin::OutputDrop) => return,
        };
        let same = match (culprit, wanted) {
            // A demux names the shard.
            (Some(Culprit::Scan(shard)), Some(Culprit::Scan(_)))
                if self.script.cell.member == Member::Demux =>
            {
                shard < self.script.cell.width
            }
            (culprit, wanted) => culprit == wanted,
        };
        if !same {
            self.wrong(format!("the panic is said to be of {culprit:?}, and is of {wanted:?}"));
        }
    }

    fn names(&mut self) {
        let [culprit, added] = &self.witness.names;
        if let (Some(Some(Culprit::Scan(scan))), Some(name)) = (self.witness.culprit, culprit) {
            if name.as_ref() != Some(&name_of(scan)) {
                self.wrong(format!("the scan that panicked is named {name:?}"));
            }
        }
        let is_added = self.ledger.asked().and_then(|asked| asked.added);
        if let (Some(Added::As(scan)), Some(name)) = (is_added, added) {
            if name.as_ref() != Some(&name_of(scan)) {
                self.wrong(format!("the scan that was added is named {name:?}"));
            }
        }
    }

    /// What the run said of what was to come has to be true of what came.
    fn hints(&mut self) {
        let all = self.witness.events.len();
        for (taken, (least, most)) in self.witness.hints.iter().enumerate() {
            // Of a run that was dropped nobody knows; the last hint is behind the end.
            let left = all.saturating_sub(taken);
            let low = !self.witness.dropped && *least > left;
            if low || most.is_some_and(|most| most < left || most < *least) {
                let hint = format!("{least} to {most:?}");
                self.wrong(format!("the size hint was {hint} with {left} to come"));
                return;
            }
        }
    }

    /// The error of the input comes once, behind everything else.
    fn error(&mut self) {
        let events = &self.witness.events;
        let errors = events.iter().filter(|event| **event == Taken::Failed).count();
        let most = usize::from(self.script.fails && self.ledger.has_ended());
        let least = if self.expected.whole { most } else { 0 };
        // Of a panic and an error, the panic is told; a tee goes on behind what the drop of an
        // output panics with on the consumer's own thread.
        let goes_on =
            self.script.cell.member == Member::Tee && self.script.cell.site == Site::OutputDrop;
        let most = if self.witness.panics.is_empty() || goes_on { most } else { 0 };
        if !(least..=most).contains(&errors) {
            self.wrong(format!("the error of the input came {errors} times"));
        }
        if errors > 0 && events.last() != Some(&Taken::Failed) {
            self.wrong("the error of the input did not come last".to_owned());
        }
    }

    fn flushes(&mut self) {
        for (scan, expected) in self.expected.scans.iter().enumerate() {
            let record = self.ledger.scan(scan);
            let (flushes, steps) = (record.flushes(), record.steps());
            let allowed = match expected.flushed {
                Flushed::Once => 1..=1,
                Flushed::Never => 0..=0,
                Flushed::Perhaps => 0..=1,
            };
            if !allowed.contains(&flushes) {
                let wanted = expected.flushed;
                self.wrong(format!("scan {scan} was flushed {flushes} times, not {wanted:?}"));
                return;
            }
            // A tee of which one scan was stopped stops the others where they are.
            let site = self.script.cell.site;
            let anywhere = self.script.cell.member == Member::Tee
                && matches!(site, Site::StopScan(_))
                && expected.flushed == Flushed::Perhaps;
            if flushes > 0 && steps != expected.steps && !anywhere {
                let all = expected.steps;
                self.wrong(format!("scan {scan} was flushed after {steps} items of {all}"));
                return;
            }
        }
    }

    /// Behind an abort, a step begins at most where one was about to.
    fn late_steps(&mut self) {
        let late = self.expected.scans.iter().enumerate();
        let late: usize = late.map(|(scan, _)| self.ledger.scan(scan).late()).sum();
        if late > self.script.cell.width {
            self.wrong(format!("{late} steps began after the abort"));
        }
    }

    /// Whatever was expected of it, a scan's outputs are a part of what it may give.
    fn streams(&mut self) {
        let mut given: Vec<Vec<Seen>> = vec![Vec::new(); self.expected.scans.len()];
        for event in &self.witness.events {
            match event {
                Taken::Output(stream, seen) => {
                    if seen.scan != *stream || *stream >= given.len() {
                        self.wrongs.push(format!("an output is said to be of {stream}: {seen:?}"));
                        return;
                    }
                    given[*stream].push(*seen);
                }
                Taken::Failed => {}
                other => self.wrongs.push(format!("unexpected: {other:?}")),
            }
        }
        for (scan, (given, expected)) in given.iter().zip(&self.expected.scans).enumerate() {
            if let Some(wrong) = compare(scan, given, expected) {
                self.wrong(wrong);
                return;
            }
        }
    }

    fn order(&mut self) {
        let mut given = Vec::new();
        for event in &self.witness.events {
            match event {
                Taken::Output(scan, seen) if seen.scan == *scan => given.push(*seen),
                Taken::Failed => {}
                other => self.wrongs.push(format!("unexpected: {other:?}")),
            }
        }
        let mut outputs: Vec<_> =
            self.expected.scans.iter().map(|scan| scan.outputs.clone()).collect();
        let aborted = matches!(self.script.cell.site, Site::Abort(_));
        if aborted {
            // A scan that has left is left out from there on; how much each one gives is
            // looked at elsewhere.
            for (scan, outputs) in outputs.iter_mut().enumerate() {
                outputs.truncate(given.iter().filter(|seen| seen.scan == scan).count());
            }
        }
        let mut all = merged(&outputs);
        if matches!(self.script.cell.site, Site::StopScan(_)) {
            // Where a scan is flushed that was stopped is not said.
            let flush = |seen: &Seen| seen.at == FLUSH && seen.scan == self.script.target;
            let (flushed, others): (Vec<_>, Vec<_>) = given.iter().partition(|seen| flush(seen));
            (given, all) = (others, all.into_iter().filter(|seen| !flush(seen)).collect());
            let of_target: Vec<_> =
                outputs[self.script.target].iter().filter(|seen| flush(seen)).copied().collect();
            if flushed != of_target {
                self.wrong("the flush of the scan that was stopped is not complete".to_owned());
            }
        }
        let upto = |upto| match upto {
            Upto::Start => 0,
            Upto::Behind(item, scan) => {
                all.iter().filter(|seen| (seen.at, seen.scan) <= (item, scan)).count()
            }
            Upto::End => all.len(),
        };
        let (least, most) = if aborted { (Upto::End, Upto::End) } else { self.expected.in_order };
        self.sequence("outputs in order", &given, &all, upto(least), upto(most));
    }

    fn all_tuples(&self) -> Vec<(usize, Vec<Seen>)> {
        let outputs: Vec<_> = self.expected.scans.iter().map(|scan| scan.outputs.clone()).collect();
        self.oracle.tuples(&outputs)
    }

    fn given_tuples(&mut self) -> Vec<Vec<Seen>> {
        let mut given = Vec::new();
        for event in &self.witness.events {
            match event {
                Taken::Tuple(each) => given.push(each.clone()),
                Taken::Failed => {}
                other => self.wrongs.push(format!("unexpected: {other:?}")),
            }
        }
        given
    }

    fn tuples(&mut self) {
        let (all, given) = (self.all_tuples(), self.given_tuples());
        let upto = |upto| match upto {
            Upto::Start => 0,
            Upto::Behind(item, _) => all.iter().filter(|(at, _)| *at <= item).count(),
            Upto::End => all.len(),
        };
        let (least, most) = self.expected.in_order;
        let (least, most) = (upto(least), upto(most));
        let all: Vec<_> = all.into_iter().map(|(_, each)| each).collect();
        self.sequence("tuples", &given, &all, least, most);
    }

    /// A tuple in the midst of which a panic came may be missing.
    fn tuples_with_gaps(&mut self) {
        let (all, given) = (self.all_tuples(), self.given_tuples());
        let mut rest = all.iter();
        for each in &given {
            if !rest.any(|(_, expected)| expected == each) {
                self.wrong(format!("a tuple that is none, or is late: {each:?}"));
                return;
            }
        }
        let missing = all.len() - given.len();
        if self.witness.panics.is_empty() && missing > 0 {
            self.wrong(format!("{missing} tuples are missing, and there was no panic"));
        }
    }

    /// Expects the first of `all`, from `least` to `most` of them.
    fn sequence<T: PartialEq + std::fmt::Debug>(
        &mut self,
        what: &str,
        given: &[T],
        all: &[T],
        least: usize,
        most: usize,
    ) {
        let (least, most) = match self.witness.dropped {
            // The consumer has taken as many as it wanted.
            true => (given.len().min(least), most),
            false => (least, most),
        };
        let same = given.iter().zip(all).take_while(|(given, expected)| given == expected).count();
        if same < given.len() && same < most {
            let (given, expected) = (&given[same], &all[same]);
            self.wrong(format!("{what} differ at {same}: {given:?}, expected {expected:?}"));
        } else if given.len() > most {
            self.wrong(format!("{what}: {} came, and not {most} at most", given.len()));
        } else if given.len() < least {
            self.wrong(format!("{what}: {} came, and not {least} at least", given.len()));
        }
    }

    fn fold(&mut self) {
        // Whether an error is due is looked at elsewhere; in its place nothing is given.
        if self.witness.events == [Taken::Failed] {
            return;
        }
        let [Taken::Folded(given)] = &self.witness.events[..] else {
            if self.witness.panics.is_empty() || !self.witness.events.is_empty() {
                self.wrong(format!("a fold gave something else: {:?}", self.witness.events));
            }
            return;
        };
        let aborted = matches!(self.script.cell.site, Site::Abort(_));
        for (scan, (given, expected)) in given.iter().zip(&self.expected.scans).enumerate() {
            let emitted = self.ledger.scan(scan).emitted();
            let last = emitted.checked_sub(1).and_then(|last| expected.outputs.get(last));
            // One that is aborted gives what there is so far.
            let last = if aborted { last } else { expected.outputs.last() };
            if given.as_ref() != last {
                self.wrongs
                    .push(format!("scan {scan} was folded wrongly: {given:?}, expected {last:?}"));
                return;
            }
        }
        if given.len() != self.expected.scans.len() {
            self.wrongs.push(format!("a fold of {} scans", given.len()));
        }
    }
}

/// What is wrong with the outputs of one scan.
fn compare(scan: usize, given: &[Seen], expected: &ExpectedScan) -> Option<String> {
    let all = &expected.outputs;
    let same = given.iter().zip(all).take_while(|(given, expected)| given == expected).count();
    let (came, least) = (given.len(), expected.at_least);
    if same < came {
        let (given, expected) = (given[same], all.get(same));
        Some(format!("outputs of scan {scan} differ at {same}: {given:?}, expected {expected:?}"))
    } else if came < least {
        Some(format!("outputs of scan {scan}: {came} came, and not {least} at least"))
    } else {
        None
    }
}
