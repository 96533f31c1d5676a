//! Runs over borrowed data.

use std::hash::Hash;

use crate::config::{Config, Settings};
use crate::demux::ParDemux;
use crate::distribute::ParDistribute;
use crate::error::StartErrorKind;
use crate::fold;
use crate::input::Input;
use crate::iterator_ext::started;
use crate::pool::{Lease, ThreadKind};
use crate::read_ahead::ReadAhead;
use crate::scan::{CloneEach, Scan, ScanSet};
use crate::sync::{Scope, Sender, bounded, spawn_scoped};
use crate::tee::ParTee;
use crate::threads::{ScanHost, ThreadSource};

/// Gives every [`Iterator`] the methods of this crate for items and scans that
/// borrow.
///
/// The threads are those of a [`std::thread::scope`], which sees to it that
/// nothing outlives what it borrows. They are started for the run and end with it;
/// [`Config::pool`] has no part in it. Everything else is as in the method without
/// `scoped`.
///
/// A scope ends when all of its threads have. A run that is leaked in it, instead
/// of dropped, has threads that never do.
///
/// ```
/// use std::thread;
/// use anabranch::{Config, ScopedIteratorExt, scan::{self, Scan}};
///
/// let text = String::from("to be or not to be");
/// let stop_words = ["to", "or"];
/// thread::scope(|scope| {
///     let words = text.split(' ');
///     let run = words.par_distribute_scoped(scope, &Config::new(), [
///         scan::filter(|word: &&str| !stop_words.contains(word)).boxed_scoped(),
///         scan::max_by_key(|word: &&str| word.len()).boxed_scoped(),
///     ]);
///     let mut outputs: Vec<_> = run.map(|(id, word)| (id.index(), word)).collect();
///     outputs.sort();
///     assert_eq!(outputs, [(0, "be"), (0, "be"), (0, "not"), (1, "not")]);
/// });
/// ```
pub trait ScopedIteratorExt: Input {
    /// [`par_distribute`](crate::IteratorExt::par_distribute) for items and scans
    /// that borrow.
    ///
    /// # Panics
    ///
    /// Panics if the run cannot start.
    fn par_distribute_scoped<'scope, S>(
        self,
        scope: &'scope Scope<'scope, '_>,
        config: &Config,
        scans: impl IntoIterator<Item = S>,
    ) -> ParDistribute<Self, S::Output>
    where
        Self::Item: Send + Sync + 'scope,
        S: Scan<Self::Item, Output: Send + 'scope> + Send + 'scope,
    {
        started(ParDistribute::start(InScope(scope), config, self, scans.into_iter().collect()))
    }

    /// [`par_fold`](crate::IteratorExt::par_fold) for items and scans that borrow.
    ///
    /// # Panics
    ///
    /// Panics if the run cannot start.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::thread;
    /// use anabranch::{Config, ScopedIteratorExt, scan};
    ///
    /// let words = ["to", "be"].map(String::from);
    /// let (letters, longest) = thread::scope(|scope| {
    ///     words.iter().par_fold_scoped(scope, &Config::new(), (
    ///         scan::sum_by(|word: &&String| word.len()),
    ///         scan::max_by_key(|word: &&String| word.len()),
    ///     ))
    /// });
    /// assert_eq!((letters, longest), (Some(4), Some(&words[1])));
    /// ```
    fn par_fold_scoped<'scope, S>(
        self,
        scope: &'scope Scope<'scope, '_>,
        config: &Config,
        scans: S,
    ) -> S::Latest
    where
        Self::Item: Send + Sync + 'scope,
        S: ScanSet<'scope, Self::Item>,
    {
        started(fold::fold(InScope(scope), config, self, scans))
    }

    /// [`par_tee`](crate::IteratorExt::par_tee) for items and scans that borrow.
    ///
    /// # Panics
    ///
    /// Panics if the run cannot start.
    fn par_tee_scoped<'scope, S>(
        self,
        scope: &'scope Scope<'scope, '_>,
        config: &Config,
        scans: S,
    ) -> ParTee<Self, S::Latest>
    where
        Self::Item: Send + Sync + 'scope,
        S: ScanSet<'scope, Self::Item, Latest: CloneEach>,
    {
        started(ParTee::start(InScope(scope), config, self, scans))
    }

    /// [`par_demux`](crate::IteratorExt::par_demux) for items, functions and scans
    /// that borrow.
    ///
    /// # Panics
    ///
    /// Panics if the run cannot start.
    fn par_demux_scoped<'scope, K, S>(
        self,
        scope: &'scope Scope<'scope, '_>,
        config: &Config,
        key: impl Fn(&Self::Item) -> K + Send + Sync + 'scope,
        factory: impl Fn(&K) -> S + Send + Sync + 'scope,
    ) -> ParDemux<Self, K, S::Output>
    where
        Self::Item: Send + Sync + 'scope,
        K: Hash + Eq + Clone + Send + 'scope,
        S: Scan<Self::Item, Output: Send + 'scope> + Send + 'scope,
    {
        started(ParDemux::start(InScope(scope), config, self, key, factory))
    }

    /// [`read_ahead`](crate::IteratorExt::read_ahead) for inputs and items that borrow.
    ///
    /// The drop of a run does not wait for an input that blocks, but the end of the
    /// scope does.
    ///
    /// # Panics
    ///
    /// Panics if the operating system refuses a thread, or the settings cannot be
    /// granted.
    fn read_ahead_scoped<'scope>(
        self,
        scope: &'scope Scope<'scope, '_>,
        config: &Config,
    ) -> ReadAhead<'scope, <Self as Input>::Item>
    where
        Self: Iterator<Item = <Self as Input>::Item> + Send + 'scope,
        <Self as Input>::Item: Send + Sync + 'scope,
    {
        started(ReadAhead::start(InScope(scope), config, self))
    }
}

impl<I: Input> ScopedIteratorExt for I {}

/// New threads in a scope.
struct InScope<'scope, 'env>(&'scope Scope<'scope, 'env>);

type Job<'scope> = Box<dyn FnOnce() + Send + 'scope>;

/// A thread of a scope. It ends when it has had its job, or its mailbox is gone.
struct Mailbox<'scope>(Sender<Job<'scope>>);

impl<'scope> ThreadSource<'scope> for InScope<'scope, '_> {
    type Thread = Mailbox<'scope>;

    fn threads(
        self,
        _: &Settings,
        kind: &ThreadKind,
        wanted: usize,
    ) -> Result<Vec<Mailbox<'scope>>, StartErrorKind> {
        let Self(scope) = self;
        let ThreadKind { name, stack_size } = kind;
        let start = |_| {
            let (mailbox, jobs) = bounded::<Job<'scope>>(1);
            spawn_scoped(scope, name, *stack_size, move || {
                if let Ok(job) = jobs.recv() {
                    job();
                }
            })?;
            Ok(Mailbox(mailbox))
        };
        (0..wanted).map(start).collect::<Result<_, _>>().map_err(StartErrorKind::Spawn)
    }
}

impl<'scope> ScanHost<'scope> for Mailbox<'scope> {
    fn host(self, life: impl FnOnce(Option<Lease>) + Send + 'scope) {
        // The mailbox is empty, and the thread waits at it.
        let sent = self.0.try_send(Box::new(|| life(None)));
        debug_assert!(sent.is_ok(), "a thread that waits for its job takes it");
    }
}
