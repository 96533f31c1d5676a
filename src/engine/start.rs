//! Putting a run together.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;

use super::admission::Admission;
use super::batch_size::BatchSize;
use super::branch::{Branch, connect};
use super::contain::{Payload, contain, discard, drop_each};
use super::exit_guard::ExitGuard;
use super::fan_in::FanIn;
use super::fan_out::FanOut;
use super::figures::Figures;
use super::id::ScanId;
use super::manager::{Manager, Shared};
use super::meter::{Managing, Timesheet};
use super::names::Names;
use super::outlet::Kept;
use super::recycler::Recycler;
use super::run::{Request, Run, Stage};
use super::settings::Settings;
use super::source::Source;
use super::stock::Stock;
use super::trace::{self, ScanSpan};
use crate::sync::Arc;
use crate::threads::{Host, LeaseError, Pool, ThreadKind, Threads};

/// What a run needs beside its input and its branches.
pub(crate) struct Setup<'w> {
    pub(crate) settings: Settings,
    /// Which outputs of a branch travel.
    pub(crate) kept: Kept,
    /// If the input has a thread of its own, the bytes of the values that pass through that.
    pub(crate) input_bytes: Option<usize>,
    /// Attaches the watcher of the run; returns what was requested before the run started.
    #[allow(clippy::type_complexity, reason = "an alias would say no more")]
    pub(crate) watch: Option<&'w mut dyn FnMut(Arc<Run>, Arc<Figures>) -> Option<Request>>,
}

/// The branches of a run, each on its thread, with the near ends of their channels.
pub(crate) struct Started<T, O, H> {
    dispatch: Dispatch<T>,
    /// The thread that will pull the input, if it is read ahead.
    host: Option<H>,
    manager: Assembly<T, O>,
}

/// The manager, before it has its source.
struct Assembly<T, O> {
    fan_in: FanIn<O>,
    names: BTreeMap<ScanId, Box<str>>,
    time: Arc<Timesheet<Managing>>,
    figures: Option<Arc<Figures>>,
    settings: Arc<Settings>,
    pool: Pool,
    admission: Option<Arc<Admission<T, O>>>,
}

/// Why a run does not start. No branch has started, and only `name` methods were called.
pub(crate) enum Unstarted {
    /// Too few threads are available.
    Threads(LeaseError),
    /// A `name` method has panicked.
    Name(Payload),
}

