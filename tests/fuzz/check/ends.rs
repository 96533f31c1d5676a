//! How a run ends: panics surface, everything is dropped, threads come back, and nothing
//! goes on.

use super::super::board::{Raised, Tally, Who};
use super::super::execute::{End, Got};
use super::super::layer::{FOLDS_NAME_WHO_PANICKED, Origin};
use super::super::oracle::Story;
use super::super::program::{Ask, Host, Member, Site};
use super::Case;

pub(super) fn check(case: &mut Case<'_>) {
    for wrong in &case.outcome.wrong {
        // Without the figures, so that one kind of mistake has one name.
        let class: String = wrong.chars().filter(|char| !char.is_ascii_digit()).collect();
        case.failures.push(super::Failure { class, detail: wrong.clone() });
    }
    let late = case.board.late();
    if let Some(what) = late.first() {
        case.fail(format!("{what} begins after the end ({})", how(case)), format!("{late:?}"));
    }
    panics(case);
    values(case);
    threads(case);
    error(case);
    hints(case);
    names(case);
    if case.outcome.end == End::NotBegun {
        let begun = case.stories.iter().any(|story| {
            !story.record.steps.is_empty() || story.record.flush != super::super::log::Flush::None
        });
        if begun {
            case.fail("a scan of a run that never began is called", "");
        }
    }
}

fn how(case: &Case<'_>) -> &'static str {
    match case.outcome.end {
        End::Dropped => "drop",
        End::Exhausted => "end",
        _ => "panic",
    }
}

fn panics(case: &mut Case<'_>) {
    let certain: Vec<_> =
        case.raised.iter().filter(|raised| has_to_surface(case, raised)).copied().collect();
    match case.outcome.end {
        End::Exhausted => {
            if let Some(first) = certain.first() {
                let kind = kind(first.who);
                let class = format!("a panic is lost: {kind}, {:?}", case.member());
                case.fail(class, format!("{first:?}"));
            }
        }
        End::Dropped => {
            let queued = queued(case) + 1_000;
            let delivered = case.outcome.got.len() as u64;
            let overdue = |raised: &&Raised| {
                raised.at.elapsed() > super::super::execute::SURFACING
                    && delivered > raised.delivered + queued
            };
            if let Some(first) = certain.iter().find(overdue) {
                let class = format!("starved: a panic does not surface ({})", kind(first.who));
                let detail = format!("{first:?}, and {delivered} outputs came");
                case.fail(class, detail);
            }
        }
        End::Panicked(who) => identity(case, who),
        End::Foreign | End::NotBegun => {}
    }
}

/// How many outputs may come before what was published takes effect.
pub(super) fn queued(case: &Case<'_>) -> u64 {
    let program = &case.board.program;
    let scans = match program.member {
        Member::Demux => program.settings.shards,
        _ => case.stories.len(),
    };
    scans as u64 * ((program.output_capacity() + 2) * program.longest_batch() + 2)
}

/// Whether nothing excuses that a panic is not told.
fn has_to_surface(case: &Case<'_>, raised: &Raised) -> bool {
    // An input that has its own thread is detached from a run that ends without it, and so
    // are the items that it is left with.
    let detached = case.board.program.settings.read_ahead
        && (case.was_aborted()
            || case.was_stopped()
            || case.was_any_scan_stopped()
            || case.stories.iter().all(|story| story.record.ended)
            || case.raised.len() > 1);
    match raised.who {
        Who::OutputDrop(_) | Who::Name => false,
        Who::Input | Who::InputDrop | Who::ItemDrop(_) => !detached,
        _ => true,
    }
}

fn kind(who: Who) -> &'static str {
    match who {
        Who::Step(_) => "step",
        Who::Flush(_) => "flush",
        Who::ScanDrop(_) => "drop of a scan",
        Who::Name => "name",
        Who::Input => "input",
        Who::InputDrop => "drop of the input",
        Who::ItemDrop(_) => "drop of an item",
        Who::OutputDrop(_) => "drop of an output",
        Who::Key => "key",
        Who::Factory => "factory",
        Who::Downstream(_) => "downstream of catch_unwind",
    }
}

/// The panic that surfaced is one that there was, and is said to come from where it did.
fn identity(case: &mut Case<'_>, who: Who) {
    if !case.raised.iter().any(|raised| raised.who == who) {
        case.fail("a panic surfaces that there was not, or late", format!("{who:?}"));
    }
    if case.member() == Member::Fold && !FOLDS_NAME_WHO_PANICKED {
        return;
    }
    let scan = who.scan().and_then(|log| case.stories[log].id);
    let is_downstream = |id| {
        let mut all = case.raised.iter().map(|raised| raised.who);
        all.any(|who| matches!(who, Who::Downstream(log) if case.stories[log].id == Some(id)))
    };
    let right = match (who, case.outcome.origin) {
        (Who::Input | Who::InputDrop, Some(Origin::Input)) => true,
        (Who::ItemDrop(_), Some(Origin::Item | Origin::Input)) => true,
        // Its scans are the shards.
        (_, Some(Origin::Scan(_))) if case.member() == Member::Demux => true,
        // Their payload does not say which of them it is.
        (Who::Downstream(_), Some(Origin::Scan(id))) => is_downstream(id),
        (_, Some(Origin::Scan(id))) => scan == Some(id),
        _ => false,
    };
    if !right {
        let detail = format!("{who:?} is said to be {:?}", case.outcome.origin);
        case.fail(format!("a panic has a wrong origin: {}", kind(who)), detail);
    }
}

