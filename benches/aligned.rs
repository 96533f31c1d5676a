//! `aligned`: outputs in item order, as a sequence and as tuples, with something to
//! do for each item. What is measured is what the order costs.

use criterion::Criterion;

use crate::peers::{Anabranch, AnabranchOrdered, AnabranchTee, Sequential};
use crate::support::{Case, Spin, numbers};

/// About how many nanoseconds of work an item is for a scan, and the rounds that
/// take so long; see `work`.
const WORK: [(usize, u32); 3] = [(5, 2), (30, 20), (100, 68)];

/// How many nanoseconds of work a scan has in a run.
const PER_RUN: usize = 20_000_000;

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("aligned");
    for (nanoseconds, rounds) in WORK {
        for width in [2, 4] {
            let scans = vec![Spin { rounds }; width];
            let name = format!("{nanoseconds}_ns_{width}_scans");
            let case = Case::new(name, (PER_RUN / nanoseconds).min(1 << 20), numbers, &scans);
            case.outputs(&mut group, &Sequential);
            case.outputs(&mut group, &Anabranch);
            case.outputs(&mut group, &AnabranchOrdered);
            case.outputs(&mut group, &AnabranchTee);
        }
    }
}
