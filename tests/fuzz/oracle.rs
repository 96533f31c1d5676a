//! What the sequential run gives, and what of it the notes of the scans account for.

use std::collections::HashMap;
use std::sync::Arc;

use super::board::{Asked, Board, lock};
use super::kinds;
use super::log::{Emitted, Flush, Log, Record};
use super::program::{Kind, Member, Plan, Program, Script};

/// What one scan did, beside what it does in the sequential run.
pub(crate) struct Story {
    pub(crate) log: Arc<Log>,
    pub(crate) record: Record,
    /// The sequential run over the items that it was given.
    pub(crate) script: Script,
    /// The number that the run gave it.
    pub(crate) id: Option<usize>,
    /// Whether the run began with it.
    pub(crate) initial: bool,
    /// The first item that it was given, and how many, without a gap; `None` if it was
    /// given none, or others than the next ones.
    pub(crate) span: Option<(u64, u64)>,
}

impl Story {
    /// The stories of a program's scans. Those that were refused have none.
    pub(crate) fn all(board: &Board) -> Vec<Self> {
        let (program, requests) = (&board.program, lock(&board.requests));
        let added: HashMap<usize, usize> = requests
            .iter()
            .filter_map(|request| match request.what {
                Asked::Added(log, Ok(id)) => Some((log, id)),
                _ => None,
            })
            .collect();
        let logs = lock(&board.logs);
        let mut stories: Vec<_> = logs.iter().map(|log| Self::new(program, log, &added)).collect();
        // A run that takes no more scans drops those that it has asked for.
        let ends = requests.iter().any(|request| !matches!(request.what, Asked::Added(..)))
            || !lock(&board.raised).is_empty()
            || stories.iter().all(|story| !story.initial || story.ended());
        if program.is_asked_for_scans() && ends {
            let unused = |story: &&mut Self| {
                !story.initial && story.record.steps.is_empty() && story.record.flush == Flush::None
            };
            stories.iter_mut().filter(unused).for_each(|story| story.record.refused = true);
        }
        stories
    }

    fn new(program: &Program, log: &Arc<Log>, added: &HashMap<usize, usize>) -> Self {
        let record = log.record();
        let items: Vec<_> = record.steps.iter().map(|(item, _)| *item).collect();
        let stride = log.key.map_or(1, |_| program.keys);
        let even = items.windows(2).all(|pair| pair[1] == pair[0] + stride);
        let span = items.first().filter(|_| even).map(|first| (*first, items.len() as u64));
        let initial = program.member != Member::Demux && log.number < program.scans.len();
        let id = if initial { Some(log.number) } else { added.get(&log.number).copied() };
        let script = log.plan.kind.script(&items);
        Self { log: Arc::clone(log), record, script, id, initial, span }
    }

    pub(crate) fn is_polite(&self) -> bool {
        matches!(self.log.plan.kind, Kind::Polite(_))
    }

    /// Whether it is a scan after another one, which may end by itself.
    pub(crate) fn is_chained(&self) -> bool {
        matches!(self.log.plan.kind, Kind::Common(kinds::Kind::Chain(_)))
    }

    pub(crate) fn is_caught(&self) -> bool {
        matches!(self.log.plan.kind, Kind::Caught { .. })
    }

    /// Whether it ended by itself, and not because nobody listened.
    pub(crate) fn ended(&self) -> bool {
        self.record.ended && self.script.ended_at.is_some()
    }

    /// Whether it was done with: ended or flushed.
    pub(crate) fn is_done(&self) -> bool {
        self.ended() || self.record.flush == Flush::Done
    }

    /// Whether it panicked, as far as its own notes say.
    pub(crate) fn panicked(&self) -> bool {
        let begun = self.record.steps.len();
        self.record.completed < begun && !self.record.ended || self.record.flush == Flush::Begun
    }

    /// What it emitted in the step over the `index`th item that it was given.
    pub(crate) fn emitted_at(&self, index: usize) -> impl Iterator<Item = &Emitted> {
        // In the order of the items, so that those of one are together.
        let begin = self.record.emitted.partition_point(|emitted| emitted.items <= index);
        let at = self.record.emitted[begin..].iter();
        at.take_while(move |emitted| emitted.items == index + 1 && !emitted.in_flush)
    }

    pub(crate) fn emitted_in_flush(&self) -> impl Iterator<Item = &Emitted> {
        self.record.emitted.iter().filter(|emitted| emitted.in_flush)
    }
}

/// What an ordered run has to give, as the notes of its scans have it.
pub(crate) struct InOrder {
    pub(crate) outputs: Vec<(usize, Emitted)>,
    /// How many of them come before the first scan that left because the run was aborted on
    /// request. Behind it a panic may end the sequence anywhere.
    pub(crate) certain: usize,
    /// Whether the sequence breaks off at a scan that was not stepped far enough, though
    /// it had not panicked.
    pub(crate) breaks_off: bool,
}

/// How a run ended before its time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    /// Whether somebody asked for an abort.
    pub(crate) aborted: bool,
    /// How many items were pulled before the input panicked: what they give comes first, and
    /// nothing is flushed.
    pub(crate) severed: Option<usize>,
}

