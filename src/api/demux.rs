//! `demux`: one scan per key.

use std::fmt;
use std::hash::Hash;
use std::iter::FusedIterator;

use super::distribute::at_the_end;
use super::fan_out::FanOut;
use super::keys::{Borrowed, Keys, Owned};
use super::options::checked;
use super::shard::Shard;
use super::source::{Input, Mode, Open, Pulled, Source};
use super::until_error::Ending;
use crate::engine::{Kept, Manager, PanicOrigin};
use crate::scan::{Driven, Scan};
use crate::sync::available_parallelism;
use crate::threads::Threads;

const MAX_SHARDS: usize = 1024;

impl<I, Th> FanOut<I, Th> {
    /// Gives each item to the scan of its key, and merges the outputs of the scans, each with its
    /// key. `factory` creates the scan of a key when the first item of that key arrives.
    ///
    /// The keys are spread over a fixed number of threads, the *shards*. On a
    /// [lease](crate::Lease) there is one for each of its threads, less one for an input that is
    /// [read ahead](Self::read_ahead); otherwise one per processor, up to the maximum of the
    /// [pool](crate::Pool). [`demux_over`](Self::demux_over) sets the number. A key is an owned
    /// value: clone it from the item. All items of a key are stepped over on
    /// one thread, in input order.
    ///
    /// | it | when |
    /// |---|---|
    /// | emits | any key's scan has emitted: `(key, output)`, per key in order, across keys as they arrive |
    /// | holds back | any shard's input is full; the input is then not pulled, outputs still flow |
    /// | completes | the input has ended and the scans of all keys were flushed |
    /// | cancels | the iterator is dropped; a scan, the input or one of the two functions panics; [`Control`](crate::Control) |
    ///
    /// # Shape
    ///
    /// A scan that ends by itself is dropped; the next item of its key starts a new one. At the end
    /// of the input, the scans of a shard are flushed in the order in which they started. Each
    /// shard calls `key` for every item, so `key` should be cheap. A key is cloned for each scan that
    /// starts and for each output. Memory grows with the number of keys that have a scan.
    ///
    /// On two processors, this is as fast as a loop with a `HashMap` if keys are numbers, and 1.6 times
    /// as fast from about 50 ns of work per item on. Keys that are `String`s are allocated for each
    /// item and shard; [`demux_ref`](Self::demux_ref) allocates none, and is ahead of the loop from
    /// about 100 ns on. To count words, the loop is faster.
    ///
    /// # Blocking
    ///
    /// As [`distribute`](Self::distribute), where each shard counts as a scan.
    ///
    /// # Panics
    ///
    /// As [`distribute`](Self::distribute).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::collections::BTreeMap;
    /// use anabranch::prelude::*;
    ///
    /// let sales = [("tea", 3), ("coffee", 4), ("tea", 2)];
    /// let totals = sales.into_iter().fan_out().demux(
    ///     |(drink, _)| *drink,
    ///     |_| scan::sum_by(|(_, cups): &(&str, u32)| *cups),
    /// );
    /// let totals: BTreeMap<_, _> = totals.collect();
    /// assert_eq!(totals, BTreeMap::from([("tea", 5), ("coffee", 4)]));
    /// ```
    ///
    /// A factory that rejects some keys, with scans that end and restart:
    ///
    /// ```
    /// use anabranch::prelude::*;
    ///
    /// // The odd numbers in pairs, by their last digit.
    /// let pairs = (0..40).fan_out().demux(
    ///     |x| x % 10,
    ///     |digit| (digit % 2 == 1).then(|| scan::take(2).then(scan::collect::<_, Vec<i32>>())),
    /// );
    /// let pairs: Vec<_> = pairs.filter(|(digit, _)| *digit == 3).collect();
    /// assert_eq!(pairs, [(3, vec![3, 13]), (3, vec![23, 33])]);
    /// ```
    #[track_caller]
    pub fn demux<'a, K, S, O>(
        self,
        key: impl Fn(&<I as Source>::Item) -> K + Send + Sync + 'a,
        factory: impl Fn(&K) -> S + Send + Sync + 'a,
    ) -> Demux<I, K, O>
    where
        I: Input<'a>,
        Th: Threads<'a>,
        K: Hash + Eq + Clone + Send + 'a,
        S: Scan<<I as Source>::Item, Output = O> + Send + 'a,
        O: Send + 'a,
    {
        let shards = self.shards();
        self.demux_over(shards, key, factory)
    }

    /// Does the same as [`demux`](Self::demux) with the given number of shards, 1 to 1024.
    ///
    /// # Panics
    ///
    /// As [`distribute`](Self::distribute), and if the number of shards is out of range.
    ///
    /// # Examples
    ///
    /// ```
    /// use anabranch::prelude::*;
    ///
    /// let evens = (0..10).fan_out().demux_over(2, |x| x % 2, |_| scan::count());
    /// assert_eq!(evens.map(|(_, count)| count).collect::<Vec<_>>(), [5, 5]);
    /// ```
    #[track_caller]
    pub fn demux_over<'a, K, S, O>(
        self,
        shards: usize,
        key: impl Fn(&<I as Source>::Item) -> K + Send + Sync + 'a,
        factory: impl Fn(&K) -> S + Send + Sync + 'a,
    ) -> Demux<I, K, O>
    where
        I: Input<'a>,
        Th: Threads<'a>,
        K: Hash + Eq + Clone + Send + 'a,
        S: Scan<<I as Source>::Item, Output = O> + Send + 'a,
        O: Send + 'a,
    {
        self.start_demux(shards, Owned(key), factory)
    }

    /// Does the same as [`demux`](Self::demux) with keys that are borrowed from their items: for
    /// words of a line, or a field of a record. The key of an item whose scan exists is not
    /// allocated.
    ///
    /// # Shape
    ///
    /// As [`demux`](Self::demux). The key comes as an owned value with each output, made by
    /// `to_owned`. A closure that returns a reference is written where it is passed; `let` gives it
    /// the wrong lifetimes.
    ///
    /// # Blocking
    ///
    /// As [`distribute`](Self::distribute), where each shard counts as a scan.
    ///
    /// # Panics
    ///
    /// As [`distribute`](Self::distribute).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::collections::BTreeMap;
    /// use anabranch::prelude::*;
    ///
    /// let lines = ["anna 7", "bert 4", "anna 2"].map(String::from).into_iter();
    /// let counts = lines.fan_out().demux_ref(
    ///     |line| line.split(' ').next().unwrap_or(""),
    ///     |_: &str| scan::count(),
    /// );
    /// let counts: BTreeMap<String, usize> = counts.collect();
    /// assert_eq!(counts, BTreeMap::from([("anna".to_owned(), 2), ("bert".to_owned(), 1)]));
    /// ```
    #[track_caller]
    pub fn demux_ref<'a, Q, S, O>(
        self,
        key: impl Fn(&<I as Source>::Item) -> &Q + Send + Sync + 'a,
        factory: impl Fn(&Q) -> S + Send + Sync + 'a,
    ) -> Demux<I, Q::Owned, O>
    where
        I: Input<'a>,
        Th: Threads<'a>,
        Q: ToOwned<Owned: Hash + Eq + Send + 'a> + Hash + Eq + ?Sized + 'a,
        S: Scan<<I as Source>::Item, Output = O> + Send + 'a,
        O: Send + 'a,
    {
        let shards = self.shards();
        self.demux_ref_over(shards, key, factory)
    }

    /// Does the same as [`demux_ref`](Self::demux_ref) with the given number of shards, 1 to 1024.
    ///
    /// # Panics
    ///
    /// As [`distribute`](Self::distribute), and if the number of shards is out of range.
    ///
    /// # Examples
    ///
    /// ```
    /// use anabranch::prelude::*;
    ///
    /// let words = ["tea", "coffee", "tea"].map(String::from).into_iter();
    /// let counts = words.fan_out().demux_ref_over(2, String::as_str, |_: &str| scan::count());
    /// assert_eq!(counts.map(|(word, count)| word.len() * count).sum::<usize>(), 12);
    /// ```
    #[track_caller]
    pub fn demux_ref_over<'a, Q, S, O>(
        self,
        shards: usize,
        key: impl Fn(&<I as Source>::Item) -> &Q + Send + Sync + 'a,
        factory: impl Fn(&Q) -> S + Send + Sync + 'a,
    ) -> Demux<I, Q::Owned, O>
    where
        I: Input<'a>,
        Th: Threads<'a>,
        Q: ToOwned<Owned: Hash + Eq + Send + 'a> + Hash + Eq + ?Sized + 'a,
        S: Scan<<I as Source>::Item, Output = O> + Send + 'a,
        O: Send + 'a,
    {
        self.start_demux(shards, Borrowed(key), factory)
    }

    /// Returns how many shards there are if nothing is said.
    fn shards<'a>(&self) -> usize
    where
        I: Open,
        Th: Threads<'a>,
    {
        let for_input = usize::from(<I::Mode as Mode>::READS_AHEAD);
        let pool = self.threads.pool();
        let shards = match pool.lease_size() {
            Some(threads) => threads.saturating_sub(for_input),
            None => {
                let most = pool.max_threads().map_or(MAX_SHARDS, |max| max - for_input.min(max));
                available_parallelism().min(most)
            }
        };
        shards.clamp(1, MAX_SHARDS)
    }

    #[track_caller]
    fn start_demux<'a, K, G, S>(
        self,
        shards: usize,
        keys: K,
        factory: G,
    ) -> Demux<I, K::Key, S::Output>
    where
        I: Input<'a>,
        Th: Threads<'a>,
        K: Keys<<I as Source>::Item, Key: Send + 'a> + Send + Sync + 'a,
        G: Fn(&K::As) -> S + Send + Sync + 'a,
        S: Scan<<I as Source>::Item, Output: Send + 'a> + Send + 'a,
    {
        let shards = Shard::split(checked("shards", shards, MAX_SHARDS), keys, factory);
        let shards = shards.into_iter().map(Driven).collect();
        let (manager, ending) = self.start(shards, Kept::Every);
        Demux { manager, ending }
    }
}

