//! Runs one program, and notes what its consumer was given.

use std::any::Any;
use std::collections::BTreeSet;
use std::iter;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use anabranch::scan::{self, BoxScan, Emitter, Scan};

use super::board::{Board, From, Raised, Who, discard, lock};
use super::input::Input;
use super::layer::{self, On, Origin, Run, Settings, Threads};
use super::program::{Ask, Fault, Host, Member, Program, Site};
use super::scans::watched;
use super::values::{Item, Output, Payload, Torn};

/// What the consumer saw.
pub(crate) struct Outcome {
    pub(crate) got: Vec<Got>,
    pub(crate) end: End,
    /// How many outputs there had been, and what was said of those to come.
    pub(crate) hints: Vec<(usize, (usize, Option<usize>))>,
    pub(crate) origin: Option<Origin>,
    /// What the run calls its scans: the one of each output, when it arrives, and all of
    /// them at the end.
    pub(crate) names: BTreeSet<(usize, Option<String>)>,
    pub(crate) names_at_the_end: Vec<(usize, Option<String>)>,
    /// What was wrong once the run had ended.
    pub(crate) wrong: Vec<String>,
    /// The threads that were at work when the run had ended.
    pub(crate) live: usize,
    /// What the statistics said then: of each scan the items and the outputs.
    pub(crate) figures: Vec<(u64, u64)>,
    /// Whether all threads came back.
    pub(crate) settled: bool,
}

/// One thing that the consumer was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Got {
    /// An output of a scan.
    Of(usize, u64),
    /// An output for a key.
    For(u64, u64),
    /// The latest output of each scan.
    Each(Vec<u64>),
    /// The last output of each scan.
    Last(Vec<Option<u64>>),
    /// The error of the input.
    Failed,
    /// The drop of an output panicked, inside `next`.
    Raised,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// There was nothing more.
    Exhausted,
    /// The consumer dropped the run.
    Dropped,
    /// A panic of the program's surfaced.
    Panicked(Who),
    /// A panic surfaced that is not the program's.
    Foreign,
    /// The run never began.
    NotBegun,
}

/// How long threads may take to come back. On a busy machine each may wait for its turn.
const SETTLING: Duration = Duration::from_secs(30);

/// How long a panic may take to surface while outputs flow.
pub(crate) const SURFACING: Duration = Duration::from_secs(10);

pub(crate) fn execute(program: Program, shared: &Threads) -> (Arc<Board>, Outcome) {
    let threads = match program.spare_threads {
        None => shared.clone(),
        Some(spare) => {
            let scans = match program.member {
                Member::Demux => program.settings.shards,
                _ => program.scans.len(),
            };
            Threads::at_most(scans + usize::from(program.settings.read_ahead) + spare)
        }
    };
    let board = Board::new(program, threads);
    // Before anybody can add one, so that they have the first numbers.
    let scans = match board.program.member {
        Member::Demux => Vec::new(),
        _ => board.program.scans.iter().map(|plan| watched(&board, plan.clone(), None).1).collect(),
    };
    let idle_again = AtomicBool::new(false);
    let outcome = thread::scope(|scope| {
        for _ in 0..board.program.busy {
            scope.spawn(|| {
                while !idle_again.load(SeqCst) {
                    std::hint::spin_loop();
                }
            });
        }
        for (site, ask) in &board.program.asks {
            if let Site::Elsewhere(pulled) = *site {
                let board = &board;
                scope.spawn(move || ask_elsewhere(board, pulled, ask));
            }
        }
        let (consumer, threads) = (Consumer::new(&board), &board.threads);
        let mut outcome = match board.program.host {
            Host::Pool => consumer.run(scans, On::Pool(threads)),
            Host::Lease(more) => consumer.run(scans, On::Lease(threads, more)),
            Host::Scope => thread::scope(|scope| consumer.run(scans, On::Scope(scope))),
            Host::OwnScope => thread::scope(|scope| consumer.run(scans, On::OwnScope(scope))),
        };
        settle(&board, &mut outcome);
        idle_again.store(true, SeqCst);
        outcome
    });
    (board, outcome)
}

