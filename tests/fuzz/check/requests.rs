//! What is asked for takes effect, where it was asked for and soon enough.

use super::super::board::{Asked, From, Request, lock};
use super::super::execute::End;
use super::super::layer::Refusal;
use super::super::oracle::Story;
use super::super::program::{Member, Site, Steps};
use super::Case;
use super::ends::queued;

pub(super) fn check(case: &mut Case<'_>) {
    let requests: Vec<_> = lock(&case.board.requests).clone();
    let in_time = || requests.iter().filter(|request| !request.late);
    for request in in_time() {
        match request.what {
            Asked::Stop => stop(case, request),
            Asked::Abort => abort(case, request),
            Asked::StopScan(id) => stop_scan(case, request, id),
            Asked::Added(log, Ok(_)) => added(case, request, log),
            Asked::Added(_, Err(refusal)) => refused(case, request, refusal),
        }
    }
    numbers(case, &requests);
    let stops: Vec<_> = in_time().filter(|request| request.what == Asked::Stop).collect();
    if let ([only], true) = (&stops[..], case.is_undisturbed()) {
        one_stop(case, only);
    }
}

fn is_here(case: &Case<'_>) -> bool {
    !case.board.program.settings.read_ahead
}

/// Asked for inside the input, on the thread that pulls it.
fn is_from_input(request: &Request) -> bool {
    matches!(request.from, From::Site(Site::Input(_)))
}

fn is_from_consumer(request: &Request) -> bool {
    matches!(request.from, From::Site(Site::Consumer(_)))
}

/// The items pulled that began when more outputs had come than may come before what was
/// asked for takes effect. Of the last two nobody knows whether they had begun before.
fn overdue(case: &Case<'_>, request: &Request, pulls: u64) -> Option<u64> {
    let pulls = pulls.checked_sub(3)?;
    let delivered = lock(&case.board.pulls).get(pulls as usize).copied()?;
    let behind = delivered.saturating_sub(request.after.delivered);
    (pulls >= request.after.begun && behind > queued(case)).then_some(behind)
}

fn stop(case: &mut Case<'_>, request: &Request) {
    if request.from == From::Site(Site::BeforeTheRun) {
        if case.pulled() > 0 || case.stories.iter().any(|story| !story.record.steps.is_empty()) {
            let detail = format!("{} items are pulled", case.pulled());
            case.fail("a stop before the run is lost", detail);
        }
        return;
    }
    let begun = lock(&case.board.pulls).len() as u64;
    if let Some(behind) = overdue(case, request, begun) {
        let bound = queued(case);
        let detail = format!("items are pulled {behind} outputs behind it, the bound is {bound}");
        case.fail("starved: a stop", detail);
    }
    if is_here(case) && is_from_consumer(request) && begun > request.after.begun {
        let detail = format!("{} calls of next behind it", begun - request.after.begun);
        case.fail("the input is pulled after the consumer has stopped the run", detail);
    } else if is_here(case) && is_from_input(request) && begun > request.after.begun {
        let detail = format!("{} calls of next behind it", begun - request.after.begun);
        case.fail("the input is pulled after it has stopped the run", detail);
    }
}

/// With a single stop the scans are given just what was pulled before.
fn one_stop(case: &mut Case<'_>, request: &Request) {
    if case.member() == Member::Demux || request.from == From::Site(Site::BeforeTheRun) {
        return;
    }
    let flushed = |story: &&Story| {
        story.initial
            && !story.ended()
            && story.record.flush == super::super::log::Flush::Done
            && !case.was_scan_stopped(story.id)
    };
    let Some(story) = case.stories.iter().find(flushed) else { return };
    let given = story.record.steps.len() as u64;
    let before = request.before.returned;
    // The item that is in the hands of whoever pulls it, but not yet passed on, is given to
    // nobody.
    let in_hand = match request.from {
        From::Site(Site::Input(_) | Site::Consumer(_)) if is_here(case) => 0,
        From::Site(Site::Input(_)) => 0,
        _ => 1,
    };
    if given + in_hand < before.min(case.board.program.items) {
        let detail = format!("{given} items are given, and {before} were pulled before");
        case.fail("a stop loses items that were pulled before it", detail);
    }
    if is_here(case) && is_from_input(request) && given > before {
        case.fail("a stop by the input lets its item through", format!("{given}, {before}"));
    }
}

/// No step begins after an abort, but for one that each scan may have decided on.
fn abort(case: &mut Case<'_>, request: &Request) {
    let after = request.after.tick;
    if request.from == From::Site(Site::BeforeTheRun) {
        if case.stories.iter().any(|story| !story.record.steps.is_empty()) {
            case.fail("an abort before the run is lost", "");
        }
        return;
    }
    let steps = case.stories.iter().find_map(|story| {
        let record = &story.record;
        let behind =
            |ticks: &mut dyn Iterator<Item = u64>| ticks.filter(|tick| *tick > after).count();
        let count = match story.log.plan.steps {
            Steps::Blind if case.member() != Member::Demux => {
                behind(&mut record.batches.iter().copied())
            }
            Steps::Default | Steps::Whole if case.member() != Member::Demux => {
                behind(&mut record.steps.iter().map(|(_, tick)| *tick))
            }
            _ => 0,
        };
        (count > 1).then(|| (story.log.number, count, story.log.plan.steps))
    });
    if let Some((scan, count, steps)) = steps {
        let class = match steps {
            Steps::Blind => "an aborted scan is handed batch after batch",
            Steps::Default | Steps::Whole => "steps begin after an abort",
        };
        case.fail(class, format!("{count} at scan {scan}"));
    }
}

