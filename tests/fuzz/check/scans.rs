//! What each scan is given, and what it does with it.

use std::collections::HashMap;

use super::super::log::{Flush, Record};
use super::super::oracle::Story;
use super::super::program::{Member, Steps};
use super::Case;

pub(super) fn check(case: &mut Case<'_>) {
    let mut failures = Vec::new();
    let mut fail = |class: &str, detail: String| {
        failures.push(super::Failure { class: class.to_owned(), detail });
    };
    for story in &case.stories {
        let number = story.log.number;
        if let Some(wrong) = story.record.wrong.first() {
            fail(&format!("a scan takes {wrong}"), format!("scan {number}"));
        }
        if story.span.is_none() && !story.record.steps.is_empty() {
            let items: Vec<_> = story.record.steps.iter().map(|(item, _)| *item).collect();
            fail("items are left out or repeated", format!("scan {number}: {items:?}"));
        }
        if let Some(detail) = deviation(case, story) {
            let which = if story.is_polite() {
                "a scan that may leave early, with another behind it,"
            } else if story.is_caught() {
                "a scan whose panics are caught"
            } else {
                "a scan"
            };
            let class = format!("{which} deviates from the sequential run");
            fail(&class, format!("scan {number}: {detail}"));
        }
        if story.record.flush != Flush::None && !may_be_flushed(case, story) {
            let class = format!("a scan is flushed that was not stopped ({:?})", case.member());
            fail(&class, format!("scan {number}"));
        }
        if case.is_undisturbed() && !story.record.refused && !story.is_done() && !may_be_left(case)
        {
            let class = format!("a scan is not flushed ({:?})", case.member());
            fail(&class, format!("scan {number}, {} items", story.record.steps.len()));
        }
    }
    case.failures.extend(failures);
    complete(case);
    panicked_input(case);
    if case.member() == Member::Demux {
        generations(case);
    }
}

/// Whether a scan may be left in an undisturbed run with nothing said to it: one of a tee,
/// which ends with any of its scans.
fn may_be_left(case: &Case<'_>) -> bool {
    case.member() == Member::Tee
        && (case.was_any_scan_stopped() || case.stories.iter().any(Story::ended))
}

/// A scan is flushed when it has seen all that there was, or it was stopped. A scan of a tee
/// that was stopped by itself ends the run for all others, as a stop does.
fn may_be_flushed(case: &Case<'_>, story: &Story) -> bool {
    if case.was_stopped() || case.was_scan_stopped(story.id) {
        return true;
    }
    if case.member() == Member::Tee && case.stopped_scans() > 0 {
        return true;
    }
    let items = case.board.program.items;
    let seen_all = match (story.log.key, story.span) {
        (Some(key), span) => {
            let (first, seen) = span.unwrap_or((key, 0));
            first + seen * case.board.program.keys >= items
        }
        (None, Some((first, seen))) => first + seen == items,
        // It was added behind the last item, or there are none.
        (None, None) => items == 0 || !story.initial,
    };
    case.is_exhausted() && seen_all
}

/// What a scan emitted is what it emits in the sequential run.
fn deviation(case: &Case<'_>, story: &Story) -> Option<String> {
    let Record { steps, completed, emitted, flush, ended, .. } = &story.record;
    let script = &story.script;
    let (in_steps, in_flush): (Vec<_>, Vec<_>) =
        script.outputs.iter().partition(|(index, _)| *index < steps.len());
    let expected: Vec<_> = in_steps.iter().chain(&in_flush).map(|(_, value)| *value).collect();
    let values: Vec<_> = emitted.iter().map(|emitted| emitted.value).collect();
    let flushed = emitted.iter().any(|emitted| emitted.in_flush);
    if *flush == Flush::None && flushed {
        return Some("it emitted in a flush that did not begin".into());
    }
    // What is aborted or dropped ends earlier, a tee with one of its scans, too.
    let is_cut = !case.is_undisturbed() || may_be_left(case);
    // `then` does not flush its second scan then: in the step in hand that may be missing.
    let unflushed = is_cut && story.is_chained();
    // Of a step or a flush that panicked there may be a part.
    let least = match flush {
        Flush::Done if !unflushed => expected.len(),
        Flush::Done | Flush::Begun => in_steps.len(),
        Flush::None => {
            let whole = completed.saturating_sub(usize::from(unflushed));
            in_steps.iter().filter(|(index, _)| *index < whole).count()
        }
    };
    let most = if *flush == Flush::None { in_steps.len() } else { expected.len() };
    let left = story.is_polite() && is_cut;
    if !expected.starts_with(&values) {
        let at = values.iter().zip(&expected).take_while(|(a, b)| a == b).count();
        let (value, wanted) = (values.get(at), expected.get(at));
        return Some(format!("output {at} is {value:?} and not {wanted:?}"));
    }
    if !left && !(least..=most).contains(&values.len()) {
        return Some(format!("{} outputs and not {least} to {most}", values.len()));
    }
    let ends = script.ended_at.is_some_and(|at| at < *completed);
    let whole = story.log.plan.steps == Steps::Whole;
    if *ended != ends && !(left || whole && is_cut) {
        return Some(format!("ended: {ended}, and in the sequential run {ends}"));
    }
    None
}

