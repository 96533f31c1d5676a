//! What a random program consists of. It follows from its seed alone.

use std::cell::{Cell, RefCell};
use std::iter;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::rc::Rc;

use anabranch::scan::{self, BoxScan, Emitter, Scan};

use super::kinds;
use super::layer::{DEFAULT_CAPACITY, LONGEST_BATCH, Settings};

#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) seed: u64,
    pub(crate) profile: &'static str,
    pub(crate) member: Member,
    pub(crate) settings: Settings,
    /// So many threads and no more, above what the run begins with; `None` for a pool
    /// without a maximum, in which the threads of earlier programs are idle.
    pub(crate) spare_threads: Option<usize>,
    pub(crate) host: Host,
    /// The input is `0..items`.
    pub(crate) items: u64,
    /// Whether an error is behind them, where the input may fail.
    pub(crate) fails: bool,
    /// The scans; those of a demux are the scans of the keys, in turns.
    pub(crate) scans: Vec<Plan>,
    /// How many keys a demux has.
    pub(crate) keys: u64,
    /// Every so many keys one whose items are discarded; zero for none.
    pub(crate) discarded_keys: u64,
    pub(crate) asks: Vec<(Site, Ask)>,
    pub(crate) faults: Vec<Fault>,
    /// What the payloads of panics do when they are dropped.
    pub(crate) payloads: Payloads,
    pub(crate) input_pace: Pace,
    pub(crate) consumer_pace: Pace,
    /// The consumer drops the run after so many outputs.
    pub(crate) take: Option<u64>,
    /// No more outputs than this are taken, because the program would take too long.
    pub(crate) patience: u64,
    /// Whether the input waits, before each item, until all outputs for those before it
    /// have arrived.
    pub(crate) live: bool,
    /// How many threads keep the processors busy meanwhile.
    pub(crate) busy: usize,
    /// Whether the control is given to another run afterwards.
    pub(crate) again: bool,
}

impl Program {
    /// Whether scans come because the run asks for them, and none is added from outside: so
    /// it is known which numbers they have.
    pub(crate) fn is_asked_for_scans(&self) -> bool {
        self.member == Member::Dynamic && self.seed % 3 > 0
    }

    pub(crate) fn is_discarded(&self, key: u64) -> bool {
        self.discarded_keys > 0 && key % self.discarded_keys == self.discarded_keys - 1
    }

    /// What panics in it, in words.
    pub(crate) fn panics(&self) -> Vec<&'static str> {
        let in_scans = self.scans.iter().flat_map(|plan| &plan.faults).map(|fault| match fault {
            ScanFault::Before(_) | ScanFault::After(_) => "step",
            ScanFault::FlushBefore | ScanFault::FlushAfter => "flush",
            ScanFault::Drop => "drop of a scan",
            ScanFault::Name => "name",
        });
        let elsewhere = self.faults.iter().map(|fault| match fault {
            Fault::Input(_) => "input",
            Fault::InputDrop => "drop of the input",
            Fault::ItemDrop(_) => "drop of an item",
            Fault::Key(_) => "key",
            Fault::Factory(_) => "factory",
        });
        let outputs = self.scans.iter().any(|plan| plan.bad_output.is_some());
        let payloads = self.payloads == Payloads::Panic;
        let more = [("drop of an output", outputs), ("drop of a payload", payloads)];
        let more = more.into_iter().filter(|(_, panics)| *panics).map(|(what, _)| what);
        let mut all: Vec<_> = in_scans.chain(elsewhere).chain(more).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    pub(crate) fn output_capacity(&self) -> u64 {
        self.settings.output_capacity.unwrap_or(DEFAULT_CAPACITY) as u64
    }

    pub(crate) fn input_capacity(&self) -> u64 {
        self.settings.input_capacity.unwrap_or(DEFAULT_CAPACITY) as u64
    }

    pub(crate) fn longest_batch(&self) -> u64 {
        self.settings.batch.unwrap_or(LONGEST_BATCH) as u64
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Member {
    Distribute,
    Ordered,
    Tee,
    Fold,
    Demux,
    Dynamic,
}

/// Where the threads come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    Pool,
    /// A lease of so many threads more than the run begins with.
    Lease(usize),
    Scope,
    /// A scope that a fold opens for itself.
    OwnScope,
}

/// How a scan is made.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) kind: Kind,
    pub(crate) steps: Steps,
    pub(crate) faults: Vec<ScanFault>,
    pub(crate) asks: Vec<(u64, Ask)>,
    pub(crate) pace: Pace,
    /// The drop of the output with this number panics.
    pub(crate) bad_output: Option<u64>,
}

/// How a scan takes a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Steps {
    /// Item by item, as `step_batch` does by default.
    Default,
    /// As the scans of the library do.
    Whole,
    /// Item by item, and never looks whether anybody listens.
    Blind,
}

/// Where a scan panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScanFault {
    /// In the step at this item, before it emits.
    Before(u64),
    /// In the step at this item, after it has emitted.
    After(u64),
    FlushBefore,
    FlushAfter,
    Drop,
    /// When it is asked for its name.
    Name,
}

