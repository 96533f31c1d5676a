//! A stop latches: a control that was stopped before its run starts stops it at once, as
//! the end of the input would.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "support/inputs.rs"]
mod inputs;
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use anabranch::scan::{self, Scan};
use anabranch::{Control, IteratorExt, Pool};
use inputs::{Adds as _, Ahead, Input, Pulled};
use support::config::{Config, With as _};
use support::{by_scan, deadline, echo, sum, tight_and_default};

/// An input that counts how often it is asked for an item that it has.
fn input(asked: &Arc<AtomicUsize>) -> impl Iterator<Item = u64> + Send + use<> {
    let asked = Arc::clone(asked);
    (0..1_000).inspect(move |_| {
        asked.fetch_add(1, SeqCst);
    })
}

/// Makes tests with a run that is started after the stop.
macro_rules! tests {
    ($($test:ident: $check:ident;)*) => {$(
        mod $test {
            use super::*;

            #[test]
            fn pulled() {
                for_all(|config, control, asked| {
                    control.stop();
                    $check(Pulled(input(asked)), &config);
                });
            }

            #[test]
            fn read_ahead() {
                for_all(|config, control, asked| {
                    control.stop();
                    $check(Ahead(input(asked)), &config);
                });
            }
        }
    )*};
}

fn for_all(check: fn(Config, &Control, &Arc<AtomicUsize>)) {
    for config in tight_and_default() {
        deadline(move || {
            let (control, asked, pool) = (Control::new(), Arc::default(), Pool::new());
            let config = config.control(&control).pool(pool.clone());
            check(config, &control, &asked);
            assert_eq!(asked.load(SeqCst), 0, "nothing is pulled");
            assert_eq!(pool.in_use(), 0);
        });
    }
}

tests! {
    a_run_that_is_stopped_before_it_starts_flushes_its_scans: distribute;
    so_does_an_ordered_one: ordered;
    so_does_one_that_gives_rows: zip_latest;
    so_does_a_fold: fold;
    a_demux_that_is_stopped_before_it_starts_gives_nothing: demux;
}

fn distribute(input: impl Input<Item = u64>, config: &Config) {
    let mut run = input.distribute(config, [echo(), sum()]);
    let adder = run.adder();
    assert!(adder.add(echo()).unwrap_err().is_ended());
    assert_eq!(by_scan(2, run), [[u64::MAX], [0]]);
}

fn ordered(input: impl Input<Item = u64>, config: &Config) {
    let run = input.ordered(config, [echo(), sum()]);
    assert!(run.map(|(id, x)| (id.index(), x)).eq([(0, u64::MAX), (1, 0)]));
}

fn zip_latest(input: impl Input<Item = u64>, config: &Config) {
    let flushed = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&flushed);
    let counting = scan::count::<u64>().then(scan::inspect(move |_: &usize| {
        counts.fetch_add(1, SeqCst);
    }));
    let mut rows = input.zip_latest(config, (echo(), counting));
    assert_eq!((rows.next(), flushed.load(SeqCst)), (None, 1));
}

fn fold(input: impl Input<Item = u64>, config: &Config) {
    let last = input.fold(config, (echo().last(), scan::count()));
    assert_eq!(last, (Some(u64::MAX), 0));
}

fn demux(input: impl Input<Item = u64>, config: &Config) {
    assert_eq!(input.demux(config, |x| *x, |_| echo()).next(), None);
}

#[test]
fn so_does_one_that_is_stopped_between_the_builder_and_the_verb() {
    for_all(|config, control, asked| {
        let run = input(asked).fan_out().read_ahead().with(&config);
        control.stop();
        assert_eq!(by_scan(2, run.distribute([echo(), sum()])), [[u64::MAX], [0]]);
    });
}

#[test]
fn so_does_one_whose_input_may_fail() {
    for_all(|config, control, asked| {
        control.stop();
        let input = input(asked).map(Err::<u64, _>);
        let mut run = input.fan_out().with(&config).until_error().distribute([sum()]);
        assert_eq!(run.next().map(|output| output.map(|(_, x)| x)), Some(Ok(0)));
        assert_eq!(run.next(), None);
    });
}

#[test]
fn so_does_one_that_asks_for_scans() {
    for_all(|config, control, asked| {
        control.stop();
        let mut scans = vec![sum(), echo()];
        let run = input(asked).fan_out().with(&config).dynamic(move || scans.pop());
        assert!(run.map(|(_, x)| x).eq([u64::MAX]));
    });
}

#[test]
fn so_does_one_in_a_scope() {
    for_all(|config, control, asked| {
        control.stop();
        let input = input(asked);
        std::thread::scope(|scope| {
            let run = config.set(input.fan_out()).on(scope).distribute([sum()]);
            assert!(run.map(|(_, x)| x).eq([0]));
        });
    });
}

#[test]
fn so_does_one_without_scans_that_would_discard_its_items() {
    for_all(|config, control, asked| {
        control.clone().stop();
        let config = config.discard_without_scans(true);
        let none: [scan::BoxScan<'static, u64, u64>; 0] = [];
        assert!(input(asked).fan_out().with(&config).distribute(none).next().is_none());
    });
}
