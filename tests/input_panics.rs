//! An input that panics ends the run behind the items that it gave: these are stepped
//! over first. What they emit is delivered, nobody is flushed, then the panic surfaces.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "support/inputs.rs"]
mod inputs;
mod support;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

use anabranch::scan::{self, BoxScan, Scan};
use anabranch::{IteratorExt, PanicOrigin, Pool};
use inputs::{Ahead, Input, Panicked as _, Pulled};
use support::config::{Config, With as _};
use support::{by_scan, deadline, echo, hush, repeat, sum, tight, until_panic};

/// The tightest settings, the default ones, and long batches.
fn settings() -> [Config; 3] {
    [tight(), Config::new(), Config::new().batch(1_000)].map(|config| config.pool(Pool::new()))
}

/// So many items, then a panic.
fn items(good: u64) -> impl Iterator<Item = u64> + Send {
    (0..).inspect(move |item| {
        if *item == good {
            panic_any("expected: input");
        }
    })
}

/// Makes tests of an input that is pulled on the consumer's thread, and of one that is read
/// ahead, for any number of good items.
macro_rules! tests {
    ($($test:ident: $check:ident;)*) => {$(
        mod $test {
            use super::*;

            #[test]
            fn pulled() {
                for_all(|config, good| $check(Pulled(items(good)), &config, good));
            }

            #[test]
            fn read_ahead() {
                for_all(|config, good| $check(Ahead(items(good)), &config, good));
            }
        }
    )*};
}

fn for_all(check: fn(Config, u64)) {
    hush();
    for config in settings() {
        for good in [0, 1, 99, 995] {
            let config = config.clone();
            deadline(move || (0..20).for_each(|_| check(config.clone(), good)));
        }
    }
}

tests! {
    each_scan_steps_over_what_was_pulled: distribute;
    so_it_does_in_order: ordered;
    so_it_does_for_rows: zip_latest;
    so_it_does_for_each_key: demux;
    so_it_does_for_a_fold: fold;
}

fn distribute<I: Input<Item = u64>>(input: I, config: &Config, good: u64) {
    let mut run = input.distribute(config, [echo(), sum(), repeat(3)]);
    let (outputs, payload) = until_panic(&mut run);
    let thrice = (0..good).flat_map(|item| [item; 3]);
    let expected = [(0..good).collect(), vec![], thrice.collect()];
    assert_eq!(by_scan(3, outputs), expected);
    assert_eq!((payload, run.panicked()), ("expected: input", Some(PanicOrigin::Input)));
    assert_eq!(run.next(), None);
}

fn ordered<I: Input<Item = u64>>(input: I, config: &Config, good: u64) {
    let mut run = input.ordered(config, [echo(), sum(), repeat(2)]);
    let (outputs, payload) = until_panic(&mut run);
    let outputs: Vec<_> = outputs.into_iter().map(|(id, item)| (id.index(), item)).collect();
    let expected = (0..good).flat_map(|item| [(0, item), (2, item), (2, item)]);
    assert_eq!(outputs, expected.collect::<Vec<_>>());
    assert_eq!((payload, run.panicked()), ("expected: input", Some(PanicOrigin::Input)));
    assert_eq!(run.next(), None);
}

fn zip_latest<I: Input<Item = u64>>(input: I, config: &Config, good: u64) {
    let mut rows = input.zip_latest(config, (echo(), repeat(2)));
    let (before, payload) = until_panic(&mut rows);
    assert_eq!(before, (0..good).map(|item| (item, item)).collect::<Vec<_>>());
    assert_eq!((payload, rows.panicked()), ("expected: input", Some(PanicOrigin::Input)));
    assert_eq!(rows.next(), None);
}

fn demux<I: Input<Item = u64>>(input: I, config: &Config, good: u64) {
    let mut run = input.demux(config, |item| item % 7, |_| echo());
    let (outputs, payload) = until_panic(&mut run);
    let (mut by_key, mut expected) = <(HashMap<_, Vec<_>>, HashMap<_, Vec<_>>)>::default();
    outputs.into_iter().for_each(|(key, item)| by_key.entry(key).or_default().push(item));
    (0..good).for_each(|item| expected.entry(item % 7).or_default().push(item));
    assert_eq!(by_key, expected);
    assert_eq!((payload, run.panicked()), ("expected: input", Some(PanicOrigin::Input)));
    assert_eq!(run.next(), None);
}

/// Counts the items that it steps over.
fn counting(stepped: &Arc<AtomicU64>) -> BoxScan<'static, u64, u64> {
    let stepped = Arc::clone(stepped);
    scan::inspect(move |_: &u64| {
        stepped.fetch_add(1, SeqCst);
    })
    .boxed()
}

fn fold<I: Input<Item = u64>>(input: I, config: &Config, good: u64) {
    let stepped = Arc::default();
    let totals = (counting(&stepped).last(), counting(&stepped).last());
    let caught = catch_unwind(AssertUnwindSafe(|| input.fold(config, totals)));
    assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"expected: input"));
    assert_eq!(stepped.load(SeqCst), 2 * good);
}

#[test]
fn so_it_does_when_the_input_may_fail() {
    for_all(|config, good| {
        let input = items(good).map(Ok::<_, ()>);
        let mut run = input.fan_out().with(&config).until_error().distribute([echo(), sum()]);
        let (outputs, payload) = until_panic(&mut run);
        let outputs = by_scan(2, outputs.into_iter().map(Result::unwrap));
        assert_eq!(outputs, [(0..good).collect(), vec![]]);
        assert_eq!((payload, run.next()), ("expected: input", None));
    });
}

#[test]
fn so_it_does_when_scans_come_later() {
    for_all(|config, good| {
        let mut first = Some(echo());
        let mut run = items(good).fan_out().with(&config).dynamic(|| Option::take(&mut first));
        let (outputs, payload) = until_panic(&mut run);
        assert!(outputs.into_iter().map(|(_, item)| item).eq(0..good));
        assert_eq!((payload, run.next()), ("expected: input", None));
    });
}

#[test]
fn a_scan_that_has_not_begun_when_the_input_panics_steps_over_all() {
    hush();
    for batch in [1, 1_000] {
        deadline(move || {
            let pool = Pool::new();
            let config = Config::new().batch(batch).input_capacity(200).pool(pool.clone());
            // It begins when its own thread is the only one that is left.
            let late = scan::inspect(move |_: &u64| {
                while pool.in_use() > 1 {
                    thread::yield_now();
                }
            });
            let mut run = items(99).fan_out().read_ahead().with(&config).distribute([late]);
            let (outputs, payload) = until_panic(&mut run);
            assert_eq!(payload, "expected: input");
            assert!(outputs.into_iter().map(|(_, item)| item).eq(0..99));
        });
    }
}

#[test]
fn a_panic_of_a_scan_over_what_was_pulled_is_the_first() {
    hush();
    for config in settings() {
        deadline(move || {
            for _ in 0..20 {
                let panics = || {
                    scan::map(|item: &u64| {
                        if *item == 98 {
                            panic_any("expected: step");
                        }
                        *item
                    })
                };
                let mut run = items(99).fan_out().with(&config).ordered([panics()]);
                assert_eq!(until_panic(&mut run).1, "expected: step");
                let ahead = items(99).fan_out().read_ahead().with(&config);
                let mut run = ahead.ordered([panics()]);
                let (outputs, payload) = until_panic(&mut run);
                assert_eq!((outputs.len(), payload), (98, "expected: step"));
            }
        });
    }
}
