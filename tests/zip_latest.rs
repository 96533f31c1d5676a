//! What `zip_latest` owes its scans and its rows: at the end of the input every scan is
//! flushed, and whatever panics, what stands in a row belongs to one item.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "support/inputs.rs"]
mod inputs;
mod support;

use std::ops::{ControlFlow, Range};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};

use anabranch::scan::{self, Emitter, Scan};
use anabranch::{Control, IteratorExt, PanicOrigin, Pool, ScanId};
use inputs::{Ahead, Input, Panicked as _, Pulled};
use support::config::{Config, With as _};
use support::limit::{SOON, deadline_of};
use support::{Tallied, Tally, deadline, hush, tight, tight_and_default, until_panic};

/// The tightest settings, the default ones, and long batches.
fn settings() -> [Config; 3] {
    [tight(), Config::new(), Config::new().batch(1_000)].map(|config| config.pool(Pool::new()))
}

/// Emits every item, and counts the flushes; one of them panics.
struct Flushes {
    index: usize,
    panics: Option<usize>,
    flushed: Arc<AtomicUsize>,
}

impl Scan<u64> for Flushes {
    type Output = u64;

    fn step(&mut self, item: &u64, out: &mut Emitter<'_, u64>) -> ControlFlow<()> {
        out.emit(*item);
        ControlFlow::Continue(())
    }

    fn flush(&mut self, _: &mut Emitter<'_, u64>) {
        if self.panics == Some(self.index) {
            panic_any("expected: flush");
        }
        self.flushed.fetch_add(1, SeqCst);
    }
}

/// So many scans, and how many of them were flushed.
fn flushing(width: usize, panics: Option<usize>) -> (Vec<Flushes>, Arc<AtomicUsize>) {
    let flushed = Arc::default();
    let scan = |index| Flushes { index, panics, flushed: Arc::clone(&flushed) };
    ((0..width).map(scan).collect(), flushed)
}

fn assert_all_are_flushed<I: Input<Item = u64>>(
    input: I,
    config: &Config,
    items: u64,
    width: usize,
) {
    let (scans, flushed) = flushing(width, None);
    let mut rows = input.zip_latest(config, scans);
    assert!(rows.by_ref().eq((0..items).map(|item| vec![item; width])));
    assert_eq!((rows.next(), flushed.load(SeqCst)), (None, width));
}

fn assert_all_are_flushed_at_any_width<I: Input<Item = u64> + 'static>(input: fn(Range<u64>) -> I) {
    for config in settings() {
        for width in [1, 2, 4, 8, 16] {
            let config = config.clone();
            deadline(move || {
                for items in [0, 1, 100] {
                    for _ in 0..20 {
                        assert_all_are_flushed(input(0..items), &config, items, width);
                    }
                }
            });
        }
    }
}

#[test]
fn at_the_end_of_the_input_every_scan_is_flushed() {
    assert_all_are_flushed_at_any_width(Pulled);
}

#[test]
fn so_it_is_when_the_input_is_read_ahead() {
    assert_all_are_flushed_at_any_width(Ahead);
}

#[test]
fn so_it_is_when_the_run_was_stopped() {
    for config in settings() {
        deadline(move || {
            for _ in 0..100 {
                let control = Control::new();
                let config = config.clone().control(&control);
                let input = (0..).inspect(move |item| {
                    if *item == 100 {
                        control.stop();
                    }
                });
                assert_all_are_flushed(Pulled(input), &config, 100, 8);
            }
        });
    }
}

#[test]
fn a_panic_in_any_flush_surfaces_behind_all_rows() {
    fn check<I: Input<Item = u64>>(input: I, config: &Config, index: usize) {
        let (scans, flushed) = flushing(4, Some(index));
        let mut rows = input.zip_latest(config, scans);
        let (before, payload) = until_panic(&mut rows);
        assert_eq!(payload, "expected: flush");
        assert!(before.into_iter().eq((0..100).map(|item| vec![item; 4])));
        assert_eq!(rows.panicked(), Some(PanicOrigin::Scan(ScanId::new(index))));
        assert!(rows.next().is_none());
        assert!(flushed.load(SeqCst) <= 3);
    }
    hush();
    for config in settings() {
        for index in 0..4 {
            let config = config.clone();
            deadline(move || {
                for _ in 0..10 {
                    check(Pulled(0..100), &config, index);
                    check(Ahead(0..100), &config, index);
                }
            });
        }
    }
}

/// An output that is dropped as any other when it was cloned, but may panic when not.
struct Touchy {
    item: u64,
    panics: bool,
    tally: Tally,
    _tallied: Tallied<()>,
}

impl Touchy {
    fn new(item: u64, panics: bool, tally: &Tally) -> Self {
        Self { item, panics, tally: tally.clone(), _tallied: tally.make(()) }
    }
}

impl Clone for Touchy {
    fn clone(&self) -> Self {
        Self::new(self.item, false, &self.tally)
    }
}

impl Drop for Touchy {
    fn drop(&mut self) {
        if self.panics {
            panic_any("expected: output");
        }
    }
}

#[test]
fn a_panic_in_the_drop_of_an_output_shifts_no_row() {
    hush();
    for config in settings() {
        for index in 0..3 {
            let config = config.clone();
            deadline(move || {
                let tally = Tally::default();
                let scans = [0, 1, 2].map(|scan| {
                    let tally = tally.clone();
                    scan::map(move |item: &u64| {
                        Touchy::new(*item, scan == index && *item == 5, &tally)
                    })
                });
                let mut rows = (0..20).fan_out().with(&config).zip_latest(scans);
                let (mut items, mut panics) = (Vec::new(), 0);
                loop {
                    match catch_unwind(AssertUnwindSafe(|| rows.next())) {
                        Ok(Some(row)) => items.push(row.map(|output| output.item)),
                        Ok(None) => break,
                        Err(_) => panics += 1,
                    }
                }
                assert_eq!(panics, 1);
                // Whether the run goes on or not, what it gave is what it gives without.
                let count = items.len() as u64;
                assert_eq!(items, (0..count).map(|item| [item; 3]).collect::<Vec<_>>());
                assert!(count > 5);
                drop(rows);
                tally.assert_settled();
            });
        }
    }
}

#[test]
fn the_stop_of_one_scan_ends_the_rows_while_the_input_blocks() {
    for config in tight_and_default() {
        deadline_of(SOON, move || {
            let control = Control::new();
            let config = config.control(&control);
            let (send, input) = mpsc::channel();
            let input = input.into_iter().fan_out().with(&config).read_ahead();
            let mut rows = input.zip_latest([scan::cloned::<u64>(), scan::cloned()]);
            send.send(0).unwrap();
            assert_eq!(rows.next(), Some([0, 0]));
            control.stop_scan(ScanId::new(1));
            assert_eq!(rows.next(), None);
            drop(send);
        });
    }
}

#[test]
fn an_item_at_which_a_scan_ends_without_an_output_has_no_row() {
    for config in tight_and_default() {
        deadline(move || {
            let below_two = scan::cloned::<u64>().take_while(|item| *item < 2);
            let rows = (0..5).fan_out().with(&config).zip_latest((below_two, scan::cloned()));
            assert_eq!(rows.collect::<Vec<_>>(), [(0, 0), (1, 1)]);
        });
    }
}
