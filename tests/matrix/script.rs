//! What is to happen in a cell, and at whom.

use std::sync::{Arc, OnceLock};

use crate::cell::{Asker, Cell, Input, Member, Place, Site};
use crate::layer::{Adding, Cast, Handle};
use crate::ledger::{Added, Asked, Ledger};
use crate::probe::{Acts, Probe, Prompt};
use crate::source::SourceActs;
use crate::support::Gate;

/// A cell, worked out.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) cell: Cell,
    /// How long the input is.
    pub(crate) items: usize,
    /// How many scans the run begins with; in a demux, how many keys there are.
    pub(crate) scans: usize,
    /// The item at which it happens.
    pub(crate) at: usize,
    /// The scan to which it happens.
    pub(crate) target: usize,
    /// The scan that asks for it, or to which it happens as well.
    pub(crate) other: usize,
    /// Whether a control is attached.
    pub(crate) watched: bool,
    /// Whether the input asks for something that comes to nothing at every item.
    pub(crate) nudges: bool,
    /// Whether the input ends with an error.
    pub(crate) fails: bool,
    /// Whether the input blocks behind its last item until the run is over.
    pub(crate) blocks: bool,
    /// Whether few outputs have a drop that panics, and not all behind the item.
    pub(crate) few: bool,
}

impl Script {
    pub(crate) fn new(cell: Cell) -> Self {
        let bits = cell.bits();
        // Enough for several batches, and to fill what can be filled.
        let (base, whole) = match cell.batch {
            Some(1) => (20, 20),
            Some(3) => (30, 30),
            Some(_) => (150, 128),
            None => (120, 128),
        };
        let items = match (cell.site, cell.place) {
            (Site::Nothing, Place::First) => 0,
            (Site::Nothing, Place::Last) => whole,
            _ => base + bits as usize % 3,
        };
        let demux = cell.member == Member::Demux;
        let scans = if demux { (cell.width + 1).min(items.max(1)) } else { cell.width };
        let at = match cell.place {
            Place::First => 0,
            Place::Middle => items / 2,
            Place::Last => items.saturating_sub(1),
        };
        let any = (bits >> 8) as usize % scans;
        let target = match (cell.site, cell.place) {
            (Site::Flush, Place::First) => 0,
            (Site::Flush, Place::Middle) => scans / 2,
            (Site::Flush, Place::Last) => scans - 1,
            (Site::ScanDrop, Place::Last) => any,
            _ if demux => at % scans,
            _ => any,
        };
        let other = if demux { target } else { (target + 1) % scans };
        let nudges = !cell.read_ahead
            && matches!(
                cell.site,
                Site::Add(Asker::Consumer)
                    | Site::Stop(Asker::Consumer)
                    | Site::StopScan(Asker::Consumer)
            )
            && bits >> 32 & 1 == 1;
        let watched = nudges
            || matches!(cell.site, Site::Stop(_) | Site::StopScan(_) | Site::Abort(_))
            || bits >> 33 & 1 == 1;
        let fails = cell.input == Input::Failing;
        let waits = cell.scopes_itself() || !waits_for_no_input(&cell);
        let blocks = cell.read_ahead && !waits && bits >> 34 & 1 == 1;
        let few = bits >> 35 & 1 == 1;
        Self { cell, items, scans, at, target, other, watched, nudges, fails, blocks, few }
    }

    /// The item at which a scan ends, if it does.
    pub(crate) fn ends(&self, scan: usize) -> Option<usize> {
        let ends = match self.cell.site {
            Site::AllEnd => true,
            Site::InputDrop => self.cell.place == Place::Middle,
            Site::OneEnds => scan == self.target,
            Site::ScanDrop => scan == self.target && self.cell.place != Place::Last,
            _ => false,
        };
        ends.then_some(self.at)
    }

    /// How far apart the items are that a scan sees.
    pub(crate) fn stride(&self) -> usize {
        if self.cell.member == Member::Demux { self.scans } else { 1 }
    }

    /// Whether the scans have to say something before the flush.
    pub(crate) fn talks(&self) -> bool {
        self.cell.member == Member::Tee
    }

