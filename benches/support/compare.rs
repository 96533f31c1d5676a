//! Several implementations of one computation, side by side.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};

use super::Consumer;

/// A group of criterion, `group/implementation/parameter`, in which every
/// implementation is checked before it is timed.
pub(crate) struct Comparison<'c> {
    group: BenchmarkGroup<'c, WallTime>,
}

impl<'c> Comparison<'c> {
    /// Begins the group `name`.
    pub(crate) fn new(criterion: &'c mut Criterion, name: &str) -> Self {
        Self { group: criterion.benchmark_group(name) }
    }

    /// Times `run`, which goes through `elements` elements and returns the
    /// results of the scans.
    ///
    /// # Panics
    ///
    /// Panics if they are not those that `expected` returns.
    pub(crate) fn results(
        &mut self,
        id: BenchmarkId,
        elements: usize,
        expected: impl Fn() -> Vec<u64>,
        run: impl Fn() -> Vec<u64>,
    ) {
        self.time(id, elements, || run() == expected(), &run);
    }

    /// Times `run`, which gives a consumer `elements` outputs of the scans.
    ///
    /// # Panics
    ///
    /// Panics if they are not, scan by scan, those that `expected` gives.
    pub(crate) fn outputs(
        &mut self,
        id: BenchmarkId,
        elements: usize,
        expected: impl Fn(&mut Consumer),
        run: impl Fn(&mut Consumer),
    ) {
        let all_of = |run: &dyn Fn(&mut Consumer)| {
            let mut consumer = Consumer::keeping();
            run(&mut consumer);
            consumer
        };
        let check = || all_of(&run) == all_of(&expected);
        self.time(id, elements, check, || {
            let mut consumer = Consumer::adding();
            run(&mut consumer);
            consumer
        });
    }

    /// Times `run`, once `check` has said, outside the timed part, that it gives
    /// the right answer.
    fn time<R>(
        &mut self,
        id: BenchmarkId,
        elements: usize,
        check: impl Fn() -> bool,
        run: impl Fn() -> R,
    ) {
        let mut checked = false;
        self.group.throughput(Throughput::Elements(elements as u64));
        self.group.bench_function(id, |bencher| {
            // Criterion comes here once for each round of its warm-up.
            if !checked {
                assert!(check(), "the answer differs from that of the sequential loop");
                checked = true;
            }
            bencher.iter(&run);
        });
    }
}
