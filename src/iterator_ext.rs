//! The methods that iterators gain.

use std::hash::Hash;

use crate::config::Config;
use crate::demux::ParDemux;
use crate::distribute::ParDistribute;
use crate::error::{Chain, StartError, StartErrorKind};
use crate::fold;
use crate::input::Input;
use crate::read_ahead::ReadAhead;
use crate::scan::{CloneEach, Scan, ScanSet};
use crate::tee::ParTee;
use crate::threads::InPool;

/// Gives every [`Iterator`], and every [`ReadAhead`], the methods of this crate.
pub trait IteratorExt: Input {
    /// Gives every item to each of `scans`, every scan on a thread of its own,
    /// and merges their outputs into one iterator of `(id, output)`.
    ///
    /// Each scan's outputs are what [`Scan::apply`] gives for the same items, in
    /// the same order.
    ///
    /// | | |
    /// |---|---|
    /// | emits when | any scan has emitted: per scan in its own order, across scans as they arrive |
    /// | holds back when | any live scan's input is full: the input is then not pulled, outputs still flow |
    /// | completes when | the input has ended and every scan was flushed and has exited, or every scan has ended by itself |
    /// | cancels when | the iterator is dropped; a scan or the input panics; [`Control`](crate::Control) |
    ///
    /// # Shape
    ///
    /// The input is pulled on the consumer's thread, in batches, inside `next`,
    /// and only while no output is ready (unless it is [read ahead](ReadAhead)).
    /// Nothing is pulled before the first `next`; with no scans, nothing ever. When
    /// every scan has ended by itself
    /// the input is not pulled again; by then fewer than
    /// `(input_capacity + 2) × batch` items were pulled beyond the last one that
    /// a scan took.
    ///
    /// Memory: at most `input_capacity + 2` batches of items per run, besides those that a
    /// scan which has ended, or was stopped by itself, has yet to drop; at most
    /// `output_capacity + 1` batches of outputs per scan, and one at the consumer, which in
    /// order and in tuples has one per scan. How long batches are says [`Config::batch`].
    ///
    /// # Blocking
    ///
    /// `next` blocks while no output is ready, and in the input. A scan thread
    /// blocks while it has no input, or no room for outputs: if the consumer
    /// stops calling `next`, the whole run stands still and uses no processor
    /// time. Dropping the iterator aborts the run and waits until every scan
    /// thread has left it, each for at most the one call of user code that it is
    /// in; outputs that were not taken are dropped. An iterator that is leaked
    /// leaves its threads blocked for ever.
    ///
    /// # Panics
    ///
    /// Panics if the operating system refuses a thread. For panics of scans and
    /// of the input see [`ParDistribute::next`](ParDistribute#method.next).
    ///
    /// # Examples
    ///
    /// ```
    /// use anabranch::{IteratorExt, scan::{self, Scan}};
    ///
    /// let readings = [3.0, 1.0, 4.0, 1.0, 5.0];
    /// let mut latest = [0.0; 2];
    /// for (id, value) in readings.into_iter().par_distribute([
    ///     scan::scan(0.0, |sum, x: &f64| { *sum += x; Some(*sum) }).boxed(),
    ///     scan::scan(0.0, |peak, x: &f64| { *peak = x.max(*peak); Some(*peak) }).boxed(),
    /// ]) {
    ///     latest[id.index()] = value;
    /// }
    /// assert_eq!(latest, [14.0, 5.0]);
    /// ```
    ///
    /// Scans that end by themselves end the run, though the input is endless:
    ///
    /// ```
    /// use anabranch::{IteratorExt, scan};
    ///
    /// let firsts = (1..).par_distribute([scan::take(3), scan::take(2)]);
    /// assert_eq!(firsts.map(|(_, x)| x).sum::<i32>(), 1 + 2 + 3 + 1 + 2);
    /// ```
    fn par_distribute<S>(self, scans: impl IntoIterator<Item = S>) -> ParDistribute<Self, S::Output>
    where
        Self::Item: Send + Sync + 'static,
        S: Scan<Self::Item, Output: Send + 'static> + Send + 'static,
    {
        self.par_distribute_with(&Config::new(), scans)
    }

