//! Runs on one process give what the scans give when they are applied to the same items.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::collections::HashMap;
use std::thread;

use anabranch::prelude::*;
use anabranch_timely::{
    Deliver, Job, Order, RunError, Scans, Setup, Sink, Stats, execute, outputs,
};
use proptest::prelude::*;
use support::{LIMIT, within};
use timely::dataflow::operators::{Enter, Leave};

/// Runs a job, and returns what it delivers.
fn run<T: Send + 'static>(
    setup: Setup,
    build: impl Fn(&Job<'_>, &Sink<T>) + Send + Sync + 'static,
) -> (Vec<T>, Result<Stats, RunError>) {
    within(LIMIT, "run", move || {
        let (sink, outputs) = outputs(2);
        let consumer = thread::spawn(move || outputs.collect());
        let result = execute(&setup, move |job| build(job, &sink));
        (consumer.join().unwrap(), result)
    })
}

fn of<O: Clone>(index: usize, outputs: &[(usize, O)]) -> Vec<O> {
    outputs.iter().filter(|(i, _)| *i == index).map(|(_, output)| output.clone()).collect()
}

/// A scan that emits at steps and at the flush, and ends by itself if `ends`.
fn scan_of(index: usize, ends: bool) -> BoxScan<'static, i64, i64> {
    let step = index as i64 + 1;
    let sums = scan::scan(0, move |sum, x: &i64| {
        *sum += x * step;
        Some(*sum)
    });
    match (index % 3, ends) {
        (0, true) => sums.take(5 + index).boxed(),
        (1, _) => scan::sum::<i64, i64>().boxed(),
        _ => sums.filter(|sum| sum % 3 != 0).boxed(),
    }
}

#[derive(Debug, Clone, Copy)]
struct Shape {
    workers: usize,
    serialised: bool,
    batch: usize,
    epochs: usize,
    source: usize,
    order: Order,
}

impl Shape {
    fn setup(self) -> Setup {
        let setup = Setup::new().workers(self.workers);
        if self.serialised { setup.serialised() } else { setup }
    }
}

