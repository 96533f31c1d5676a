//! Wide runs, beyond what can be explored exhaustively: mixtures, drops and panics of 4, 16 and
//! 64 scans and branches, under schedules at random.
#![cfg(shuttle)]

use anabranch::branch::Items;
use anabranch::scan::{BoxScan, Scan};
use anabranch::{IteratorExt, Pool};
use anabranch_models::Bound::Unbounded;
use anabranch_models::config::{Config, With as _};
use anabranch_models::models;
use anabranch_models::runs::{count, each, first, panic_at, repeat, tight};

/// The `index`th scan of a mixture. Of many, most end at their first item: what
/// comes of every eighth is enough for a schedule of 64 to take a while.
fn mixture(index: usize) -> BoxScan<'static, u8, u8> {
    match index % 5 {
        _ if index > 20 && index % 8 > 0 => first(0),
        0 => each(),
        1 => count(),
        2 => first(2),
        3 => repeat(2),
        _ => first(0),
    }
}

fn mixtures(scans: usize) -> Vec<BoxScan<'static, u8, u8>> {
    (0..scans).map(mixture).collect()
}

fn equals_the_sequential_run(scans: usize, items: u8, config: &Config) {
    let expected: Vec<_> = (0..scans).map(|index| mixture(index).apply(0..items)).collect();
    let mut sorted = vec![Vec::new(); scans];
    for (id, output) in (0..items).fan_out().with(config).distribute(mixtures(scans)) {
        sorted[id.index()].push(output);
    }
    assert_eq!(sorted, expected);
}

/// The items of a mixture are its outputs, and the number of items is the one
/// output of each flush: in order they are sorted.
fn is_in_order(scans: usize, items: u8) {
    let run = (0..items).fan_out().with(&tight()).ordered(mixtures(scans));
    let outputs: Vec<_> = run.map(|(id, output)| (output, id.index())).collect();
    assert!(outputs.is_sorted(), "{outputs:?}");
    let expected: usize = (0..scans).map(|index| mixture(index).apply(0..items).len()).sum();
    assert_eq!(outputs.len(), expected);
}

/// A tuple for each item but for those that the shortest scan has not.
fn is_aligned(scans: usize, items: u8) {
    let scans: Vec<_> = (0..scans).filter(|index| ![1, 4].contains(&(index % 5))).collect();
    let expected = vec![scans.len(); usize::from(items.min(2))];
    let scans: Vec<_> = scans.into_iter().map(mixture).collect();
    let tuples = (0..items).fan_out().with(&tight()).zip_latest(scans);
    let lengths = tuples.enumerate().map(|(item, each)| {
        assert!(each.iter().all(|output| usize::from(*output) == item), "{item}: {each:?}");
        each.len()
    });
    assert_eq!(lengths.collect::<Vec<_>>(), expected);
}

/// Drops a run of so many scans after so many outputs.
fn drop_after(taken: usize, scans: usize) {
    let pool = Pool::with_max_idle(0);
    let config = tight().pool(pool.clone());
    let endless = (0..).map(|n: usize| n as u8);
    let run = endless.fan_out().with(&config).distribute(mixtures(scans));
    assert_eq!(run.take(taken).count(), taken);
    assert_eq!(pool.in_use(), 0);
}

/// Two of so many scans panic, at the last item but one and at the last; one of
/// the two surfaces.
fn panic_among(scans: usize, items: u8) {
    let mut scans: Vec<_> = (0..scans).map(mixture).collect();
    scans[1] = panic_at(items - 2);
    scans[3] = panic_at(items - 1);
    let mut run = (0..items).fan_out().with(&tight()).distribute(scans);
    let pulled = std::panic::AssertUnwindSafe(|| run.by_ref().count());
    let payload = std::panic::catch_unwind(pulled).expect_err("a panic");
    assert_eq!(payload.downcast_ref(), Some(&"expected: step"));
    assert!(run.next().is_none() && run.panicked().is_some());
}

