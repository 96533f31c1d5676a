//! `branches_join` and `branches_merge`: next to no work for an item, as closures over an iterator,
//! beside the scans of the same work and beside the wiring that people write by hand. Measures what
//! an iterator costs over a step, and what the crate saves over channels.

use std::sync::Arc;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};

use crate::peers::{
    Anabranch, BareBatches, Branches, BranchesCloned, BranchesSlices, ClonedBatches,
    CrossbeamItems, Sequential, StdItems,
};
use crate::support::{Case, Step, Sum, numbers};

/// Items that take the fast implementations a few milliseconds.
const NUMBERS: usize = 1 << 20;
const LINES: usize = 1 << 17;

/// Items that take those which synchronise for each item less than 50 ms.
const FEW: usize = 1 << 14;

/// The number of different lines. A source clones one after the other.
const DIFFERENT: usize = 1 << 10;

type Group<'c> = BenchmarkGroup<'c, WallTime>;

pub(crate) fn bench(criterion: &mut Criterion) {
    let different: Arc<[String]> =
        (0..DIFFERENT).map(|index| format!("line number {index:08}")).collect();
    let lines = |items| {
        let different = Arc::clone(&different);
        (0..items).map(move |index| different[index % DIFFERENT].clone())
    };
    let mut group = criterion.benchmark_group("branches_join");
    join(&mut group, "u64", NUMBERS, numbers);
    join(&mut group, "text", LINES, lines);
    drop(group);
    let mut group = criterion.benchmark_group("branches_merge");
    merge(&mut group, "u64", NUMBERS, numbers);
    merge(&mut group, "text", LINES, lines);
}

/// One sum for each branch.
fn join<T, I>(group: &mut Group<'_>, name: &str, items: usize, source: impl Fn(usize) -> I)
where
    T: Clone + Send + Sync + 'static,
    I: ExactSizeIterator<Item = T> + Send + 'static,
    Sum: Step<T>,
{
    each_width(name, |name, scans| {
        let many = Case::new(name, items, &source, scans);
        many.fold(group, &Sequential);
        many.fold(group, &Anabranch);
        many.fold(group, &Branches);
        many.fold(group, &BranchesCloned);
        many.fold(group, &BranchesSlices);
        many.fold(group, &ClonedBatches::ONE);
        for setting in BareBatches::BOTH {
            many.fold(group, &setting);
        }

        let few = Case::new(name, FEW, &source, scans);
        few.fold(group, &CrossbeamItems);
        few.fold(group, &StdItems);
    });
}

/// One output for each item and branch.
fn merge<T, I>(group: &mut Group<'_>, name: &str, items: usize, source: impl Fn(usize) -> I)
where
    T: Clone + Send + Sync + 'static,
    I: ExactSizeIterator<Item = T> + Send + 'static,
    Sum: Step<T>,
{
    each_width(name, |name, scans| {
        let many = Case::new(name, items, &source, scans);
        many.outputs(group, &Sequential);
        many.outputs(group, &Anabranch);
        many.outputs(group, &Branches);
        many.outputs(group, &BranchesCloned);
        many.outputs(group, &ClonedBatches::ONE);
        for setting in BareBatches::BOTH {
            many.outputs(group, &setting);
        }

        let few = Case::new(name, FEW, &source, scans);
        few.outputs(group, &CrossbeamItems);
    });
}

fn each_width(name: &str, mut bench: impl FnMut(&str, &[Sum])) {
    for width in [1, 2, 4] {
        bench(&format!("{name}_{width}"), &vec![Sum; width]);
    }
}