fn ask_elsewhere(board: &Arc<Board>, pulled: u64, ask: &Ask) {
    // With an item the run has begun; what is asked for before that is another matter.
    while board.returned.load(SeqCst) < pulled.max(1) {
        if board.is_over() {
            return;
        }
        thread::yield_now();
    }
    board.ask(From::Site(Site::Elsewhere(pulled)), ask);
}

/// Waits until nothing is left of the run.
fn settle(board: &Arc<Board>, outcome: &mut Outcome) {
    let until = Instant::now() + SETTLING;
    while board.threads.in_use() > 0 && Instant::now() < until {
        thread::yield_now();
    }
    outcome.settled = board.threads.in_use() == 0;
    if board.program.again {
        let silent = |_: &Item, _: &mut Emitter<'_, Output>| ControlFlow::Continue(());
        let scans = vec![scan::from_fn(silent).boxed()];
        let settings = Settings::default();
        let threads = Threads::new();
        let none = iter::empty::<Result<Item, Torn>>();
        let on = On::Pool(&threads);
        let again = layer::distribute(&settings, on, Some(&board.remote), none, scans);
        match again.map(|mut run| run.next().is_none()) {
            Ok(true) => {}
            Ok(false) => outcome.wrong.push("a second run without items has an output".into()),
            Err(refused) => outcome.wrong.push(format!("a second run is refused: {refused}")),
        }
    }
    board.remote.forget();
}

struct Consumer<'a> {
    board: &'a Arc<Board>,
    outcome: Outcome,
}

impl<'a> Consumer<'a> {
    fn new(board: &'a Arc<Board>) -> Self {
        let outcome = Outcome {
            got: Vec::new(),
            end: End::Dropped,
            hints: Vec::new(),
            origin: None,
            names: BTreeSet::new(),
            names_at_the_end: Vec::new(),
            wrong: Vec::new(),
            live: 0,
            figures: Vec::new(),
            settled: false,
        };
        Self { board, outcome }
    }

    fn run(mut self, scans: Vec<BoxScan<'static, Item, Output>>, on: On<'_, '_, '_>) -> Outcome {
        let program = &self.board.program;
        self.board.ask_at(Site::BeforeTheRun);
        let input = Input::new(Arc::clone(self.board), super::oracle::due(program));
        let (settings, remote) = (&program.settings, Some(&self.board.remote));
        match program.member {
            Member::Distribute | Member::Ordered => {
                self.begin(
                    || layer::distribute(settings, on, remote, input, scans),
                    |(scan, output)| Got::Of(scan, unpack(output)),
                );
            }
            Member::Dynamic => {
                let (count, ask) = (scans.len(), asking(self.board, scans));
                self.begin(
                    || layer::dynamic(settings, on, remote, input, count, ask),
                    |(scan, output)| Got::Of(scan, unpack(output)),
                );
            }
            Member::Tee => self.begin(
                || layer::tee(settings, on, remote, input, scans),
                |each| Got::Each(each.into_iter().map(unpack).collect()),
            ),
            Member::Demux => {
                let (keys, factory) = (Arc::clone(self.board), Arc::clone(self.board));
                self.begin(
                    || {
                        layer::demux(
                            settings,
                            on,
                            remote,
                            input,
                            move |item| key_of(&keys, item),
                            move |key| scan_of(&factory, *key),
                        )
                    },
                    |(key, output)| Got::For(key, unpack(output)),
                );
            }
            Member::Fold => {
                let folded = catch_unwind(AssertUnwindSafe(|| {
                    layer::fold(settings, on, remote, input, scans)
                }));
                self.board.is_over_now();
                match folded {
                    Ok(Ok(Err(Torn { .. }))) => {
                        self.outcome.got.push(Got::Failed);
                        self.outcome.end = End::Exhausted;
                    }
                    Ok(Ok(Ok(last))) => {
                        let last = last.into_iter().map(|output| output.map(unpack)).collect();
                        self.outcome.got.push(Got::Last(last));
                        self.outcome.end = End::Exhausted;
                    }
                    Ok(Err(refused)) => {
                        self.outcome.wrong.push(refused);
                        self.outcome.end = End::NotBegun;
                    }
                    Err(payload) => self.outcome.end = self.begun(payload),
                }
                self.look_around();
            }
        }
        self.outcome
    }