    /// [`par_distribute`](Self::par_distribute) with settings.
    ///
    /// # Panics
    ///
    /// Panics if the run cannot start; see
    /// [`try_par_distribute_with`](Self::try_par_distribute_with).
    fn par_distribute_with<S>(
        self,
        config: &Config,
        scans: impl IntoIterator<Item = S>,
    ) -> ParDistribute<Self, S::Output>
    where
        Self::Item: Send + Sync + 'static,
        S: Scan<Self::Item, Output: Send + 'static> + Send + 'static,
    {
        started(self.try_par_distribute_with(config, scans))
    }

    /// [`par_distribute`](Self::par_distribute) with settings, returning the
    /// error if the run cannot start.
    ///
    /// # Errors
    ///
    /// Refuses settings that cannot be granted and scans that do not fit into
    /// the pool, and passes on the operating system's refusal of a thread. The
    /// error gives back the input and the scans, untouched.
    fn try_par_distribute_with<S>(
        self,
        config: &Config,
        scans: impl IntoIterator<Item = S>,
    ) -> Result<ParDistribute<Self, S::Output>, StartError<Self, Vec<S>>>
    where
        Self::Item: Send + Sync + 'static,
        S: Scan<Self::Item, Output: Send + 'static> + Send + 'static,
    {
        ParDistribute::start(InPool, config, self, scans.into_iter().collect())
    }

    /// Gives every item to each of `scans`, every scan on a thread of its own, and
    /// returns the last output of each: one pass, several results.
    ///
    /// The scans are a tuple of up to twelve, of different types, or an array or a
    /// vector of one type; the results come in the same shape. Each is what
    /// `scan.apply(items).pop()` gives: `None` if the scan emitted nothing.
    ///
    /// | | |
    /// |---|---|
    /// | emits | once, at the end: each scan's last output |
    /// | holds back when | any live scan's input is full: the input is then not pulled |
    /// | completes when | the input has ended and every scan was flushed and has exited, or every scan has ended by itself |
    /// | cancels when | a scan or the input panics; [`Control`](crate::Control) |
    ///
    /// # Shape
    ///
    /// The input is pulled on the calling thread, in batches, as
    /// [`par_distribute`](Self::par_distribute) pulls it. Of the outputs of a scan
    /// only the last one leaves its thread.
    ///
    /// # Blocking
    ///
    /// Blocks until the run is over.
    ///
    /// # Panics
    ///
    /// Panics if the operating system refuses a thread. Resumes a panic of a scan,
    /// of the input, or of the drop of an item, with the original payload, once
    /// all scans have exited.
    ///
    /// # Examples
    ///
    /// ```
    /// use anabranch::{IteratorExt, scan};
    ///
    /// let words = ["the", "quick", "brown", "fox"].map(String::from);
    /// let (count, letters, longest) = words.into_iter().par_fold((
    ///     scan::count(),
    ///     scan::sum_by(|word: &String| word.len()),
    ///     scan::max_by_key(|word: &String| word.len()),
    /// ));
    /// assert_eq!((count, letters), (Some(4), Some(16)));
    /// assert_eq!(longest.as_deref(), Some("brown"));
    /// ```
    ///
    /// Many scans of one type:
    ///
    /// ```
    /// use anabranch::{IteratorExt, scan::{self, Scan}};
    ///
    /// let multiples = [2, 3, 5].map(|n| scan::count().filter_input(move |x: &i32| x % n == 0));
    /// assert_eq!((1..=30).par_fold(multiples), [Some(15), Some(10), Some(6)]);
    /// ```
    fn par_fold<S>(self, scans: S) -> S::Latest
    where
        Self::Item: Send + Sync + 'static,
        S: ScanSet<'static, Self::Item>,
    {
        self.par_fold_with(&Config::new(), scans)
    }

