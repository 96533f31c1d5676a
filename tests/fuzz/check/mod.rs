//! What has to hold of every program that was run.

mod bounds;
mod delivery;
mod ends;
mod requests;
mod scans;

use super::board::{Asked, Board, Raised, lock};
use super::execute::{End, Outcome};
use super::oracle::Story;
use super::program::{Fault, Member};

/// Something that does not hold.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// Which rule is broken, in the same words for every program.
    pub(crate) class: String,
    pub(crate) detail: String,
}

/// A program that was run, as the rules see it.
struct Case<'a> {
    board: &'a Board,
    outcome: &'a Outcome,
    stories: Vec<Story>,
    /// The panics of user code before the run was over.
    raised: Vec<Raised>,
    failures: Vec<Failure>,
}

/// Checks all rules.
pub(crate) fn check(board: &Board, outcome: &Outcome) -> Vec<Failure> {
    let refused = |log: usize| {
        let requests = lock(&board.requests);
        requests
            .iter()
            .any(|request| matches!(request.what, Asked::Added(number, Err(_)) if number == log))
    };
    let raised = lock(&board.raised)
        .iter()
        .filter(|raised| !raised.late && !raised.who.scan().is_some_and(refused))
        .copied()
        .collect();
    let stories = Story::all(board);
    let mut case = Case { board, outcome, stories, raised, failures: Vec::new() };
    ends::check(&mut case);
    if case.outcome.end != End::NotBegun {
        scans::check(&mut case);
        requests::check(&mut case);
        delivery::check(&mut case);
        bounds::check(&mut case);
    }
    case.failures
}

impl Case<'_> {
    fn fail(&mut self, class: impl Into<String>, detail: impl Into<String>) {
        self.failures.push(Failure { class: class.into(), detail: detail.into() });
    }

    fn member(&self) -> Member {
        self.board.program.member
    }

    fn has_asked(&self, is: impl Fn(Asked) -> bool) -> bool {
        lock(&self.board.requests).iter().any(|request| !request.late && is(request.what))
    }

    fn was_stopped(&self) -> bool {
        self.has_asked(|asked| asked == Asked::Stop)
    }

    fn was_aborted(&self) -> bool {
        self.has_asked(|asked| asked == Asked::Abort)
    }

    fn was_scan_stopped(&self, id: Option<usize>) -> bool {
        id.is_some_and(|id| self.has_asked(|asked| asked == Asked::StopScan(id)))
    }

    fn was_any_scan_stopped(&self) -> bool {
        self.has_asked(|asked| matches!(asked, Asked::StopScan(_)))
    }

    /// How many scans were stopped by themselves.
    fn stopped_scans(&self) -> u64 {
        self.stories.iter().filter(|story| self.was_scan_stopped(story.id)).count() as u64
    }

    /// Whether the run went through: nothing panicked, and nobody aborted or dropped it.
    fn is_undisturbed(&self) -> bool {
        self.outcome.end == End::Exhausted && self.raised.is_empty() && !self.was_aborted()
    }

    /// Whether the input has had its end.
    fn is_exhausted(&self) -> bool {
        self.board.exhausted.load(std::sync::atomic::Ordering::SeqCst)
    }

    /// How many items were pulled.
    fn pulled(&self) -> u64 {
        self.board.items.made()
    }

    fn has_fault(&self, is: impl Fn(Fault) -> bool) -> bool {
        self.board.program.faults.iter().any(|fault| is(*fault))
    }
}
