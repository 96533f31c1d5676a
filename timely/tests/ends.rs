//! How runs in one process end: by themselves, by scans that end, by a consumer that leaves, by
//! panics.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anabranch::prelude::*;
use anabranch_timely::{Deliver, Order, RunError, Scans, Setup, Sink, Stats, outputs, spawn};
use support::{LIMIT, run, within};

const ENDLESS: u64 = 1_000_000_000_000;

fn setups() -> [Setup; 4] {
    let two = Setup::new().workers(2);
    [Setup::new(), two.clone(), two.serialised(), Setup::new().workers(3)]
}

/// Counts the steps and flushes of the scans that share it.
#[derive(Clone, Default)]
struct Calls(Arc<(AtomicU64, AtomicUsize)>);

impl Calls {
    fn flushes(&self) -> usize {
        self.0.1.load(Ordering::SeqCst)
    }
}

impl Scan<u64> for Calls {
    type Output = u64;

    fn step(&mut self, item: &u64, out: &mut Emitter<'_, u64>) -> ControlFlow<()> {
        self.0.0.fetch_add(1, Ordering::SeqCst);
        out.emit(*item);
        ControlFlow::Continue(())
    }

    fn flush(&mut self, _: &mut Emitter<'_, u64>) {
        self.0.1.fetch_add(1, Ordering::SeqCst);
    }
}

fn message(result: Result<Stats, RunError>) -> String {
    match result {
        Err(RunError::Panicked(panicked)) => panicked.message().unwrap(),
        other => panic!("no panic: {other:?}"),
    }
}

#[test]
fn a_source_is_not_pulled_any_more_when_every_scan_has_ended() {
    for setup in setups() {
        let (outputs, result) = run(&setup, |job, sink| {
            let items = job.source(|| 0..ENDLESS).only_on(0).batch(100).stream();
            let scans = |_| scan::cloned::<u64>().take(2_000);
            items.distribute(job, 3, Order::Arrival, scans).gather(job, 0).deliver(job, sink);
        });
        assert_eq!(outputs.len(), 6_000);
        let pulled: u64 = result.unwrap().workers.iter().map(|worker| worker.pulled).sum();
        assert!((2_000..4_000).contains(&pulled), "{pulled}");
    }
}

#[test]
fn a_source_goes_on_while_one_scan_has_not_ended() {
    for setup in setups() {
        let (outputs, result) = run(&setup, |job, sink| {
            let items = job.source(|| 0..50_000_u64).only_on(0).stream();
            let scans = |i| if i == 0 { scan::take(5).boxed() } else { scan::cloned().boxed() };
            items.distribute(job, 2, Order::Arrival, scans).deliver(job, sink);
        });
        result.unwrap();
        assert_eq!(outputs.iter().filter(|(i, _)| *i == 0).count(), 5);
        assert_eq!(outputs.iter().filter(|(i, _)| *i == 1).count(), 50_000);
    }
}

#[test]
fn scans_behind_scans_that_have_ended_are_flushed() {
    for setup in setups() {
        let (outputs, result) = run(&setup, |job, sink| {
            let items = job.source(|| 0..ENDLESS).only_on(0).batch(10).stream();
            let first = items.distribute(job, 1, Order::Arrival, |_| scan::take(1_000));
            let sums = first.demux(
                job,
                Order::Arrival,
                |(_, n): &(usize, u64)| n % 2,
                |_| scan::sum_by(|(_, n): &(usize, u64)| *n),
            );
            sums.gather(job, 0).deliver(job, sink);
        });
        result.unwrap();
        let mut outputs = outputs;
        outputs.sort_unstable();
        assert_eq!(outputs, [(0, 249_500), (1, 250_000)]);
    }
}

#[test]
fn outputs_dropped_early_end_a_run_on_an_endless_input() {
    for setup in setups() {
        let calls = Calls::default();
        let theirs = calls.clone();
        let result = within(LIMIT, "drop", move || {
            let (sink, mut outputs) = outputs(1);
            let run = spawn(&setup, move |job| {
                let calls = theirs.clone();
                let items = job.source(|| 0..ENDLESS).batch(100).stream();
                items
                    .distribute(job, 2, Order::Arrival, move |_| calls.clone())
                    .deliver(job, &sink);
            });
            let run = run.unwrap();
            assert_eq!(outputs.by_ref().take(5_000).count(), 5_000);
            drop(outputs);
            run.join()
        });
        assert!(result.is_ok(), "{result:?}");
        assert_eq!(calls.flushes(), 0);
    }
}

#[test]
fn a_run_that_is_dropped_or_cancelled_ends() {
    for cancels in [false, true] {
        let calls = Calls::default();
        let theirs = calls.clone();
        within(LIMIT, "drop", move || {
            let (sink, mut outputs) = outputs(1);
            let run = spawn(&Setup::new().workers(2), move |job| {
                let calls = theirs.clone();
                let items = job.source(|| 0..ENDLESS).stream();
                items.distribute(job, 2, Order::Epoch, move |_| calls.clone()).deliver(job, &sink);
            });
            let run = run.unwrap();
            assert!(outputs.next().is_some());
            if cancels {
                run.cancel();
                assert!(run.join().is_ok());
            } else {
                drop(run);
            }
            // Behind what was emitted comes the end.
            outputs.for_each(drop);
        });
        assert_eq!(calls.flushes(), 0);
    }
}

