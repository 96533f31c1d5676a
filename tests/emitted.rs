//! Nothing that was emitted is lost: a panic or an abort ends stepping, and what any scan
//! had emitted by then is delivered, wherever it was on its way.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::ops::ControlFlow;
use std::panic::panic_any;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;

use anabranch::scan::{self, BoxScan, Emitter, Scan};
use anabranch::{Control, IteratorExt, PanicOrigin, Pool, ScanId};
use support::config::{Config, With as _};
use support::random::Random;
use support::{Gate, by_scan, deadline, hush, panic_at, tight, until_panic};

/// Settings under which what is emitted waits at the scan's thread, and in the channel.
fn settings() -> [Config; 2] {
    [Config::new().batch(1_000), Config::new().batch(1).output_capacity(1_000)]
        .map(|config| config.input_capacity(100).pool(Pool::new()))
}

/// Waits until the scans of the run are told to leave.
fn wait_for_abort(out: &Emitter<'_, u64>) {
    while !out.is_closed() {
        thread::yield_now();
    }
}

/// Emits its items; with the last of so many it opens the gate, and waits to be aborted.
fn emits_up_to(last: u64, then: impl FnMut() + Send + 'static) -> BoxScan<'static, u64, u64> {
    let mut then = then;
    scan::from_fn(move |item: &u64, out: &mut Emitter<'_, u64>| {
        out.emit(*item);
        if *item == last {
            then();
            wait_for_abort(out);
        }
        ControlFlow::Continue(())
    })
    .boxed()
}

/// Evaluates `$body` with `$run` for a run to be over a hundred items, which are read ahead or
/// pulled on the consumer's thread.
macro_rules! over_items {
    ($read_ahead:expr, $config:expr, |$run:ident| $body:expr) => {{
        let $run = (0..100).fan_out().with($config);
        if $read_ahead {
            let $run = $run.read_ahead();
            $body
        } else {
            $body
        }
    }};
}

/// Makes tests of an input that is pulled on the consumer's thread, and of one that is read
/// ahead.
macro_rules! tests {
    ($($test:ident: $check:ident;)*) => {$(
        mod $test {
            use super::*;

            #[test]
            fn pulled() {
                hush();
                for config in settings() {
                    deadline(move || $check(false, &config));
                }
            }

            #[test]
            fn read_ahead() {
                hush();
                for config in settings() {
                    deadline(move || $check(true, &config));
                }
            }
        }
    )*};
}

tests! {
    what_was_emitted_before_a_panic_of_another_scan_is_delivered: panic_of_another;
    what_was_emitted_before_an_abort_is_delivered: abort;
    so_it_is_in_order: abort_in_order;
    so_it_is_in_order_though_one_scan_was_far_ahead: abort_far_ahead;
    so_it_is_in_rows: abort_in_rows;
    so_it_is_in_a_demux: abort_of_a_demux;
    so_it_is_in_a_fold: abort_of_a_fold;
}

fn panic_of_another(read_ahead: bool, config: &Config) {
    let gate = Gate::default();
    let emitted = gate.clone();
    let panics = scan::map(move |_: &u64| -> u64 {
        emitted.pass();
        panic_any("expected: another")
    });
    let scans = [emits_up_to(9, move || gate.open()), panics.boxed()];
    let (outputs, payload, origin) = over_items!(read_ahead, config, |run| {
        let mut run = run.distribute(scans);
        let (outputs, payload) = until_panic(&mut run);
        (outputs, payload, run.panicked())
    });
    assert_eq!(payload, "expected: another");
    assert_eq!(origin, Some(PanicOrigin::Scan(ScanId::new(1))));
    assert_eq!(by_scan(2, outputs), [(0..10).collect::<Vec<_>>(), vec![]]);
}

/// Scans that emit the items up to their last ones, and when all have, abort the run.
fn that_abort(control: &Control, last: &[u64]) -> Vec<BoxScan<'static, u64, u64>> {
    let missing = Arc::new(AtomicUsize::new(last.len()));
    let scan = |last: &u64| {
        let (missing, control) = (Arc::clone(&missing), control.clone());
        emits_up_to(*last, move || {
            if missing.fetch_sub(1, SeqCst) == 1 {
                control.abort();
            }
        })
    };
    last.iter().map(scan).collect()
}

