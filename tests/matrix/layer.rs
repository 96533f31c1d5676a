//! All that knows how a run is started, held and read. When the interface of the crate
//! changes, this file does, and the rest of the matrix does not.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::thread::{self, Scope};

use anabranch::scan::{self, CloneEach, Latest};
use anabranch::{
    Control, Demux, Distribute, IteratorExt, PanicOrigin, ParTryDistribute, Pool, ScanId, TryInput,
    ZipLatest,
};

use crate::cell::{Cell, Member};
use crate::probe::Probe;
use crate::source::Source;
use crate::support::config::{Config, With as _};
use crate::values::{Item, Key, Torn, Value};

/// The scans of a run.
pub(crate) struct Cast {
    pub(crate) count: usize,
    /// Makes the scan of a number; in a demux, of a key.
    pub(crate) make: Arc<dyn Fn(usize) -> Probe + Send + Sync>,
    /// What gives more scans when the run asks for them.
    pub(crate) late: Option<Arc<dyn Fn() -> Option<Probe>>>,
}

impl Cast {
    fn scans(&self) -> Vec<Probe> {
        (0..self.count).map(|number| (self.make)(number)).collect()
    }
}

/// What comes of a call of `next`.
pub(crate) enum Event {
    /// An output of a scan, or of a key.
    Output(usize, Value),
    Tuple(Vec<Value>),
    Folded(Vec<Option<Value>>),
    /// The error of the input.
    Failed,
}

/// Where a panic came from, as the run tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Culprit {
    /// A scan; in a demux, a shard.
    Scan(usize),
    Input,
    Item,
    /// Nobody who is known.
    Other,
}

/// A run of any member. A fold is over before anybody sees it, and is told then.
pub(crate) trait Run {
    fn advance(&mut self) -> Option<Event>;

    fn hint(&self) -> (usize, Option<usize>) {
        (0, None)
    }

    /// The culprit of the panic, if there was one; an outer `None` is of a member that
    /// does not tell.
    fn culprit(&self) -> Option<Option<Culprit>>;

    /// The name of a scan; an outer `None` is of a member that does not tell.
    fn name_of(&self, _scan: usize) -> Option<Option<String>> {
        None
    }
}

/// Adds a scan to a run: gives its number.
pub(crate) type Adding = Arc<dyn Fn(Probe) -> Result<usize, NotAdded> + Send + Sync>;

/// A scan that was not added. It has been dropped.
pub(crate) struct NotAdded {
    pub(crate) ended: bool,
}

/// A run that has started.
pub(crate) struct Started<'s> {
    pub(crate) run: Box<dyn Run + 's>,
    pub(crate) adding: Option<Adding>,
}

/// A run that did not start.
pub(crate) struct Refused {
    pub(crate) is_pool_full: bool,
    /// What was given back: nothing at all if the member gives nothing back.
    pub(crate) back: Option<GivenBack>,
}

pub(crate) struct GivenBack {
    /// Held until the scans have been looked at.
    _input: Box<dyn Any>,
    /// `None` if no scans had been given, but what makes them.
    pub(crate) scans: Option<Vec<Probe>>,
}

/// Threads for runs.
#[derive(Clone)]
pub(crate) struct Threads(Pool);

impl Threads {
    pub(crate) fn new() -> Self {
        Self(Pool::new())
    }

    pub(crate) fn with_max(max: usize) -> Self {
        Self(Pool::with_max_threads(max))
    }

    /// How many are at work.
    pub(crate) fn live(&self) -> usize {
        self.0.live()
    }

    /// Keeps one of them busy until what this gives is dropped.
    pub(crate) fn occupy(&self) -> impl Sized + use<> {
        let config = Config::new().pool(self.0.clone());
        (0..9_u64).fan_out().with(&config).distribute([scan::count::<u64>()])
    }
}

/// What asks for things from outside of a run.
#[derive(Clone)]
pub(crate) struct Handle(Control);

impl Handle {
    pub(crate) fn new() -> Self {
        Self(Control::new())
    }

    pub(crate) fn stop(&self) {
        self.0.stop();
    }

    pub(crate) fn stop_scan(&self, scan: usize) {
        self.0.stop_scan(ScanId::new(scan));
    }

    pub(crate) fn abort(&self) {
        self.0.abort();
    }

    /// Asks for something that comes to nothing.
    pub(crate) fn nudge(&self) {
        self.0.stop_scan(ScanId::new(usize::MAX));
    }
}

/// How a run is to be started.
pub(crate) struct Order<'a> {
    pub(crate) cell: &'a Cell,
    pub(crate) threads: &'a Threads,
    pub(crate) handle: Option<&'a Handle>,
    /// Whether anybody wants to add scans.
    pub(crate) adds: bool,
}

