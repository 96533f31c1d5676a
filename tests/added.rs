//! A scan that is added sees just what is pulled from then on, whatever was going on; and
//! the run knows its name.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::ops::ControlFlow;
use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

use anabranch::scan::{self, BoxScan, Emitter, Scan};
use anabranch::{Control, IteratorExt, PanicOrigin, Pool, ScanId};
use support::config::{Config, With as _};
use support::{Gate, by_scan, deadline, hush, sum, tight, until_panic};

/// The tightest settings, the default ones, and long batches.
fn settings() -> [Config; 3] {
    [tight(), Config::new(), Config::new().batch(1_000)].map(|config| config.pool(Pool::new()))
}

fn each() -> BoxScan<'static, u64, u64> {
    scan::cloned().boxed()
}

/// Asks for what changes nothing: the stop of a scan that never was.
fn interrupt(control: &Control) {
    control.stop_scan(ScanId::new(1_000));
}

const ITEMS: u64 = 3_000;

#[test]
fn a_scan_that_is_added_after_an_interruption_sees_nothing_that_was_pulled_before() {
    for (config, at) in settings().into_iter().zip([1, 5, 1_500]) {
        deadline(move || {
            let (control, gate) = (Control::new(), Gate::default());
            let (config, waits) = (config.control(&control), gate.clone());
            let pulled = Arc::new(AtomicU64::new(0));
            let count = Arc::clone(&pulled);
            // While an item is being pulled, there are outputs of those before, and then
            // somebody has a request.
            let input = (0..ITEMS).inspect(move |item| {
                count.fetch_add(1, SeqCst);
                if *item == at {
                    gate.open();
                    while control.stats().scans[0].outputs == 0 {
                        thread::yield_now();
                    }
                    interrupt(&control);
                }
            });
            let first = scan::inspect(move |_: &u64| waits.pass()).boxed();
            let mut run = input.fan_out().with(&config).distribute([first]);
            let adder = run.adder();
            let mut outputs = vec![run.next().unwrap()];
            let from = pulled.load(SeqCst);
            adder.add(each()).unwrap();
            outputs.extend(run);
            let expected = [(0..ITEMS).collect::<Vec<_>>(), (from..ITEMS).collect()];
            assert!(by_scan(2, outputs) == expected, "added when {from} had come");
        });
    }
}

#[test]
fn a_scan_that_is_added_after_each_of_many_interruptions_sees_all_from_one_item_on() {
    for config in settings() {
        deadline(move || {
            let control = Control::new();
            let config = config.control(&control);
            let pulled = Arc::new(AtomicU64::new(0));
            let count = Arc::clone(&pulled);
            let input = (0..ITEMS).inspect(move |item| {
                count.fetch_add(1, SeqCst);
                if item % 7 == 0 {
                    interrupt(&control);
                }
            });
            let mut run = input.fan_out().with(&config).distribute([each()]);
            let adder = run.adder();
            let (mut outputs, mut from) = (Vec::new(), vec![0]);
            for output in run.by_ref() {
                outputs.push(output);
                if outputs.len() % 300 == 0 && pulled.load(SeqCst) < ITEMS && from.len() < 8 {
                    from.push(pulled.load(SeqCst));
                    adder.add(each()).unwrap();
                }
            }
            let expected: Vec<Vec<_>> = from.iter().map(|from| (*from..ITEMS).collect()).collect();
            assert!(
                by_scan(from.len(), outputs) == expected,
                "added when these had come: {from:?}"
            );
        });
    }
}

/// A scan with a name that panics at its first item.
fn named() -> BoxScan<'static, u64, u64> {
    scan::map(|_: &u64| -> u64 { panic_any("expected: late") }).named("late").boxed()
}

#[test]
fn the_run_knows_the_name_of_a_scan_that_was_added() {
    hush();
    for config in settings() {
        deadline(move || {
            let mut run =
                (0..ITEMS).fan_out().with(&config).distribute([sum().named("first").boxed()]);
            let id = run.adder().add(named()).unwrap();
            assert_eq!(until_panic(&mut run).1, "expected: late");
            assert_eq!(run.panicked(), Some(PanicOrigin::Scan(id)));
            assert_eq!(run.name(id), Some("late"));
            assert_eq!(run.name(ScanId::new(0)), Some("first"));
            assert_eq!(run.name(ScanId::new(2)), None);

            let input = (0..).fan_out().with(&config).read_ahead();
            let mut run = input.distribute([sum()]);
            let adder = run.adder();
            let id = thread::spawn(move || adder.add(named())).join().unwrap().unwrap();
            assert_eq!(until_panic(&mut run).1, "expected: late");
            assert_eq!((run.name(ScanId::new(0)), run.name(id)), (None, Some("late")));
        });
    }
}

#[test]
fn so_does_one_whose_input_may_fail() {
    hush();
    for config in settings() {
        deadline(move || {
            let input = (0..ITEMS).map(Ok::<_, ()>);
            let mut run = input.fan_out().with(&config).until_error().distribute([sum()]);
            let id = run.adder().add(named()).unwrap();
            assert_eq!(until_panic(&mut run).1, "expected: late");
            assert_eq!(run.name(id), Some("late"));
        });
    }
}

#[test]
fn the_name_is_known_when_the_first_output_is_here() {
    for config in settings() {
        deadline(move || {
            let mut run = (0..ITEMS).fan_out().with(&config).distribute([sum()]);
            let id = run.adder().add(each().named("late").boxed()).unwrap();
            assert!(run.by_ref().any(|(from, _)| from == id));
            assert_eq!(run.name(id), Some("late"));
        });
    }
}

#[test]
fn the_name_of_one_that_has_panicked_is_known_behind_the_outputs_of_another() {
    hush();
    for config in settings() {
        deadline(move || {
            let pool = Pool::new();
            let config = config.pool(pool.clone());
            let gate = Gate::default();
            let begun = gate.clone();
            // Emits what it has when the other scan has gone, which goes when this step has begun.
            let last = scan::from_fn(move |_: &u64, out: &mut Emitter<'_, u64>| {
                begun.open();
                while pool.in_use() > 1 {
                    thread::yield_now();
                }
                (0..ITEMS).for_each(|output| out.emit(output));
                ControlFlow::Continue(())
            });
            let mut run = (0..1).fan_out().with(&config).distribute([last.boxed()]);
            let late = scan::map(move |_: &u64| -> u64 {
                gate.pass();
                panic_any("expected: late")
            });
            let id = run.adder().add(late.named("late").boxed()).unwrap();
            let (before, payload) = until_panic(&mut run);
            assert_eq!((before.len() as u64, payload), (ITEMS, "expected: late"));
            assert_eq!(run.name(id), Some("late"));
        });
    }
}

#[test]
fn the_stop_of_a_scan_that_is_not_there_yet_is_not_kept_for_it() {
    for config in settings() {
        deadline(move || {
            let control = Control::new();
            let mut run = (0..10).fan_out().with(&config.control(&control)).distribute([sum()]);
            let adder = run.adder();
            control.stop_scan(ScanId::new(1));
            adder.add(sum()).unwrap();
            assert_eq!(by_scan(2, run), [[45], [45]]);
        });
    }
}