/// An iterator over the outputs of one scan per key, returned by [`FanOut::demux`].
#[must_use = "a run is driven by its consumer: without calls of `next` it stands still"]
pub struct Demux<I: Source, K, O> {
    manager: Manager<Pulled<I>, (K, O)>,
    ending: I::Ending,
}

impl<I: Source, K, O> Demux<I, K, O> {
    /// Returns the origin of the panic that ended the run, if there was one. The number of a scan
    /// is that of its key's shard.
    #[must_use]
    pub fn panicked(&self) -> Option<PanicOrigin> {
        self.manager.panicked().copied()
    }
}

impl<I: Source, K, O> Iterator for Demux<I, K, O> {
    type Item = I::Yield<(K, O)>;

    /// Returns the next output of any key's scan, with the key.
    ///
    /// # Blocking
    ///
    /// Blocks while no output is ready: inside the input's `next`, or until a shard emits or
    /// exits.
    ///
    /// # Panics
    ///
    /// Resumes a panic of a scan, of one of the two functions, of the input, or of the drop of an
    /// item, with the original payload, once all shards have exited and everything that was emitted
    /// has been delivered.
    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self.manager.next() {
            Some((_, output)) => Some(I::yields(output)),
            None => at_the_end::<I, _>(self.panicked(), &mut self.ending),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.manager.size_hint()
    }
}

impl<I: Source, K, O> FusedIterator for Demux<I, K, O> {}

impl<I: Source, K, O> Drop for Demux<I, K, O> {
    fn drop(&mut self) {
        self.ending.discard();
    }
}

impl<I: Source, K, O> fmt::Debug for Demux<I, K, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Demux").field("manager", &self.manager).finish_non_exhaustive()
    }
}
