//! `many_scans` and `many_scans_outputs`: far more scans than processors, with next to no
//! work. Measures whether the cost per item and scan stays the same up to a thousand scans.

use criterion::Criterion;

use crate::peers::{Anabranch, BareBatches, RayonChunks, Sequential};
use crate::support::{Case, Mix, measuring, numbers};

const WIDTHS: [usize; 4] = [8, 64, 256, 1000];

/// The number of items, for results at the end and for outputs.
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
        // Ten thousand threads have to work, however long they take.
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
