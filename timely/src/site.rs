//! What one worker knows of the run: whether it goes on, which scans have not ended, how far the
//! epochs are.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use timely::communication::{Pull, Push};
use timely::dataflow::Stream;
use timely::dataflow::channels::ContainerBytes;
use timely::dataflow::operators::probe::Handle;
use timely::scheduling::Activator;
use timely::worker::Worker;

use crate::contain::{Payload, contain};
use crate::notice::Notice;
use crate::process::{Process, Stage};
use crate::stats::WorkerStats;

/// Where a stream of items begins: the address of its scope, and its operator there.
type Place = (Rc<[usize]>, usize);

pub(crate) struct Site {
    process: Arc<Process>,
    index: usize,
    peers: usize,
    pushers: RefCell<Vec<Box<dyn Push<Notice>>>>,
    puller: RefCell<Box<dyn Pull<Notice>>>,
    /// Whether the others were told that the run ends.
    told: Cell<bool>,
    /// The furthest epoch that a source waits for.
    awaited: Cell<u64>,
    /// Whether an input has panicked, and waits for the items before to be done.
    failing: Cell<bool>,
    /// Which operators take items, and which of their scans have not ended.
    takers: RefCell<Vec<Taker>>,
    /// Which streams come from where.
    places: RefCell<HashMap<Place, Kind>>,
    sources: RefCell<Vec<Activator>>,
    operators: RefCell<Vec<Activator>>,
    /// The epochs that every operator of this crate is done with, in all processes.
    pub(crate) done: Handle<u64>,
    seen: Cell<Option<u64>>,
    pub(crate) stats: RefCell<WorkerStats>,
}

/// An operator that takes items.
struct Taker {
    from: Kind,
    /// Its scans that have not ended, by index. Nothing for one that never ends by itself.
    live: Option<Vec<bool>>,
}

impl Taker {
    fn is_live(&self) -> bool {
        self.live.as_ref().is_none_or(|live| live.contains(&true))
    }
}

/// What the items of a stream are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Those of a source.
    Source(usize),
    /// Outputs of scans.
    Scans,
    /// What an operator of timely's emits: it may be of any source.
    Foreign,
}

fn place<C>(stream: &Stream<'_, u64, C>) -> Place {
    (stream.scope().addr(), stream.name().node)
}

impl Site {
    /// Makes a site whose notices go between all workers. Every worker has to call this before
    /// it builds anything else.
    pub(crate) fn new(worker: &Worker, process: Arc<Process>) -> Self {
        let address = [worker.next_dataflow_index()].into();
        let (pushers, puller) = worker.allocate(worker.new_identifier(), address);
        Self {
            process,
            index: worker.index(),
            peers: worker.peers(),
            pushers: RefCell::new(pushers),
            puller: RefCell::new(puller),
            told: Cell::new(false),
            awaited: Cell::new(0),
            failing: Cell::new(false),
            takers: RefCell::default(),
            places: RefCell::default(),
            sources: RefCell::default(),
            operators: RefCell::default(),
            done: Handle::new(),
            seen: Cell::new(None),
            stats: RefCell::new(WorkerStats::new(worker.index())),
        }
    }

    pub(crate) fn index(&self) -> usize {
        self.index
    }

    pub(crate) fn peers(&self) -> usize {
        self.peers
    }

    /// Sees whether values can be serialised for a worker, if they will be. A panic of theirs then
    /// comes here, and not inside timely, which would go on to serialise others as it unwinds.
    pub(crate) fn rehearse<V>(&self, values: &Vec<V>, worker: usize) -> Result<(), Payload>
    where
        Vec<V>: ContainerBytes,
    {
        if !self.process.serialises_for(worker) {
            return Ok(());
        }
        contain(|| values.length_in_bytes()).map(drop)
    }

    /// Has an iterator over outputs ended when the run has.
    pub(crate) fn at_the_end(&self, finish: Box<dyn FnOnce() + Send>) {
        self.process.at_the_end(finish);
    }

    /// Ends the run with a panic of user code.
    pub(crate) fn panicked(&self, payload: Payload) {
        self.process.panicked(self.index, payload);
        self.halted();
    }

    /// Ends the run if something of user code has panicked.
    pub(crate) fn report(&self, result: Result<(), Payload>) {
        if let Err(payload) = result {
            self.panicked(payload);
        }
    }

    /// Ends the run without an error.
    pub(crate) fn cancel(&self) {
        self.process.cancel();
        self.halted();
    }

    /// Returns what ends the run without an error, from any thread.
    pub(crate) fn canceller(&self) -> Box<dyn FnOnce() + Send> {
        let process = Arc::downgrade(&self.process);
        Box::new(move || {
            if let Some(process) = process.upgrade() {
                process.cancel();
            }
        })
    }

    /// Returns whether the run ends, so that nothing is stepped or flushed any more.
    ///
    /// The other workers are told before this returns `true` for the first time. Whoever then gives
    /// up a capability does so behind that notice: no worker takes the end of the items that
    /// follows for one that asks for a flush.
    pub(crate) fn halted(&self) -> bool {
        self.take_notices();
        if self.process.stage() == Stage::Running {
            return false;
        }
        if !self.told.replace(true) {
            let culprit = self.process.culprit().and_then(|process| process.try_into().ok());
            self.tell(Notice::Halt { culprit });
            self.wake(&self.operators);
        }
        true
    }

    /// Returns whether the run ends, as far as this process knows: between two calls of user code,
    /// where [`halted`](Self::halted) would be too much.
    pub(crate) fn is_ending(&self) -> bool {
        self.process.stage() != Stage::Running
    }

