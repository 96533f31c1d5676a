//! All that the random programs and the soak know of how runs are started,
//! asked and watched. Where the public API changes, this file does, and no other
//! one here.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Scope;

use anabranch::scan::{BoxScan, Scan};
use anabranch::{
    Adder, Control, Demux, Distribute, Dynamic, FanOut, IteratorExt, Lease, Ordered, PanicOrigin,
    Pool, ScanId, ZipLatest,
};

/// What a run is started with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) input_capacity: Option<usize>,
    pub(crate) output_capacity: Option<usize>,
    pub(crate) batch: Option<usize>,
    pub(crate) shards: usize,
    pub(crate) discard_without_scans: bool,
    pub(crate) read_ahead: bool,
    /// Whether the run is one until an error of its input.
    pub(crate) until_error: bool,
    pub(crate) ordered: bool,
}

/// What is documented of the defaults, for the bounds that follow from them.
pub(crate) const DEFAULT_CAPACITY: usize = 8;
pub(crate) const LONGEST_BATCH: usize = 8192;

/// Whether a fold says which scan it was that panicked.
pub(crate) const FOLDS_NAME_WHO_PANICKED: bool = false;

/// Where the threads of runs come from.
#[derive(Clone, Debug)]
pub(crate) struct Threads(Pool);

impl Threads {
    pub(crate) fn new() -> Self {
        Self(Pool::new())
    }

    pub(crate) fn at_most(count: usize) -> Self {
        Self(Pool::with_max_threads(count))
    }

    /// How many are at work.
    pub(crate) fn in_use(&self) -> usize {
        self.0.in_use()
    }
}

