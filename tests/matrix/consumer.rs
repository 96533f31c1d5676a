//! The consumer of all runs: takes what comes, does what the script wants in between,
//! and sees how the run ends.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

use crate::cell::{Asker, Member, Site};
use crate::layer::{Culprit, Event, Run, Threads};
use crate::ledger::{Kind, Ledger};
use crate::probe::Prompt;
use crate::script::Script;
use crate::values::{Origin, Seen, origin_of};

/// What the consumer has seen.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    pub(crate) events: Vec<Taken>,
    /// What the run said of what was to come, before each event and at the end.
    pub(crate) hints: Vec<(usize, Option<usize>)>,
    pub(crate) panics: Vec<Origin>,
    /// Whether the run was left before its end.
    pub(crate) dropped: bool,
    pub(crate) culprit: Option<Option<Culprit>>,
    /// The name of the culprit, if it is a scan, and of the scan that was added.
    pub(crate) names: [Option<Option<String>>; 2],
    pub(crate) wrongs: Vec<String>,
}

/// What came of a call of `next`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Output(usize, Seen),
    Tuple(Vec<Seen>),
    Folded(Vec<Option<Seen>>),
    Failed,
}

/// How long it may take until a thread that was detached has ended, and until it has dropped
/// what it drops last.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
pub(crate) const GRACE: Duration = Duration::from_secs(3);

/// How many panics there may be before the run is over.
const MOST_PANICS: usize = 10_000;

/// Who consumes a run, and what has to be known for it.
pub(crate) struct Consumer<'a> {
    pub(crate) script: &'a Script,
    pub(crate) ledger: &'a Ledger,
    pub(crate) prompt: &'a Prompt,
    /// `None` in a scope.
    pub(crate) threads: Option<&'a Threads>,
    /// How many events a whole run has.
    pub(crate) events: usize,
    /// Whether the input's thread may be detached.
    pub(crate) detaches: bool,
}

impl Consumer<'_> {
    /// Consumes the run, and drops it.
    pub(crate) fn consume(&self, mut run: Box<dyn Run + '_>) -> Witness {
        let mut witness = Witness::default();
        let moment = self.script.moment(self.events);
        let asks = self.script.asker() == Some(Asker::Consumer);
        loop {
            if witness.events.len() == moment && asks && self.ledger.asked().is_none() {
                (self.prompt)();
            }
            if witness.events.len() == moment && self.script.drops() {
                witness.dropped = true;
                break;
            }
            witness.hints.push(run.hint());
            match catch_unwind(AssertUnwindSafe(|| run.advance())) {
                Ok(Some(event)) => {
                    let event = take(event);
                    // Of a scan that was added the name is known with its outputs.
                    let added = self.script.scans;
                    if matches!(event, Taken::Output(scan, _) if scan == added) {
                        witness.names[1] = run.name_of(added);
                    }
                    witness.events.push(event);
                }
                Ok(None) => break,
                Err(payload) => {
                    match origin_of(payload) {
                        Ok(origin) => witness.panics.push(origin),
                        Err(text) => witness.wrongs.push(format!("another panic: {text}")),
                    }
                    // A tee drops outputs itself, one by one.
                    let goes_on = self.script.cell.site == Site::OutputDrop
                        && self.script.cell.member == Member::Tee;
                    if !goes_on || witness.panics.len() > MOST_PANICS {
                        break;
                    }
                }
            }
        }
        if !witness.dropped {
            self.ledger.close();
            witness.culprit = run.culprit();
            let scan = match witness.culprit {
                Some(Some(Culprit::Scan(scan))) => run.name_of(scan),
                _ => None,
            };
            witness.names[0] = scan;
            let kept = [Kind::Output, Kind::Payload, Kind::Error];
            // A lease comes back with the run: that of a fold at once.
            let blocking = self.script.cell.member.is_blocking();
            let leased = if blocking { 0 } else { self.script.cell.leased() };
            self.settle("at its end", leased, &kept, &mut witness);
            for _ in 0..3 {
                match catch_unwind(AssertUnwindSafe(|| run.advance())) {
                    Ok(None) => {}
                    Ok(Some(event)) => {
                        let behind = take(event);
                        let after = if witness.panics.is_empty() { "`None`" } else { "the panic" };
                        witness.wrongs.push(format!("something came after {after}: {behind:?}"));
                    }
                    Err(payload) => {
                        let origin = origin_of(payload);
                        witness.wrongs.push(format!("a panic came after the end: {origin:?}"));
                    }
                }
            }
            witness.hints.push(run.hint());
        }
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(run))) {
            let origin = origin_of(payload);
            witness.wrongs.push(format!("the drop of the run panicked: {origin:?}"));
        }
        self.ledger.close();
        // A control may still hold what a thread that was detached has left.
        // What adds scans keeps them still.
        let leased = match self.script.cell.site {
            Site::Add(_) => self.script.cell.leased(),
            _ => 0,
        };
        self.settle("after its drop", leased, &[Kind::Payload], &mut witness);
        witness
    }

    /// Sees whether the threads are back and everything was dropped, but for what somebody
    /// may still have.
    fn settle(&self, when: &str, leased: usize, kept: &[Kind], witness: &mut Witness) {
        let (patience, grace) = match self.detaches && self.script.cell.read_ahead {
            // It is the end of the scope that waits for the thread.
            true if self.threads.is_none() => return,
            true => (PATIENCE, GRACE),
            false => (Duration::ZERO, Duration::ZERO),
        };
        let live = || self.threads.map(Threads::in_use).filter(|live| *live > leased);
        if let Some(live) = patiently(patience, live) {
            witness
                .wrongs
                .push(format!("{live} threads and not {leased} at most are in use {when}"));
        }
        if let Some((kind, made, dropped)) = patiently(grace, || self.ledger.unsettled(kept)) {
            let counts = format!("{made} made, {dropped} dropped");
            witness.wrongs.push(format!("not every {kind:?} was dropped {when}: {counts}"));
        }
    }
}

/// Says what is left; if it may go yet, only if it is still left after some time.
pub(crate) fn patiently<R>(patience: Duration, left: impl Fn() -> Option<R>) -> Option<R> {
    let began = Instant::now();
    loop {
        let found = left()?;
        if began.elapsed() >= patience {
            return Some(found);
        }
        thread::yield_now();
    }
}

fn take(event: Event) -> Taken {
    match event {
        Event::Output(stream, value) => Taken::Output(stream, value.take()),
        Event::Tuple(values) => {
            Taken::Tuple(values.into_iter().map(|value| value.take()).collect())
        }
        Event::Folded(values) => {
            Taken::Folded(values.into_iter().map(|value| value.map(|value| value.take())).collect())
        }
        Event::Failed => Taken::Failed,
    }
}