/// As much of the sequential order as the scans have emitted. A scan that has left an
/// aborted run is left out from there on; a panic ends the sequence.
pub(crate) fn in_order(stories: &[Story], cut: Cut) -> InOrder {
    let mut order = InOrder { outputs: Vec::new(), certain: usize::MAX, breaks_off: false };
    let mut gone: Vec<_> = stories.iter().map(|_| false).collect();
    for index in 0.. {
        let left = || stories.iter().zip(&gone).filter(|(_, gone)| !**gone);
        let flushes =
            |story: &Story| story.record.flush != Flush::None && story.record.steps.len() == index;
        if left().next().is_none() || left().any(|(story, _)| flushes(story)) {
            break;
        }
        if cut.severed == Some(index) {
            return order;
        }
        for (scan, story) in stories.iter().enumerate() {
            if gone[scan] {
                continue;
            }
            order.add(scan, story.emitted_at(index));
            if story.record.completed <= index {
                if !cut.aborted || story.panicked() {
                    order.breaks_off = !story.panicked();
                    return order;
                }
                order.leave_out();
                gone[scan] = true;
            }
            gone[scan] |= story.ended() && story.record.steps.len() == index + 1;
        }
    }
    for (scan, story) in stories.iter().enumerate().filter(|(scan, _)| !gone[*scan]) {
        order.add(scan, story.emitted_in_flush());
        if story.record.flush != Flush::Done {
            if !cut.aborted || story.panicked() {
                order.breaks_off = !story.panicked() && cut.severed.is_none();
                return order;
            }
            order.leave_out();
        }
    }
    order
}

impl InOrder {
    fn add<'a>(&mut self, scan: usize, emitted: impl Iterator<Item = &'a Emitted>) {
        self.outputs.extend(emitted.map(|emitted| (scan, *emitted)));
    }

    fn leave_out(&mut self) {
        self.certain = self.certain.min(self.outputs.len());
    }
}

/// The tuples of so many items, as the notes of the scans have them.
pub(crate) fn tuples(stories: &[Story], items: usize) -> Vec<Vec<u64>> {
    let mut latest: Vec<Option<u64>> = stories.iter().map(|_| None).collect();
    let mut tuples = Vec::new();
    for index in 0..items {
        for (latest, story) in latest.iter_mut().zip(stories) {
            if let Some(emitted) = story.emitted_at(index).last() {
                *latest = Some(emitted.value);
            }
        }
        tuples.extend(latest.iter().copied().collect::<Option<Vec<_>>>());
    }
    tuples
}

/// For how many items a tee has a tuple as far as this scan goes, and whether that is for
/// good: a scan that was only aborted might have gone on.
pub(crate) fn covered(story: &Story, cut: Cut) -> (usize, bool) {
    let completed = story.record.completed;
    if story.ended() {
        let last = completed.saturating_sub(1);
        let has_last = story.emitted_at(last).next().is_some();
        (last + usize::from(has_last && completed > 0), true)
    } else {
        let severed = cut.severed.is_some_and(|pulled| completed >= pulled);
        (completed, severed || story.panicked() || story.record.flush != Flush::None)
    }
}

/// How many outputs there have to be before each item of a live source is pulled.
pub(crate) fn due(program: &Program) -> Vec<u64> {
    if !program.live || program.member == Member::Fold {
        return Vec::new();
    }
    let items: Vec<_> = (0..program.items).collect();
    let mut counts = vec![0_u64; items.len() + 1];
    let mut count = |plan: &Plan, items: &[u64]| {
        let mut rest = items;
        // In a demux a scan that has ended is followed by a fresh one.
        while !rest.is_empty() {
            let script = plan.kind.script(rest);
            let emitted = script.outputs.iter().filter(|(index, _)| *index < rest.len());
            emitted.for_each(|(index, _)| counts[rest[*index] as usize] += 1);
            match script.ended_at.filter(|_| program.member == Member::Demux) {
                Some(ended) => rest = &rest[ended + 1..],
                None => return,
            }
        }
    };
    match program.member {
        Member::Demux => {
            for key in (0..program.keys).filter(|key| !program.is_discarded(*key)) {
                let items: Vec<_> = (key..program.items).step_by(program.keys as usize).collect();
                count(&program.scans[key as usize % program.scans.len()], &items);
            }
        }
        Member::Tee => return tuples_due(program, &items),
        _ => program.scans.iter().for_each(|plan| count(plan, &items)),
    }
    let mut before = 0;
    for count in &mut counts {
        before += std::mem::replace(count, before);
    }
    counts
}

fn tuples_due(program: &Program, items: &[u64]) -> Vec<u64> {
    let mut emitting = vec![0; items.len()];
    let mut last = items.len();
    for plan in &program.scans {
        let script = plan.kind.script(items);
        let emits_at = |at| script.outputs.iter().any(|(index, _)| *index == at);
        if let Some(ended) = script.ended_at {
            last = last.min(ended + usize::from(emits_at(ended)));
        }
        // From its first output on it is there with every item.
        let first = script.outputs.first().map_or(items.len(), |(index, _)| *index);
        emitting.iter_mut().skip(first).for_each(|scans| *scans += 1);
    }
    let mut due = vec![0];
    for scans in &emitting[..last] {
        let tuple = u64::from(*scans == program.scans.len());
        due.push(due[due.len() - 1] + tuple);
    }
    due
}