#[test]
fn a_panic_in_a_step_comes_behind_what_was_emitted() {
    for setup in setups() {
        for order in [Order::Arrival, Order::Epoch] {
            let calls = Calls::default();
            let theirs = calls.clone();
            let (outputs, result) = run(&setup, move |job, sink| {
                let calls = theirs.clone();
                let items = job.source(|| 0..ENDLESS).only_on(0).batch(100).stream();
                let scans = move |i| match i {
                    1 => scan::map(|n: &u64| if *n == 5_000 { panic!("step") } else { *n }).boxed(),
                    _ => calls.clone().boxed(),
                };
                items.distribute(job, 3, order, scans).gather(job, 0).deliver(job, sink);
            });
            assert_eq!(message(result), "step");
            for scan in 0..3 {
                let its = outputs.iter().filter(|(i, _)| *i == scan).map(|(_, n)| *n);
                let its: Vec<_> = its.collect();
                // In order, without a hole; of the one that panicked, everything before.
                assert!(its.iter().copied().eq(0..its.len() as u64));
                assert!(scan != 1 || its.len() == 5_000, "{}", its.len());
            }
            assert_eq!(calls.flushes(), 0);
        }
    }
}

#[test]
fn a_panic_in_a_flush_comes_behind_what_was_emitted() {
    struct Flush;
    impl Scan<u64> for Flush {
        type Output = u64;
        fn step(&mut self, _: &u64, _: &mut Emitter<'_, u64>) -> ControlFlow<()> {
            ControlFlow::Continue(())
        }
        fn flush(&mut self, out: &mut Emitter<'_, u64>) {
            out.emit(7);
            panic!("flush");
        }
    }
    for setup in setups() {
        let (outputs, result) = run(&setup, |job, sink| {
            let items = job.source(|| 0..1_000_u64).stream();
            items.distribute(job, 1, Order::Arrival, |_| Flush).gather(job, 0).deliver(job, sink);
        });
        assert_eq!(message(result), "flush");
        assert_eq!(outputs, [(0, 7)]);
    }
}

#[test]
fn a_panic_in_a_key_or_a_factory_ends_the_run() {
    for setup in setups() {
        let (outputs, result) = run(&setup, |job, sink| {
            let items = job.source(|| 0..ENDLESS).stream();
            let key = |n: &u64| if *n == 3_000 { panic!("key") } else { n % 7 };
            let counts = items.demux(job, Order::Arrival, key, |_| scan::count::<u64>());
            counts.deliver(job, sink);
        });
        assert_eq!(message(result), "key");
        assert!(outputs.is_empty(), "nothing is flushed");
        let (_, result) = run(&setup, |job, sink| {
            let items = job.source(|| 0..ENDLESS).stream();
            let factory = |key: &u64| if *key == 5 { panic!("factory") } else { scan::cloned() };
            items.demux(job, Order::Epoch, |n| n % 7, factory).deliver(job, sink);
        });
        assert_eq!(message(result), "factory");
        let (_, result) = run(&setup, |job, sink| {
            let items = job.source(|| 0..ENDLESS).stream();
            let factory = |i| if i == 1 { panic!("list") } else { scan::cloned() };
            items.distribute(job, 2, Order::Epoch, factory).deliver(job, sink);
        });
        assert_eq!(message(result), "list");
    }
}

#[test]
fn a_panic_of_an_input_comes_behind_the_items_before_it() {
    for setup in setups() {
        for whole in [false, true] {
            let last = setup.peers() - 1;
            let calls = Calls::default();
            let theirs = calls.clone();
            let (outputs, result) = run(&setup, move |job, sink| {
                let calls = theirs.clone();
                let input = || (0..500).map(|n| if n == 120 { panic!("input") } else { n });
                let source = job.source(input).only_on(last).batch(50);
                let items = if whole { source.whole_batches() } else { source }.stream();
                // One that never has an item, and holds back what is four epochs behind.
                let other = job.source(|| {
                    std::iter::from_fn(|| -> Option<u64> {
                        thread::sleep(Duration::from_secs(1000));
                        None
                    })
                });
                let others = other.only_on(0).whole_batches().stream();
                others.distribute(job, 1, Order::Arrival, |_| scan::cloned()).deliver(job, sink);
                items.distribute(job, 1, Order::Arrival, move |_| calls.clone()).deliver(job, sink);
            });
            assert_eq!(message(result), "input");
            assert!(outputs.iter().map(|(_, n)| *n).eq(0..120), "{}", outputs.len());
            assert_eq!(calls.flushes(), 0);
        }
    }
}

