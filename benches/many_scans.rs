//! `many_scans` and `many_scans_outputs`: far more scans than processors, with
//! next to nothing to do. What is measured is whether an item costs a scan the
//! same when there are a thousand of them.

use criterion::{BenchmarkId, Criterion};

use crate::peers::{bare_batches, ours, rayon, sequential};
use crate::support::{Comparison, Consumer, Mix, measuring, numbers, scaled};

const WIDTHS: [usize; 4] = [8, 64, 256, 1000];
const ITEMS: usize = 1 << 16;

/// The shorter batches: of the longer ones there would be too few in a run.
const SETTING: bare_batches::Setting = bare_batches::SETTINGS[0];

pub(crate) fn bench(criterion: &mut Criterion) {
    results(criterion);
    outputs(criterion);
}

/// One result per scan at the end.
fn results(criterion: &mut Criterion) {
    let mut comparison = Comparison::new(criterion, "many_scans");
    let items = scaled(ITEMS);
    for width in WIDTHS {
        let scans = &vec![Mix; width];
        let mut time = |implementation, run: &dyn Fn() -> Vec<u64>| {
            let id = BenchmarkId::new(implementation, width);
            let expected = || sequential::fold(numbers(items), scans);
            comparison.results(id, items * width, expected, run);
        };
        time("sequential", &|| sequential::fold(numbers(items), scans));
        time("anabranch", &|| ours::fold(numbers(items), scans));
        time(SETTING.name, &|| bare_batches::fold(SETTING, numbers(items), scans));
        time("rayon_chunks", &|| rayon::fold(numbers(items), scans));
    }
    if !measuring() {
        // That it works is all that is asked of ten thousand threads.
        let scans = &[Mix; 10_000];
        comparison.results(
            BenchmarkId::new("anabranch", scans.len()),
            items * scans.len(),
            || sequential::fold(numbers(items), scans),
            || ours::fold(numbers(items), scans),
        );
    }
}

/// One output per item and scan, consumed one by one.
fn outputs(criterion: &mut Criterion) {
    let mut comparison = Comparison::new(criterion, "many_scans_outputs");
    let items = scaled(ITEMS);
    for width in WIDTHS {
        let scans = &vec![Mix; width];
        let mut time = |implementation, run: &dyn Fn(&mut Consumer)| {
            comparison.outputs(
                BenchmarkId::new(implementation, width),
                items * width,
                |consumer| sequential::outputs(numbers(items), scans, consumer),
                run,
            );
        };
        time("sequential", &|consumer| sequential::outputs(numbers(items), scans, consumer));
        time("anabranch", &|consumer| ours::outputs(numbers(items), scans, consumer));
        time(SETTING.name, &|consumer| {
            bare_batches::outputs(SETTING, numbers(items), scans, consumer);
        });
        time("rayon_chunks", &|consumer| rayon::outputs(numbers(items), scans, consumer));
    }
}
