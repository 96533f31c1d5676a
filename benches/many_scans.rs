//! `many_scans` and `many_scans_outputs`: far more scans than processors, with
//! next to nothing to do. What is measured is whether an item costs a scan the
//! same when there are a thousand of them.

use criterion::Criterion;

use crate::peers::{Anabranch, BareBatches, RayonChunks, Sequential};
use crate::support::{Case, Mix, measuring, numbers};

const WIDTHS: [usize; 4] = [8, 64, 256, 1000];

/// How many items there are where results are awaited, and where outputs are.
const ITEMS: usize = 1 << 16;
const ITEMS_WITH_OUTPUTS: usize = 1 << 15;

pub(crate) fn bench(criterion: &mut Criterion) {
    results(criterion);
    outputs(criterion);
}

/// One result per scan at the end.
fn results(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("many_scans");
    for width in WIDTHS {
        let scans = vec![Mix; width];
        let case = Case::new(width, ITEMS, numbers, &scans);
        case.fold(&mut group, &Sequential);
        case.fold(&mut group, &Anabranch);
        for setting in BareBatches::BOTH {
            case.fold(&mut group, &setting);
        }
        case.fold(&mut group, &RayonChunks);
    }
    if !measuring() {
        // That it works is all that is asked of ten thousand threads.
        let scans = vec![Mix; 10_000];
        Case::new(scans.len(), ITEMS, numbers, &scans).fold(&mut group, &Anabranch);
    }
}

/// One output per item and scan, consumed one by one.
fn outputs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("many_scans_outputs");
    for width in WIDTHS {
        let scans = vec![Mix; width];
        let case = Case::new(width, ITEMS_WITH_OUTPUTS, numbers, &scans);
        case.outputs(&mut group, &Sequential);
        case.outputs(&mut group, &Anabranch);
        for setting in BareBatches::BOTH {
            case.outputs(&mut group, &setting);
        }
        case.outputs(&mut group, &RayonChunks);
    }
}