/// What a run has its threads from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum On<'t, 'scope, 'env> {
    Pool(&'t Threads),
    /// As many as it begins with, and so many more.
    Lease(&'t Threads, usize),
    Scope(&'scope Scope<'scope, 'env>),
    /// One that it opens for itself, if it is a fold.
    OwnScope(&'scope Scope<'scope, 'env>),
}

/// What asks a run from outside. It holds one run, the one that was started last.
#[derive(Debug)]
pub(crate) struct Remote<T, O> {
    control: Mutex<Control>,
    adder: Mutex<Option<Adder<T, O>>>,
}

/// Why a scan was not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The run takes no more scans.
    Ended,
    /// There is no thread.
    Full,
    /// Runs of this kind take none, or it has not been asked for yet.
    Never,
}

impl<T, O> Remote<T, O> {
    pub(crate) fn new() -> Self {
        Self { control: Mutex::default(), adder: Mutex::default() }
    }

    pub(crate) fn stop(&self) {
        self.control().stop();
    }

    pub(crate) fn abort(&self) {
        self.control().abort();
    }

    pub(crate) fn stop_scan(&self, scan: usize) {
        self.control().stop_scan(ScanId::new(scan));
    }

    /// Of each scan the items that it was given, and its outputs.
    pub(crate) fn figures(&self) -> Vec<(u64, u64)> {
        self.control().stats().scans.iter().map(|scan| (scan.items, scan.outputs)).collect()
    }

    /// Adds a scan, and gives its number; or gives the scan back.
    pub(crate) fn add(
        &self,
        scan: BoxScan<'static, T, O>,
    ) -> Result<usize, (Refusal, BoxScan<'static, T, O>)>
    where
        T: Send + Sync + 'static,
        O: Send + 'static,
    {
        let adder = lock(&self.adder).clone();
        let Some(adder) = adder else { return Err((Refusal::Never, scan)) };
        adder.add(scan).map(ScanId::index).map_err(|error| {
            let refusal = if error.is_ended() { Refusal::Ended } else { Refusal::Full };
            (refusal, error.into_inner())
        })
    }

    /// Lets go of the run.
    pub(crate) fn forget(&self) {
        // What goes with it may ask, and must not find the lock held.
        let adder = lock(&self.adder).take();
        let control = mem::take(&mut *lock(&self.control));
        drop((adder, control));
    }

    /// Lets go of what adds scans.
    pub(crate) fn forget_adder(&self) {
        let adder = lock(&self.adder).take();
        drop(adder);
    }

    fn control(&self) -> Control {
        lock(&self.control).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a panic is said to have come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Scan(usize),
    Input,
    Item,
}

impl Origin {
    fn of(origin: PanicOrigin) -> Option<Self> {
        match origin {
            PanicOrigin::Scan(id) => Some(Self::Scan(id.index())),
            PanicOrigin::Input => Some(Self::Input),
            PanicOrigin::Item => Some(Self::Item),
            _ => None,
        }
    }
}

/// A run that was started.
pub(crate) trait Run<V, E> {
    fn next(&mut self) -> Option<Result<V, E>>;
    fn size_hint(&self) -> (usize, Option<usize>);
    fn origin(&self) -> Option<Origin>;
    /// The name of a scan, if runs of this kind say it.
    fn name(&self, _scan: usize) -> Option<Option<String>> {
        None
    }
}

/// Why a run did not start.
pub(crate) type Refused = String;

/// Starts a run: has it go by the settings, and calls a verb.
///
/// A macro, as what `fan_out` can be given has bounds that have no names outside of the crate.
macro_rules! start {
    ($settings:expr, $on:expr, $threads:expr, $remote:expr, $input:expr, |$run:ident| $verb:expr) => {
        match $on {
            On::Pool(Threads(pool)) => {
                start_on!($settings, pool, $remote, $input, |$run| $verb)
            }
            On::Lease(Threads(pool), more) => {
                let lease = lease(pool, $settings, $threads + more)?;
                start_on!($settings, lease, $remote, $input, |$run| $verb)
            }
            On::Scope(scope) | On::OwnScope(scope) => {
                start_on!($settings, scope, $remote, $input, |$run| $verb)
            }
        }
    };
}

macro_rules! start_on {
    ($settings:expr, $threads:expr, $remote:expr, $input:expr, |$run:ident| $verb:expr) => {
        match ($settings.until_error, $settings.read_ahead) {
            (false, false) => {
                let run = $input.map_while(Result::ok).fan_out();
                let $run = set($settings, $remote, run).on($threads);
                $verb
            }
            (false, true) => {
                let run = $input.map_while(Result::ok).fan_out().read_ahead();
                let $run = set($settings, $remote, run).on($threads);
                $verb
            }
            (true, false) => {
                let $run = set($settings, $remote, $input.fan_out()).on($threads).until_error();
                $verb
            }
            // Both ways round it is the same.
            (true, true) if $settings.batch.is_none() => {
                let run = $input.fan_out().on($threads).until_error();
                let $run = set($settings, $remote, run).read_ahead();
                $verb
            }
            (true, true) => {
                let run = $input.fan_out().read_ahead().on($threads);
                let $run = set($settings, $remote, run).until_error();
                $verb
            }
        }
    };
}

fn set<T, O, I, Th>(
    settings: &Settings,
    remote: Option<&Arc<Remote<T, O>>>,
    mut run: FanOut<I, Th>,
) -> FanOut<I, Th> {
    if settings.discard_without_scans {
        run = run.discard_without_scans();
    }
    if let Some(batches) = settings.input_capacity {
        run = run.input_capacity(batches);
    }
    if let Some(batches) = settings.output_capacity {
        run = run.output_capacity(batches);
    }
    if let Some(items) = settings.batch {
        run = run.batch(items);
    }
    if let Some(remote) = remote {
        run = run.control(&remote.control());
    }
    run
}

fn lease(pool: &Pool, settings: &Settings, threads: usize) -> Result<Lease, Refused> {
    let threads = threads + usize::from(settings.read_ahead);
    pool.lease(threads).map_err(|error| error.to_string())
}

/// Starts a run that merges outputs, as they come or in order.
pub(crate) fn distribute<'s, I, T, E, O>(
    settings: &Settings,
    on: On<'_, 's, '_>,
    remote: Option<&Arc<Remote<T, O>>>,
    input: I,
    scans: Vec<BoxScan<'static, T, O>>,
) -> Result<Box<dyn Run<(usize, O), E> + 's>, Refused>
where
    I: Iterator<Item = Result<T, E>> + Send + 'static,
    T: Send + Sync + 'static,
    E: Send + 'static,
    O: Send + 'static,
{
    let threads = scans.len();
    Ok(start!(settings, on, threads, remote, input, |run| {
        if settings.ordered {
            let run = run.ordered(scans);
            Held::boxed(run, of_scan, Ordered::panicked, Some(Ordered::name))
        } else {
            let mut run = run.distribute(scans);
            hold(remote, || run.adder());
            Held::boxed(run, of_scan, Distribute::panicked, Some(Distribute::name))
        }
    }))
}

/// Starts a run that asks for scans: the first `threads` of them at once.
#[allow(dead_code, reason = "the soak has no use for it")]
pub(crate) fn dynamic<'s, I, T, E, O>(
    settings: &Settings,
    on: On<'_, 's, '_>,
    remote: Option<&Arc<Remote<T, O>>>,
    input: I,
    threads: usize,
    ask: impl FnMut() -> Vec<BoxScan<'static, T, O>> + Send + 'static,
) -> Result<Box<dyn Run<(usize, O), E> + 's>, Refused>
where
    I: Iterator<Item = Result<T, E>> + Send + 'static,
    T: Send + Sync + 'static,
    E: Send + 'static,
    O: Send + 'static,
{
    Ok(start!(settings, on, threads, remote, input, |run| {
        let mut run = run.dynamic(ask);
        hold(remote, || run.adder());
        Held::boxed(run, of_scan, Dynamic::panicked, Some(Dynamic::name))
    }))
}

/// Starts a run that gives the latest output of each scan, item by item.
pub(crate) fn tee<'s, I, T, E, O>(
    settings: &Settings,
    on: On<'_, 's, '_>,
    remote: Option<&Arc<Remote<T, O>>>,
    input: I,
    scans: Vec<BoxScan<'static, T, O>>,
) -> Result<Box<dyn Run<Vec<O>, E> + 's>, Refused>
where
    I: Iterator<Item = Result<T, E>> + Send + 'static,
    T: Send + Sync + 'static,
    E: Send + 'static,
    O: Clone + Send + 'static,
{
    let threads = scans.len();
    Ok(start!(settings, on, threads, remote, input, |run| {
        Held::boxed(run.zip_latest(scans), |row: Vec<O>| row, ZipLatest::panicked, None)
    }))
}

/// Runs to the end, and gives each scan's last output.
#[allow(clippy::type_complexity, reason = "an alias would say no more")]
pub(crate) fn fold<I, T, E, O>(
    settings: &Settings,
    on: On<'_, '_, '_>,
    remote: Option<&Arc<Remote<T, O>>>,
    input: I,
    scans: Vec<BoxScan<'static, T, O>>,
) -> Result<Result<Vec<Option<O>>, E>, Refused>
where
    I: Iterator<Item = Result<T, E>> + Send + 'static,
    T: Send + Sync + 'static,
    E: Send + 'static,
    O: Send + 'static,
{
    let threads = scans.len();
    let totals: Vec<_> = scans.into_iter().map(Scan::last).collect();
    Ok(start!(settings, on, threads, remote, input, |run| match on {
        On::OwnScope(_) => run.scoped().fold(totals).told(),
        _ => run.fold(totals).told(),
    }))
}

/// Starts a run with a scan for each key.
pub(crate) fn demux<'s, I, T, E, O>(
    settings: &Settings,
    on: On<'_, 's, '_>,
    remote: Option<&Arc<Remote<T, O>>>,
    input: I,
    key: impl Fn(&T) -> u64 + Send + Sync + 'static,
    factory: impl Fn(&u64) -> Option<BoxScan<'static, T, O>> + Send + Sync + 'static,
) -> Result<Box<dyn Run<(u64, O), E> + 's>, Refused>
where
    I: Iterator<Item = Result<T, E>> + Send + 'static,
    T: Send + Sync + 'static,
    E: Send + 'static,
    O: Send + 'static,
{
    let shards = settings.shards;
    Ok(start!(settings, on, shards, remote, input, |run| {
        let run = match on {
            // It says itself how many shards there are.
            On::Lease(_, 0) => run.demux(key, factory),
            _ => run.demux_over(shards, key, factory),
        };
        Held::boxed(run, |output: (u64, O)| output, Demux::panicked, None)
    }))
}