#[test]
fn a_panic_while_the_dataflow_is_built_ends_the_run() {
    for setup in setups() {
        let last = setup.peers() - 1;
        let (_, result) = run(&setup, move |job, sink: &Sink<(usize, u64)>| {
            let items = job.source(|| 0..ENDLESS).stream();
            assert!(job.index() != last, "build");
            items.distribute(job, 1, Order::Arrival, |_| scan::cloned()).deliver(job, sink);
        });
        assert_eq!(message(result), "build");
    }
}

#[test]
fn a_panic_in_an_operator_of_timelys_ends_the_run() {
    use timely::dataflow::operators::vec::Map;
    for setup in setups() {
        let (_, result) = run(&setup, |job, sink| {
            let items = job.source(|| 0..ENDLESS).stream();
            let mapped = items.map(|n| if n == 10_000 { panic!("map") } else { n });
            mapped.distribute(job, 2, Order::Arrival, |_| scan::cloned()).deliver(job, sink);
        });
        assert_eq!(message(result), "map");
    }
}

#[test]
fn a_worker_inside_a_step_is_detached_from_a_run_that_has_failed() {
    let begun = Instant::now();
    let (_, result) = run(&Setup::new().workers(2), |job, sink| {
        let items = job.source(|| 0..ENDLESS).only_on(1).batch(1).stream();
        let scans = |i| {
            scan::map(move |n: &u64| match (i, n) {
                (0, _) => thread::sleep(Duration::from_secs(1000)),
                (_, 3) => panic!("other"),
                _ => {}
            })
        };
        items.distribute(job, 2, Order::Arrival, scans).deliver(job, sink);
    });
    assert_eq!(message(result), "other");
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

#[test]
fn an_input_that_blocks_holds_nothing_back() {
    within(LIMIT, "outputs", || {
        let (sink, mut outputs) = outputs(2);
        let (give, take) = std::sync::mpsc::channel();
        let take = shared(take);
        let run = spawn(&Setup::new().workers(2), move |job| {
            let take = Arc::clone(&take);
            let input = move || std::iter::from_fn(move || take.lock().unwrap().recv().ok());
            let items = job.source(input).only_on(1).stream();
            items.distribute(job, 1, Order::Arrival, |_| scan::cloned::<u64>()).deliver(job, &sink);
        });
        let run = run.unwrap();
        for n in 0..20 {
            give.send(n).unwrap();
            assert_eq!(outputs.next(), Some((0, n)));
        }
        drop(give);
        assert_eq!(outputs.next(), None);
        run.join().unwrap();
    });
}

/// A receiver that the closure of every worker may have.
fn shared<T>(value: T) -> Arc<std::sync::Mutex<T>> {
    Arc::new(std::sync::Mutex::new(value))
}

/// A source without items does not hold back the others.
#[test]
fn a_silent_source_is_skipped() {
    let (outputs, result) = run(&Setup::new().workers(2), |job, sink| {
        let silent = job.index() == 1;
        let input = move || {
            (0..100_000_u64).inspect(move |_| {
                if silent {
                    thread::sleep(Duration::from_secs(1000));
                }
            })
        };
        let items = job.source(input).batch(10).epochs(2).stream();
        let scans = |_| scan::cloned::<u64>().take(50_000);
        items.distribute(job, 1, Order::Arrival, scans).deliver(job, sink);
    });
    result.unwrap();
    assert_eq!(outputs.len(), 50_000);
}

/// Values that cannot be sent.
#[test]
fn a_panic_where_items_are_serialised_ends_the_run() {
    #[derive(Clone)]
    struct Touchy(u64);
    impl serde::Serialize for Touchy {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            // The first way, to worker 1, is free.
            let there = thread::current().name() == Some("timely:work-1");
            assert!(!there || self.0 < 100, "serialise");
            self.0.serialize(serializer)
        }
    }
    impl<'de> serde::Deserialize<'de> for Touchy {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            u64::deserialize(deserializer).map(Self)
        }
    }
    let setup = Setup::new().workers(3).serialised();
    let (_, result) = run(&setup, |job, sink| {
        let items = job.source(|| (0..ENDLESS).map(Touchy)).only_on(1).stream();
        let key = |item: &Touchy| item.0 % 5;
        items.demux(job, Order::Arrival, key, |_| scan::count::<Touchy>()).deliver(job, sink);
    });
    assert_eq!(message(result), "serialise");
    let (_, result) = run(&setup, |job, sink| {
        // Several epochs at a time, as worker 1 is slow: while one unwinds, the next would panic.
        let items = job.source(|| (0..ENDLESS).map(Touchy)).only_on(0).batch(4).epochs(64);
        let items = items.stream().gather(job, 1);
        let total = |i| {
            scan::for_each(move |_: &Touchy| {
                if i == 1 {
                    thread::sleep(Duration::from_millis(1));
                }
            })
        };
        items.fold(job, 3, total).deliver(job, sink);
    });
    assert_eq!(message(result), "serialise");
    let (_, result) = run(&setup, move |job, sink| {
        let items = job.source(|| 0..ENDLESS).only_on(0).stream();
        let outputs = items.distribute(job, 3, Order::Arrival, |_| scan::map(|n| Touchy(*n)));
        outputs.gather(job, 0).deliver(job, sink);
    });
    assert_eq!(message(result), "serialise");
}