impl Order<'_> {
    fn config(&self) -> Config {
        let Cell { member, width, capacity, batch, .. } = *self.cell;
        let mut config = Config::new().pool(self.threads.0.clone()).shards(width);
        if let Some(batches) = capacity {
            config = config.input_capacity(batches).output_capacity(batches);
        }
        if let Some(items) = batch {
            config = config.batch(items);
        }
        if let Some(Handle(control)) = self.handle {
            config = config.control(control);
        }
        config.ordered(member == Member::Ordered)
    }
}

/// Starts a run on the threads of a pool.
pub(crate) fn start(
    order: &Order<'_>,
    source: Source<'static>,
    cast: &Cast,
) -> Result<Started<'static>, Refused> {
    let config = &order.config();
    let ahead = order.cell.read_ahead;
    match order.cell.member {
        Member::Dynamic => start_dynamic(order, config, source, cast),
        Member::TryDistribute if ahead => {
            let input = source.fallible().try_read_ahead_with(config);
            start_try(order, config, input.map_err(|error| refused(error, |()| None))?, cast)
        }
        Member::TryDistribute => start_try(order, config, source.fallible(), cast),
        _ if ahead => {
            let input = source.try_read_ahead_with(config);
            start_any(order, config, input.map_err(|error| refused(error, |()| None))?, cast)
        }
        _ => start_any(order, config, source, cast),
    }
}

fn start_any<I>(
    order: &Order<'_>,
    config: &Config,
    input: I,
    cast: &Cast,
) -> Result<Started<'static>, Refused>
where
    I: Input<Item = Item<'static>> + 'static,
{
    let mut adding = None;
    let run: Box<dyn Run> = match order.cell.member {
        Member::Fold => {
            // A refusal comes back, a panic is kept for who looks.
            let fold = || input.try_par_fold_with(config, cast.scans());
            Box::new(match catch_unwind(AssertUnwindSafe(fold)) {
                Ok(latest) => Folded(Some(Ok(latest.map_err(|error| refused(error, Some))?))),
                Err(payload) => Folded(Some(Err(payload))),
            })
        }
        Member::Tee => {
            let run = input.try_par_tee_with(config, cast.scans());
            Box::new(run.map_err(|error| refused(error, Some))?)
        }
        Member::Demux => {
            let make = Arc::clone(&cast.make);
            let key = key_among(cast.count);
            let run = input.try_par_demux_with(config, key, move |key: &Key| make(key.number()));
            Box::new(run.map_err(|error| refused(error, |_| None))?)
        }
        _ => {
            let run = input.try_par_distribute_with(config, cast.scans());
            let mut run = run.map_err(|error| refused(error, Some))?;
            adding = order.adds.then(|| adding_to(&mut run)).flatten();
            Box::new(run)
        }
    };
    Ok(Started { run, adding })
}

fn start_dynamic(
    order: &Order<'_>,
    config: &Config,
    source: Source<'static>,
    cast: &Cast,
) -> Result<Started<'static>, Refused> {
    let (mut first, late) = (Some(cast.scans()), cast.late.clone());
    let ask = move || match (first.take(), &late) {
        (Some(first), _) => first,
        (None, Some(late)) => late().into_iter().collect(),
        (None, None) => Vec::new(),
    };
    let run = source.try_par_distribute_dynamic_with(config, ask);
    let mut run = run.map_err(|error| refused(error, Some))?;
    let adding = order.adds.then(|| adding_to(&mut run)).flatten();
    Ok(Started { run: Box::new(run), adding })
}

fn start_try<I>(
    order: &Order<'_>,
    config: &Config,
    input: I,
    cast: &Cast,
) -> Result<Started<'static>, Refused>
where
    I: TryInput<Item<'static>, Torn> + 'static,
{
    // There is no form that returns the error.
    let start = || input.fan_out().with(config).until_error().distribute(cast.scans());
    let mut run = match catch_unwind(AssertUnwindSafe(start)) {
        Ok(run) => run,
        Err(payload) => match payload.downcast::<String>() {
            Ok(text) if text.starts_with("the run could not start") => {
                let is_pool_full = text.contains("do not fit into a pool");
                return Err(Refused { is_pool_full, back: None });
            }
            Ok(text) => resume_unwind(text),
            Err(payload) => resume_unwind(payload),
        },
    };
    let adder = order.adds.then(|| run.adder()).flatten();
    let adding = adder.map(|adder| -> Adding { Arc::new(move |scan| added(adder.add(scan))) });
    Ok(Started { run: Box::new(run), adding })
}

/// Starts a run on the threads of a scope.
pub(crate) fn start_scoped<'scope>(
    order: &Order<'_>,
    scope: &'scope Scope<'scope, '_>,
    source: Source<'scope>,
    cast: &Cast,
) -> Started<'scope> {
    let config = &order.config();
    let run = if order.cell.read_ahead {
        let input = source.read_ahead_scoped(scope, config);
        start_any_scoped(order, scope, config, input, cast)
    } else {
        start_any_scoped(order, scope, config, source, cast)
    };
    Started { run, adding: None }
}