/// Has the remote add scans to a run.
fn hold<T, O>(remote: Option<&Arc<Remote<T, O>>>, adder: impl FnOnce() -> Adder<T, O>) {
    if let Some(remote) = remote {
        *lock(&remote.adder) = Some(adder());
    }
}

fn of_scan<O>((id, output): (ScanId, O)) -> (usize, O) {
    (id.index(), output)
}

/// What a run yields, whether or not its input may fail.
trait Yielded<X, E> {
    fn told(self) -> Result<X, E>;
}

impl<X, E> Yielded<X, E> for X {
    fn told(self) -> Result<X, E> {
        Ok(self)
    }
}

impl<X, E> Yielded<X, E> for Result<X, E> {
    fn told(self) -> Self {
        self
    }
}

type NameOf<R> = fn(&R, ScanId) -> Option<&str>;

/// A run of any verb but fold, and what is known of it.
struct Held<R, X, V> {
    run: R,
    output: fn(X) -> V,
    panicked: fn(&R) -> Option<PanicOrigin>,
    name: Option<NameOf<R>>,
}

impl<R, X, V> Held<R, X, V> {
    fn boxed<'s, E>(
        run: R,
        output: fn(X) -> V,
        panicked: fn(&R) -> Option<PanicOrigin>,
        name: Option<NameOf<R>>,
    ) -> Box<dyn Run<V, E> + 's>
    where
        R: Iterator<Item: Yielded<X, E>>,
        Self: 's,
    {
        Box::new(Self { run, output, panicked, name })
    }
}

impl<R: Iterator<Item: Yielded<X, E>>, X, V, E> Run<V, E> for Held<R, X, V> {
    fn next(&mut self) -> Option<Result<V, E>> {
        self.run.next().map(|yielded| yielded.told().map(self.output))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.run.size_hint()
    }

    fn origin(&self) -> Option<Origin> {
        (self.panicked)(&self.run).and_then(Origin::of)
    }

    fn name(&self, scan: usize) -> Option<Option<String>> {
        self.name.map(|name| name(&self.run, ScanId::new(scan)).map(str::to_owned))
    }
}