/// Where something else panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The input, in place of this item; behind the last one in place of its end.
    Input(u64),
    InputDrop,
    ItemDrop(u64),
    Key(u64),
    Factory(u64),
}

/// What the payload of a panic does in its drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Payloads {
    Quiet,
    Panic,
    /// Ask the control for statistics.
    Ask,
}

/// Who asks, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Site {
    BeforeTheRun,
    /// The input, inside the `next` that gives this item.
    Input(u64),
    /// The consumer, after so many outputs.
    Consumer(u64),
    /// Another thread, when so many items were pulled.
    Elsewhere(u64),
    /// Who gives scans to a dynamic run when it asks, once so many items were pulled.
    Hook(u64),
}

#[derive(Clone, Debug)]
pub(crate) enum Ask {
    Stop,
    Abort,
    StopScan(usize),
    Add(Box<Plan>),
}

/// When somebody dawdles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    Full,
    Yield {
        every: u64,
    },
    Spin {
        every: u64,
        micros: u64,
    },
    Sleep {
        every: u64,
        micros: u64,
    },
    /// Once, at this occasion.
    Once {
        at: u64,
        micros: u64,
    },
    /// At this occasion, until so many items were pulled, or for a while.
    Until {
        at: u64,
        pulled: u64,
    },
}

/// What a scan does.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Common(kinds::Kind),
    /// So many outputs for each item.
    Flood(u64),
    /// So many outputs at one item, and one at item zero.
    Burst {
        at: u64,
        outputs: u64,
    },
    /// Silent, and ends at this item.
    Leaves(u64),
    /// Emits every item, so often, and leaves early if nobody listens; behind it a sum.
    Polite(u64),
    /// Panics at an item, inside `catch_unwind`; and downstream of that at another.
    Caught {
        at: u64,
        below: Option<u64>,
    },
}

/// What `Caught` emits for its panic.
pub(crate) const CAUGHT: u64 = u64::MAX - 1;

impl Kind {
    pub(crate) fn build(&self) -> BoxScan<'static, u64, u64> {
        match *self {
            Self::Common(ref kind) => kind.build(),
            Self::Flood(outputs) => burst(move |_| outputs).boxed(),
            Self::Burst { at, outputs } => {
                burst(move |item| if item == at { outputs } else { u64::from(item == 0) }).boxed()
            }
            Self::Leaves(at) => scan::from_fn(move |item: &u64, _: &mut Emitter<'_, u64>| {
                if *item < at { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })
            .boxed(),
            Self::Polite(outputs) => {
                scan::from_fn(move |item: &u64, out: &mut Emitter<'_, u64>| {
                    for _ in 0..outputs {
                        if out.is_closed() {
                            return ControlFlow::Break(());
                        }
                        out.emit(*item);
                    }
                    ControlFlow::Continue(())
                })
                .then(scan::sum::<u64, u64>())
                .boxed()
            }
            Self::Caught { at, below } => scan::map(move |item: &u64| {
                if *item == at {
                    panic_any("expected: caught");
                }
                *item
            })
            .catch_unwind()
            .map(move |output| {
                let value = output.unwrap_or(CAUGHT);
                if below.is_some_and(|below| below == value) {
                    panic_any("expected: downstream");
                }
                value
            })
            .boxed(),
        }
    }

    /// What the sequential run emits for `items`, each output with the number of the item
    /// that it was emitted for, from zero. Those of the flush come with the number of
    /// items.
    pub(crate) fn script(&self, items: &[u64]) -> Script {
        let (taken, outputs) = (Rc::new(Cell::new(0)), Rc::new(RefCell::new(Vec::new())));
        let exhausted = Rc::new(Cell::new(false));
        let (count, flushed) = (Rc::clone(&taken), Rc::clone(&exhausted));
        let mut rest = items.iter().copied();
        let input = iter::from_fn(move || {
            count.set(count.get() + 1);
            let item = rest.next();
            flushed.set(item.is_none());
            item
        });
        let (now, emitted) = (Rc::clone(&taken), Rc::clone(&outputs));
        let scan = self.build().map(move |value| emitted.borrow_mut().push((now.get() - 1, value)));
        let applied = catch_unwind(AssertUnwindSafe(|| scan.apply(input)));
        let ended_at = (!exhausted.get()).then(|| taken.get() - 1);
        let outputs = outputs.take();
        let panicked = applied.is_err();
        Script { outputs, ended_at: ended_at.filter(|_| !panicked) }
    }
}

/// What one scan does in the sequential run.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) outputs: Vec<(usize, u64)>,
    /// The item at which it ended by itself.
    pub(crate) ended_at: Option<usize>,
}

/// Emits each item as often as `times` says.
fn burst(times: impl Fn(u64) -> u64) -> impl Scan<u64, Output = u64> {
    scan::from_fn(move |item: &u64, out: &mut Emitter<'_, u64>| {
        (0..times(*item)).for_each(|_| out.emit(*item));
        ControlFlow::Continue(())
    })
}

impl Plan {
    pub(crate) fn of(kind: Kind) -> Self {
        Self {
            kind,
            steps: Steps::Default,
            faults: Vec::new(),
            asks: Vec::new(),
            pace: Pace::Full,
            bad_output: None,
        }
    }
}
