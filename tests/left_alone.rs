//! When a run was aborted or dropped, no further step, batch or flush of a scan begins: a
//! scan is left alone but for the one call that it is in.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::ops::ControlFlow;
use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use anabranch::scan::{self, BoxScan, Emitter, Scan};
use anabranch::{Control, IteratorExt, Pool};
use support::config::{Config, With as _};
use support::{Gate, deadline, hush, panic_at, tight_and_default, until_panic};

/// Takes batches as a whole, without a look at whether anybody listens: but for one, in
/// which it waits until nobody does.
struct Heedless {
    calls: Arc<AtomicU64>,
    flushed: Arc<AtomicBool>,
    /// In which call it waits, from one on.
    waits_in: u64,
    /// How many items have been pulled, and how many are to be, before it waits.
    pulled: Arc<AtomicU64>,
    enough: u64,
    /// Opened when it waits.
    inside: Gate,
}

impl Scan<u64> for Heedless {
    type Output = u64;

    fn step(&mut self, item: &u64, out: &mut Emitter<'_, u64>) -> ControlFlow<()> {
        self.step_batch(&[*item], out)
    }

    fn step_batch(&mut self, _: &[u64], out: &mut Emitter<'_, u64>) -> ControlFlow<()> {
        let call = self.calls.fetch_add(1, SeqCst) + 1;
        if call == self.waits_in {
            while self.pulled.load(SeqCst) < self.enough {
                thread::yield_now();
            }
            self.inside.open();
            while !out.is_closed() {
                thread::yield_now();
            }
        }
        // So slow until then that it is given what there is in pieces.
        let began = Instant::now();
        while call <= self.waits_in && began.elapsed() < Duration::from_millis(1) {
            thread::yield_now();
        }
        ControlFlow::Continue(())
    }

    fn flush(&mut self, _: &mut Emitter<'_, u64>) {
        self.flushed.store(true, SeqCst);
    }
}

/// How a run ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Drop,
    Abort,
    Panic,
}

/// Ends a run while a scan is in one of its first calls, and others wait for it.
fn end(how: End, config: &Config, enough: u64) {
    for waits_in in [1, 2] {
        let (calls, flushed, pulled) = <(Arc<_>, Arc<_>, Arc<AtomicU64>)>::default();
        let (inside, control) = (Gate::default(), Control::new());
        let (config, count) = (config.clone().control(&control), Arc::clone(&pulled));
        let input = (0..).inspect(move |_| {
            count.fetch_add(1, SeqCst);
        });
        let heedless = Heedless {
            calls: Arc::clone(&calls),
            flushed: Arc::clone(&flushed),
            waits_in,
            pulled,
            enough,
            inside: inside.clone(),
        };
        let entered = inside.clone();
        let panics = scan::from_fn(move |_: &u64, _: &mut Emitter<'_, u64>| {
            entered.pass();
            if matches!(how, End::Panic) {
                panic_any("expected: another");
            }
            ControlFlow::Break(())
        });
        let scans: [BoxScan<'static, u64, u64>; 2] = [heedless.boxed(), panics.boxed()];
        let mut run = input.fan_out().with(&config).read_ahead().distribute(scans);
        match how {
            End::Drop => inside.pass(),
            End::Abort => {
                inside.pass();
                control.abort();
                assert!(run.next().is_none());
            }
            End::Panic => assert_eq!(until_panic(&mut run).1, "expected: another"),
        }
        drop(run);
        assert_eq!(calls.load(SeqCst), waits_in, "calls of the scan");
        assert!(!flushed.load(SeqCst));
    }
}

/// Ends runs with many batches in the queue, with a long one, and as they come.
fn end_all(how: End) {
    hush();
    for (capacity, batch, enough) in [(8, 1, 6), (64, 1, 50), (8, 100, 4)] {
        let config = Config::new().input_capacity(capacity).batch(batch).pool(Pool::new());
        deadline(move || end(how, &config, enough));
    }
    deadline(move || end(how, &Config::new().pool(Pool::new()), 4));
}

#[test]
fn a_scan_of_a_run_that_is_dropped_is_given_no_further_batch() {
    end_all(End::Drop);
}

#[test]
fn a_scan_of_a_run_that_is_aborted_is_given_no_further_batch() {
    end_all(End::Abort);
}