    /// After how many outputs the consumer does something, of those that there are.
    pub(crate) fn moment(&self, outputs: usize) -> usize {
        match self.cell.place {
            Place::First => 0,
            Place::Middle => outputs / 2,
            Place::Last => outputs.saturating_sub(1),
        }
    }

    /// Whether the consumer drops the run early.
    pub(crate) fn drops(&self) -> bool {
        match self.cell.site {
            Site::EarlyDrop | Site::PayloadUntaken => true,
            Site::InputDrop => self.cell.place == Place::First,
            Site::OutputDrop => self.cell.drops_what_is_emitted(),
            _ => false,
        }
    }

    /// From which item on the drops of a scan's outputs panic, and up to which.
    fn armed(&self, scan: usize) -> Option<(usize, usize)> {
        if self.drops() {
            Some((0, usize::MAX))
        } else if self.few {
            (scan == self.target).then_some((self.at, self.at + 2))
        } else {
            Some((self.at, usize::MAX))
        }
    }

    /// Where something is asked for, if it is.
    pub(crate) fn asker(&self) -> Option<Asker> {
        match self.cell.site {
            Site::Stop(asker) | Site::StopScan(asker) | Site::Abort(asker) | Site::Add(asker) => {
                Some(asker)
            }
            _ => None,
        }
    }

    fn acts(&self, scan: usize, prompt: &Prompt) -> Acts {
        let target = scan == self.target;
        let other = scan == self.other;
        let demux = self.cell.member == Member::Demux;
        // Of an item that is kept there is no drop that could end the run.
        let keeps = scan % 2 == 0 && !(self.cell.site == Site::ItemDrop && self.blocks);
        let mut acts = Acts { ends: self.ends(scan), keeps, ..Acts::default() };
        match self.cell.site {
            Site::Step if target => acts.step_panics = Some(self.at),
            Site::Flush if target => acts.flush_panics = true,
            Site::ScanDrop if target => acts.drop_panics = true,
            Site::OutputDrop => acts.outputs_armed = self.armed(scan),
            Site::Payload | Site::PayloadUntaken if target || other => {
                acts.step_panics = Some(self.at);
                // What a closure has is dropped by the panic of the closure itself.
                acts.drop_panics = target && self.cell.member != Member::Join;
                acts.payloads_armed = true;
            }
            Site::StopScan(Asker::Scan) if other => acts.asks = Some((self.at, prompt.clone())),
            Site::Stop(Asker::Scan) | Site::Abort(Asker::Scan) | Site::Add(Asker::Scan)
                if target || demux =>
            {
                acts.asks = Some((self.at, prompt.clone()));
            }
            _ => {}
        }
        acts
    }

    fn source_acts(&self, prompt: &Prompt, handle: &Handle) -> SourceActs {
        let site = self.cell.site;
        let asks = self.asker() == Some(Asker::Input) && !self.cell.is_asked_for_more();
        let handle = handle.clone();
        SourceActs {
            next_panics: (site == Site::Next).then_some(self.at),
            drop_panics: site == Site::InputDrop,
            item_panics: (site == Site::ItemDrop).then_some(self.at),
            asks: asks.then(|| (self.at, prompt.clone())),
            nudges: self.nudges.then(|| -> Prompt { Arc::new(move || handle.nudge()) }),
            fails: self.fails,
            blocks: self.blocks,
        }
    }
}

/// Whether the run comes to its end though an input that is read ahead does not.
fn waits_for_no_input(cell: &Cell) -> bool {
    let (demux, tee) = (cell.member == Member::Demux, cell.member == Member::Tee);
    // Later, the consumer may wait for what comes of the flushes.
    let early = cell.place == Place::First || cell.place == Place::Middle && !demux;
    match cell.site {
        Site::Step | Site::ItemDrop | Site::Payload => true,
        Site::Stop(Asker::Input | Asker::Scan) | Site::Abort(Asker::Input | Asker::Scan) => true,
        Site::AllEnd => !demux,
        Site::OneEnds | Site::StopScan(Asker::Input | Asker::Scan) => {
            tee || cell.width == 1 && !demux
        }
        Site::StopScan(Asker::Consumer) => early && (tee || cell.width == 1),
        Site::InputDrop | Site::ScanDrop => cell.place != Place::Last,
        Site::EarlyDrop
        | Site::PayloadUntaken
        | Site::Stop(Asker::Consumer)
        | Site::Abort(Asker::Consumer) => early,
        Site::OutputDrop => early && cell.drops_what_is_emitted(),
        _ => false,
    }
}

