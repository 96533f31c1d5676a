//! `outputs`: next to nothing to do for an item, one output per item and scan,
//! which the caller consumes one by one. What is measured is the way there and
//! back.

use criterion::Criterion;

use crate::peers::{Anabranch, BareBatches, CrossbeamItems, RayonChunks, Sequential};
use crate::support::{Case, Mix, numbers};

/// As many items as take the fast implementations a few milliseconds.
const MANY: usize = 1 << 20;

/// As many as keep a run of those that synchronise for each item below 50 ms.
const FEW: usize = 1 << 14;

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("outputs");
    for width in [1, 2, 4, 8] {
        let scans = vec![Mix; width];

        let many = Case::new(width, MANY, numbers, &scans);
        many.outputs(&mut group, &Sequential);
        many.outputs(&mut group, &Anabranch);
        for setting in BareBatches::BOTH {
            many.outputs(&mut group, &setting);
        }
        many.outputs(&mut group, &RayonChunks);

        let few = Case::new(width, FEW, numbers, &scans);
        few.outputs(&mut group, &CrossbeamItems);
    }
}
