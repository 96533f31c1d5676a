//! `fan_out`: next to no work for an item, one result per scan at the end. Measures the
//! cost of giving an item to a scan.

use criterion::Criterion;

use crate::peers::{
    Anabranch, BareBatches, BusRing, CrossbeamItems, Disruptor, RayonChunks, Sequential, StdItems,
};
use crate::support::{Case, Mix, numbers};

/// Items that take the fast implementations a few milliseconds.
const MANY: usize = 1 << 21;

/// Items that take those which synchronise for each item less than 50 ms.
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
