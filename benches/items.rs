//! `items`: items that are not numbers: owned text, a big array, shared text. Measures
//! what it costs to make, share and drop them.

use std::sync::Arc;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};

use crate::peers::{Anabranch, BareBatches, CrossbeamItems, Sequential};
use crate::support::{Case, Glance, Step};

/// Items that take the fast implementations a few milliseconds.
const MANY: usize = 1 << 17;

/// Items that take those which synchronise for each item less than 50 ms.
const FEW: usize = 1 << 14;

/// The number of different items. A source clones one after the other.
const DIFFERENT: usize = 1 << 10;

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("items");
    let text = |index: usize| format!("item number {index:08}");
    compare(&mut group, "string", text);
    compare(&mut group, "array_256", |index| [index as u8; 256]);
    compare::<Arc<str>>(&mut group, "arc_str", |index| text(index).into());
}

fn compare<T>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, make: impl Fn(usize) -> T)
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
        let scans = vec![Glance; width];
        let name = format!("{name}_{width}_scans");

        let many = Case::new(&name, MANY, source, &scans);
        many.fold(group, &Sequential);
        many.fold(group, &Anabranch);
        for setting in BareBatches::BOTH {
            many.fold(group, &setting);
        }

        let few = Case::new(&name, FEW, source, &scans);
        few.fold(group, &CrossbeamItems);
    }
}
