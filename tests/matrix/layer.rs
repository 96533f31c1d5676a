//! All that knows how a run is started, held and read. When the interface of the crate
//! changes, this file does, and the rest of the matrix does not.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::thread::{self, Scope};

use anabranch::scan::{self, Scan};
use anabranch::{
    AddError, Adder, Control, Demux, Distribute, Dynamic, IteratorExt, Ordered, PanicOrigin, Pool,
    ScanId, ZipLatest,
};

use crate::branch::{returning, yielding};
use crate::cell::{Cell, Host, Member, Site};
use crate::probe::{Probe, name_of};
use crate::source::Source;
use crate::support::config::Config;
use crate::values::{Item, Key, Torn, Value};

/// The scans of a run.
pub(crate) struct Cast {
    pub(crate) count: usize,
    /// Makes the scan of a number; in a demux, of a key.
    pub(crate) make: Arc<dyn Fn(usize) -> Probe + Send + Sync>,
    /// What gives more scans when the run asks for them.
    pub(crate) late: Option<Arc<dyn Fn() -> Option<Probe> + Send + Sync>>,
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
    /// What is said of that.
    pub(crate) text: String,
}

/// What the panic of a run begins with that finds too few threads.
pub(crate) const REFUSAL: &str = "a run that needs";

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
    pub(crate) fn in_use(&self) -> usize {
        self.0.in_use()
    }

    /// Keeps one of them busy until what this gives is dropped.
    pub(crate) fn occupy(&self) -> impl Sized + use<> {
        (0..9_u64).fan_out().on(&self.0).distribute([scan::count::<u64>()])
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
    /// How many threads are leased, if they are.
    pub(crate) leased: usize,
    pub(crate) handle: Option<&'a Handle>,
    /// Whether anybody wants to add scans.
    pub(crate) adds: bool,
}

impl Order<'_> {
    fn config(&self) -> Config {
        let Cell { capacity, batch, .. } = *self.cell;
        let mut config = Config::new();
        if let Some(batches) = capacity {
            config = config.input_capacity(batches).output_capacity(batches);
        }
        if let Some(items) = batch {
            config = config.batch(items);
        }
        if let Some(Handle(control)) = self.handle {
            config = config.control(control);
        }
        config
    }
}

/// Starts a run of an input of any form.
///
/// A macro, as what `fan_out` can be given has bounds that have no names outside of the crate.
macro_rules! start {
    ($order:expr, $threads:expr, $source:expr, $cast:expr, $adding:expr) => {{
        let (order, threads, source, cast) = ($order, $threads, $source, $cast);
        let (config, adding) = (order.config(), $adding);
        // Both ways round it is the same.
        let ahead_first = order.cell.bits() >> 37 & 1 == 1;
        match (order.cell.input.may_fail(), order.cell.read_ahead) {
            (false, false) => {
                start_verb!(order, config.set(source.fan_out().on(threads)), cast, adding)
            }
            (false, true) => {
                let run = source.fan_out().read_ahead().on(threads);
                start_verb!(order, config.set(run), cast, adding)
            }
            (true, false) => {
                let run = source.fallible().fan_out().on(threads).until_error();
                start_verb!(order, config.set(run), cast, adding)
            }
            (true, true) if ahead_first => {
                let run = source.fallible().fan_out().on(threads).read_ahead().until_error();
                start_verb!(order, config.set(run), cast, adding)
            }
            (true, true) => {
                let run = source.fallible().fan_out().until_error().read_ahead().on(threads);
                start_verb!(order, config.set(run), cast, adding)
            }
        }
    }};
}