/// In a run that went through, all scans were given all there was, until they ended.
fn complete(case: &mut Case<'_>) {
    if !case.is_undisturbed() || case.member() == Member::Demux {
        return;
    }
    let left = may_be_left(case);
    let open = |story: &&Story| {
        !story.ended() && !story.record.refused && !case.was_scan_stopped(story.id)
    };
    let mut ends: Vec<_> = case
        .stories
        .iter()
        .filter(open)
        .filter(|story| !left || story.record.flush != Flush::None)
        .filter_map(|story| story.span)
        .map(|(first, seen)| first + seen)
        .collect();
    ends.sort_unstable();
    let (Some(&first), Some(&last)) = (ends.first(), ends.last()) else { return };
    if first != last {
        let class = if case.was_stopped() {
            "scans are given different items before a stop"
        } else {
            "scans are given different items"
        };
        case.fail(class, format!("up to {first} and up to {last}"));
    }
    if !case.was_stopped() && last != case.board.program.items && !left {
        case.fail("items are missing at the end", format!("up to {last}"));
    }
}

/// An input that panics: what was pulled before is stepped over first.
fn panicked_input(case: &mut Case<'_>) {
    let input_alone = case.raised.len() == 1
        && case.has_fault(|fault| matches!(fault, super::Fault::Input(_)))
        && case.raised[0].who == super::super::board::Who::Input
        && case.outcome.end != super::End::Dropped
        && !case.was_aborted()
        && !case.was_stopped();
    if !input_alone || case.member() == Member::Demux {
        return;
    }
    if case.member() == Member::Tee && case.stories.iter().any(Story::ended) {
        return;
    }
    let pulled = case.pulled();
    let short = case.stories.iter().find_map(|story| {
        let (first, seen) = story.span.unwrap_or((0, 0));
        let open = story.initial && !story.ended() && !case.was_scan_stopped(story.id);
        (open && first + seen < pulled).then(|| (story.log.number, first + seen))
    });
    if let Some((scan, seen)) = short {
        let class = format!("items before a panic of the input are lost ({:?})", case.member());
        case.fail(class, format!("{seen} of {pulled} at scan {scan}"));
    }
}

/// Each scan of a key is given what came behind the one before it.
fn generations(case: &mut Case<'_>) {
    let keys = case.board.program.keys;
    let mut next: HashMap<u64, u64> = HashMap::new();
    let mut failures = Vec::new();
    for story in &case.stories {
        let Some(key) = story.log.key else { continue };
        let next = next.entry(key).or_insert(key);
        let Some((first, seen)) = story.span else { continue };
        if first != *next {
            let detail = format!("key {key}: {first} and not {next}");
            failures.push(("a fresh scan of a key begins elsewhere", detail));
        }
        *next = first + seen * keys;
    }
    let stopped = case.was_stopped();
    for key in (0..keys).filter(|key| !case.board.program.is_discarded(*key)) {
        let next = next.get(&key).copied().unwrap_or(key);
        if case.is_undisturbed() && !stopped && next < case.board.program.items {
            failures.push(("items of a key are missing", format!("key {key}: from {next} on")));
        }
    }
    for (class, detail) in failures {
        case.fail(class, detail);
    }
}
