//! What still happens in a run that is cancelled: nothing is stepped or flushed behind the call that
//! is under way.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use anabranch::prelude::*;
use anabranch_timely::{Deliver, Order, Run, RunError, Scans, Setup, Sink, outputs, spawn};
use support::{LIMIT, run, within};
use timely::dataflow::operators::vec::Map;

const ENDLESS: u64 = 1_000_000_000_000;

/// Long enough to be looked at behind each call.
const SLOW: Duration = Duration::from_millis(3);

/// A scan that counts its slow calls, with those of others.
#[derive(Clone, Default)]
struct Calls {
    steps: bool,
    count: Arc<AtomicU64>,
}

impl Calls {
    fn steps() -> Self {
        Self { steps: true, ..Self::default() }
    }

    fn call(&self) {
        self.count.fetch_add(1, Ordering::SeqCst);
        thread::sleep(SLOW);
    }

    fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    fn wait_for(&self, count: u64) {
        while self.count() < count {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Scan<u64> for Calls {
    type Output = u64;

    fn step(&mut self, item: &u64, out: &mut Emitter<'_, u64>) -> ControlFlow<()> {
        if self.steps {
            self.call();
        }
        out.emit(*item);
        ControlFlow::Continue(())
    }

    fn flush(&mut self, _: &mut Emitter<'_, u64>) {
        if !self.steps {
            self.call();
        }
    }
}

/// Scans of one kind on one worker; both kinds have 50.
fn start(calls: &Calls, keyed: bool, items: u64, sink: Sink<u64>) -> Run {
    let calls = calls.clone();
    let run = spawn(&Setup::new(), move |job| {
        let items = job.source(move || 0..items).batch(5).whole_batches().stream();
        let calls = calls.clone();
        if keyed {
            let outputs = items.demux(job, Order::Arrival, |n| n % 50, move |_| calls.clone());
            outputs.map(|(_, n)| n).deliver(job, &sink);
        } else {
            let outputs = items.distribute(job, 50, Order::Arrival, move |_| calls.clone());
            outputs.map(|(_, n)| n).deliver(job, &sink);
        }
    });
    run.unwrap()
}

#[test]
fn nothing_is_stepped_behind_the_step_that_is_under_way() {
    for keyed in [false, true] {
        let calls = Calls::steps();
        let theirs = calls.clone();
        within(LIMIT, "cancel", move || {
            let (sink, _outputs) = outputs(64);
            let run = start(&theirs, keyed, ENDLESS, sink);
            theirs.wait_for(3);
            run.cancel();
            let before = theirs.count();
            run.join().unwrap();
            let more = theirs.count() - before;
            assert!(more <= 1, "{more} more steps");
        });
    }
}

/// The operator that would notice is on the worker that steps.
#[test]
fn dropping_the_outputs_ends_the_run_behind_the_step_that_is_under_way() {
    for keyed in [false, true] {
        within(LIMIT, "drop", move || {
            let calls = Calls::steps();
            let (sink, mut outputs) = outputs(1);
            let run = start(&calls, keyed, ENDLESS, sink);
            assert!(outputs.next().is_some());
            drop(outputs);
            let before = calls.count();
            run.join().unwrap();
            let more = calls.count() - before;
            assert!(more <= 1, "{more} more steps");
        });
    }
}

#[test]
fn nothing_is_flushed_behind_the_flush_that_is_under_way() {
    for keyed in [false, true] {
        within(LIMIT, "cancel", move || {
            let calls = Calls::default();
            let (sink, _outputs) = outputs(1_000);
            let run = start(&calls, keyed, 100, sink);
            calls.wait_for(1);
            run.cancel();
            let before = calls.count();
            drop(run);
            let more = calls.count() - before;
            assert!(more <= 1, "{more} more flushes");
        });
    }
}

#[test]
fn a_panic_behind_a_cancel_is_reported_although_a_worker_is_inside_a_step() {
    within(LIMIT, "join", || {
        let (inside, is_inside) = mpsc::channel();
        let (go_on, goes_on) = mpsc::channel::<()>();
        let goes_on = Arc::new(Mutex::new(goes_on));
        let (sink, _outputs) = outputs(16);
        let run = spawn(&Setup::new().workers(2), move |job| {
            let (inside, goes_on) = (inside.clone(), Arc::clone(&goes_on));
            let items = job.source(|| 0..10_u64).only_on(0).stream();
            let scans = move |i| {
                let (inside, goes_on) = (inside.clone(), Arc::clone(&goes_on));
                scan::for_each(move |_: &u64| {
                    inside.send(()).unwrap();
                    if i == 0 {
                        thread::sleep(Duration::from_secs(1000));
                    }
                    goes_on.lock().unwrap().recv().unwrap();
                    panic!("behind");
                })
            };
            items.distribute(job, 2, Order::Arrival, scans).deliver(job, &sink);
        });
        let run = run.unwrap();
        for _ in 0..2 {
            is_inside.recv().unwrap();
        }
        run.cancel();
        // The supervisor waits for the steps, as nothing has failed.
        thread::sleep(Duration::from_millis(50));
        go_on.send(()).unwrap();
        assert!(matches!(run.join(), Err(RunError::Panicked(_))));
    });
}

#[test]
fn statistics_tell_a_run_that_was_cancelled_from_a_complete_one() {
    let (delivered, result) = run(&Setup::new().workers(2), |job, sink| {
        job.source(|| 0..10_u64).only_on(0).stream().deliver(job, sink);
    });
    assert_eq!(delivered.len(), 10);
    assert!(!result.unwrap().cancelled);
    within(LIMIT, "run", || {
        let (sink, mut outputs) = outputs(1);
        let run = spawn(&Setup::new().workers(2), move |job| {
            job.source(|| 0..ENDLESS).stream().deliver(job, &sink);
        });
        let run = run.unwrap();
        assert!(outputs.next().is_some());
        drop(outputs);
        assert!(run.join().unwrap().cancelled);
    });
}