    /// Starts a run and takes what it gives.
    fn begin<'s, V: 's>(
        &mut self,
        start: impl FnOnce() -> Result<Box<dyn Run<V, Torn> + 's>, layer::Refused>,
        note: impl Fn(V) -> Got,
    ) {
        match catch_unwind(AssertUnwindSafe(start)) {
            Ok(Ok(run)) => self.take_all(run, note),
            Ok(Err(refused)) => {
                self.outcome.wrong.push(refused);
                self.outcome.end = End::NotBegun;
            }
            Err(payload) => {
                self.outcome.end = self.begun(payload);
            }
        }
        self.board.is_over_now();
        self.look_around();
    }

    fn take_all<V>(&mut self, mut run: Box<dyn Run<V, Torn> + '_>, note: impl Fn(V) -> Got) {
        let (board, program) = (self.board, &self.board.program);
        self.board.ask_at(Site::Consumer(0));
        let mut taken = 0;
        self.outcome.end = loop {
            if program.take.is_some_and(|take| taken >= take) || self.is_too_much(taken) {
                break End::Dropped;
            }
            if taken % 5 == program.seed % 5 {
                self.outcome.hints.push((self.outcome.got.len(), run.size_hint()));
            }
            match catch_unwind(AssertUnwindSafe(|| run.next())) {
                Ok(Some(value)) => {
                    let got = value.map_or_else(|Torn { .. }| Got::Failed, &note);
                    if let Got::Of(scan, _) = got {
                        let name = run.name(scan).map(|name| (scan, name));
                        self.outcome.names.extend(name);
                    }
                    self.outcome.got.push(got);
                }
                Ok(None) => break End::Exhausted,
                Err(payload) => {
                    // On this thread it is `next` itself that drops outputs, and goes on
                    // from there; the panic that ends the run may be known by then.
                    let is_own = payload.downcast_ref().is_some_and(Payload::is_from_here);
                    match self.read(payload) {
                        End::Panicked(Who::OutputDrop(_))
                            if program.member == Member::Tee && is_own =>
                        {
                            self.outcome.got.push(Got::Raised);
                        }
                        end => break end,
                    }
                }
            }
            taken += 1;
            board.delivered.fetch_add(1, SeqCst);
            board.ask_at(Site::Consumer(taken));
            board.dawdle(program.consumer_pace, taken);
        };
        if self.outcome.end != End::Dropped {
            board.is_over_now();
            self.look_at_the_end(&mut *run);
        }
        self.outcome.origin = run.origin();
        if catch_unwind(AssertUnwindSafe(|| drop(run)))
            .map_err(|payload| self.read(payload))
            .is_err()
        {
            self.outcome.wrong.push("the drop of the run panics".into());
        }
    }

    /// Whether enough was taken for any program, unless a panic is still to surface.
    fn is_too_much(&self, taken: u64) -> bool {
        if taken < self.board.program.patience {
            return false;
        }
        let surfacing = |raised: &Raised| {
            raised.who.has_to_surface() && !raised.late && raised.at.elapsed() < SURFACING
        };
        !lock(&self.board.raised).iter().any(surfacing)
    }

