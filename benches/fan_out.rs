//! `fan_out`: next to nothing to do for an item, one result per scan at the end.
//! What is measured is the cost of giving an item to a scan.

use criterion::Criterion;

use crate::peers::{
    Anabranch, BareBatches, BusRing, CrossbeamItems, Disruptor, RayonChunks, Sequential, StdItems,
};
use crate::support::{Case, Mix, numbers};

/// As many items as take the fast implementations a few milliseconds.
const MANY: usize = 1 << 21;

/// As many as keep a run of those that synchronise for each item below 50 ms.
const FEW: usize = 1 << 15;

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fan_out");
    for width in [1, 2, 4, 8] {
        let scans = vec![Mix; width];

        let many = Case::new(width, MANY, numbers, &scans);
        many.fold(&mut group, &Sequential);
        many.fold(&mut group, &Anabranch);
        for setting in BareBatches::BOTH {
            many.fold(&mut group, &setting);
        }
        many.fold(&mut group, &RayonChunks);
        for setting in Disruptor::BY_BATCH {
            many.fold(&mut group, &setting);
        }

        let few = Case::new(width, FEW, numbers, &scans);
        few.fold(&mut group, &Disruptor::BY_ITEM);
        few.fold(&mut group, &BusRing);
        few.fold(&mut group, &CrossbeamItems);
        few.fold(&mut group, &StdItems);
    }
}
