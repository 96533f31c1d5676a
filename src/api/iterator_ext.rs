//! The entry point of the crate: methods on every iterator.

use std::hash::Hash;

use super::demux::Demux;
use super::distribute::Distribute;
use super::fan_out::FanOut;
use super::lists::{Scans, Shared};
use super::rows::{Latest, Rows};
use super::totals::Totals;
use super::zip_latest::ZipLatest;
use crate::scan::Scan;

/// Gives every [`Iterator`] the methods of this crate: the builder, [`fan_out`](Self::fan_out),
/// and short forms of its verbs.
pub trait IteratorExt: Iterator + Sized {
    /// Returns a builder for a run over the items of this iterator; a verb starts the run.
    ///
    /// ```
    /// use anabranch::prelude::*;
    ///
    /// let lines = ["to be", "or not"].into_iter();
    /// let (count, words) = lines.fan_out().fold((
    ///     scan::count(),
    ///     scan::sum_by(|line: &&str| line.split(' ').count()),
    /// ));
    /// assert_eq!((count, words), (2, 4));
    /// ```
    fn fan_out(self) -> FanOut<Self> {
        FanOut::new(self)
    }

    /// Short for [`fan_out().distribute(scans)`](FanOut::distribute).
    ///
    /// ```
    /// use anabranch::prelude::*;
    ///
    /// let outputs = (1..=3).par_distribute([scan::sum::<i32, i32>()]);
    /// assert_eq!(outputs.map(|(_, sum)| sum).collect::<Vec<_>>(), [6]);
    /// ```
    #[track_caller]
    fn par_distribute<L, O>(self, scans: L) -> Distribute<Self, O>
    where
        Self::Item: Shared + 'static,
        L: Scans<'static, Self::Item, Output = O>,
        O: Send + 'static,
    {
        self.fan_out().distribute(scans)
    }

    /// Short for [`fan_out().fold(totals)`](FanOut::fold).
    ///
    /// ```
    /// use anabranch::prelude::*;
    ///
    /// assert_eq!((1..=3).par_fold((scan::count(), scan::max())), (3, Some(3)));
    /// ```
    #[track_caller]
    fn par_fold<L, R>(self, totals: L) -> R
    where
        Self::Item: Shared + 'static,
        L: Totals<'static, Self::Item, Results = R>,
    {
        self.fan_out().fold(totals)
    }

    /// Short for [`fan_out().zip_latest(scans)`](FanOut::zip_latest).
    ///
    /// ```
    /// use anabranch::prelude::*;
    ///
    /// let square = scan::map(|x: &i32| x * x);
    /// let rows = (1..=3).par_zip_latest((scan::cloned(), square));
    /// assert_eq!(rows.collect::<Vec<_>>(), [(1, 1), (2, 4), (3, 9)]);
    /// ```
    #[track_caller]
    fn par_zip_latest<L, R>(self, scans: L) -> ZipLatest<Self, R>
    where
        Self::Item: Shared + 'static,
        L: Rows<'static, Self::Item, Latest = R>,
        R: Latest<Output: Send + 'static>,
    {
        self.fan_out().zip_latest(scans)
    }

    /// Short for [`fan_out().demux(key, factory)`](FanOut::demux).
    ///
    /// ```
    /// use anabranch::prelude::*;
    ///
    /// let counts = (0..10).par_demux(|x| x % 2, |_| scan::count());
    /// assert_eq!(counts.map(|(_, count)| count).collect::<Vec<_>>(), [5, 5]);
    /// ```
    #[track_caller]
    fn par_demux<K, S, O>(
        self,
        key: impl Fn(&Self::Item) -> K + Send + Sync + 'static,
        factory: impl Fn(&K) -> S + Send + Sync + 'static,
    ) -> Demux<Self, K, O>
    where
        Self::Item: Shared + 'static,
        K: Hash + Eq + Clone + Send + 'static,
        S: Scan<Self::Item, Output = O> + Send + 'static,
        O: Send + 'static,
    {
        self.fan_out().demux(key, factory)
    }
}

impl<I: Iterator> IteratorExt for I {}
