//! `work`: scans with some work for each item. Measures from how much work on threads
//! help, and how far.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};

use crate::peers::{Anabranch, BareBatches, RayonChunks, Sequential};
use crate::support::{Case, Spin, numbers};

/// Nanoseconds of work per item and scan, about, and the rounds that take so long on the
/// machine of `README.md`. On another machine, the sequential loop shows what they take.
const WORK: [(usize, u32); 4] = [(5, 2), (30, 20), (100, 68), (400, 275)];

/// Nanoseconds of work that a scan has in a run, and the largest number of items. With few
/// batches it would matter how they divide.
const PER_RUN: usize = 30_000_000;
const MOST: usize = 1 << 20;

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("work");
    for (nanoseconds, rounds) in WORK {
        for width in [1, 2, 4] {
            let name = format!("{nanoseconds}_ns_{width}_scans");
            compare(&mut group, &name, PER_RUN / nanoseconds, &vec![Spin { rounds }; width]);
        }
    }
    // One scan has ten times the work of the other. Then that one alone.
    let (nanoseconds, rounds) = WORK[1];
    let skewed = [Spin { rounds: 10 * rounds }, Spin { rounds }];
    let items = PER_RUN / (10 * nanoseconds);
    compare(&mut group, "skewed_2_scans", items, &skewed);
    compare(&mut group, "skewed_slow_scan_alone", items, &skewed[..1]);
}

fn compare(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, items: usize, scans: &[Spin]) {
    let case = Case::new(name, items.min(MOST), numbers, scans);
    case.fold(group, &Sequential);
    case.fold(group, &Anabranch);
    for setting in BareBatches::BOTH {
        case.fold(group, &setting);
    }
    case.fold(group, &RayonChunks);
}
