//! In ordered runs, and in rows of latest outputs, what comes before a panic is exactly the prefix of the
//! sequential run, whoever is ahead, and wherever the input is pulled.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "support/inputs.rs"]
mod inputs;
mod support;

use std::ops::ControlFlow;
use std::panic::panic_any;
use std::thread;

use anabranch::scan::{self, BoxScan, Emitter, Scan};
use anabranch::{Control, PanicOrigin, Pool, ScanId};
use inputs::{Ahead, Input, Panicked as _, Pulled};
use support::busy::Busy;
use support::config::Config;
use support::random::Random;
use support::{deadline, hush, panic_at, repeat, tight, until_panic};

const ITEMS: u64 = 100;

/// The tightest settings, the default ones, and long batches.
fn settings() -> [Config; 3] {
    [tight(), Config::new(), Config::new().batch(1_000)]
}

/// Settings under which all items can be on their way to a scan that takes none.
fn roomy() -> [Config; 2] {
    [1, 1_000].map(|batch| Config::new().batch(batch).input_capacity(200).output_capacity(200))
}

/// What a run of `width` scans gives that emit each item twice, when scan `index` panics at
/// item `at`.
fn prefix(width: usize, index: usize, at: u64) -> Vec<(usize, u64)> {
    let all = (0..=at).flat_map(|item| (0..width).flat_map(move |scan| [(scan, item); 2]));
    all.take_while(|output| *output != (index, at)).collect()
}

/// Asserts that an ordered run gives just that, and that the panic then surfaces.
#[track_caller]
fn assert_in_order<I: Input<Item = u64>>(
    input: I,
    config: &Config,
    scans: Vec<BoxScan<'static, u64, u64>>,
    (index, at): (usize, u64),
) {
    let width = scans.len();
    let mut run = input.ordered(config, scans);
    let (before, payload) = until_panic(&mut run);
    let before: Vec<_> = before.into_iter().map(|(id, item)| (id.index(), item)).collect();
    let expected = prefix(width, index, at);
    assert!(before == expected, "{} outputs and not {}", before.len(), expected.len());
    assert_eq!(payload, "expected: step");
    assert_eq!(run.panicked(), Some(PanicOrigin::Scan(ScanId::new(index))));
    assert_eq!(run.next(), None);
}

/// Asserts that there is a row for each item before the panic.
#[track_caller]
fn assert_rows<I: Input<Item = u64>>(
    input: I,
    config: &Config,
    scans: Vec<BoxScan<'static, u64, u64>>,
    (index, at): (usize, u64),
) {
    let width = scans.len();
    let mut rows = input.zip_latest(config, scans);
    let (before, payload) = until_panic(&mut rows);
    assert!(before.into_iter().eq((0..at).map(|item| vec![item; width])));
    assert_eq!(payload, "expected: step");
    assert_eq!(rows.panicked(), Some(PanicOrigin::Scan(ScanId::new(index))));
    assert!(rows.next().is_none());
}

/// Emits each item twice, and panics at one.
fn panics(at: u64) -> BoxScan<'static, u64, u64> {
    panic_at(at, "expected: step").then(repeat(2)).boxed()
}

/// Hands on each item, the first when its own thread is the only one that is left.
fn waits(pool: &Pool) -> BoxScan<'static, u64, u64> {
    let pool = pool.clone();
    let wait = move |_: &u64| {
        while pool.in_use() > 1 {
            thread::yield_now();
        }
    };
    scan::inspect(wait).boxed()
}

type Check<I> = fn(I, &Config, Vec<BoxScan<'static, u64, u64>>, (usize, u64));

/// The first scan begins when the second has panicked, and the input's thread has left.
fn behind<I: Input<Item = u64> + 'static>(
    input: impl Fn() -> I + Send + Clone + 'static,
    check: Check<I>,
) {
    hush();
    for config in roomy() {
        for at in [0, 1, 50, ITEMS - 1] {
            let (config, input) = (config.clone(), input.clone());
            deadline(move || {
                let pool = Pool::new();
                let config = config.pool(pool.clone());
                check(
                    input(),
                    &config,
                    vec![waits(&pool).then(repeat(2)).boxed(), panics(at)],
                    (1, at),
                );
            });
        }
    }
}

#[test]
fn a_scan_that_is_far_behind_is_waited_for() {
    behind(|| Pulled(0..ITEMS), assert_in_order);
}

#[test]
fn a_scan_that_is_far_behind_is_waited_for_when_the_input_was_read_ahead() {
    behind(|| Ahead(0..ITEMS), assert_in_order);
}

#[test]
fn rows_wait_for_a_scan_that_is_far_behind() {
    behind(|| Pulled(0..ITEMS), assert_rows);
}

