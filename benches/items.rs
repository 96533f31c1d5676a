//! `items`: items that are not a number: owned text, a big array, shared text.
//! What is measured is what it costs to make, share and drop them on the way.

use std::sync::Arc;

use criterion::{BenchmarkId, Criterion};

use crate::peers::channels::Crossbeam;
use crate::peers::{bare_batches, channels, ours, sequential};
use crate::support::{Comparison, Glance, Step, scaled};

/// As many items as take the fast implementations a few milliseconds.
const MANY: usize = 1 << 17;

/// As many as keep a run of those that synchronise for each item below 50 ms.
const FEW: usize = 1 << 14;

/// How many different items there are; a source clones one after the other.
const DIFFERENT: usize = 1 << 10;

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut comparison = Comparison::new(criterion, "items");
    let text = |index: usize| format!("item number {index:08}");
    compare(&mut comparison, "string", text);
    compare(&mut comparison, "array_256", |index| [index as u8; 256]);
    compare::<Arc<str>>(&mut comparison, "arc_str", |index| text(index).into());
}

fn compare<T>(comparison: &mut Comparison<'_>, name: &str, make: impl Fn(usize) -> T)
where
    T: Clone + Send + Sync + 'static,
    Glance: Step<T>,
{
    let different: Arc<[T]> = (0..DIFFERENT).map(make).collect();
    let source = |items| {
        let different = Arc::clone(&different);
        (0..items).map(move |index| different[index % DIFFERENT].clone())
    };
    for width in [2, 4] {
        let scans = &vec![Glance; width];
        let mut time = |implementation, items, run: &dyn Fn(usize) -> Vec<u64>| {
            let items = scaled(items);
            let id = BenchmarkId::new(implementation, format!("{name}_{width}_scans"));
            let expected = || sequential::fold(source(items), scans);
            comparison.results(id, items * width, expected, || run(items));
        };
        time("sequential", MANY, &|items| sequential::fold(source(items), scans));
        time("anabranch", MANY, &|items| ours::fold(source(items), scans));
        for setting in bare_batches::SETTINGS {
            time(setting.name, MANY, &|items| bare_batches::fold(setting, source(items), scans));
        }
        time("crossbeam_items", FEW, &|items| {
            channels::fold::<Crossbeam, _, _>(source(items), scans)
        });
    }
}
