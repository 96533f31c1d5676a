//! `outputs`: next to no work for an item, one output per item and scan, consumed one by
//! one. Measures the way there and back.

use criterion::Criterion;

use crate::peers::{Anabranch, BareBatches, CrossbeamItems, RayonChunks, Sequential};
use crate::support::{Case, Mix, numbers};

/// Items that take the fast implementations a few milliseconds.
const MANY: usize = 1 << 20;

/// Items that take those which synchronise for each item less than 50 ms.
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