    /// [`par_fold`](Self::par_fold) with settings.
    ///
    /// # Panics
    ///
    /// Panics if the run cannot start; see
    /// [`try_par_fold_with`](Self::try_par_fold_with).
    fn par_fold_with<S>(self, config: &Config, scans: S) -> S::Latest
    where
        Self::Item: Send + Sync + 'static,
        S: ScanSet<'static, Self::Item>,
    {
        started(self.try_par_fold_with(config, scans))
    }

    /// [`par_fold`](Self::par_fold) with settings, returning the error if the run
    /// cannot start.
    ///
    /// # Errors
    ///
    /// As [`try_par_distribute_with`](Self::try_par_distribute_with).
    fn try_par_fold_with<S>(
        self,
        config: &Config,
        scans: S,
    ) -> Result<S::Latest, StartError<Self, S>>
    where
        Self::Item: Send + Sync + 'static,
        S: ScanSet<'static, Self::Item>,
    {
        fold::fold(InPool, config, self, scans)
    }

    /// Gives every item to each of `scans`, every scan on a thread of its own, and
    /// puts their latest outputs together, item by item.
    ///
    /// The scans are a tuple of up to twelve, of different types, or an array or a
    /// vector of one type; their outputs come in the same shape, one tuple for each
    /// item. A scan that emits nothing for an item is there with what it emitted
    /// last; of several outputs for one item it is there with the last. The
    /// sequence is the same on every run.
    ///
    /// | | |
    /// |---|---|
    /// | emits | after each item, from the first after which every scan has emitted: the latest output of each |
    /// | holds back when | a scan is ahead of the slowest by its output capacity |
    /// | completes when | the input has ended and every scan was flushed, or any scan has ended by itself |
    /// | cancels when | the iterator is dropped; a scan or the input panics; [`Control`](crate::Control) |
    ///
    /// # Shape
    ///
    /// A scan that ends with an output for its last item has its tuple for that
    /// item; one that ends without has none. Then the run ends, and the other scans
    /// are aborted. At the end of the input all scans are flushed before the last `None`;
    /// what they emit then belongs to no item, and is dropped. The input is pulled on the
    /// consumer's thread, as [`par_distribute`](Self::par_distribute) pulls it,
    /// which also says how much memory a run takes. The scans do not run in lock
    /// step: each works ahead of the consumer, batch by batch.
    ///
    /// # Blocking
    ///
    /// `next` blocks while some scan has not stepped over the next item, and in the
    /// input. Dropping the iterator aborts the run and waits until every scan
    /// thread has left it.
    ///
    /// # Panics
    ///
    /// Panics if the operating system refuses a thread. For panics of scans and
    /// of the input see [`ParTee::next`](ParTee#method.next); one of a scan that is
    /// ahead of the others surfaces behind the tuples before its item.
    ///
    /// # Examples
    ///
    /// ```
    /// use anabranch::{IteratorExt, scan};
    ///
    /// let sum = scan::scan(0, |sum, x: &i32| { *sum += x; Some(*sum) });
    /// let even = scan::filter(|x: &i32| x % 2 == 0);
    /// let aligned: Vec<_> = (1..=5).par_tee((sum, even)).collect();
    /// assert_eq!(aligned, [(3, 2), (6, 2), (10, 4), (15, 4)]);
    /// ```
    fn par_tee<S>(self, scans: S) -> ParTee<Self, S::Latest>
    where
        Self::Item: Send + Sync + 'static,
        S: ScanSet<'static, Self::Item, Latest: CloneEach>,
    {
        self.par_tee_with(&Config::new(), scans)
    }

    /// [`par_tee`](Self::par_tee) with settings.
    ///
    /// # Panics
    ///
    /// Panics if the run cannot start; see
    /// [`try_par_tee_with`](Self::try_par_tee_with).
    fn par_tee_with<S>(self, config: &Config, scans: S) -> ParTee<Self, S::Latest>
    where
        Self::Item: Send + Sync + 'static,
        S: ScanSet<'static, Self::Item, Latest: CloneEach>,
    {
        started(self.try_par_tee_with(config, scans))
    }

