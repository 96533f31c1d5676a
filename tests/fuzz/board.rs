//! What is noted while a program runs: who did what, and in which order.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anabranch::scan::BoxScan;

use super::layer::{Refusal, Remote, Threads};
use super::log::Log;
use super::program::{Ask, Pace, Payloads, Plan, Program, Site};
use super::values::{Item, Output, Payload};

/// One program's notes.
pub(crate) struct Board {
    pub(crate) program: Program,
    pub(crate) remote: Arc<Remote<Item, Output>>,
    pub(crate) threads: Threads,
    /// Orders what happens.
    ticks: AtomicU64,
    /// How many outputs the consumer has been given.
    pub(crate) delivered: AtomicU64,
    /// How many times the input's `next` began, and gave an item.
    pub(crate) begun: AtomicU64,
    pub(crate) returned: AtomicU64,
    /// Whether the input has said that there is nothing more.
    pub(crate) exhausted: AtomicBool,
    /// The outputs that had been delivered when each item began to be pulled.
    pub(crate) pulls: Mutex<Vec<u64>>,
    over: AtomicBool,
    /// What began when the run was over.
    late: Mutex<Vec<&'static str>>,
    pub(crate) logs: Mutex<Vec<Arc<Log>>>,
    pub(crate) raised: Mutex<Vec<Raised>>,
    pub(crate) requests: Mutex<Vec<Request>>,
    pub(crate) items: Tally,
    pub(crate) outputs: Tally,
    pub(crate) scans: Tally,
    pub(crate) inputs: Tally,
    pub(crate) payloads: Tally,
    pub(crate) errors: Tally,
}

/// How many values of one kind there were, and are.
#[derive(Default)]
pub(crate) struct Tally {
    made: AtomicU64,
    dropped: AtomicU64,
    most: AtomicU64,
}

impl Tally {
    pub(crate) fn make(&self) {
        let made = self.made.fetch_add(1, SeqCst) + 1;
        self.most.fetch_max(made.saturating_sub(self.dropped.load(SeqCst)), SeqCst);
    }

    pub(crate) fn drop_one(&self) {
        self.dropped.fetch_add(1, SeqCst);
    }

    pub(crate) fn made(&self) -> u64 {
        self.made.load(SeqCst)
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(SeqCst)
    }

    /// The most that were alive at once.
    pub(crate) fn most(&self) -> u64 {
        self.most.load(SeqCst)
    }
}

/// Who panicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// A scan, by the number of its log.
    Step(usize),
    Flush(usize),
    ScanDrop(usize),
    Name,
    Input,
    InputDrop,
    ItemDrop(u64),
    /// The drop of an output, by the number of its scan's log.
    OutputDrop(usize),
    Key,
    Factory,
    /// Downstream of what catches panics, in the scan with this log.
    Downstream(usize),
}

impl Who {
    /// Whether it is a panic that ends the run. One in the drop of an output is contained,
    /// but may be told.
    pub(crate) fn has_to_surface(self) -> bool {
        !matches!(self, Self::OutputDrop(_) | Self::Name)
    }

    /// The log of the scan that panicked.
    pub(crate) fn scan(self) -> Option<usize> {
        match self {
            Self::Step(log)
            | Self::Flush(log)
            | Self::ScanDrop(log)
            | Self::OutputDrop(log)
            | Self::Downstream(log) => Some(log),
            _ => None,
        }
    }
}

/// A panic of user code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raised {
    pub(crate) who: Who,
    pub(crate) tick: u64,
    pub(crate) delivered: u64,
    pub(crate) at: Instant,
    /// Whether the run was over by then.
    pub(crate) late: bool,
}

/// The state of affairs when somebody asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) tick: u64,
    pub(crate) delivered: u64,
    pub(crate) begun: u64,
    pub(crate) returned: u64,
}

/// Something that was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) from: From,
    pub(crate) what: Asked,
    pub(crate) before: Moment,
    pub(crate) after: Moment,
    /// Whether the run was over before.
    pub(crate) late: bool,
}

/// Who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    Site(Site),
    Scan,
}

/// What was asked for, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Stop,
    Abort,
    StopScan(usize),
    /// A scan, by its log, and the number that it was given.
    Added(usize, Result<usize, Refusal>),
}

impl Board {
    pub(crate) fn new(program: Program, threads: Threads) -> Arc<Self> {
        Arc::new(Self {
            program,
            remote: Arc::new(Remote::new()),
            threads,
            ticks: AtomicU64::new(1),
            delivered: AtomicU64::new(0),
            begun: AtomicU64::new(0),
            returned: AtomicU64::new(0),
            exhausted: AtomicBool::new(false),
            pulls: Mutex::default(),
            over: AtomicBool::new(false),
            late: Mutex::default(),
            logs: Mutex::default(),
            raised: Mutex::default(),
            requests: Mutex::default(),
            items: Tally::default(),
            outputs: Tally::default(),
            scans: Tally::default(),
            inputs: Tally::default(),
            payloads: Tally::default(),
            errors: Tally::default(),
        })
    }

