//! `outputs`: next to nothing to do for an item, one output per item and scan,
//! which the caller consumes one by one. What is measured is the way there and
//! back.

use criterion::{BenchmarkId, Criterion};

use crate::peers::channels::Crossbeam;
use crate::peers::{bare_batches, channels, ours, rayon, sequential};
use crate::support::{Comparison, Consumer, Mix, numbers, scaled};

/// As many items as take the fast implementations a few milliseconds.
const MANY: usize = 1 << 20;

/// As many as keep a run of those that synchronise for each item below 50 ms.
const FEW: usize = 1 << 14;

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut comparison = Comparison::new(criterion, "outputs");
    for width in [1, 2, 4, 8] {
        let scans = &vec![Mix; width];
        let mut time = |implementation, items, run: &dyn Fn(usize, &mut Consumer)| {
            let items = scaled(items);
            let id = BenchmarkId::new(implementation, width);
            comparison.outputs(
                id,
                items * width,
                |consumer| sequential::outputs(numbers(items), scans, consumer),
                |consumer| run(items, consumer),
            );
        };
        time("sequential", MANY, &|items, consumer| {
            sequential::outputs(numbers(items), scans, consumer);
        });
        time("anabranch", MANY, &|items, consumer| {
            ours::outputs(numbers(items), scans, consumer);
        });
        for setting in bare_batches::SETTINGS {
            time(setting.name, MANY, &|items, consumer| {
                bare_batches::outputs(setting, numbers(items), scans, consumer);
            });
        }
        time("rayon_chunks", MANY, &|items, consumer| {
            rayon::outputs(numbers(items), scans, consumer);
        });
        time("crossbeam_items", FEW, &|items, consumer| {
            channels::outputs::<Crossbeam, _, _>(numbers(items), scans, consumer);
        });
    }
}
