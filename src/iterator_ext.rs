//! The methods that iterators gain.

use crate::config::Config;
use crate::distribute::ParDistribute;
use crate::error::{Chain, StartError};
use crate::scan::Scan;

/// Gives every [`Iterator`] the methods of this crate.
pub trait IteratorExt: Iterator + Sized {
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
    /// | cancels when | the iterator is dropped; a scan or the input panics |
    ///
    /// # Shape
    ///
    /// The input is pulled on the consumer's thread, in batches, inside `next`,
    /// and only while no output is ready. Nothing is pulled before the first
    /// `next`; with no scans, nothing ever. When every scan has ended by itself
    /// the input is not pulled again; by then fewer than
    /// `(input_capacity + 2) × batch` items were pulled beyond the last one that
    /// a scan took.
    ///
    /// Memory: at most `input_capacity + 2` batches of items per run; at most
    /// `output_capacity + 1` batches of outputs per scan, and one more at the
    /// consumer. Both kinds are at most [`batch`](Config::batch) long.
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
        match self.try_par_distribute_with(config, scans) {
            Ok(run) => run,
            Err(error) => panic!("{error}: {}", Chain(error.kind())),
        }
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
    ) -> Result<ParDistribute<Self, S::Output>, StartError<Self, S>>
    where
        Self::Item: Send + Sync + 'static,
        S: Scan<Self::Item, Output: Send + 'static> + Send + 'static,
    {
        ParDistribute::start(config, self, scans.into_iter().collect())
    }
}

impl<I: Iterator> IteratorExt for I {}