    /// Sends a notice to all other workers, at once.
    fn tell(&self, notice: Notice) {
        for (peer, pusher) in self.pushers.borrow_mut().iter_mut().enumerate() {
            if peer != self.index {
                pusher.send(notice);
                pusher.done();
            }
        }
    }

    pub(crate) fn take_notices(&self) {
        loop {
            // Not held while the notice is acted on.
            let notice = self.puller.borrow_mut().recv();
            match notice {
                None => return,
                Some(Notice::Ended { operator, scan }) => {
                    self.mark_ended(operator as usize, scan as usize);
                }
                Some(Notice::Halt { culprit: Some(process) }) => {
                    self.process.told(process as usize);
                }
                Some(Notice::Halt { culprit: None }) => self.process.cancel(),
                Some(Notice::Epoch { epoch, failed }) => {
                    self.mark_awaited(epoch, failed);
                }
            }
        }
    }

    // Scans that end by themselves.

    /// Returns what the items of a stream are.
    pub(crate) fn kind<C>(&self, stream: &Stream<'_, u64, C>) -> Kind {
        self.places.borrow().get(&place(stream)).copied().unwrap_or(Kind::Foreign)
    }

    /// Adds an operator whose scans take the items of a stream. If it has a fixed number of them,
    /// they may end by themselves.
    pub(crate) fn add_taker<C>(&self, stream: &Stream<'_, u64, C>, scans: Option<usize>) -> u32 {
        let from = self.kind(stream);
        let mut takers = self.takers.borrow_mut();
        takers.push(Taker { from, live: scans.map(|count| vec![true; count]) });
        // There are no four thousand million operators.
        (takers.len() - 1) as u32
    }

    /// Adds an operator that delivers a stream. It takes the items of a source as they are for as
    /// long as there are any; everything else is there because scans or timely's operators go on.
    pub(crate) fn add_delivery<C>(&self, stream: &Stream<'_, u64, C>) {
        if let Kind::Source(_) = self.kind(stream) {
            self.add_taker(stream, None);
        }
    }

    /// Records what the items of a stream are.
    pub(crate) fn mark<C>(&self, stream: &Stream<'_, u64, C>, kind: Kind) {
        self.places.borrow_mut().insert(place(stream), kind);
    }

    pub(crate) fn is_live(&self, operator: u32, scan: usize) -> bool {
        let takers = self.takers.borrow();
        match takers.get(operator as usize).and_then(|taker| taker.live.as_ref()) {
            Some(live) => live.get(scan).copied().unwrap_or(false),
            None => true,
        }
    }

    /// Records that a scan of this worker has ended, and tells the others.
    pub(crate) fn scan_ended(&self, operator: u32, scan: usize) {
        self.mark_ended(operator as usize, scan);
        self.tell(Notice::Ended { operator, scan: scan as u32 });
    }

    fn mark_ended(&self, operator: usize, scan: usize) {
        let mut takers = self.takers.borrow_mut();
        let live = takers.get_mut(operator).and_then(|taker| taker.live.as_mut());
        if let Some(live) = live.and_then(|live| live.get_mut(scan)) {
            *live = false;
        }
        drop(takers);
        self.wake(&self.sources);
    }

    // Sources and epochs.

    pub(crate) fn add_source<C>(&self, stream: &Stream<'_, u64, C>, wake: Activator) -> usize {
        let mut sources = self.sources.borrow_mut();
        sources.push(wake);
        let source = sources.len() - 1;
        self.mark(stream, Kind::Source(source));
        source
    }

    /// Has an operator woken when the run ends.
    pub(crate) fn add_operator(&self, wake: Activator) {
        self.operators.borrow_mut().push(wake);
    }

    /// Returns whether all scans that take the items of a source have ended by themselves. Those
    /// behind an operator of timely's may be among them: they keep every source alive, and end none.
    pub(crate) fn nobody_takes(&self, source: usize) -> bool {
        let its = Kind::Source(source);
        let takers = self.takers.borrow();
        let is_live = |from| takers.iter().any(|taker| taker.from == from && taker.is_live());
        takers.iter().any(|taker| taker.from == its) && !is_live(its) && !is_live(Kind::Foreign)
    }

    /// Has the sources without items go to this epoch, in all workers.
    pub(crate) fn await_epoch(&self, epoch: u64, failed: bool) {
        if self.mark_awaited(epoch, failed) {
            self.tell(Notice::Epoch { epoch, failed });
        }
    }

    /// Returns whether that is news.
    fn mark_awaited(&self, epoch: u64, failed: bool) -> bool {
        let news = epoch > self.awaited.get() || failed && !self.failing.get();
        if news {
            self.awaited.set(self.awaited.get().max(epoch));
            self.failing.set(self.failing.get() || failed);
            self.wake(&self.sources);
        }
        news
    }

    pub(crate) fn failing(&self) -> bool {
        self.failing.get()
    }

    pub(crate) fn awaited(&self) -> u64 {
        self.awaited.get()
    }

    /// Wakes the sources if more epochs are done, and everything if the run ends.
    pub(crate) fn look(&self) {
        self.halted();
        let least = self.done.with_frontier(|frontier| frontier.first().copied());
        if self.seen.replace(least) != least {
            self.wake(&self.sources);
        }
    }

    fn wake(&self, whom: &RefCell<Vec<Activator>>) {
        for activator in whom.borrow().iter() {
            activator.activate();
        }
    }
}