fn abort(read_ahead: bool, config: &Config) {
    let control = Control::new();
    let config = config.clone().control(&control);
    let scans = that_abort(&control, &[9, 3]);
    let outputs = over_items!(read_ahead, &config, |run| by_scan(2, run.distribute(scans)));
    assert_eq!(outputs, [(0..=9).collect::<Vec<_>>(), (0..=3).collect()]);
}

/// Outputs with the numbers of their scans.
fn numbered(run: impl Iterator<Item = (ScanId, u64)>) -> Vec<(u64, usize)> {
    run.map(|(id, item)| (item, id.index())).collect()
}

fn abort_in_order(read_ahead: bool, config: &Config) {
    let control = Control::new();
    let config = config.clone().control(&control);
    let scans = that_abort(&control, &[9, 9]);
    let outputs = over_items!(read_ahead, &config, |run| numbered(run.ordered(scans)));
    let expected: Vec<_> = (0..=9).flat_map(|item| [(item, 0), (item, 1)]).collect();
    assert_eq!(outputs, expected);
}

fn abort_far_ahead(read_ahead: bool, config: &Config) {
    let control = Control::new();
    let config = config.clone().control(&control);
    let last = [9, 3, 60];
    let scans = that_abort(&control, &last);
    let outputs = over_items!(read_ahead, &config, |run| numbered(run.ordered(scans)));
    // Who has left early is missing from there on.
    let of_item =
        |item| (0..3).filter(move |scan| item <= last[*scan]).map(move |scan| (item, scan));
    assert_eq!(outputs, (0..=60).flat_map(of_item).collect::<Vec<_>>());
}

fn abort_in_rows(read_ahead: bool, config: &Config) {
    let control = Control::new();
    let config = config.clone().control(&control);
    let scans = that_abort(&control, &[9, 5]);
    let rows: Vec<_> = over_items!(read_ahead, &config, |run| run.zip_latest(scans).collect());
    assert_eq!(rows, (0..=5).map(|item| [item; 2]).collect::<Vec<_>>());
}

fn abort_of_a_demux(read_ahead: bool, config: &Config) {
    let control = Control::new();
    let config = config.clone().control(&control);
    let factory = move |key: &u64| {
        // The last to emit is the scan of the last key.
        if *key == 2 { that_abort(&control, &[8]).remove(0) } else { scan::cloned().boxed() }
    };
    let key = |item: &u64| item % 3;
    let mut outputs: Vec<_> =
        over_items!(read_ahead, &config, |run| run.demux_over(1, key, factory).collect());
    outputs.sort_by_key(|(_, item)| *item);
    assert_eq!(outputs, (0..=8).map(|item| (item % 3, item)).collect::<Vec<_>>());
}

fn abort_of_a_fold(read_ahead: bool, config: &Config) {
    let control = Control::new();
    let config = config.clone().control(&control);
    let totals: Vec<_> = that_abort(&control, &[9, 3]).into_iter().map(Scan::last).collect();
    let last = over_items!(read_ahead, &config, |run| run.fold(totals));
    assert_eq!(last, [Some(9), Some(3)]);
}

/// Emits its items, and writes down each that it emits, with its number.
fn logged(log: &Arc<Mutex<Vec<(u64, usize)>>>, number: usize) -> BoxScan<'static, u64, u64> {
    let log = Arc::clone(log);
    scan::from_fn(move |item: &u64, out: &mut Emitter<'_, u64>| {
        (0..item % 3).for_each(|_| {
            log.lock().unwrap().push((*item, number));
            out.emit(*item);
        });
        ControlFlow::Continue(())
    })
    .boxed()
}

/// Asserts that what was emitted is what was delivered, in order or not.
#[track_caller]
fn assert_delivered(
    log: &Mutex<Vec<(u64, usize)>>,
    outputs: Vec<(ScanId, u64)>,
    ordered: bool,
    seed: u64,
) {
    let mut emitted = log.lock().unwrap().clone();
    let mut delivered: Vec<_> = outputs.into_iter().map(|(id, item)| (item, id.index())).collect();
    emitted.sort();
    if !ordered {
        delivered.sort();
    }
    // Both are too long to be shown.
    let same = emitted.iter().zip(&delivered).take_while(|(a, b)| a == b).count();
    let (emitted, delivered) = (emitted.len(), delivered.len());
    let told = format!("{delivered} of {emitted} outputs, the first {same} as expected");
    assert!(emitted == same && delivered == same, "{told}, with seed {seed}");
}

