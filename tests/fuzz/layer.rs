//! All that the random programs and the soak know of how runs are started,
//! asked and watched. Where the public API changes, this file does, and no other
//! one here.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::support::config::{Config, With as _};
use anabranch::scan::BoxScan;
use anabranch::{
    Adder, Control, Demux, Distribute, IteratorExt, PanicOrigin, Pool, ReadAhead, ScanId, ZipLatest,
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
    pub(crate) fn live(&self) -> usize {
        self.0.live()
    }
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

    fn control(&self) -> Control {
        lock(&self.control).clone()
    }

    fn hold(&self, adder: Option<Adder<T, O>>) {
        *lock(&self.adder) = adder;
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
pub(crate) trait Run<V> {
    fn next(&mut self) -> Option<V>;
    fn size_hint(&self) -> (usize, Option<usize>);
    fn origin(&self) -> Option<Origin>;
    /// The name of a scan, if runs of this kind say it.
    fn name(&self, _scan: usize) -> Option<Option<String>> {
        None
    }
}

/// Why a run did not start.
pub(crate) type Refused = String;

/// An input, with or without a thread of its own.
enum Fed<I, T> {
    Here(I),
    Ahead(ReadAhead<'static, T>),
}

fn config<T, O>(
    settings: &Settings,
    threads: &Threads,
    remote: Option<&Arc<Remote<T, O>>>,
) -> Config {
    let mut config = Config::new()
        .pool(threads.0.clone())
        .ordered(settings.ordered)
        .discard_without_scans(settings.discard_without_scans);
    if settings.shards > 0 {
        config = config.shards(settings.shards);
    }
    if let Some(batches) = settings.input_capacity {
        config = config.input_capacity(batches);
    }
    if let Some(batches) = settings.output_capacity {
        config = config.output_capacity(batches);
    }
    if let Some(items) = settings.batch {
        config = config.batch(items);
    }
    if let Some(remote) = remote {
        config = config.control(&remote.control());
    }
    config
}

fn feed<I>(config: &Config, read_ahead: bool, input: I) -> Result<Fed<I, I::Item>, Refused>
where
    I: Iterator<Item: Send + Sync + 'static> + Send + 'static,
{
    Ok(if read_ahead {
        Fed::Ahead(input.try_read_ahead_with(config).map_err(said)?)
    } else {
        Fed::Here(input)
    })
}

fn said(error: impl Into<StartErrorKind>) -> Refused {
    error.into().to_string()
}

/// Starts a run that merges outputs, as they come or in order.
pub(crate) fn distribute<I, O>(
    settings: &Settings,
    threads: &Threads,
    remote: Option<&Arc<Remote<I::Item, O>>>,
    input: I,
    scans: Vec<BoxScan<'static, I::Item, O>>,
) -> Result<Box<dyn Run<(usize, O)>>, Refused>
where
    I: Iterator<Item: Send + Sync + 'static> + Send + 'static,
    O: Send + 'static,
{
    fn held<I, O>(
        mut run: Distribute<I, O>,
        remote: Option<&Arc<Remote<I::Item, O>>>,
    ) -> Box<dyn Run<(usize, O)>>
    where
        I: anabranch::Input + 'static,
        O: 'static,
    {
        if let Some(remote) = remote {
            remote.hold(run.adder());
        }
        Box::new(run)
    }
    let config = config(settings, threads, remote);
    Ok(match feed(&config, settings.read_ahead, input)? {
        Fed::Here(input) => {
            held(input.try_par_distribute_with(&config, scans).map_err(said)?, remote)
        }
        Fed::Ahead(input) => {
            held(input.try_par_distribute_with(&config, scans).map_err(said)?, remote)
        }
    })
}

/// Starts a run that gives the latest output of each scan, item by item.
pub(crate) fn tee<I, O>(
    settings: &Settings,
    threads: &Threads,
    remote: Option<&Arc<Remote<I::Item, O>>>,
    input: I,
    scans: Vec<BoxScan<'static, I::Item, O>>,
) -> Result<Box<dyn Run<Vec<O>>>, Refused>
where
    I: Iterator<Item: Send + Sync + 'static> + Send + 'static,
    O: Clone + Send + 'static,
{
    let config = config(settings, threads, remote);
    Ok(match feed(&config, settings.read_ahead, input)? {
        Fed::Here(input) => Box::new(input.try_par_tee_with(&config, scans).map_err(said)?),
        Fed::Ahead(input) => Box::new(input.try_par_tee_with(&config, scans).map_err(said)?),
    })
}

/// Runs to the end, and gives each scan's last output.
pub(crate) fn fold<I, O>(
    settings: &Settings,
    threads: &Threads,
    remote: Option<&Arc<Remote<I::Item, O>>>,
    input: I,
    scans: Vec<BoxScan<'static, I::Item, O>>,
) -> Result<Vec<Option<O>>, Refused>
where
    I: Iterator<Item: Send + Sync + 'static> + Send + 'static,
    O: Send + 'static,
{
    let config = config(settings, threads, remote);
    match feed(&config, settings.read_ahead, input)? {
        Fed::Here(input) => input.try_par_fold_with(&config, scans).map_err(said),
        Fed::Ahead(input) => input.try_par_fold_with(&config, scans).map_err(said),
    }
}

/// Starts a run with a scan for each key.
pub(crate) fn demux<I, O>(
    settings: &Settings,
    threads: &Threads,
    remote: Option<&Arc<Remote<I::Item, O>>>,
    input: I,
    key: impl Fn(&I::Item) -> u64 + Send + Sync + 'static,
    factory: impl Fn(&u64) -> Option<BoxScan<'static, I::Item, O>> + Send + Sync + 'static,
) -> Result<Box<dyn Run<(u64, O)>>, Refused>
where
    I: Iterator<Item: Send + Sync + 'static> + Send + 'static,
    O: Send + 'static,
{
    let config = config(settings, threads, remote);
    Ok(match feed(&config, settings.read_ahead, input)? {
        Fed::Here(input) => {
            Box::new(input.try_par_demux_with(&config, key, factory).map_err(said)?)
        }
        Fed::Ahead(input) => {
            Box::new(input.try_par_demux_with(&config, key, factory).map_err(said)?)
        }
    })
}

impl<I: anabranch::Input, O> Run<(usize, O)> for Distribute<I, O> {
    fn next(&mut self) -> Option<(usize, O)> {
        Iterator::next(self).map(|(id, output)| (id.index(), output))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        Iterator::size_hint(self)
    }

    fn origin(&self) -> Option<Origin> {
        self.panicked().and_then(Origin::of)
    }

    fn name(&self, scan: usize) -> Option<Option<String>> {
        Some(Distribute::name(self, ScanId::new(scan)).map(str::to_owned))
    }
}

impl<I, O> Run<Vec<O>> for ZipLatest<I, Vec<Option<O>>>
where
    I: anabranch::Input,
    O: Clone,
{
    fn next(&mut self) -> Option<Vec<O>> {
        Iterator::next(self)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        Iterator::size_hint(self)
    }

    fn origin(&self) -> Option<Origin> {
        self.panicked().and_then(Origin::of)
    }
}

impl<I: anabranch::Input, O> Run<(u64, O)> for Demux<I, u64, O> {
    fn next(&mut self) -> Option<(u64, O)> {
        Iterator::next(self)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        Iterator::size_hint(self)
    }

    fn origin(&self) -> Option<Origin> {
        self.panicked().and_then(Origin::of)
    }
}
