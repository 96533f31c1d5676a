//! Every run gives, scan by scan, what the sequential loop gives.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::ops::ControlFlow;

use anabranch::scan::{self, BoxScan, Emitter, Scan};
use anabranch::{Config, Pool};
use proptest::prelude::*;
use support::{deadline, distribute};

/// A scan of any of the kinds there are.
#[derive(Clone, Debug)]
enum Kind {
    /// One output per item.
    Running,
    /// Outputs for every nth item only.
    Every(u64),
    /// Several outputs per item, also none.
    Repeat(u64),
    /// Nothing but the flush.
    AtEnd,
    /// Several outputs at the flush.
    Tail(usize),
    /// Ends at the nth item.
    EndsAt(usize),
    /// Ends after the nth output, several per item.
    EndsAfter(usize),
    /// A scan after a scan, the first ending early.
    Chain(usize),
    /// Emits and ends in the same step.
    LastWords(u64),
    /// Silent for ever.
    Silent,
}

impl Kind {
    fn build(&self) -> BoxScan<u64, u64> {
        match *self {
            Kind::Running => scan::scan(0, |sum, x: &u64| {
                *sum += x;
                Some(*sum)
            })
            .boxed(),
            Kind::Every(n) => scan::filter(move |x: &u64| x % n == 0).boxed(),
            Kind::Repeat(n) => repeat(n).boxed(),
            Kind::AtEnd => scan::sum().boxed(),
            Kind::Tail(n) => Tail { n, seen: Vec::new() }.boxed(),
            Kind::EndsAt(n) => scan::take(n).boxed(),
            Kind::EndsAfter(n) => repeat(5).take(n).boxed(),
            Kind::Chain(n) => scan::take(n).then(scan::sum::<u64, u64>()).boxed(),
            Kind::LastWords(at) => scan::from_fn(move |x: &u64, out: &mut Emitter<'_, u64>| {
                if *x < at {
                    return ControlFlow::Continue(());
                }
                (0..3).for_each(|i| out.emit(x + i));
                ControlFlow::Break(())
            })
            .boxed(),
            Kind::Silent => scan::filter(|_: &u64| false).boxed(),
        }
    }
}

/// Emits each item as often as it says, modulo `n`.
fn repeat(n: u64) -> impl Scan<u64, Output = u64> + Send {
    scan::from_fn(move |x: &u64, out: &mut Emitter<'_, u64>| {
        (0..x % n).for_each(|_| out.emit(*x));
        ControlFlow::Continue(())
    })
}

/// Emits the last `n` items at the flush.
struct Tail {
    n: usize,
    seen: Vec<u64>,
}

impl Scan<u64> for Tail {
    type Output = u64;
    fn step(&mut self, item: &u64, _: &mut Emitter<'_, u64>) -> ControlFlow<()> {
        self.seen.push(*item);
        ControlFlow::Continue(())
    }
    fn flush(&mut self, out: &mut Emitter<'_, u64>) {
        self.seen.iter().rev().take(self.n).for_each(|x| out.emit(*x));
    }
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Running),
        (1..9_u64).prop_map(Kind::Every),
        (1..9_u64).prop_map(Kind::Repeat),
        Just(Kind::AtEnd),
        (0..20_usize).prop_map(Kind::Tail),
        (0..40_usize).prop_map(Kind::EndsAt),
        (0..40_usize).prop_map(Kind::EndsAfter),
        (0..40_usize).prop_map(Kind::Chain),
        (0..100_u64).prop_map(Kind::LastWords),
        Just(Kind::Silent),
    ]
}

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
    prop_assert_eq!(pool.live(), 0, "threads are back when the run has ended");
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
