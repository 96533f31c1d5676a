//! What was emitted is what the consumer was given, in the right order.

use std::collections::HashMap;

use super::super::board::{Asked, Who, lock};
use super::super::execute::{End, Got};
use super::super::log::Emitted;
use super::super::oracle::{Cut, Story, covered, in_order, tuples};
use super::super::program::Member;
use super::Case;

pub(super) fn check(case: &mut Case<'_>) {
    match case.member() {
        Member::Distribute | Member::Dynamic => per_scan(case),
        // Where a scan that was stopped is flushed is not said.
        Member::Ordered if case.was_any_scan_stopped() => per_scan(case),
        Member::Ordered => ordered(case),
        Member::Demux => per_key(case),
        Member::Tee => tee(case),
        Member::Fold => fold(case),
    }
}

/// Of each scan just what it emitted, in its order.
fn per_scan(case: &mut Case<'_>) {
    let mut given: HashMap<usize, Vec<u64>> = HashMap::new();
    for got in &case.outcome.got {
        if let Got::Of(scan, value) = got {
            given.entry(*scan).or_default().push(*value);
        }
    }
    let mut findings = Vec::new();
    for story in &case.stories {
        let given = story.id.and_then(|id| given.remove(&id)).unwrap_or_default();
        let emitted: Vec<_> = story.record.emitted.clone();
        if !story.record.refused {
            findings.extend(compare(case, &emitted, &given));
        }
    }
    if let Some(scan) = given.keys().next() {
        findings.push(("outputs of a scan that there is not".into(), format!("scan {scan}")));
    }
    findings.into_iter().for_each(|(class, detail)| case.fail(class, detail));
}

fn per_key(case: &mut Case<'_>) {
    let mut given: HashMap<u64, Vec<u64>> = HashMap::new();
    for got in &case.outcome.got {
        if let Got::For(key, value) = got {
            given.entry(*key).or_default().push(*value);
        }
    }
    let mut emitted: HashMap<u64, Vec<Emitted>> = HashMap::new();
    for story in &case.stories {
        if let Some(key) = story.log.key {
            emitted.entry(key).or_default().extend(&story.record.emitted);
        }
    }
    let mut findings = Vec::new();
    for (key, emitted) in &emitted {
        findings.extend(compare(case, emitted, &given.remove(key).unwrap_or_default()));
    }
    if let Some(key) = given.keys().next() {
        findings.push(("outputs of a key that there is not".into(), format!("key {key}")));
    }
    findings.into_iter().for_each(|(class, detail)| case.fail(class, detail));
}

/// Whether `given` is what was `emitted`: all of it, but in a run that was dropped, or in
/// an ordered one with a panic.
fn compare(case: &Case<'_>, emitted: &[Emitted], given: &[u64]) -> Option<(String, String)> {
    let values: Vec<_> = emitted.iter().map(|emitted| emitted.value).collect();
    if !values.starts_with(given) {
        let at = given.iter().zip(&values).take_while(|(a, b)| a == b).count();
        let detail = format!("at {at}: {:?} for {:?}", given.get(at), values.get(at));
        return Some((format!("other outputs than were emitted ({:?})", case.member()), detail));
    }
    let missing = emitted.get(given.len())?;
    // A panic ends the order, so what has its place behind that is not given.
    let is_cut_short = case.member() == Member::Ordered && !case.raised.is_empty();
    if case.outcome.end == End::Dropped || is_cut_short {
        return None;
    }
    let detail = format!("{} of {} are delivered", given.len(), emitted.len());
    Some((lost(case, missing), detail))
}

/// How it is to be called that this was emitted and not delivered.
fn lost(case: &Case<'_>, missing: &Emitted) -> String {
    let member = case.member();
    let aborts: Vec<_> = lock(&case.board.requests)
        .iter()
        .filter(|request| request.what == Asked::Abort && !request.late)
        .map(|request| request.before.tick)
        .collect();
    let abort = aborts.into_iter().min();
    let panic = case.raised.iter().map(|raised| raised.tick).min();
    let (what, tick) = match (abort, panic) {
        (None, None) => return format!("lost: outputs of an undisturbed run ({member:?})"),
        (Some(abort), panic) if panic.is_none_or(|panic| abort < panic) => ("an abort", abort),
        (abort, panic) => ("a panic", panic.or(abort).unwrap_or(0)),
    };
    let when = if missing.tick < tick { "before" } else { "since" };
    format!("lost: outputs emitted {when} {what} ({member:?})")
}