fn stop_scan(case: &mut Case<'_>, request: &Request, id: usize) {
    let Some(story) = case.stories.iter().find(|story| story.id == Some(id)) else { return };
    let added = |other: &Request| {
        matches!(other.what, Asked::Added(_, Ok(added)) if added == id)
            && other.after.tick > request.before.tick
    };
    if lock(&case.board.requests).iter().any(added) {
        // There was no such scan yet, or there may not have been.
        return;
    }
    let (first, seen) = story.span.unwrap_or((0, 0));
    let flushed = story.record.flush == super::super::log::Flush::Done;
    let initial = story.initial;
    let (next, ended) = (first + seen, story.ended());
    if let Some(behind) = overdue(case, request, next) {
        let detail = format!("items pulled {behind} outputs behind it, bound {}", queued(case));
        case.fail("starved: a stop of a scan", detail);
    }
    let exact = is_here(case) && (is_from_input(request) || is_from_consumer(request));
    if exact && next > request.before.returned {
        let detail = format!("scan {id} is given {next}, {} were pulled", request.before.returned);
        case.fail("a scan that was stopped is given items pulled later", detail);
    }
    let first_stop = {
        let requests = lock(&case.board.requests);
        let stops = |what| matches!(what, Asked::Stop | Asked::StopScan(_));
        requests.iter().filter(|request| stops(request.what)).count() == 1
    };
    let in_hand = u64::from(!exact);
    if case.is_undisturbed() && first_stop && flushed && !ended {
        let least = request.before.returned.min(case.board.program.items);
        if next + in_hand < least && initial {
            let detail = format!("scan {id} is given {next}, {least} were pulled");
            case.fail("a scan that was stopped misses items pulled before", detail);
        }
    }
}

/// A scan that was added sees just what is pulled behind that.
fn added(case: &mut Case<'_>, request: &Request, log: usize) {
    let story = &case.stories[log];
    let (before, after) = (request.before.returned, request.after.begun);
    let is_hook = matches!(request.from, From::Site(Site::Hook(_)));
    let is_pulling = is_from_input(request) || is_hook;
    // Inside the input the call that goes on counts as to come.
    let latest = if is_pulling { before } else { after };
    match story.span {
        Some((first, _)) if first < before => {
            let class = "a scan that was added sees an item that was pulled before";
            case.fail(class, format!("{first}, and {before} were pulled"));
        }
        Some((first, _)) if first > latest => {
            let class = "a scan that was added misses items";
            case.fail(class, format!("it begins at {first} and not {before} to {latest}"));
        }
        None if case.is_undisturbed() && !case.was_stopped() => {
            let flushed = story.record.flush == super::super::log::Flush::Done;
            let stopped = case.was_scan_stopped(story.id);
            if flushed && !stopped && after < case.board.program.items {
                case.fail("a scan that was added misses items", "it is given none");
            }
        }
        _ => {}
    }
    late_outputs(case, log);
}

/// The first output of a scan that was added is not passed over for ever. What it emitted
/// before the step that follows was published by then, where batches have one item.
fn late_outputs(case: &mut Case<'_>, log: usize) {
    let story = &case.stories[log];
    if case.board.program.settings.batch != Some(1) || case.member() != Member::Distribute {
        return;
    }
    let Some(published) = story.record.emitted.get(1).map(|emitted| emitted.delivered) else {
        return;
    };
    let is_its_own = |got: &super::super::execute::Got| matches!(got, super::super::execute::Got::Of(id, _) if Some(*id) == story.id);
    let came = case.outcome.got.iter().position(is_its_own);
    let passed = came.unwrap_or(case.outcome.got.len()) as u64;
    let passed = passed.saturating_sub(published);
    // Which of those that are ready comes first is a matter of chance.
    if passed > 30 * queued(case) + 300 {
        case.fail("starved: the outputs of a scan that was added", format!("{passed} came before"));
    }
}

/// A scan is refused only when nothing more will be pulled, or a stop was asked for, which
/// need not have taken effect.
fn refused(case: &mut Case<'_>, request: &Request, refusal: Refusal) {
    if refusal != Refusal::Ended {
        return;
    }
    let stopped = lock(&case.board.requests)
        .iter()
        .any(|other| other.what == Asked::Stop && other.before.tick < request.after.tick);
    if stopped {
        return;
    }
    let after = request.after.begun;
    let later = case
        .stories
        .iter()
        .any(|story| story.record.steps.last().is_some_and(|(item, _)| *item >= after));
    if later {
        case.fail("a scan is refused though the run goes on", format!("{request:?}"));
    }
}

/// Scans that were added are numbered in turn, from where the first ones end.
fn numbers(case: &mut Case<'_>, requests: &[Request]) {
    let mut numbers: Vec<_> = requests
        .iter()
        .filter_map(|request| match request.what {
            Asked::Added(_, Ok(id)) => Some(id),
            _ => None,
        })
        .collect();
    numbers.sort_unstable();
    let first = case.board.program.scans.len();
    if !numbers.iter().copied().eq(first..first + numbers.len()) {
        case.fail("scans that were added have wrong numbers", format!("{numbers:?}"));
    }
    if case.outcome.end == End::NotBegun && !numbers.is_empty() {
        case.fail("a scan is added to a run that never began", "");
    }
}