#[test]
fn rows_wait_for_a_scan_that_is_far_behind_when_the_input_was_read_ahead() {
    behind(|| Ahead(0..ITEMS), assert_rows);
}

/// Emits each item twice; when it is the only one that is left asks for what changes
/// nothing, and gives the run some time to do it.
fn asks(pool: &Pool, control: &Control) -> BoxScan<'static, u64, u64> {
    let control = control.clone();
    let ask = scan::from_fn(move |item: &u64, out: &mut Emitter<'_, u64>| {
        if *item == 0 {
            // Of a scan that has left, and of one that never was.
            control.stop_scan(ScanId::new(1));
            control.stop_scan(ScanId::new(1_000));
            (0..1_000).take_while(|_| !out.is_closed()).for_each(|_| thread::yield_now());
        }
        out.emit(*item);
        ControlFlow::Continue(())
    });
    waits(pool).then(ask).then(repeat(2)).boxed()
}

#[test]
fn a_request_that_concerns_nobody_takes_nothing_away() {
    hush();
    for config in roomy() {
        for check in [assert_in_order, assert_rows] {
            let config = config.clone();
            deadline(move || {
                let (pool, control) = (Pool::new(), Control::new());
                let config = config.pool(pool.clone()).control(&control);
                check(Pulled(0..ITEMS), &config, vec![asks(&pool, &control), panics(50)], (1, 50));
            });
        }
    }
}

/// Runs three scans over as many settings, one of which panics, without any waiting.
fn at_random(busy: usize, seeds: u64) {
    hush();
    let _busy = Busy::new(busy);
    for seed in 1..=seeds {
        deadline(move || {
            let mut random = Random::new(seed);
            let config = settings()[random.below(3) as usize].clone();
            let (index, at) = (random.below(3) as usize, ITEMS - 1 - random.below(3));
            eprintln!("seed {seed}: scan {index} panics at item {at}, {config:?}");
            let scans = || {
                let scan = |scan| if scan == index { panics(at) } else { repeat(2) };
                (0..3).map(scan).collect::<Vec<_>>()
            };
            assert_in_order(Pulled(0..ITEMS), &config, scans(), (index, at));
            assert_in_order(Ahead(0..ITEMS), &config, scans(), (index, at));
            assert_rows(Pulled(0..ITEMS), &config, scans(), (index, at));
            assert_rows(Ahead(0..ITEMS), &config, scans(), (index, at));
        });
    }
}

#[test]
fn whenever_a_scan_panics_the_prefix_is_whole() {
    at_random(0, 300);
}

#[test]
fn whenever_a_scan_panics_on_a_busy_machine_the_prefix_is_whole() {
    at_random(2, 20);
}

#[test]
fn of_two_panics_the_one_surfaces_that_the_sequential_run_meets() {
    hush();
    for config in roomy() {
        for check in [assert_in_order, assert_rows] {
            let config = config.clone();
            deadline(move || {
                let pool = Pool::new();
                let config = config.pool(pool.clone());
                let early = panic_at(50, "expected: later").then(repeat(2)).boxed();
                // It steps over its first item when the other has panicked.
                let late = waits(&pool).then(panics(10)).boxed();
                check(Pulled(0..ITEMS), &config, vec![early, late], (1, 10));
            });
        }
    }
}

#[test]
fn what_a_scan_has_emitted_in_the_step_in_which_it_panics_is_in_the_prefix() {
    hush();
    for config in settings() {
        deadline(move || {
            let scan = scan::from_fn(|item: &u64, out: &mut Emitter<'_, u64>| {
                (0..3).for_each(|_| out.emit(*item));
                if *item == 1 {
                    panic_any("expected: step");
                }
                ControlFlow::Continue(())
            });
            let mut run = Pulled(0..ITEMS).ordered(&config, vec![scan.boxed()]);
            let (before, payload) = until_panic(&mut run);
            let before: Vec<_> = before.into_iter().map(|(_, item)| item).collect();
            assert_eq!((before, payload), (vec![0, 0, 0, 1, 1, 1], "expected: step"));
        });
    }
}

#[test]
fn a_panic_in_the_drop_of_a_scan_that_has_ended_does_not_wait_for_the_others() {
    /// Panics when it is dropped.
    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic_any("expected: drop");
        }
    }

    hush();
    for config in [tight(), Config::new().batch(10)] {
        deadline(move || {
            const MANY: u64 = 10_000_000;
            let bomb = Bomb;
            let ends = scan::inspect(move |_: &u64| _ = &bomb).take(1).boxed();
            let mut run = Pulled(0..MANY).ordered(&config, vec![ends, repeat(1)]);
            let (before, payload) = until_panic(&mut run);
            assert_eq!(payload, "expected: drop");
            assert!((before.len() as u64) < MANY, "the other scan has ended by then");
        });
    }
}
