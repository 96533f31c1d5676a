//! `start_stop`: a run of two scans over ten items, from start to end. The threads are warm,
//! or started for the run. Measures the fixed cost of a run.

use std::sync::Arc;
use std::thread;

use criterion::Criterion;

use crate::peers::{Anabranch, BareBatches, Folds, Peer, RayonChunks, Sequential};
use crate::support::{Case, Mix, Step, numbers, seed};

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("start_stop");
    let case = Case::new("2_scans_10_items", 10, numbers, &[Mix; 2]);
    case.fold(&mut group, &Sequential);
    case.fold(&mut group, &Anabranch);
    for setting in BareBatches::BOTH {
        case.fold(&mut group, &setting);
    }
    case.fold(&mut group, &RayonChunks);
    case.fold(&mut group, &SpawnJoin);
    case.fold(&mut group, &ThreadScope);
}

/// Collects the items; every scan steps over them on a new thread.
struct SpawnJoin;

impl Peer for SpawnJoin {
    fn name(&self) -> &'static str {
        "spawn_join"
    }
}

impl<T: Send + Sync + 'static> Folds<T> for SpawnJoin {
    fn fold<S: Step<T>>(&self, source: impl Iterator<Item = T>, scans: &[S]) -> Vec<u64> {
        let items: Arc<[T]> = source.collect();
        let mut threads = Vec::new();
        for (index, &scan) in scans.iter().enumerate() {
            let items = Arc::clone(&items);
            threads.push(thread::spawn(move || go_through(&items, index, scan)));
        }
        threads.into_iter().map(|thread| thread.join().expect("no scan panics")).collect()
    }
}

/// The same, with threads that borrow the items.
struct ThreadScope;

impl Peer for ThreadScope {
    fn name(&self) -> &'static str {
        "thread_scope"
    }
}

impl<T: Send + Sync> Folds<T> for ThreadScope {
    fn fold<S: Step<T>>(&self, source: impl Iterator<Item = T>, scans: &[S]) -> Vec<u64> {
        let items: &Vec<T> = &source.collect();
        thread::scope(|scope| {
            let mut threads = Vec::new();
            for (index, &scan) in scans.iter().enumerate() {
                threads.push(scope.spawn(move || go_through(items, index, scan)));
            }
            threads.into_iter().map(|thread| thread.join().expect("no scan panics")).collect()
        })
    }
}

fn go_through<T, S: Step<T>>(items: &[T], index: usize, scan: S) -> u64 {
    items.iter().fold(seed(index), |state, item| scan.step(state, item))
}