    pub(crate) fn tick(&self) -> u64 {
        self.ticks.fetch_add(1, SeqCst)
    }

    /// Notes that something begins that may not once the run is over.
    pub(crate) fn begins(&self, what: &'static str) {
        if self.over.load(SeqCst) {
            lock(&self.late).push(what);
        }
    }

    /// From now on nothing of the run may begin.
    pub(crate) fn is_over_now(&self) {
        self.over.store(true, SeqCst);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.load(SeqCst)
    }

    pub(crate) fn late(&self) -> Vec<&'static str> {
        lock(&self.late).clone()
    }

    fn moment(&self) -> Moment {
        Moment {
            tick: self.tick(),
            delivered: self.delivered.load(SeqCst),
            begun: self.begun.load(SeqCst),
            returned: self.returned.load(SeqCst),
        }
    }

    /// Panics, on record.
    pub(crate) fn raise(self: &Arc<Self>, who: Who) -> ! {
        let payload = Payload::new(Arc::clone(self), who);
        self.note_panic(who);
        panic_any(payload)
    }

    pub(crate) fn note_panic(&self, who: Who) {
        let (late, delivered) = (self.is_over(), self.delivered.load(SeqCst));
        let raised = Raised { who, tick: self.tick(), delivered, at: Instant::now(), late };
        lock(&self.raised).push(raised);
    }

    /// Asks, on record.
    pub(crate) fn ask(self: &Arc<Self>, from: From, ask: &Ask) {
        let late = self.is_over();
        let (before, what) = match ask {
            Ask::Stop => {
                let before = self.moment();
                self.remote.stop();
                (before, Asked::Stop)
            }
            Ask::Abort => {
                let before = self.moment();
                self.remote.abort();
                (before, Asked::Abort)
            }
            Ask::StopScan(scan) => {
                let before = self.moment();
                self.remote.stop_scan(*scan);
                (before, Asked::StopScan(*scan))
            }
            Ask::Add(plan) => {
                let (log, scan) = super::scans::watched(self, plan.as_ref().clone(), None);
                let before = self.moment();
                let added = self.remote.add(scan).map_err(|(refusal, scan)| {
                    log.note_refusal();
                    let dropped = catch_unwind(AssertUnwindSafe(|| drop(scan)));
                    discard(dropped);
                    refusal
                });
                (before, Asked::Added(log.number, added))
            }
        };
        let request = Request { from, what, before, after: self.moment(), late };
        lock(&self.requests).push(request);
    }

    /// Makes a scan for a run that asks for one, on record: it is to have this number.
    pub(crate) fn give(
        self: &Arc<Self>,
        site: Site,
        plan: &Plan,
        id: usize,
    ) -> BoxScan<'static, Item, Output> {
        let late = self.is_over();
        let (log, scan) = super::scans::watched(self, plan.clone(), None);
        let (before, what) = (self.moment(), Asked::Added(log.number, Ok(id)));
        let (from, after) = (From::Site(site), self.moment());
        lock(&self.requests).push(Request { from, what, before, after, late });
        scan
    }

    /// Asks for all that is to be asked for at a site.
    pub(crate) fn ask_at(self: &Arc<Self>, here: Site) {
        for (site, ask) in &self.program.asks {
            if *site == here {
                self.ask(From::Site(here), ask);
            }
        }
    }

    /// Dawdles, at the `n`th occasion.
    pub(crate) fn dawdle(&self, pace: Pace, n: u64) {
        match pace {
            Pace::Full => {}
            Pace::Yield { every } if n % every == 0 => thread::yield_now(),
            Pace::Spin { every, micros } if n % every == 0 => {
                let until = Instant::now() + Duration::from_micros(micros);
                while Instant::now() < until {
                    std::hint::spin_loop();
                }
            }
            Pace::Sleep { every, micros } if n % every == 0 => {
                thread::sleep(Duration::from_micros(micros));
            }
            Pace::Once { at, micros } if n == at => thread::sleep(Duration::from_micros(micros)),
            Pace::Until { at, pulled } if n == at => {
                let patience = Instant::now() + Duration::from_millis(5);
                while self.returned.load(SeqCst) < pulled && Instant::now() < patience {
                    std::hint::spin_loop();
                }
            }
            Pace::Yield { .. }
            | Pace::Spin { .. }
            | Pace::Sleep { .. }
            | Pace::Once { .. }
            | Pace::Until { .. } => {}
        }
    }

    /// What a payload does in its drop.
    pub(crate) fn drop_payload(&self) {
        match self.program.payloads {
            Payloads::Quiet => {}
            Payloads::Panic => panic_any("expected: the drop of a payload"),
            Payloads::Ask => drop(self.remote.figures()),
        }
    }
}

/// Drops what a contained call has panicked with, whose drop may panic in turn.
pub(crate) fn discard<R>(result: thread::Result<R>) {
    if let Err(payload) = result {
        if let Err(last) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            mem::forget(last);
        }
    }
}

/// Locks, whether or not somebody panicked meanwhile: what is noted is never half noted.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