#[test]
fn a_scan_of_a_run_that_panicked_is_given_no_further_batch() {
    end_all(End::Panic);
}

#[test]
fn a_scan_of_a_run_that_is_dropped_is_given_no_further_piece() {
    for _ in 0..20 {
        deadline(|| {
            let (calls, flushed, pulled) = (Arc::default(), Arc::default(), Arc::default());
            let inside = Gate::default();
            let heedless = Heedless {
                calls: Arc::clone(&calls),
                flushed: Arc::clone(&flushed),
                // That is inside a batch, as the input is fast, and the scan slow.
                waits_in: 3,
                pulled,
                enough: 0,
                inside: inside.clone(),
            };
            // Its first output lets the consumer go, to drop the run.
            let speaks = scan::from_fn(move |item: &u64, out: &mut Emitter<'_, u64>| {
                inside.pass();
                out.emit(*item);
                ControlFlow::Continue(())
            });
            let mut run = (0..).par_distribute([heedless.boxed(), speaks.boxed()]);
            assert!(run.next().is_some());
            drop(run);
            assert_eq!(calls.load(SeqCst), 3);
            assert!(!flushed.load(SeqCst));
        });
    }
}

/// Notes its flush.
struct Second(Arc<AtomicBool>);

impl Scan<u64> for Second {
    type Output = u64;
    fn step(&mut self, item: &u64, out: &mut Emitter<'_, u64>) -> ControlFlow<()> {
        out.emit(*item);
        ControlFlow::Continue(())
    }
    fn flush(&mut self, _: &mut Emitter<'_, u64>) {
        self.0.store(true, SeqCst);
    }
}

/// Emits until nobody listens, then ends.
struct LeavesEarly {
    in_flush: bool,
}

impl LeavesEarly {
    fn emit(out: &mut Emitter<'_, u64>) {
        while !out.is_closed() {
            out.emit(1);
        }
    }
}

impl Scan<u64> for LeavesEarly {
    type Output = u64;
    fn step(&mut self, _: &u64, out: &mut Emitter<'_, u64>) -> ControlFlow<()> {
        if self.in_flush {
            return ControlFlow::Continue(());
        }
        Self::emit(out);
        ControlFlow::Break(())
    }
    fn flush(&mut self, out: &mut Emitter<'_, u64>) {
        Self::emit(out);
    }
}

#[test]
fn the_second_scan_of_two_in_a_row_is_not_flushed_when_the_run_was_dropped() {
    for config in tight_and_default() {
        for in_flush in [false, true] {
            let config = config.clone();
            deadline(move || {
                let flushed = Arc::new(AtomicBool::new(false));
                let scan = LeavesEarly { in_flush }.then(Second(Arc::clone(&flushed)));
                let mut run = (0..10).fan_out().with(&config).distribute([scan]);
                assert!(run.next().is_some());
                drop(run);
                assert!(!flushed.load(SeqCst), "while the first was in its flush: {in_flush}");
            });
        }
    }
}

#[test]
fn nor_is_it_when_the_run_was_aborted_or_another_scan_panicked() {
    hush();
    for config in tight_and_default() {
        deadline(move || {
            let flushed = Arc::new(AtomicBool::new(false));
            let scan = || LeavesEarly { in_flush: false }.then(Second(Arc::clone(&flushed)));
            let control = Control::new();
            let controlled = config.clone().control(&control);
            let mut run = (0..10).fan_out().with(&controlled).distribute([scan()]);
            assert!(run.next().is_some());
            control.abort();
            run.for_each(drop);
            assert!(!flushed.load(SeqCst), "aborted");

            let scans = [scan().boxed(), panic_at(0, "expected: another")];
            let mut run = (0..10).fan_out().with(&config).distribute(scans);
            assert_eq!(until_panic(&mut run).1, "expected: another");
            assert!(!flushed.load(SeqCst), "panicked");
        });
    }
}

#[test]
fn the_second_scan_is_flushed_when_the_first_has_ended_by_itself() {
    for config in tight_and_default() {
        deadline(move || {
            let flushed = Arc::new(AtomicBool::new(false));
            let scan = scan::take(2).then(Second(Arc::clone(&flushed)));
            assert_eq!((0..).fan_out().with(&config).distribute([scan]).count(), 2);
            assert!(flushed.load(SeqCst));
        });
    }
}