/// Scans of which some end, one emits much and the others are silent, so that lanes leave the
/// list while others have something to say and most have not.
fn few_speak(scans: usize, items: u8) {
    let kind = |index: usize| match index {
        _ if index == scans / 3 => repeat(3),
        _ if index < scans / 3 => first(usize::from(items - 1)).filter(|_| false).boxed(),
        _ => count(),
    };
    let expected: Vec<_> = (0..scans).map(|index| kind(index).apply(0..items)).collect();
    let mut sorted = vec![Vec::new(); scans];
    let scans: Vec<_> = (0..scans).map(kind).collect();
    for (id, output) in (0..items).fan_out().with(&tight()).distribute(scans) {
        sorted[id.index()].push(output);
    }
    assert_eq!(sorted, expected);
}

/// What the `index`th branch of a mixture yields over these items.
fn yields<'a>(
    index: usize,
    items: impl Iterator<Item = u8> + 'a,
) -> Box<dyn Iterator<Item = u8> + 'a> {
    match index % 5 {
        _ if index > 20 && index % 8 > 0 => Box::new([].into_iter()),
        0 => Box::new(items),
        1 => Box::new([items.count() as u8].into_iter()),
        2 => Box::new(items.take(2)),
        3 => Box::new(items.flat_map(|item| [item; 2])),
        _ => {
            drop(items);
            Box::new([7; 3].into_iter())
        }
    }
}

/// Branches of all kinds, merged.
fn branches_equal_the_sequential_run(branches: usize, items: u8) {
    let expected: Vec<Vec<_>> =
        (0..branches).map(|index| yields(index, 0..items).collect()).collect();
    let branch = |index| move |items: Items<'static, u8>| yields(index, items.cloned());
    let config = tight();
    let run = (0..items).fan_out().with(&config).branches((0..branches).map(branch));
    let mut sorted = vec![Vec::new(); branches];
    for (id, output) in run.merge() {
        sorted[id.index()].push(output);
    }
    assert_eq!(sorted, expected);
}

// A schedule of 64 scans takes as long as thirty of 16: these have fewer items.
models! {
    mixture_of_4(Unbounded) { equals_the_sequential_run(4, 4, &tight()) }
    mixture_of_16(Unbounded) { equals_the_sequential_run(16, 4, &tight()) }
    mixture_of_20(Unbounded) { equals_the_sequential_run(20, 3, &tight()) }
    mixture_of_64(Unbounded) { equals_the_sequential_run(64, 1, &tight()) }
    mixture_of_16_in_batches(Unbounded) {
        let config = tight().batch(3).input_capacity(2).output_capacity(2);
        equals_the_sequential_run(16, 4, &config);
    }
    few_of_6_speak(Unbounded) { few_speak(6, 3) }
    few_of_16_speak(Unbounded) { few_speak(16, 3) }
    few_of_48_speak(Unbounded) { few_speak(48, 2) }
    branches_of_4(Unbounded) { branches_equal_the_sequential_run(4, 4) }
    branches_of_16(Unbounded) { branches_equal_the_sequential_run(16, 4) }
    branches_of_64(Unbounded) { branches_equal_the_sequential_run(64, 1) }
    order_of_4(Unbounded) { is_in_order(4, 4) }
    order_of_16(Unbounded) { is_in_order(16, 3) }
    tee_of_4(Unbounded) { is_aligned(4, 4) }
    tee_of_16(Unbounded) { is_aligned(16, 3) }
    drop_of_4_at_once(Unbounded) { drop_after(0, 4) }
    drop_of_4(Unbounded) { drop_after(5, 4) }
    drop_of_16(Unbounded) { drop_after(20, 16) }
    drop_of_64(Unbounded) { drop_after(4, 64) }
    panic_among_4(Unbounded) { panic_among(4, 4) }
    panic_among_16(Unbounded) { panic_among(16, 4) }
    panic_among_64(Unbounded) { panic_among(64, 2) }
    threads_are_back_behind_an_input_that_is_read_ahead(Unbounded) {
        let pool = Pool::with_max_idle(0);
        let config = tight().pool(pool.clone());
        let run = (0..2).fan_out().with(&config).read_ahead().distribute([count()]);
        assert_eq!(run.count(), 1);
        assert_eq!(pool.in_use(), 0);
    }
    run_after_run_on_one_pool(Unbounded) {
        let config = tight().pool(Pool::with_max_threads(4));
        for _ in 0..3 {
            equals_the_sequential_run(4, 4, &config);
        }
    }
}