    /// Asks a run that has ended for more.
    fn look_at_the_end<V>(&mut self, run: &mut (dyn Run<V, Torn> + '_)) {
        for _ in 0..3 {
            match catch_unwind(AssertUnwindSafe(|| run.next())) {
                Ok(None) => {}
                Ok(Some(_)) => self.outcome.wrong.push("an output behind the end".into()),
                Err(payload) => {
                    let end = self.read(payload);
                    self.outcome.wrong.push(format!("a panic behind the end: {end:?}"));
                }
            }
        }
        if run.size_hint().0 > 0 {
            self.outcome.wrong.push(format!("a size hint of {:?} at the end", run.size_hint()));
        }
        for number in 0..lock(&self.board.logs).len() {
            if let Some(name) = run.name(number) {
                self.outcome.names_at_the_end.push((number, name));
            }
        }
    }

    fn look_around(&mut self) {
        // What adds scans keeps a lease.
        if matches!(self.board.program.host, Host::Lease(_)) {
            self.board.remote.forget_adder();
        }
        self.outcome.live = self.board.threads.in_use();
        self.outcome.figures = self.board.remote.figures();
    }

    /// What a panic means that came out of the start of a run.
    fn begun(&mut self, payload: Box<dyn Any + Send>) -> End {
        match self.read(payload) {
            End::Panicked(Who::Name) => End::NotBegun,
            end => end,
        }
    }

    fn read(&mut self, payload: Box<dyn Any + Send>) -> End {
        let end = match payload.downcast_ref::<Payload>() {
            Some(payload) => End::Panicked(payload.who),
            None if payload.downcast_ref() == Some(&"expected: downstream") => self.downstream(),
            None => {
                let said = payload.downcast_ref::<&str>().map(|said| (*said).to_owned());
                let said = said.or_else(|| payload.downcast_ref::<String>().cloned());
                self.outcome.wrong.push(format!("a foreign panic: {said:?}"));
                End::Foreign
            }
        };
        discard::<()>(Err(payload));
        end
    }

    fn downstream(&self) -> End {
        let raised = lock(&self.board.raised);
        let mut who = raised.iter().map(|raised| raised.who);
        who.find(|who| matches!(who, Who::Downstream(_))).map_or(End::Foreign, End::Panicked)
    }
}

/// The value of an output, which is dropped; that may panic.
fn unpack(output: Output) -> u64 {
    let value = output.value;
    discard(catch_unwind(AssertUnwindSafe(|| drop(output))));
    value
}

/// What gives a dynamic run its first scans, and later those that are due by then.
fn asking(
    board: &Arc<Board>,
    scans: Vec<BoxScan<'static, Item, Output>>,
) -> impl FnMut() -> Vec<BoxScan<'static, Item, Output>> + Send + use<> {
    let (board, begun) = (Arc::clone(board), scans.len());
    let (mut first, mut given) = (Some(scans), BTreeSet::new());
    move || {
        if let Some(first) = first.take() {
            return first;
        }
        let returned = board.returned.load(SeqCst);
        let mut scans = Vec::new();
        for (number, (site, ask)) in board.program.asks.iter().enumerate() {
            let (Site::Hook(at), Ask::Add(plan)) = (*site, ask) else { continue };
            if at <= returned && given.insert(number) {
                scans.push(board.give(*site, plan, begun + given.len() - 1));
            }
        }
        scans
    }
}

fn key_of(board: &Arc<Board>, item: &Item) -> u64 {
    if board.program.faults.contains(&Fault::Key(item.value)) {
        board.raise(Who::Key);
    }
    item.value % board.program.keys
}

fn scan_of(board: &Arc<Board>, key: u64) -> Option<BoxScan<'static, Item, Output>> {
    let program = &board.program;
    if program.faults.contains(&Fault::Factory(key)) {
        board.raise(Who::Factory);
    }
    if program.is_discarded(key) {
        return None;
    }
    let plan = &program.scans[key as usize % program.scans.len()];
    Some(watched(board, plan.clone(), Some(key)).1)
}
