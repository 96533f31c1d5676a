//! Wide runs, beyond what can be explored exhaustively: 4, 16 and 64 scans of all
//! kinds, under schedules at random.
#![cfg(shuttle)]

use anabranch::scan::BoxScan;
use anabranch::{Config, IteratorExt, Pool};
use anabranch_models::Bound::Unbounded;
use anabranch_models::models;
use anabranch_models::runs::{count, each, first, panic_at, repeat, tight};

/// What the `index`th scan of a mixture is, and what it gives for four items.
fn mixture(index: usize) -> (BoxScan<u8, u8>, Vec<u8>) {
    match index % 5 {
        0 => (each(), vec![0, 1, 2, 3]),
        1 => (count(), vec![4]),
        2 => (first(2), vec![0, 1]),
        3 => (repeat(2), vec![0, 0, 1, 1, 2, 2, 3, 3]),
        _ => (first(0), vec![]),
    }
}

fn equals_the_sequential_run(scans: usize, config: &Config) {
    let (scans, expected): (Vec<_>, Vec<_>) = (0..scans).map(mixture).unzip();
    let mut sorted = vec![Vec::new(); scans.len()];
    for (id, output) in (0..4).par_distribute_with(config, scans) {
        sorted[id.index()].push(output);
    }
    assert_eq!(sorted, expected);
}

/// Drops a run of so many scans after so many outputs.
fn drop_after(taken: usize, scans: usize) {
    let pool = Pool::with_max_idle(0);
    let config = tight().pool(pool.clone());
    let scans: Vec<_> = (0..scans).map(|index| mixture(index).0).collect();
    let run = (0..).map(|n: usize| n as u8).par_distribute_with(&config, scans);
    assert_eq!(run.take(taken).count(), taken);
    assert_eq!(pool.live(), 0);
}

/// Two of so many scans panic; one of the two surfaces.
fn panic_among(scans: usize) {
    let mut scans: Vec<_> = (0..scans).map(|index| mixture(index).0).collect();
    scans[1] = panic_at(1);
    scans[3] = panic_at(2);
    let mut run = (0..4).par_distribute_with(&tight(), scans);
    let pulled = std::panic::AssertUnwindSafe(|| run.by_ref().count());
    let payload = std::panic::catch_unwind(pulled).expect_err("a panic");
    assert_eq!(payload.downcast_ref(), Some(&"expected: step"));
    assert!(run.next().is_none() && run.panicked().is_some());
}

models! {
    mixture_of_4(Unbounded) { equals_the_sequential_run(4, &tight()) }
    mixture_of_16(Unbounded) { equals_the_sequential_run(16, &tight()) }
    mixture_of_20(Unbounded) { equals_the_sequential_run(20, &tight()) }
    mixture_of_64(Unbounded) { equals_the_sequential_run(64, &tight()) }
    mixture_of_16_in_batches(Unbounded) {
        equals_the_sequential_run(16, &tight().batch(3).input_capacity(2).output_capacity(2));
    }
    drop_of_4_at_once(Unbounded) { drop_after(0, 4) }
    drop_of_4(Unbounded) { drop_after(5, 4) }
    drop_of_16(Unbounded) { drop_after(20, 16) }
    drop_of_64(Unbounded) { drop_after(40, 64) }
    panic_among_4(Unbounded) { panic_among(4) }
    panic_among_16(Unbounded) { panic_among(16) }
    panic_among_64(Unbounded) { panic_among(64) }
    run_after_run_on_one_pool(Unbounded) {
        let config = tight().pool(Pool::with_max_threads(4));
        for _ in 0..3 {
            equals_the_sequential_run(4, &config);
        }
    }
}