/// Starts a run of any verb.
macro_rules! start_verb {
    ($order:expr, $run:expr, $cast:expr, $adding:expr) => {{
        let (order, run, cast, adding) = ($order, $run, $cast, $adding);
        match order.cell.member {
            Member::Distribute => {
                let mut run = run.distribute(cast.scans());
                let adding = order.adds.then(|| adding(run.adder())).flatten();
                let name: NameOf<_> = Distribute::name;
                Held { run, event: of_scan, culprit: Distribute::panicked, name: Some(name) }
                    .started(adding)
            }
            Member::Dynamic => {
                let mut run = run.dynamic(asking(cast));
                let adding = order.adds.then(|| adding(run.adder())).flatten();
                let name: NameOf<_> = Dynamic::name;
                Held { run, event: of_scan, culprit: Dynamic::panicked, name: Some(name) }
                    .started(adding)
            }
            Member::Ordered => {
                let run = run.ordered(cast.scans());
                let name: NameOf<_> = Ordered::name;
                Held { run, event: of_scan, culprit: Ordered::panicked, name: Some(name) }
                    .started(None)
            }
            Member::Tee => {
                let run = run.zip_latest(cast.scans());
                Held { run, event: Event::Tuple, culprit: ZipLatest::panicked, name: None }
                    .started(None)
            }
            Member::Demux => {
                let (key, make) = (key_among(cast.count), Arc::clone(&cast.make));
                let factory = move |key: &Key| make(key.number());
                // A lease of enough threads says itself how many shards there are.
                let run = match order.cell.host {
                    Host::Lease if order.cell.site != Site::PoolFull => run.demux(key, factory),
                    _ => run.demux_over(order.cell.width, key, factory),
                };
                Held { run, event: of_key, culprit: Demux::panicked, name: None }.started(None)
            }
            Member::Merge => {
                let mut scans = cast.scans().into_iter();
                let mut run = merged!(run, cast.count, scans);
                let adding = order.adds.then(|| adding(run.adder())).flatten();
                // Those of a list have no names.
                let name: NameOf<_> = Distribute::name;
                let name = Some(name).filter(|_| cast.count <= 4);
                Held { run, event: of_scan, culprit: Distribute::panicked, name }.started(adding)
            }
            Member::Join => {
                let mut scans = cast.scans().into_iter();
                let joined = catch_unwind(AssertUnwindSafe(|| match order.cell.scopes_itself() {
                    true => joined!(run.scoped(), cast.count, scans),
                    false => joined!(run, cast.count, scans),
                }));
                match joined {
                    Err(payload) if text_of_refusal(&payload).is_some() => resume_unwind(payload),
                    joined => Started { run: Box::new(Folded(Some(joined))), adding: None },
                }
            }
            Member::Fold => {
                let totals: Vec<_> = cast.scans().into_iter().map(Scan::last).collect();
                // A refusal comes back, another panic is kept for who looks.
                let folded = catch_unwind(AssertUnwindSafe(|| match order.cell.scopes_itself() {
                    true => Yielded::told(run.scoped().fold(totals)),
                    false => Yielded::told(run.fold(totals)),
                }));
                match folded {
                    Err(payload) if text_of_refusal(&payload).is_some() => resume_unwind(payload),
                    folded => Started { run: Box::new(Folded(Some(folded))), adding: None },
                }
            }
        }
    }};
}

/// Merges branches: one by one if they are few, with a scan among them, or a list.
macro_rules! merged {
    ($run:expr, $count:expr, $scans:ident) => {{
        let (run, count) = ($run, $count);
        let mut scan = || $scans.next().expect("there are as many as are counted");
        match count {
            1 => run.branch_named(name_of(0), yielding(scan())).merge(),
            2 => {
                let run = run.branch_named(name_of(0), yielding(scan()));
                run.branch_named(name_of(1), yielding(scan())).merge()
            }
            4 => {
                let run = run.branch_named(name_of(0), yielding(scan()));
                let run = run.branch_named(name_of(1), yielding(scan()));
                run.scan(scan()).branch_named(name_of(3), yielding(scan())).merge()
            }
            _ => run.branches($scans.map(yielding)).merge(),
        }
    }};
}

/// Joins branches, likewise.
macro_rules! joined {
    ($run:expr, $count:expr, $scans:ident) => {{
        let (run, count) = ($run, $count);
        let mut scan = || $scans.next().expect("there are as many as are counted");
        match count {
            1 => {
                let run = run.branch_named(name_of(0), returning(scan()));
                Yielded::<(Latest,)>::told(run.join()).map(|results| vec![results.0])
            }
            2 => {
                let run = run.branch_named(name_of(0), returning(scan()));
                let run = run.branch_named(name_of(1), returning(scan()));
                Yielded::<(Latest, Latest)>::told(run.join()).map(|(a, b)| vec![a, b])
            }
            4 => {
                let run = run.branch_named(name_of(0), returning(scan()));
                let run = run.branch_named(name_of(1), returning(scan()));
                let run = run.scan(scan().last());
                let run = run.branch_named(name_of(3), returning(scan()));
                Yielded::<(Latest, Latest, Latest, Latest)>::told(run.join())
                    .map(|(a, b, c, d)| vec![a, b, c, d])
            }
            _ => Yielded::<Vec<Latest>>::told(run.branches($scans.map(returning)).join()),
        }
    }};
}

type Latest = Option<Value>;

/// Starts a run on the threads of a pool, or on some that are leased from it.
pub(crate) fn start(
    order: &Order<'_>,
    source: Source<'static>,
    cast: &Cast,
) -> Result<Started<'static>, Refused> {
    let pool = &order.threads.0;
    let started = match order.cell.host {
        Host::Lease => match pool.lease(order.leased) {
            Ok(lease) => {
                catch_unwind(AssertUnwindSafe(|| start!(order, lease, source, cast, adding_to)))
            }
            Err(error) => {
                return Err(Refused { is_pool_full: error.is_full(), text: error.to_string() });
            }
        },
        _ => catch_unwind(AssertUnwindSafe(|| start!(order, pool, source, cast, adding_to))),
    };
    started.map_err(|payload| match text_of_refusal(&payload) {
        Some(text) => Refused {
            is_pool_full: ["the pool cannot give", "on a lease of"]
                .iter()
                .any(|why| text.contains(why)),
            text,
        },
        None => resume_unwind(payload),
    })
}