impl<T, O, H> Started<T, O, H> {
    /// Starts the branches, which wait for items.
    pub(crate) fn new<'a, B, Th>(
        threads: Th,
        setup: Setup<'_>,
        branches: Vec<B>,
    ) -> Result<Self, Unstarted>
    where
        T: Send + Sync + 'a,
        B: Branch<T, Output = O> + Send + 'a,
        O: Send + 'a,
        H: Host<'a>,
        Th: Threads<'a, Host = H>,
    {
        let Setup { settings, kept, input_bytes, watch } = setup;
        let reads_ahead = input_bytes.is_some();
        let names = match contain(|| names_of(&branches)) {
            Ok(names) => names,
            Err(payload) => {
                // Panics of the drops are discarded.
                drop_each(branches).into_iter().for_each(discard);
                return Err(Unstarted::Name(payload));
            }
        };
        let pool = threads.pool();
        let usual = settings.kind_for::<T, O>();
        let mut kinds = match pool.lease_size() {
            None => kinds(&names, branches.len(), &usual),
            // Its threads already have names.
            Some(_) => vec![usual; branches.len()],
        };
        kinds.extend(input_bytes.map(|bytes| settings.kind_for_bytes(bytes)));
        let mut hosts = match threads.hosts(&kinds) {
            Ok(hosts) => hosts,
            Err(error) => {
                drop_each(branches).into_iter().for_each(discard);
                return Err(Unstarted::Threads(error));
            }
        };
        let host = if reads_ahead { hosts.pop() } else { None };
        trace::started(branches.len(), reads_ahead);
        // From here on, no user code runs on this thread.
        let settings = Arc::new(settings);
        let run = Arc::new(Run::new(reads_ahead));
        let time = Arc::new(Timesheet::new(Managing::LetConsume));
        let own_time = reads_ahead.then(|| Arc::new(Timesheet::new(Managing::PullInput)));
        let figures =
            watch.is_some().then(|| Arc::new(Figures::new(Arc::clone(&time), own_time.clone())));
        let mut inputs = Vec::with_capacity(branches.len());
        let mut fan_in = FanIn::new();
        for (index, (branch, host)) in branches.into_iter().zip(hosts).enumerate() {
            let id = ScanId::new(index);
            let span = ScanSpan::new(names.get(&id).map(Deref::deref));
            let (connected, input, side) = connect(branch, kept, &settings, &run);
            let (meter, run) = (Arc::clone(&side.meter), Arc::clone(&run));
            if let Some(figures) = &figures {
                figures.add(id, names.get(&id).cloned(), Arc::clone(&meter));
            }
            host.host(move |worker| connected.run(span, ExitGuard::new(id, worker, meter, run)));
            inputs.push(input);
            fan_in.add(id, side);
        }
        let fan_out = Arc::new(FanOut::new(inputs, settings.discards, &run));
        if let (Some(watch), Some(figures)) = (watch, &figures) {
            fan_out.interrupt();
            match watch(Arc::clone(&run), Arc::clone(figures)) {
                // Before anything is pulled.
                // MODEL: loom-tests/tests/control.rs::stop_before_the_start
                Some(Request::Abort) => {
                    trace::aborted();
                    run.advance(Stage::Aborted);
                    fan_out.close();
                }
                Some(_) => {
                    trace::stopped();
                    fan_out.stop();
                }
                None => {}
            }
        }
        let dispatch = Dispatch {
            fan_out,
            batch_size: settings.items::<T>(),
            recycler: Recycler::new(settings.input_capacity),
            time: own_time.unwrap_or_else(|| Arc::clone(&time)),
            run,
        };
        let manager = Assembly { fan_in, names, time, figures, settings, pool, admission: None };
        Ok(Self { dispatch, host, manager })
    }

    /// The run that has been started.
    pub(crate) fn run(&self) -> &Arc<Run> {
        &self.dispatch.run
    }

    /// Returns where scans are admitted.
    pub(crate) fn admission(&mut self) -> Arc<Admission<T, O>> {
        let Self { dispatch: Dispatch { fan_out, run, .. }, manager, .. } = self;
        let Assembly { settings, pool, admission, .. } = manager;
        Arc::clone(admission.get_or_insert_with(|| {
            fan_out.interrupt();
            let (fan_out, settings) = (Arc::clone(fan_out), Arc::clone(settings));
            Arc::new(Admission::new(fan_out, settings, pool.clone(), Arc::clone(run)))
        }))
    }

    /// Gives the run its input, with the stock of items that it fills again, if it does.
    pub(crate) fn feed<S: Source<Item = T>>(
        self,
        stock: Option<Arc<Stock<T>>>,
        source: impl FnOnce(Dispatch<T>, Option<H>) -> S,
    ) -> Manager<S, O> {
        let Self { mut dispatch, host, manager } = self;
        if let Some(stock) = stock {
            dispatch.recycler.return_to(stock);
        }
        let (fan_out, run) = (Arc::clone(&dispatch.fan_out), Arc::clone(&dispatch.run));
        let source = source(dispatch, host);
        let Assembly { fan_in, names, time, figures, settings, pool, admission } = manager;
        let shared = Shared { fan_out, admission, settings, pool, run };
        Manager::new(source, shared, fan_in, Names::new(names), time, figures)
    }
}

/// Returns the names of the branches that have one.
fn names_of<T, B: Branch<T>>(branches: &[B]) -> BTreeMap<ScanId, Box<str>> {
    let name = |(index, branch): (usize, &B)| Some((ScanId::new(index), Box::from(branch.name()?)));
    branches.iter().enumerate().filter_map(name).collect()
}

/// Returns the kind of each branch's thread, which is named after the branch. No system accepts a
/// name with a NUL byte.
fn kinds(
    names: &BTreeMap<ScanId, Box<str>>,
    branches: usize,
    usual: &ThreadKind,
) -> Vec<ThreadKind> {
    let kind = |index| match names.get(&ScanId::new(index)) {
        Some(name) if !name.contains('\0') => ThreadKind::new(name, usual.stack_size),
        _ => usual.clone(),
    };
    (0..branches).map(kind).collect()
}

/// What a source uses to send items.
#[allow(unnameable_types, reason = "only passes through what is public")]
pub struct Dispatch<T> {
    pub(super) fan_out: Arc<FanOut<T>>,
    pub(super) batch_size: BatchSize,
    pub(super) recycler: Recycler<T>,
    pub(super) time: Arc<Timesheet<Managing>>,
    pub(super) run: Arc<Run>,
}

impl<T> fmt::Debug for Dispatch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatch").field("fan_out", &self.fan_out).finish_non_exhaustive()
    }
}