/// The script with all that is needed to play it.
pub(crate) struct Stage {
    pub(crate) handle: Handle,
    pub(crate) cast: Cast,
    pub(crate) source_acts: SourceActs,
    /// Asks for what is asked for.
    pub(crate) prompt: Prompt,
    slot: Arc<Slot>,
    ledger: Arc<Ledger>,
}

/// What adds scans, once the run has started.
#[derive(Default)]
struct Slot {
    adding: OnceLock<Adding>,
    started: Gate,
}

impl Stage {
    pub(crate) fn new(script: &Script, ledger: &Arc<Ledger>) -> Self {
        let (handle, slot) = (Handle::new(), Arc::new(Slot::default()));
        let prompt = prompt(script, ledger, &handle, &slot);
        let (made, asks, shared) = (script.clone(), prompt.clone(), Arc::clone(ledger));
        let make = move |scan| {
            let acts = made.acts(scan, &asks);
            Probe::new(scan, made.talks(), made.stride(), acts, &shared)
        };
        let late = script.cell.is_asked_for_more().then(|| late(script, ledger));
        let cast = Cast { count: script.scans, make: Arc::new(make), late };
        let source_acts = script.source_acts(&prompt, &handle);
        Self { handle, cast, source_acts, prompt, slot, ledger: Arc::clone(ledger) }
    }

    pub(crate) fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// Lets those add scans who want to.
    pub(crate) fn started(&self, adding: Option<Adding>) {
        if let Some(adding) = adding {
            self.slot.adding.get_or_init(|| adding);
        }
        self.slot.started.open();
    }
}

fn latecomer(script: &Script, ledger: &Arc<Ledger>) -> Probe {
    Probe::new(script.scans, script.talks(), 1, Acts::default(), ledger)
}

/// What asks for what the cell wants, once, and takes note of it.
fn prompt(script: &Script, ledger: &Arc<Ledger>, handle: &Handle, slot: &Arc<Slot>) -> Prompt {
    let (script, ledger) = (script.clone(), Arc::clone(ledger));
    let (handle, slot) = (handle.clone(), Arc::clone(slot));
    Arc::new(move || {
        // Not before the run has all that is needed.
        if matches!(script.cell.site, Site::Add(_)) {
            slot.started.pass();
        }
        let given_before = ledger.given();
        let mut added = None;
        match script.cell.site {
            Site::Stop(_) => handle.stop(),
            Site::StopScan(_) => handle.stop_scan(script.target),
            Site::Abort(_) => {
                handle.abort();
                ledger.note_abort();
            }
            Site::Add(_) => {
                if let Some(adding) = slot.adding.get() {
                    added = Some(match adding(latecomer(&script, &ledger)) {
                        Ok(number) => Added::As(number),
                        Err(refusal) if refusal.ended => Added::Ended,
                        Err(_) => Added::NoThread,
                    });
                }
            }
            _ => {}
        }
        note(&ledger, given_before, added);
    })
}

/// Gives one more scan to who asks for scans, as soon as the input has come so far.
fn late(script: &Script, ledger: &Arc<Ledger>) -> Arc<dyn Fn() -> Option<Probe> + Send + Sync> {
    let (script, ledger) = (script.clone(), Arc::clone(ledger));
    Arc::new(move || {
        if ledger.asked().is_some() || ledger.given() < script.at {
            return None;
        }
        note(&ledger, ledger.given(), Some(Added::As(script.scans)));
        Some(latecomer(&script, &ledger))
    })
}

fn note(ledger: &Ledger, given_before: usize, added: Option<Added>) {
    let (begun_after, ended_after) = (ledger.begun(), ledger.has_ended());
    ledger.note_asked(Asked { given_before, begun_after, ended_after, added });
}
