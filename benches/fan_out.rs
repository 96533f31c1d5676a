//! `fan_out`: next to nothing to do for an item, one result per scan at the end.
//! What is measured is the cost of giving an item to a scan.

use criterion::{BenchmarkId, Criterion};

use crate::peers::channels::{Crossbeam, Std};
use crate::peers::{bare_batches, bus, channels, disruptor, ours, rayon, sequential};
use crate::support::{Comparison, Mix, numbers, scaled};

/// As many items as take the fast implementations a few milliseconds.
const MANY: usize = 1 << 21;

/// As many as keep a run of those that synchronise for each item below 50 ms.
const FEW: usize = 1 << 15;

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut comparison = Comparison::new(criterion, "fan_out");
    for width in [1, 2, 4, 8] {
        let scans = &vec![Mix; width];
        let mut time = |implementation, items, run: &dyn Fn(usize) -> Vec<u64>| {
            let items = scaled(items);
            let id = BenchmarkId::new(implementation, width);
            let expected = || sequential::fold(numbers(items), scans);
            comparison.results(id, items * width, expected, || run(items));
        };
        time("sequential", MANY, &|items| sequential::fold(numbers(items), scans));
        time("anabranch", MANY, &|items| ours::fold(numbers(items), scans));
        for setting in bare_batches::SETTINGS {
            time(setting.name, MANY, &|items| bare_batches::fold(setting, numbers(items), scans));
        }
        time("rayon_chunks", MANY, &|items| rayon::fold(numbers(items), scans));
        for setting in disruptor::SETTINGS {
            let items = if setting.batch == 1 { FEW } else { MANY };
            time(setting.name, items, &|items| disruptor::fold(setting, numbers(items), scans));
        }
        time("bus", FEW, &|items| bus::fold(numbers(items), scans));
        time("crossbeam_items", FEW, &|items| {
            channels::fold::<Crossbeam, _, _>(numbers(items), scans)
        });
        time("std_items", FEW, &|items| channels::fold::<Std, _, _>(numbers(items), scans));
    }
}