/// The sequence of the sequential run, as far as it was come.
fn ordered(case: &mut Case<'_>) {
    let expected = in_order(&case.stories, cut(case));
    let given: Vec<_> = case
        .outcome
        .got
        .iter()
        .filter(|got| **got != Got::Failed)
        .map(|got| if let Got::Of(scan, value) = got { (*scan, *value) } else { (usize::MAX, 0) })
        .collect();
    let sequence: Vec<_> =
        expected.outputs.iter().map(|(scan, emitted)| (*scan, emitted.value)).collect();
    if !sequence.starts_with(&given) {
        let at = given.iter().zip(&sequence).take_while(|(a, b)| a == b).count();
        let detail = format!("at {at}: {:?} for {:?}", given.get(at), sequence.get(at));
        case.fail("an ordered run is not in order", detail);
        return;
    }
    if case.outcome.end == End::Dropped {
        return;
    }
    let least = if case.raised.is_empty() { usize::MAX } else { expected.certain };
    let missing = expected.outputs.get(given.len()).filter(|_| given.len() < least);
    if let Some((_, missing)) = missing {
        let detail = format!("{} of {} are delivered", given.len(), sequence.len());
        case.fail(lost(case, missing), detail);
    }
    if expected.breaks_off && breaks_for_nothing(case) {
        case.fail(short(case), format!("behind {} outputs", sequence.len()));
    }
}

/// What ended the run before its time, beside its scans.
fn cut(case: &Case<'_>) -> Cut {
    let severed = case.raised.iter().any(|raised| raised.who == Who::Input);
    Cut { aborted: case.was_aborted(), severed: severed.then(|| case.pulled() as usize) }
}

/// Whether all that came to pass has a place in the order, so that nothing before it may be
/// missing. Tuples break off where one of their scans was stopped, wherever the input is by
/// then.
fn breaks_for_nothing(case: &Case<'_>) -> bool {
    let in_place = |who| {
        matches!(
            who,
            Who::Step(_) | Who::Flush(_) | Who::Downstream(_) | Who::Input | Who::OutputDrop(_)
        )
    };
    let stopped = case.member() == Member::Tee && case.stopped_scans() > 0;
    !stopped && !case.was_aborted() && case.raised.iter().all(|raised| in_place(raised.who))
}

fn short(case: &Case<'_>) -> String {
    let ahead = if case.board.program.settings.read_ahead { ", read ahead" } else { "" };
    let member = case.member();
    let input = case.raised.iter().any(|raised| raised.who == Who::Input);
    match case.raised.first() {
        None => format!("in order: breaks off in an undisturbed run ({member:?}{ahead})"),
        Some(_) if input => {
            format!("in order: breaks off before a panic of the input ({member:?}{ahead})")
        }
        Some(_) => format!("in order: breaks off before the panic ({member:?}{ahead})"),
    }
}

fn tee(case: &mut Case<'_>) {
    let cut = cut(case);
    let covers: Vec<_> = case.stories.iter().map(|story| covered(story, cut)).collect();
    let items = covers.iter().map(|(items, _)| *items).min().unwrap_or(0);
    let limit = covers.iter().filter(|(_, closed)| *closed).map(|(items, _)| *items).min();
    let expected = tuples(&case.stories, items);
    // One that is not given, because the drop of an output panicked in its stead, may be
    // left out.
    let (mut at, mut excused, mut wrong) = (0, 0, None);
    for got in &case.outcome.got {
        match got {
            Got::Raised => excused += 1,
            Got::Each(each) => {
                if excused > 0
                    && expected.get(at) != Some(each)
                    && expected.get(at + 1) == Some(each)
                {
                    excused -= 1;
                    at += 1;
                }
                if expected.get(at) != Some(each) {
                    wrong = Some((at, each.clone()));
                    break;
                }
                at += 1;
            }
            _ => {}
        }
    }
    if let Some((at, each)) = wrong {
        let raised = case.outcome.got.contains(&Got::Raised);
        let class = match raised {
            true => "tuples are shifted behind a panic in the drop of an output",
            false => "a tuple is not that of the sequential run",
        };
        case.fail(class, format!("at {at}: {each:?} for {:?}", expected.get(at)));
        return;
    }
    if case.outcome.end == End::Dropped {
        return;
    }
    if at + excused < expected.len() {
        let detail = format!("{at} of {} are delivered", expected.len());
        let disturbed = if case.was_aborted() {
            "an abort"
        } else if case.raised.is_empty() {
            "nothing"
        } else {
            "a panic"
        };
        case.fail(format!("lost: tuples of items that all stepped over, at {disturbed}"), detail);
    }
    if limit.is_none_or(|limit| items < limit) && breaks_for_nothing(case) {
        case.fail(short(case), format!("behind {items} items, {limit:?}"));
    }
}

fn fold(case: &mut Case<'_>) {
    let Some(Got::Last(given)) = case.outcome.got.first() else { return };
    let last = |story: &Story| story.record.emitted.last().copied();
    let expected: Vec<_> = case.stories.iter().map(last).collect();
    let values: Vec<_> = expected.iter().map(|last| last.map(|emitted| emitted.value)).collect();
    if *given == values {
        return;
    }
    let at = given.iter().zip(&values).take_while(|(a, b)| a == b).count();
    let detail = format!("scan {at}: {:?} for {:?}", given.get(at), values.get(at));
    let class = match expected.get(at).copied().flatten() {
        Some(missing) => lost(case, &missing),
        None => "a fold gives what was not emitted".into(),
    };
    case.fail(class, detail);
}