/// Every value is dropped exactly once.
fn values(case: &mut Case<'_>) {
    let board = case.board;
    let tallies: [(&str, &Tally); 6] = [
        ("items", &board.items),
        ("outputs", &board.outputs),
        ("scans", &board.scans),
        ("inputs", &board.inputs),
        ("payloads", &board.payloads),
        ("errors", &board.errors),
    ];
    for (what, tally) in tallies {
        if tally.made() != tally.dropped() {
            let detail = format!("{} made, {} dropped", tally.made(), tally.dropped());
            let member = case.member();
            case.fail(format!("{what} are not dropped exactly once ({member:?})"), detail);
        }
    }
}

fn threads(case: &mut Case<'_>) {
    let program = &case.board.program;
    if !case.outcome.settled {
        case.fail("threads never come back", "");
    }
    // Only the thread of an input may be inside it still, and only if the run did not end
    // with the input.
    let with_input = case.outcome.end == End::Exhausted
        && case.is_exhausted()
        && case.is_undisturbed()
        && !case.was_stopped()
        && !case.stories.iter().all(|story| story.record.ended)
        && !case.was_any_scan_stopped()
        && program.member != Member::Tee;
    // Whoever adds a scan from another thread has a thread in hand before it is refused.
    let adds =
        |(site, ask): &&(Site, Ask)| matches!((site, ask), (Site::Elsewhere(_), Ask::Add(_)));
    let adding = program.asks.iter().filter(adds).count();
    let allowed = usize::from(program.settings.read_ahead && !with_input) + adding;
    // A lease comes back as a whole.
    let leased = matches!(program.host, Host::Lease(_)) && allowed > 0;
    if case.outcome.live > allowed && !leased {
        let detail = format!("{} at work", case.outcome.live);
        case.fail(format!("threads are at work after the end ({})", how(case)), detail);
    }
}

/// The error of the input comes once, behind everything else, and not beside a panic.
fn error(case: &mut Case<'_>) {
    let errors = case.outcome.got.iter().filter(|got| **got == Got::Failed).count();
    let due = case.board.program.fails && case.is_exhausted();
    // A run that ends without an input that has its own thread does not wait for its error.
    let certain = due
        && case.outcome.end == End::Exhausted
        && (!case.board.program.settings.read_ahead
            || case.is_undisturbed()
                && !case.was_stopped()
                && !case.was_any_scan_stopped()
                && !case.stories.iter().any(|story| story.record.ended));
    if errors < usize::from(certain) {
        case.fail(format!("the error of the input is lost ({:?})", case.member()), "");
    } else if errors > usize::from(due) {
        case.fail("an error of the input that there was not", format!("{errors} came"));
    }
    if errors == 0 {
        return;
    }
    if case.outcome.got.last() != Some(&Got::Failed) {
        case.fail("the error of the input does not come last", "");
    }
    if matches!(case.outcome.end, End::Panicked(_) | End::Foreign | End::NotBegun) {
        case.fail("the error of the input comes beside a panic", "");
    }
}

/// What was said of the outputs to come was right.
fn hints(case: &mut Case<'_>) {
    let got = case.outcome.got.len();
    let ended = case.outcome.end == End::Exhausted;
    for &(before, (least, most)) in &case.outcome.hints {
        let came = got - before;
        if ended && came < least || most.is_some_and(|most| came > most) {
            let detail = format!("({least}, {most:?}) for {came}");
            case.fail("a size hint is wrong", detail);
            return;
        }
    }
}

/// The name of a scan that was there from the start is always known. That of one that was
/// added is with its outputs, and if it has panicked; after a clean end it may be forgotten.
fn names(case: &mut Case<'_>) {
    let outcome = case.outcome;
    let with_outputs = outcome.names.iter().map(|name| (name, true));
    let at_the_end = outcome.names_at_the_end.iter().map(|name| (name, false));
    let wrong = with_outputs.chain(at_the_end).find_map(|((id, name), speaks)| {
        let story = case.stories.iter().find(|story| story.id == Some(*id))?;
        let expected = format!("scan {}", story.log.number);
        let known = speaks || story.initial || has_panicked(case, story);
        let right = name.as_ref() == Some(&expected) || name.is_none() && !known;
        (!right).then_some((story, speaks, name, expected))
    });
    if let Some((story, speaks, name, expected)) = wrong {
        let class = match (name, story.initial, speaks) {
            (Some(_), ..) | (None, true, _) => "a scan has a wrong name",
            (None, false, true) => "a scan that was added has no name with its output",
            (None, false, false) => "a scan that was added and has panicked has no name",
        };
        let detail = format!("scan {:?}: {name:?} for {expected}", story.id);
        case.fail(class, detail);
    }
}

/// Whether the thread of this scan has ended with a panic of its own.
fn has_panicked(case: &Case<'_>, story: &Story) -> bool {
    case.raised.iter().any(|raised| {
        let own = matches!(
            raised.who,
            Who::Step(_) | Who::Flush(_) | Who::ScanDrop(_) | Who::Downstream(_)
        );
        own && raised.who.scan() == Some(story.log.number)
    })
}