    /// [`par_tee`](Self::par_tee) with settings, returning the error if the run
    /// cannot start.
    ///
    /// # Errors
    ///
    /// As [`try_par_distribute_with`](Self::try_par_distribute_with).
    fn try_par_tee_with<S>(
        self,
        config: &Config,
        scans: S,
    ) -> Result<ParTee<Self, S::Latest>, StartError<Self, S>>
    where
        Self::Item: Send + Sync + 'static,
        S: ScanSet<'static, Self::Item, Latest: CloneEach>,
    {
        ParTee::start(InPool, config, self, scans)
    }

    /// Moves the input to a thread of its own, on which it is pulled ahead of the
    /// consumer: outputs arrive while the input blocks. What comes of it takes the
    /// place of the iterator in every method of this crate.
    ///
    /// [`ReadAhead`] says more.
    ///
    /// # Panics
    ///
    /// Panics if the operating system refuses a thread. A panic of the input surfaces in
    /// the run's `next`, as without.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use anabranch::{IteratorExt, scan};
    ///
    /// let (lines, input) = mpsc::channel::<String>();
    /// let mut lengths = input.into_iter().read_ahead().par_distribute([
    ///     scan::map(|line: &String| line.len()),
    /// ]);
    /// lines.send("one line".into())?;
    /// // The output is here, though the input is waiting for the next line.
    /// assert_eq!(lengths.next().map(|(_, length)| length), Some(8));
    /// drop(lines);
    /// assert!(lengths.next().is_none());
    /// # Ok::<(), mpsc::SendError<String>>(())
    /// ```
    fn read_ahead(self) -> ReadAhead<'static, <Self as Input>::Item>
    where
        Self: Iterator<Item = <Self as Input>::Item> + Send + 'static,
        <Self as Input>::Item: Send + Sync + 'static,
    {
        self.read_ahead_with(&Config::new())
    }

    /// [`read_ahead`](Self::read_ahead) with a thread from the configured
    /// [pool](Config::pool), with the configured name and stack. The other settings
    /// are for the run.
    ///
    /// # Panics
    ///
    /// Panics if there is no thread to be had; see
    /// [`try_read_ahead_with`](Self::try_read_ahead_with).
    fn read_ahead_with(self, config: &Config) -> ReadAhead<'static, <Self as Input>::Item>
    where
        Self: Iterator<Item = <Self as Input>::Item> + Send + 'static,
        <Self as Input>::Item: Send + Sync + 'static,
    {
        started(self.try_read_ahead_with(config))
    }

    /// [`read_ahead`](Self::read_ahead) with settings, returning the error if there is
    /// no thread to be had.
    ///
    /// # Errors
    ///
    /// As [`try_par_distribute_with`](Self::try_par_distribute_with). In a pool with a
    /// maximum the input's thread counts as one of a scan.
    #[allow(clippy::type_complexity, reason = "an alias would hide what is given back")]
    fn try_read_ahead_with(
        self,
        config: &Config,
    ) -> Result<ReadAhead<'static, <Self as Input>::Item>, StartError<Self, ()>>
    where
        Self: Iterator<Item = <Self as Input>::Item> + Send + 'static,
        <Self as Input>::Item: Send + Sync + 'static,
    {
        ReadAhead::start(InPool, config, self)
    }