/// Starts a run on the threads of a scope.
pub(crate) fn start_scoped<'scope>(
    order: &Order<'_>,
    scope: &'scope Scope<'scope, '_>,
    source: Source<'scope>,
    cast: &Cast,
) -> Started<'scope> {
    // What is added does not borrow.
    start!(order, scope, source, cast, |_: Adder<Item<'scope>, Value>| None)
}

fn text_of_refusal(payload: &Box<dyn Any + Send>) -> Option<String> {
    payload.downcast_ref::<String>().filter(|text| text.starts_with(REFUSAL)).cloned()
}

/// What gives the scans that a dynamic run begins with, and those that come late.
fn asking(cast: &Cast) -> impl FnMut() -> Vec<Probe> + Send + use<> {
    let (mut first, late) = (Some(cast.scans()), cast.late.clone());
    move || match (first.take(), &late) {
        (Some(first), _) => first,
        (None, Some(late)) => late().into_iter().collect(),
        (None, None) => Vec::new(),
    }
}

fn key_among(keys: usize) -> impl Fn(&Item<'_>) -> Key + Send + Sync + use<> {
    move |item| Key::new(item.number() % keys, item.ledger())
}

fn adding_to(adder: Adder<Item<'static>, Value>) -> Option<Adding> {
    let added = |error: AddError<Probe>| NotAdded { ended: error.is_ended() };
    Some(Arc::new(move |scan| adder.add(scan).map(ScanId::index).map_err(added)))
}

fn culprit_of(origin: PanicOrigin) -> Culprit {
    match origin {
        PanicOrigin::Scan(id) => Culprit::Scan(id.index()),
        PanicOrigin::Input => Culprit::Input,
        PanicOrigin::Item => Culprit::Item,
        _ => Culprit::Other,
    }
}

/// What a run yields, whether or not its input may fail.
trait Yielded<X> {
    fn told(self) -> Result<X, Torn>;
}

impl<X> Yielded<X> for X {
    fn told(self) -> Result<X, Torn> {
        Ok(self)
    }
}

impl<X> Yielded<X> for Result<X, Torn> {
    fn told(self) -> Result<X, Torn> {
        self
    }
}

fn of_scan((id, value): (ScanId, Value)) -> Event {
    Event::Output(id.index(), value)
}

fn of_key((key, value): (Key, Value)) -> Event {
    Event::Output(key.number(), value)
}

type NameOf<R> = fn(&R, ScanId) -> Option<&str>;

/// A run of any verb but fold, and what is known of it.
struct Held<R, X> {
    run: R,
    event: fn(X) -> Event,
    culprit: fn(&R) -> Option<PanicOrigin>,
    name: Option<NameOf<R>>,
}

impl<R: Iterator<Item: Yielded<X>>, X> Held<R, X> {
    fn started<'s>(self, adding: Option<Adding>) -> Started<'s>
    where
        Self: 's,
    {
        Started { run: Box::new(self), adding }
    }
}

impl<R: Iterator<Item: Yielded<X>>, X> Run for Held<R, X> {
    fn advance(&mut self) -> Option<Event> {
        self.run.next().map(|yielded| match yielded.told() {
            Ok(output) => (self.event)(output),
            Err(Torn { .. }) => Event::Failed,
        })
    }

    fn hint(&self) -> (usize, Option<usize>) {
        self.run.size_hint()
    }

    fn culprit(&self) -> Option<Option<Culprit>> {
        Some((self.culprit)(&self.run).map(culprit_of))
    }

    fn name_of(&self, scan: usize) -> Option<Option<String>> {
        self.name.map(|name| name(&self.run, ScanId::new(scan)).map(str::to_owned))
    }
}

/// What came of a fold, if nobody has taken it.
struct Folded(Option<thread::Result<Result<Vec<Option<Value>>, Torn>>>);

impl Run for Folded {
    fn advance(&mut self) -> Option<Event> {
        match self.0.take()? {
            Ok(Ok(latest)) => Some(Event::Folded(latest)),
            Ok(Err(Torn { .. })) => Some(Event::Failed),
            Err(payload) => resume_unwind(payload),
        }
    }

    fn culprit(&self) -> Option<Option<Culprit>> {
        None
    }
}

/// See [`Lease`](anabranch::Lease): "the threads go back to the pool when the run has been
/// dropped".
#[test]
fn a_lease_comes_back_with_its_run_though_an_adder_is_kept() {
    let pool = Pool::new();
    let lease = pool.lease(2).unwrap();
    let mut run = (0..9_u64).fan_out().on(lease).distribute([scan::count::<u64>()]);
    let adder = run.adder();
    assert_eq!(run.by_ref().count(), 1);
    drop(run);
    assert_eq!((pool.in_use(), pool.idle()), (0, 2));
    assert!(adder.add(scan::count()).is_err_and(|error| error.is_ended()));
}
