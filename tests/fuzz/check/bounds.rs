//! What is kept, and how far the input is pulled, is bounded.

use super::super::program::Member;
use super::Case;

pub(super) fn check(case: &mut Case<'_>) {
    items(case);
    outputs(case);
    figures(case);
}

fn items(case: &mut Case<'_>) {
    let program = &case.board.program;
    let bound = (program.input_capacity() + 2) * program.longest_batch();
    // A scan that was stopped by itself is no longer waited for, and has still to step over
    // what it was owed. One that has ended lets go of as much, when its thread comes to it.
    let owed = (program.input_capacity() + 1) * program.longest_batch();
    let ended = case.stories.iter().filter(|story| story.ended()).count() as u64;
    let beside = (case.stopped_scans() + ended) * owed;
    // One is in the hands of whoever pulls it.
    let most = case.board.items.most();
    if most > bound + beside + 1 {
        let class = match beside {
            0 => "more items are kept than the bound",
            _ => "more items are kept than the bound, beside a scan that was stopped or has ended",
        };
        case.fail(class, format!("{most}, the bound is {bound} and {beside}"));
    }
    let ended = case.is_undisturbed()
        && case.member() != Member::Demux
        && !program.settings.discard_without_scans
        && !case.stories.is_empty()
        && case.stories.iter().all(|story| story.ended());
    if ended {
        let taken = case.stories.iter().filter_map(|story| story.span);
        let taken = taken.map(|(first, seen)| first + seen).max().unwrap_or(0);
        let beyond = case.pulled().saturating_sub(taken);
        if beyond > bound {
            let detail = format!("{beyond} beyond the last that was taken, the bound is {bound}");
            case.fail("the input is pulled for nobody", detail);
        }
    }
}

fn outputs(case: &mut Case<'_>) {
    let program = &case.board.program;
    let scans = match program.member {
        Member::Demux => program.settings.shards,
        _ => case.stories.len(),
    } as u64;
    let batch = program.longest_batch();
    // In order, the consumer has a batch of each scan. A tee has the latest of each, and
    // clones of them.
    let bound = scans * (program.output_capacity() + 2) * batch + batch + 4 * scans;
    let most = case.board.outputs.most();
    if most > bound {
        case.fail("more outputs are kept than the bound", format!("{most}, the bound is {bound}"));
    }
}

/// In a run that went through, the statistics say what each scan was given and emitted.
fn figures(case: &mut Case<'_>) {
    if !case.is_undisturbed() || case.member() == Member::Demux {
        return;
    }
    let mut findings = Vec::new();
    for story in case.stories.iter().filter(|story| !story.record.refused) {
        let Some(&(items, outputs)) = story.id.and_then(|id| case.outcome.figures.get(id)) else {
            findings.push(("a scan is not in the statistics".into(), String::new()));
            continue;
        };
        let emitted = match (story.record.emitted.len(), case.member()) {
            // What is folded is a total: the scan up to its last output.
            (emitted, Member::Fold) => emitted.min(1),
            (emitted, _) => emitted,
        } as u64;
        if outputs != emitted {
            let class = format!("outputs are counted wrongly ({:?})", case.member());
            findings.push((class, format!("{outputs}, and {emitted} were emitted")));
        }
        if items < story.record.steps.len() as u64 {
            let detail = format!("{items}, and {} were given", story.record.steps.len());
            findings.push(("items are counted wrongly".into(), detail));
        }
    }
    findings.into_iter().take(1).for_each(|(class, detail)| case.fail(class, detail));
}
