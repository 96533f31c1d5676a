//! Inputs that are pulled on the consumer's thread, and ones that are read ahead: for checks
//! that hold for both.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::hash::Hash;

use anabranch::scan::Scan;
use anabranch::{
    Adder, Demux, Distribute, IteratorExt as _, Latest, Ordered, PanicOrigin, Rows, ScanId, Scans,
    Source, Totals, ZipLatest,
};

use crate::support::config::{Config, With as _};

/// An input, and where it is pulled. Each verb starts a run over it.
pub(crate) trait Input: Sized {
    type Item: Send + Sync + 'static;

    fn distribute<O: Send + 'static>(
        self,
        config: &Config,
        scans: impl Scans<'static, Self::Item, Output = O>,
    ) -> impl Iterator<Item = (ScanId, O)> + Adds<Self::Item, O> + Panicked + 'static;

    fn ordered<O: Send + 'static>(
        self,
        config: &Config,
        scans: impl Scans<'static, Self::Item, Output = O>,
    ) -> impl Iterator<Item = (ScanId, O)> + Panicked + 'static;

    fn zip_latest<R: Latest<Output: Send + 'static> + 'static>(
        self,
        config: &Config,
        scans: impl Rows<'static, Self::Item, Latest = R>,
    ) -> impl Iterator<Item = R::Row> + Panicked + 'static;

    fn demux<K, S, O>(
        self,
        config: &Config,
        key: impl Fn(&Self::Item) -> K + Send + Sync + 'static,
        factory: impl Fn(&K) -> S + Send + Sync + 'static,
    ) -> impl Iterator<Item = (K, O)> + Panicked + 'static
    where
        K: Hash + Eq + Clone + Send + 'static,
        S: Scan<Self::Item, Output = O> + Send + 'static,
        O: Send + 'static;

    fn fold<R>(self, config: &Config, totals: impl Totals<'static, Self::Item, Results = R>) -> R;
}

/// An input that is pulled on the consumer's thread.
pub(crate) struct Pulled<I>(pub(crate) I);

/// An input that is read ahead.
pub(crate) struct Ahead<I>(pub(crate) I);

macro_rules! inputs {
    ($($input:ident: |$run:ident| $source:expr;)+) => {$(
        impl<I> Input for $input<I>
        where
            I: Iterator<Item: Send + Sync + 'static> + Send + 'static,
        {
            type Item = I::Item;

            fn distribute<O: Send + 'static>(
                self,
                config: &Config,
                scans: impl Scans<'static, I::Item, Output = O>,
            ) -> impl Iterator<Item = (ScanId, O)> + Adds<I::Item, O> + Panicked + 'static {
                let $run = self.0.fan_out();
                $source.with(config).distribute(scans)
            }

            fn ordered<O: Send + 'static>(
                self,
                config: &Config,
                scans: impl Scans<'static, I::Item, Output = O>,
            ) -> impl Iterator<Item = (ScanId, O)> + Panicked + 'static {
                let $run = self.0.fan_out();
                $source.with(config).ordered(scans)
            }

            fn zip_latest<R: Latest<Output: Send + 'static> + 'static>(
                self,
                config: &Config,
                scans: impl Rows<'static, I::Item, Latest = R>,
            ) -> impl Iterator<Item = R::Row> + Panicked + 'static {
                let $run = self.0.fan_out();
                $source.with(config).zip_latest(scans)
            }

            fn demux<K, S, O>(
                self,
                config: &Config,
                key: impl Fn(&I::Item) -> K + Send + Sync + 'static,
                factory: impl Fn(&K) -> S + Send + Sync + 'static,
            ) -> impl Iterator<Item = (K, O)> + Panicked + 'static
            where
                K: Hash + Eq + Clone + Send + 'static,
                S: Scan<I::Item, Output = O> + Send + 'static,
                O: Send + 'static,
            {
                let $run = self.0.fan_out();
                $source.with(config).demux(key, factory)
            }

            fn fold<R>(
                self,
                config: &Config,
                totals: impl Totals<'static, I::Item, Results = R>,
            ) -> R {
                let $run = self.0.fan_out();
                $source.with(config).fold(totals)
            }
        }
    )+};
}

inputs! {
    Pulled: |run| run;
    Ahead: |run| run.read_ahead();
}

/// A run that knows where its panic came from.
pub(crate) trait Panicked {
    fn panicked(&self) -> Option<PanicOrigin>;
}

macro_rules! panicked {
    ($([$($generics:tt)*] $run:ty;)+) => {$(
        impl<$($generics)*> Panicked for $run {
            fn panicked(&self) -> Option<PanicOrigin> {
                <$run>::panicked(self)
            }
        }
    )+};
}

panicked! {
    [I: Source, O] Distribute<I, O>;
    [I: Source, O] Ordered<I, O>;
    [I: Source, L: Latest] ZipLatest<I, L>;
    [I: Source, K, O] Demux<I, K, O>;
}

/// A run that scans can be added to.
pub(crate) trait Adds<T, O> {
    fn adder(&mut self) -> Adder<T, O>;
}

impl<I: Source, O> Adds<<I as Source>::Item, O> for Distribute<I, O> {
    fn adder(&mut self) -> Adder<<I as Source>::Item, O> {
        Distribute::adder(self)
    }
}
