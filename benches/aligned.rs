//! `aligned`: outputs in item order, as a sequence and as rows, with some work for
//! each item. Measures what the order costs.

use criterion::Criterion;

use crate::peers::{Anabranch, AnabranchOrdered, AnabranchZipLatest, Sequential};
use crate::support::{Case, Spin, numbers};

/// Nanoseconds of work per item and scan, about, and the rounds that take so long;
/// see `work`.
const WORK: [(usize, u32); 3] = [(5, 2), (30, 20), (100, 68)];

/// Nanoseconds of work that a scan has in a run.
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
            case.outputs(&mut group, &AnabranchZipLatest);
        }
    }
}
