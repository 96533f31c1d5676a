//! Every run gives, scan by scan, what the sequential loop gives.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use anabranch::Pool;
use anabranch::scan::Scan;
use proptest::prelude::*;
use support::config::Config;
use support::kinds::{Kind, kind};
use support::{deadline, distribute};

/// Lengths around the batch size, and others.
fn length(batch: usize) -> impl Strategy<Value = usize> {
    prop_oneof![
        Just(0),
        Just(1),
        Just(batch - 1),
        Just(batch),
        Just(batch + 1),
        Just(3 * batch),
        0..400_usize,
    ]
}

fn case() -> impl Strategy<Value = (Vec<Kind>, Vec<u64>, [usize; 2], Option<usize>)> {
    (1..=64_usize).prop_flat_map(|batch| {
        (
            proptest::collection::vec(kind(), 1..=16),
            length(batch).prop_flat_map(|n| proptest::collection::vec(0..100_u64, n)),
            [1..=4_usize, 1..=4],
            prop_oneof![3 => Just(Some(batch)), 1 => Just(None)],
        )
    })
}

fn check(
    pool: &Pool,
    kinds: &[Kind],
    items: &[u64],
    [input_capacity, output_capacity]: [usize; 2],
    batch: Option<usize>,
) -> Result<(), TestCaseError> {
    let mut config = Config::new()
        .input_capacity(input_capacity)
        .output_capacity(output_capacity)
        .pool(pool.clone());
    if let Some(batch) = batch {
        config = config.batch(batch);
    }
    let expected: Vec<_> =
        kinds.iter().map(|kind| kind.build().apply(items.iter().copied())).collect();
    let scans = kinds.iter().map(Kind::build).collect();
    let (items, pool) = (items.to_vec(), pool.clone());
    let outputs = deadline(move || distribute(&config, items, scans));
    prop_assert_eq!(outputs, expected);
    prop_assert_eq!(pool.in_use(), 0, "threads are back when the run has ended");
    Ok(())
}

#[test]
fn any_run_equals_the_sequential_one() {
    let pool = Pool::new();
    let config = ProptestConfig { cases: 2_000, failure_persistence: None, ..Default::default() };
    proptest!(config, |((kinds, items, capacities, batch) in case())| {
        check(&pool, &kinds, &items, capacities, batch)?;
    });
}

#[test]
fn every_width_capacity_and_length_around_the_batch_equals_the_sequential_run() {
    let pool = Pool::new();
    let kinds = [
        Kind::Running,
        Kind::EndsAt(7),
        Kind::AtEnd,
        Kind::Repeat(4),
        Kind::Every(3),
        Kind::Silent,
        Kind::EndsAfter(11),
        Kind::Tail(5),
        Kind::LastWords(9),
        Kind::Chain(4),
        Kind::Fails(13),
        Kind::RunningMax,
    ];
    for width in [1, 2, 3, 8, 16] {
        let kinds: Vec<_> = kinds.iter().cycle().take(width).cloned().collect();
        for capacity in [1, 2, 4] {
            for batch in [1, 2, 7, 64] {
                for length in [0, 1, batch - 1, batch, batch + 1, 5 * batch] {
                    let items: Vec<_> = (0..length as u64).collect();
                    let capacities = [capacity, 5 - capacity];
                    check(&pool, &kinds, &items, capacities, Some(batch)).unwrap();
                }
            }
        }
    }
}

#[test]
fn a_scan_that_emits_very_much_for_one_item_equals_the_sequential_run() {
    for config in support::tight_and_default() {
        let outputs = deadline(move || {
            distribute(&config, [1, 2], vec![support::repeat(200_000), support::sum()])
        });
        assert_eq!(outputs[0].len(), 400_000);
        assert!(outputs[0][..200_000].iter().all(|x| *x == 1));
        assert!(outputs[0][200_000..].iter().all(|x| *x == 2));
        assert_eq!(outputs[1], [3]);
    }
}