fn shapes() -> impl Strategy<Value = Shape> {
    let order = prop_oneof![Just(Order::Arrival), Just(Order::Epoch)];
    (1..4_usize, any::<bool>(), 1..20_usize, 1..5_usize, 0..4_usize, order).prop_map(
        |(workers, serialised, batch, epochs, source, order)| {
            let source = source % workers;
            Shape { workers, serialised, batch, epochs, source, order }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn distribute_equals_apply(
        shape in shapes(),
        items in prop::collection::vec(-100..100_i64, 0..200),
        count in 0..6_usize,
        ends: bool,
    ) {
        let input = items.clone();
        let (outputs, result) = run(shape.setup(), move |job, sink| {
            let input = input.clone();
            let source = job.source(move || input).batch(shape.batch).epochs(shape.epochs);
            let items = source.only_on(shape.source).stream();
            let outputs = items.distribute(job, count, shape.order, move |i| scan_of(i, ends));
            outputs.gather(job, 0).deliver(job, sink);
        });
        prop_assert!(result.is_ok(), "{result:?}");
        prop_assert!(outputs.iter().all(|(index, _)| *index < count));
        for index in 0..count {
            let expected = scan_of(index, ends).apply(items.iter().copied());
            prop_assert_eq!(of(index, &outputs), expected, "scan {}", index);
        }
    }

    #[test]
    fn demux_equals_apply_per_key(
        shape in shapes(),
        items in prop::collection::vec(0..100_i64, 0..200),
        keys in 1..12_i64,
        ends: bool,
    ) {
        let input = items.clone();
        let (outputs, result) = run(shape.setup(), move |job, sink| {
            let input = input.clone();
            let source = job.source(move || input).batch(shape.batch).epochs(shape.epochs);
            let items = source.only_on(shape.source).stream();
            let scan = move |key: &i64| scan_of(*key as usize, ends);
            items.demux(job, shape.order, move |x| x % keys, scan).deliver(job, sink);
        });
        prop_assert!(result.is_ok(), "{result:?}");
        let mut found: HashMap<i64, Vec<i64>> = HashMap::new();
        for (key, output) in outputs {
            found.entry(key).or_default().push(output);
        }
        for key in 0..keys {
            let of_key = items.iter().copied().filter(|x| x % keys == key);
            let expected = match of_key.clone().next() {
                Some(_) => scan_of(key as usize, ends).apply(of_key),
                None => Vec::new(),
            };
            prop_assert_eq!(found.remove(&key).unwrap_or_default(), expected, "key {}", key);
        }
        prop_assert!(found.is_empty());
    }

    #[test]
    fn fold_equals_apply(
        shape in shapes(),
        items in prop::collection::vec(-100..100_i64, 0..200),
        count in 1..6_usize,
    ) {
        let input = items.clone();
        let (mut outputs, result) = run(shape.setup(), move |job, sink| {
            let input = input.clone();
            let items = job.source(move || input).batch(shape.batch).only_on(shape.source).stream();
            let total = |i| scan::sum_by(move |x: &i64| x * (i as i64 + 1));
            items.fold(job, count, total).deliver(job, sink);
        });
        prop_assert!(result.is_ok(), "{result:?}");
        outputs.sort_unstable();
        let sum: i64 = items.iter().sum();
        let expected: Vec<_> = (0..count).map(|i| (i, sum * (i as i64 + 1))).collect();
        prop_assert_eq!(outputs, expected);
    }

    /// Whole batches and epochs give the sequence that sorting by epoch and worker gives.
    #[test]
    fn several_sources_in_epochs_are_the_same_on_every_run(
        workers in 2..4_usize,
        batch in 1..8_usize,
        lengths in prop::collection::vec(0..60_usize, 4),
    ) {
        let inputs: Vec<Vec<i64>> = (0..workers)
            .map(|worker| (0..lengths[worker] as i64).map(|i| worker as i64 * 1000 + i).collect())
            .collect();
        let theirs = inputs.clone();
        let (outputs, result) = run(Setup::new().workers(workers), move |job, sink| {
            let input = theirs[job.index()].clone();
            let items = job.source(move || input).batch(batch).whole_batches().stream();
            let outputs = items.distribute(job, 2, Order::Epoch, |_| scan::cloned::<i64>());
            outputs.deliver(job, sink);
        });
        prop_assert!(result.is_ok(), "{result:?}");
        let mut expected = Vec::new();
        for epoch in 0..60 {
            for input in &inputs {
                expected.extend(input.chunks(batch).nth(epoch).into_iter().flatten().copied());
            }
        }
        for scan in 0..2 {
            prop_assert_eq!(of(scan, &outputs), expected.clone());
        }
    }
}

#[test]
fn each_source_keeps_its_order() {
    let (outputs, result) = run(Setup::new().workers(3), |job, sink| {
        let from = job.index() as u64 * 100_000;
        let items = job.source(move || from..from + 20_000).batch(100).stream();
        items.distribute(job, 1, Order::Arrival, |_| scan::cloned::<u64>()).deliver(job, sink);
    });
    assert!(result.is_ok(), "{result:?}");
    for source in 0..3_u64 {
        let from = source * 100_000;
        let its = outputs.iter().map(|(_, item)| *item).filter(|item| item / 100_000 == source);
        assert!(its.eq(from..from + 20_000), "source {source}");
    }
}

#[test]
fn outputs_of_scans_are_items_of_others() {
    let (outputs, result) = run(Setup::new().workers(2), |job, sink| {
        let items = job.source(|| 0..10_000_i64).only_on(1).stream();
        let squares = items.distribute(job, 2, Order::Arrival, |_| scan::map(|x: &i64| x * x));
        let sums = squares.demux(
            job,
            Order::Arrival,
            |(scan, square)| (*scan, square % 2),
            |_| scan::sum_by(|(_, square): &(usize, i64)| *square),
        );
        sums.deliver(job, sink);
    });
    let mut outputs = outputs;
    outputs.sort_unstable();
    let sum = |parity| (0..10_000_i64).map(|x| x * x).filter(|x| x % 2 == parity).sum::<i64>();
    let expected = [((0, 0), sum(0)), ((0, 1), sum(1)), ((1, 0), sum(0)), ((1, 1), sum(1))];
    assert_eq!(outputs, expected);
    let stats = result.unwrap();
    assert_eq!(stats.workers.iter().map(|worker| worker.pulled).sum::<u64>(), 10_000);
    assert_eq!(stats.workers.iter().map(|worker| worker.items).sum::<u64>(), 40_000);
    assert_eq!(stats.workers.iter().map(|worker| worker.keys).sum::<u64>(), 4);
    assert_eq!(stats.workers.iter().map(|worker| worker.outputs).sum::<u64>(), 20_004);
}

#[test]
fn scans_by_epoch_behind_a_demux_are_the_same_on_every_run() {
    let run = || {
        let (outputs, result) = run(Setup::new().workers(3), |job, sink| {
            let from = job.index() as u64 * 1_000;
            let input = move || from..from + 500;
            let items = job.source(input).batch(10).whole_batches().stream();
            let sums = items.demux(job, Order::Epoch, |n| n % 50, |_| scan::sum::<u64, u64>());
            let copies = |_| scan::cloned::<(u64, u64)>();
            sums.distribute(job, 1, Order::Epoch, copies).deliver(job, sink);
        });
        assert!(result.is_ok(), "{result:?}");
        outputs
    };
    let first = run();
    assert_eq!(first.len(), 50);
    assert!((0..9).all(|_| run() == first));
}

#[test]
fn scans_live_in_the_region_of_their_items() {
    let (outputs, result) = run(Setup::new().workers(2), |job, sink| {
        let items = job.source(|| 0..10_000_u64).only_on(1).batch(100).stream();
        let sums = job.scope().region(|inner| {
            let items = items.enter(inner);
            let copies = items.distribute(job, 2, Order::Arrival, |_| scan::cloned::<u64>());
            let key = |(scan, _): &(usize, u64)| *scan;
            let sum = |_: &usize| scan::sum_by(|(_, n): &(usize, u64)| *n);
            copies.demux(job, Order::Epoch, key, sum).gather(job, 1).leave(job.scope())
        });
        sums.deliver(job, sink);
    });
    assert!(result.is_ok(), "{result:?}");
    let sum = (0..10_000).sum::<u64>();
    let mut outputs = outputs;
    outputs.sort_unstable();
    assert_eq!(outputs, [(0, sum), (1, sum)]);
}