fn start_any_scoped<'scope, I>(
    order: &Order<'_>,
    scope: &'scope Scope<'scope, '_>,
    config: &Config,
    input: I,
    cast: &Cast,
) -> Box<dyn Run + 'scope>
where
    I: Input<Item = Item<'scope>> + 'scope,
{
    match order.cell.member {
        Member::Fold => {
            let fold = || input.par_fold_scoped(scope, config, cast.scans());
            Box::new(Folded(Some(catch_unwind(AssertUnwindSafe(fold)))))
        }
        Member::Tee => Box::new(input.par_tee_scoped(scope, config, cast.scans())),
        Member::Demux => {
            let make = Arc::clone(&cast.make);
            let key = key_among(cast.count);
            let factory = move |key: &Key| make(key.number());
            Box::new(input.par_demux_scoped(scope, config, key, factory))
        }
        _ => Box::new(input.par_distribute_scoped(scope, config, cast.scans())),
    }
}

fn key_among(keys: usize) -> impl Fn(&Item<'_>) -> Key + Send + Sync + use<> {
    move |item| Key::new(item.number() % keys, item.ledger())
}

fn refused<I: 'static, S>(
    error: StartError<I, S>,
    scans: impl FnOnce(S) -> Option<Vec<Probe>>,
) -> Refused {
    let is_pool_full = matches!(error.kind(), StartErrorKind::PoolFull { .. });
    let (input, given) = error.into_inner();
    let back = Some(GivenBack { _input: Box::new(input), scans: scans(given) });
    Refused { is_pool_full, back }
}

fn adding_to<I>(run: &mut Distribute<I, Value>) -> Option<Adding>
where
    I: Input<Item = Item<'static>>,
{
    let adder = run.adder()?;
    Some(Arc::new(move |scan| added(adder.add(scan))))
}

fn added(added: Result<ScanId, anabranch::AddError<Probe>>) -> Result<usize, NotAdded> {
    added.map(ScanId::index).map_err(|error| NotAdded { ended: error.is_ended() })
}

fn culprit_of(origin: PanicOrigin) -> Culprit {
    match origin {
        PanicOrigin::Scan(id) => Culprit::Scan(id.index()),
        PanicOrigin::Input => Culprit::Input,
        PanicOrigin::Item => Culprit::Item,
        _ => Culprit::Other,
    }
}

impl<I: Input> Run for Distribute<I, Value> {
    fn advance(&mut self) -> Option<Event> {
        self.next().map(|(id, value)| Event::Output(id.index(), value))
    }

    fn hint(&self) -> (usize, Option<usize>) {
        self.size_hint()
    }

    fn culprit(&self) -> Option<Option<Culprit>> {
        Some(self.panicked().map(culprit_of))
    }

    fn name_of(&self, scan: usize) -> Option<Option<String>> {
        Some(self.name(ScanId::new(scan)).map(str::to_owned))
    }
}

impl<I: TryInput<Item<'static>, Torn>> Run for ParTryDistribute<I, Item<'static>, Torn, Value> {
    fn advance(&mut self) -> Option<Event> {
        self.next().map(|output| match output {
            Ok((id, value)) => Event::Output(id.index(), value),
            Err(Torn { .. }) => Event::Failed,
        })
    }

    fn hint(&self) -> (usize, Option<usize>) {
        self.size_hint()
    }

    fn culprit(&self) -> Option<Option<Culprit>> {
        Some(self.panicked().map(culprit_of))
    }

    fn name_of(&self, scan: usize) -> Option<Option<String>> {
        Some(self.name(ScanId::new(scan)).map(str::to_owned))
    }
}

impl<I: Input> Run for Demux<I, Key, Value> {
    fn advance(&mut self) -> Option<Event> {
        self.next().map(|(key, value)| Event::Output(key.number(), value))
    }

    fn hint(&self) -> (usize, Option<usize>) {
        self.size_hint()
    }

    fn culprit(&self) -> Option<Option<Culprit>> {
        Some(self.panicked().map(culprit_of))
    }
}

impl<I: Input, L> Run for ZipLatest<I, L>
where
    L: Latest + CloneEach<Each = Vec<Value>>,
{
    fn advance(&mut self) -> Option<Event> {
        self.next().map(Event::Tuple)
    }

    fn hint(&self) -> (usize, Option<usize>) {
        self.size_hint()
    }

    fn culprit(&self) -> Option<Option<Culprit>> {
        Some(self.panicked().map(culprit_of))
    }
}

/// What came of a fold, if nobody has taken it.
struct Folded(Option<thread::Result<Vec<Option<Value>>>>);

impl Run for Folded {
    fn advance(&mut self) -> Option<Event> {
        match self.0.take()? {
            Ok(latest) => Some(Event::Folded(latest)),
            Err(payload) => resume_unwind(payload),
        }
    }

    fn culprit(&self) -> Option<Option<Culprit>> {
        None
    }
}