    /// Gives every item to the scan of its key, which `factory` makes at the key's
    /// first item.
    ///
    /// Each key's outputs are what [`Scan::apply`] gives for the items with that
    /// key. The keys are spread over a fixed number of scan threads,
    /// [`shards`](Config::shards), so that there may be millions.
    ///
    /// | | |
    /// |---|---|
    /// | emits when | any key's scan has emitted: `(key, output)`, per key in order, across keys as they arrive |
    /// | holds back when | any shard's input is full: the input is then not pulled, outputs still flow |
    /// | completes when | the input has ended and the scans of all keys were flushed |
    /// | cancels when | the iterator is dropped; a scan, a function or the input panics; [`Control`](crate::Control) |
    ///
    /// # Shape
    ///
    /// A scan that ends is dropped, and the next item with its key goes to a fresh
    /// one from the `factory`. To discard items let the factory return an `Option`:
    /// `None` is a scan that has ended, so the item is discarded, and the factory is
    /// asked again at the next one. When the input has ended, the scans that are
    /// left are flushed: within a shard in the order in which they began.
    ///
    /// Both functions are called on the scan threads: `key` once for each item *and
    /// shard*, so let it be cheap; `factory` on the one thread that has the key.
    /// The input is pulled on the consumer's thread, as
    /// [`par_distribute`](Self::par_distribute) pulls it, which also says how much
    /// memory the items take; the scans take what they take, for as many keys as
    /// have one.
    ///
    /// # Blocking
    ///
    /// As [`par_distribute`](Self::par_distribute).
    ///
    /// # Panics
    ///
    /// Panics if the operating system refuses a thread. For panics of scans, of the
    /// functions and of the input see [`ParDemux::next`](ParDemux#method.next).
    ///
    /// # Examples
    ///
    /// ```
    /// use anabranch::{IteratorExt, scan};
    ///
    /// let purchases = [("ann", 5), ("bob", 3), ("ann", 2)];
    /// let totals = purchases.into_iter().par_demux(
    ///     |(user, _)| *user,
    ///     |_user| scan::sum_by(|(_, amount): &(&str, i32)| *amount),
    /// );
    /// let mut totals: Vec<_> = totals.collect();
    /// totals.sort();
    /// assert_eq!(totals, [("ann", 7), ("bob", 3)]);
    /// ```
    fn par_demux<K, S>(
        self,
        key: impl Fn(&Self::Item) -> K + Send + Sync + 'static,
        factory: impl Fn(&K) -> S + Send + Sync + 'static,
    ) -> ParDemux<Self, K, S::Output>
    where
        Self::Item: Send + Sync + 'static,
        K: Hash + Eq + Clone + Send + 'static,
        S: Scan<Self::Item, Output: Send + 'static> + Send + 'static,
    {
        self.par_demux_with(&Config::new(), key, factory)
    }

    /// [`par_demux`](Self::par_demux) with settings.
    ///
    /// # Panics
    ///
    /// Panics if the run cannot start; see
    /// [`try_par_demux_with`](Self::try_par_demux_with).
    fn par_demux_with<K, S>(
        self,
        config: &Config,
        key: impl Fn(&Self::Item) -> K + Send + Sync + 'static,
        factory: impl Fn(&K) -> S + Send + Sync + 'static,
    ) -> ParDemux<Self, K, S::Output>
    where
        Self::Item: Send + Sync + 'static,
        K: Hash + Eq + Clone + Send + 'static,
        S: Scan<Self::Item, Output: Send + 'static> + Send + 'static,
    {
        started(self.try_par_demux_with(config, key, factory))
    }

    /// [`par_demux`](Self::par_demux) with settings, returning the error if the
    /// run cannot start.
    ///
    /// # Errors
    ///
    /// As [`try_par_distribute_with`](Self::try_par_distribute_with); the error
    /// gives back the two functions.
    #[allow(clippy::type_complexity, reason = "an alias would hide what is given back")]
    fn try_par_demux_with<K, S, F, G>(
        self,
        config: &Config,
        key: F,
        factory: G,
    ) -> Result<ParDemux<Self, K, S::Output>, StartError<Self, (F, G)>>
    where
        Self::Item: Send + Sync + 'static,
        F: Fn(&Self::Item) -> K + Send + Sync + 'static,
        G: Fn(&K) -> S + Send + Sync + 'static,
        K: Hash + Eq + Clone + Send + 'static,
        S: Scan<Self::Item, Output: Send + 'static> + Send + 'static,
    {
        ParDemux::start(InPool, config, self, key, factory)
    }
}

/// What was started, for those who take a run that cannot start as a panic.
pub(crate) fn started<R>(result: Result<R, impl Into<StartErrorKind>>) -> R {
    match result {
        Ok(run) => run,
        Err(error) => panic!("the run could not start: {}", Chain(&error.into())),
    }
}

impl<I: Input> IteratorExt for I {}
