//! `work`: scans that have something to do for each item. What is measured is
//! from where on, and how far, threads help.

use criterion::{BenchmarkId, Criterion};

use crate::peers::{bare_batches, ours, rayon, sequential};
use crate::support::{Comparison, Spin, numbers, scaled};

/// About how many nanoseconds of work there are, and the rounds that take them on
/// the machine of the README.
const WORK: [(usize, u32); 4] = [(5, 2), (30, 20), (100, 68), (400, 275)];

/// How many nanoseconds of work a scan has in a run; and how many items there are
/// at most. Batches are many in any case: were they few, it would matter how they
/// fall out.
const PER_RUN: usize = 50_000_000;
const MOST: usize = 1 << 20;

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut comparison = Comparison::new(criterion, "work");
    for (nanoseconds, rounds) in WORK {
        for width in [1, 2, 4] {
            let scans = vec![Spin { rounds }; width];
            let parameter = format!("{nanoseconds}ns_{width}_scans");
            compare(&mut comparison, &parameter, (PER_RUN / nanoseconds).min(MOST), &scans);
        }
    }
    // One scan has ten times the work of the other.
    let skewed = [Spin { rounds: 10 * WORK[1].1 }, Spin { rounds: WORK[1].1 }];
    let items = PER_RUN / (10 * WORK[1].0);
    compare(&mut comparison, "skewed_2_scans", items, &skewed);
    compare(&mut comparison, "skewed_slow_alone", items, &skewed[..1]);
}

fn compare(comparison: &mut Comparison<'_>, parameter: &str, items: usize, scans: &[Spin]) {
    let items = scaled(items);
    let mut time = |implementation, run: &dyn Fn() -> Vec<u64>| {
        let id = BenchmarkId::new(implementation, parameter);
        let expected = || sequential::fold(numbers(items), scans);
        comparison.results(id, items * scans.len(), expected, run);
    };
    time("sequential", &|| sequential::fold(numbers(items), scans));
    time("anabranch", &|| ours::fold(numbers(items), scans));
    for setting in bare_batches::SETTINGS {
        time(setting.name, &|| bare_batches::fold(setting, numbers(items), scans));
    }
    time("rayon_chunks", &|| rayon::fold(numbers(items), scans));
}
