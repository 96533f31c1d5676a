//! `start_stop`: a run of two scans over ten items, from its start to its end.
//! What is measured is what a run costs before it does anything.

use std::sync::Arc;
use std::thread;

use criterion::{BenchmarkId, Criterion};

use crate::peers::{bare_batches, ours, rayon, sequential};
use crate::support::{Comparison, Mix, Step, numbers, seed};

const ITEMS: usize = 10;
const SCANS: [Mix; 2] = [Mix; 2];

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut comparison = Comparison::new(criterion, "start_stop");
    let mut time = |implementation, run: &dyn Fn() -> Vec<u64>| {
        let id = BenchmarkId::new(implementation, "2_scans_10_items");
        comparison.results(id, 1, || sequential::fold(numbers(ITEMS), &SCANS), run);
    };
    time("sequential", &|| sequential::fold(numbers(ITEMS), &SCANS));
    time("anabranch", &|| ours::fold(numbers(ITEMS), &SCANS));
    for setting in bare_batches::SETTINGS {
        time(setting.name, &|| bare_batches::fold(setting, numbers(ITEMS), &SCANS));
    }
    time("rayon_chunks", &|| rayon::fold(numbers(ITEMS), &SCANS));
    time("spawn_join", &spawn_join);
    time("thread_scope", &thread_scope);
}

/// The items are collected, and every scan goes through them on a new thread.
fn spawn_join() -> Vec<u64> {
    let items: Arc<[u64]> = numbers(ITEMS).collect();
    let threads: Vec<_> = SCANS
        .into_iter()
        .enumerate()
        .map(|(index, scan)| {
            let items = Arc::clone(&items);
            thread::spawn(move || go_through(&items, index, scan))
        })
        .collect();
    threads.into_iter().map(|thread| thread.join().expect("it does not panic")).collect()
}

/// The same with threads that borrow the items.
fn thread_scope() -> Vec<u64> {
    let items: Vec<u64> = numbers(ITEMS).collect();
    thread::scope(|scope| {
        let threads: Vec<_> = SCANS
            .into_iter()
            .enumerate()
            .map(|(index, scan)| {
                scope.spawn({
                    let items = &items;
                    move || go_through(items, index, scan)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("it does not panic")).collect()
    })
}

fn go_through(items: &[u64], index: usize, scan: Mix) -> u64 {
    items.iter().fold(seed(index), |state, item| scan.step(state, item))
}