/// An item that panics in its drop, if it is to.
struct Item(u64, bool);

impl Drop for Item {
    fn drop(&mut self) {
        if self.1 {
            panic_any("expected: item");
        }
    }
}

#[test]
fn what_was_emitted_before_a_panic_of_the_drop_of_an_item_is_delivered() {
    hush();
    for config in settings() {
        deadline(move || {
            let (gate, log) = (Gate::default(), Arc::default());
            let (emitted, mut inner) = (gate.clone(), logged(&log, 0));
            let waits = scan::from_fn(move |item: &u64, out: &mut Emitter<'_, u64>| {
                let flow = inner.step(item, out);
                if *item == 4 {
                    gate.open();
                    // Some time: when a batch is dropped is not for this scan to know.
                    (0..10_000).take_while(|_| !out.is_closed()).for_each(|_| thread::yield_now());
                }
                flow
            });
            // The first batch, of two, is not dropped before the other is in the third one.
            let slow = scan::inspect(move |_: &u64| emitted.pass()).filter(|_| false);
            let scans = [waits.boxed(), slow.boxed()];
            let scans = scans.map(|scan| scan.map_input(|item: &Item| item.0));
            let input = (0..).map(|item| Item(item, item == 0));
            let mut run = input.fan_out().with(&config.batch(2)).distribute(scans);
            let (outputs, payload) = until_panic(&mut run);
            assert_eq!(payload, "expected: item");
            assert_eq!(run.panicked(), Some(PanicOrigin::Item));
            assert_delivered(&log, outputs, false, 0);
        });
    }
}

/// The tightest settings, the default ones, and some in between.
fn any_settings(random: &mut Random) -> Config {
    match random.below(3) {
        0 => tight(),
        1 => Config::new(),
        _ => Config::new().batch(7).output_capacity(2),
    }
}

/// One run that is aborted some time, in order or not.
fn abort_some_time(seed: u64) {
    let (mut random, control) = (Random::new(seed), Control::new());
    let ordered = random.below(2) == 0;
    let config = any_settings(&mut random).control(&control);
    let (log, width) = (Arc::default(), 1 + random.below(4) as usize);
    let scans = (0..width).map(|number| logged(&log, number)).collect::<Vec<_>>();
    let at = random.below(300);
    let aborter = thread::spawn(move || {
        while control.stats().scans.iter().all(|scan| scan.items < at) {
            thread::yield_now();
        }
        control.abort();
    });
    let run = (0..).fan_out().with(&config);
    let outputs: Vec<_> = match (random.below(2) == 0, ordered) {
        (true, true) => run.read_ahead().ordered(scans).collect(),
        (true, false) => run.read_ahead().distribute(scans).collect(),
        (false, true) => run.ordered(scans).collect(),
        (false, false) => run.distribute(scans).collect(),
    };
    aborter.join().unwrap();
    assert_delivered(&log, outputs, ordered, seed);
}

#[test]
fn whenever_a_run_is_aborted_what_was_emitted_is_delivered() {
    for seed in 1..=300 {
        deadline(move || abort_some_time(seed));
    }
}

/// One run in which a scan panics some time.
fn panic_some_time(seed: u64) {
    let mut random = Random::new(seed);
    let config = any_settings(&mut random);
    let (log, width) = (Arc::default(), 1 + random.below(4) as usize);
    let mut scans: Vec<_> = (0..width).map(|number| logged(&log, number)).collect();
    let at = random.below(300);
    scans.push(panic_at(at, "expected: some time"));
    let (outputs, _) = if random.below(2) == 0 {
        until_panic(&mut (0..).fan_out().with(&config).read_ahead().distribute(scans))
    } else {
        until_panic(&mut (0..).fan_out().with(&config).distribute(scans))
    };
    let (its_own, outputs): (Vec<_>, _) =
        outputs.into_iter().partition(|(id, _)| id.index() == width);
    assert!(its_own.into_iter().map(|(_, item)| item).eq(0..at), "seed {seed}");
    assert_delivered(&log, outputs, false, seed);
}

#[test]
fn whenever_a_scan_panics_what_was_emitted_is_delivered() {
    hush();
    for seed in 1..=300 {
        deadline(move || panic_some_time(seed));
    }
}
