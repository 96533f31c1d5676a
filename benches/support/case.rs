//! One computation, for several implementations.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Throughput};

use super::consumer::{Adding, Keeping};
use super::{Step, scaled};
use crate::peers::{Folds, Outputs, Sequential};

/// A computation with its name: the items, and the scans that step over them.
///
/// Every implementation is checked before it is timed, with the same items.
pub(crate) struct Case<'a, F, S> {
    parameter: String,
    items: usize,
    source: F,
    scans: &'a [S],
}

type Group<'c> = BenchmarkGroup<'c, WallTime>;

impl<'a, T, I, F, S> Case<'a, F, S>
where
    I: ExactSizeIterator<Item = T> + Send + 'static,
    F: Fn(usize) -> I,
    S: Step<T>,
    T: Clone + Send + Sync + 'static,
{
    /// Makes a computation with about so many items, or fewer if nothing is measured.
    /// `source` makes the items, given their number.
    pub(crate) fn new(parameter: impl ToString, items: usize, source: F, scans: &'a [S]) -> Self {
        Self { parameter: parameter.to_string(), items: scaled(items), source, scans }
    }

    /// Times `peer` from the first item to the results of the scans.
    ///
    /// # Panics
    ///
    /// Panics if they differ from those of the sequential loop.
    pub(crate) fn fold<P: Folds<T>>(&self, group: &mut Group<'_>, peer: &P) {
        let results = || peer.fold(self.source(), self.scans);
        let check = || results() == Sequential.fold(self.source(), self.scans);
        self.time(group, peer.name(), check, results);
    }

    /// Times `peer` from the first item to the last output at the consumer.
    ///
    /// # Panics
    ///
    /// Panics if those of any scan differ from those of the sequential loop.
    pub(crate) fn outputs<P: Outputs<T>>(&self, group: &mut Group<'_>, peer: &P) {
        let check = || {
            peer.outputs(self.source(), self.scans, Keeping::default())
                == Sequential.outputs(self.source(), self.scans, Keeping::default())
        };
        self.time(group, peer.name(), check, || {
            peer.outputs(self.source(), self.scans, Adding::default())
        });
    }

    fn source(&self) -> I {
        (self.source)(self.items)
    }

    fn time<R>(
        &self,
        group: &mut Group<'_>,
        name: &str,
        check: impl Fn() -> bool,
        run: impl Fn() -> R,
    ) {
        let mut checked = false;
        group.throughput(Throughput::Elements((self.items * self.scans.len()) as u64));
        group.bench_function(BenchmarkId::new(name, &self.parameter), |bencher| {
            // Criterion calls this once for each round of its warm-up, too.
            if !checked {
                assert!(check(), "{name} gives another answer than the sequential loop");
                checked = true;
            }
            bencher.iter(&run);
        });
    }
}
