//! Items and outputs of half a megabyte, by value, on threads with the stack that threads
//! have: nobody who is not a user copies them around on it.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "support/child.rs"]
mod child;
mod support;

use std::thread;

use anabranch::scan::{self, Scan};
use anabranch::{Control, IteratorExt};
use child::in_own_process;
use support::config::{Config, With as _};
use support::tight_and_default;

/// A value that takes a quarter of the stack that a thread has by default.
type Big = [u8; 512 * 1024];

/// How many of them there are.
const COUNT: u8 = 20;

fn big(nth: u8) -> Big {
    [nth; 512 * 1024]
}

/// The number of a value, if it is all there.
fn number(big: &Big) -> u8 {
    let [first, .., last] = big;
    assert_eq!(first, last);
    *first
}

/// Runs `body` with each of the settings, with and without a control, on a thread with a
/// large stack. What the consumer does with big values is his own affair.
fn on_a_large_stack(body: impl Fn(&Config) + Send + Sync + 'static) {
    let consumer = move || {
        for config in tight_and_default() {
            body(&config);
            body(&config.control(&Control::new()));
        }
    };
    thread::Builder::new().stack_size(256 << 20).spawn(consumer).unwrap().join().unwrap();
}

#[test]
fn items_may_be_big() {
    in_own_process(|| {
        on_a_large_stack(|config| {
            let run = (0..COUNT).map(big).fan_out().with(config).distribute([scan::map(number)]);
            assert!(run.map(|(_, number)| number).eq(0..COUNT));
        });
    });
}

#[test]
fn items_that_are_read_ahead_may_be_big() {
    in_own_process(|| {
        on_a_large_stack(|config| {
            let input = (0..COUNT).map(big).fan_out().with(config).read_ahead();
            let run = input.distribute([scan::map(number)]);
            assert!(run.map(|(_, number)| number).eq(0..COUNT));
        });
    });
}

#[test]
fn outputs_may_be_big() {
    in_own_process(|| {
        on_a_large_stack(|config| {
            let scan = scan::map(|nth: &u8| big(*nth));
            let run = (0..COUNT).fan_out().with(config).distribute([scan]);
            assert!(run.map(|(_, output)| number(&output)).eq(0..COUNT));
        });
    });
}

#[test]
fn outputs_of_an_ordered_run_may_be_big() {
    in_own_process(|| {
        on_a_large_stack(|config| {
            let scan = scan::map(|nth: &u8| big(*nth));
            let run = (0..COUNT).fan_out().with(config).ordered([scan]);
            assert!(run.map(|(_, output)| number(&output)).eq(0..COUNT));
        });
    });
}

#[test]
fn outputs_of_a_fold_may_be_big() {
    in_own_process(|| {
        on_a_large_stack(|config| {
            let scan = scan::map(|nth: &u8| big(*nth));
            let (last,) = (0..COUNT).fan_out().with(config).fold((scan.last(),));
            assert_eq!(last.map(|last| number(&last)), Some(COUNT - 1));
        });
    });
}

#[test]
fn outputs_in_rows_may_be_big() {
    in_own_process(|| {
        on_a_large_stack(|config| {
            let scan = scan::map(|nth: &u8| big(*nth));
            let rows = (0..COUNT).fan_out().with(config).zip_latest((scan,));
            assert!(rows.map(|(output,)| number(&output)).eq(0..COUNT));
        });
    });
}

#[test]
fn outputs_of_a_demux_may_be_big() {
    in_own_process(|| {
        on_a_large_stack(|config| {
            let of_key = |_: &u8| scan::map(|nth: &u8| big(*nth)).boxed();
            let run = (0..COUNT).fan_out().with(config).demux_over(1, |nth| nth % 2, of_key);
            assert!(run.map(|(_, output)| number(&output)).eq(0..COUNT));
        });
    });
}
