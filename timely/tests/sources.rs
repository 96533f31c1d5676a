//! Which sources end, which are skipped, and what bounds them.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use anabranch::prelude::*;
use anabranch_timely::{Deliver, Order, RunError, Scans, Setup, execute, outputs, spawn};
use support::{LIMIT, run, within};
use timely::dataflow::operators::{Inspect, Probe, vec::Map};

const ENDLESS: u64 = 1_000_000_000_000;

#[test]
fn a_source_ends_although_timelys_map_is_behind_its_scans() {
    let (outputs, result) = run(&Setup::new(), |job, sink| {
        let items = job.source(|| 0..ENDLESS).stream();
        let taken = items.distribute(job, 1, Order::Arrival, |_| scan::take::<u64>(10));
        taken.map(|(_, n)| n).deliver(job, sink);
    });
    result.unwrap();
    assert_eq!(outputs.len(), 10);
}

#[test]
fn a_source_ends_although_a_probe_is_behind_its_scans() {
    let (outputs, result) = run(&Setup::new(), |job, sink| {
        let items = job.source(|| 0..ENDLESS).stream();
        let taken = items.distribute(job, 1, Order::Arrival, |_| scan::take::<u64>(10));
        taken.probe_with(job.probe()).deliver(job, sink);
    });
    result.unwrap();
    assert_eq!(outputs.len(), 10);
}

#[test]
fn a_source_that_is_delivered_goes_on_when_its_scans_have_ended() {
    for gathers in [false, true] {
        let (outputs, result) = run(&Setup::new().workers(2), move |job, sink| {
            let items = job.source(|| 0..50_000_u64).only_on(0).stream();
            let taken = items.clone().distribute(job, 1, Order::Arrival, |_| scan::take(10));
            taken.map(|(_, n)| n).deliver(job, sink);
            let items = if gathers { items.gather(job, 1) } else { items };
            items.deliver(job, sink);
        });
        result.unwrap();
        assert_eq!(outputs.len(), 50_010);
    }
}

/// What is behind a `map` may be of any source.
#[test]
fn scans_that_have_ended_end_no_other_source() {
    let seen = Arc::new(AtomicU64::new(0));
    let theirs = Arc::clone(&seen);
    let (outputs, result) = run(&Setup::new(), move |job, sink| {
        let one = job.source(|| 0..1_000_u64).stream().map(|n| n);
        one.distribute(job, 1, Order::Arrival, |_| scan::take::<u64>(1)).deliver(job, sink);
        let seen = Arc::clone(&theirs);
        let other = job.source(|| 0..2_000_000_u64).stream();
        let other = other.inspect(move |_| {
            seen.fetch_add(1, Ordering::SeqCst);
        });
        other.probe_with(job.probe());
    });
    result.unwrap();
    assert_eq!(outputs.len(), 1);
    assert_eq!(seen.load(Ordering::SeqCst), 2_000_000);
}

#[test]
fn scans_behind_a_map_keep_their_source_alive_until_they_have_ended() {
    let (outputs, result) = run(&Setup::new(), |job, sink| {
        let items = job.source(|| 0..ENDLESS).stream();
        let few = items.clone().distribute(job, 1, Order::Arrival, |_| scan::take(10));
        few.deliver(job, sink);
        let mapped = items.map(|n| n + 1);
        mapped.distribute(job, 1, Order::Arrival, |_| scan::take(50_000)).deliver(job, sink);
    });
    result.unwrap();
    assert_eq!(outputs.len(), 50_010);
}

/// An input that never has an item, except on one worker.
fn silent_unless(here: bool, mut input: impl Iterator<Item = u64>) -> impl Iterator<Item = u64> {
    std::iter::from_fn(move || {
        if !here {
            thread::sleep(Duration::from_secs(1000));
        }
        input.next()
    })
}

/// By epoch, an item waits for all sources.
#[test]
fn a_silent_source_does_not_keep_items_from_scans_by_epoch() {
    for whole in [false, true] {
        within(LIMIT, "run", move || {
            let (give, take) = mpsc::channel::<u64>();
            let take = Arc::new(Mutex::new(take));
            let (sink, mut outputs) = outputs(2);
            let run = spawn(&Setup::new().workers(2), move |job| {
                let take = Arc::clone(&take);
                let here = job.index() == 0;
                let received = move || std::iter::from_fn(move || take.lock().unwrap().recv().ok());
                let source = job.source(move || silent_unless(here, received())).batch(1);
                // A silent source that sends whole batches is waited for.
                let whole = whole && here;
                let items = if whole { source.whole_batches() } else { source }.stream();
                items.distribute(job, 1, Order::Epoch, |_| scan::cloned()).deliver(job, &sink);
            });
            let run = run.unwrap();
            for n in 0..20 {
                give.send(n).unwrap();
                assert_eq!(outputs.next(), Some((0, n)));
            }
            run.cancel();
            run.join().unwrap();
        });
    }
}

#[test]
fn the_last_items_of_a_source_do_not_wait_for_a_silent_one() {
    within(LIMIT, "run", || {
        let (sink, outputs) = outputs(2);
        let run = spawn(&Setup::new().workers(2), move |job| {
            let here = job.index() == 0;
            let items = job.source(move || silent_unless(here, 0..100)).stream();
            items.distribute(job, 1, Order::Epoch, |_| scan::cloned()).deliver(job, &sink);
        });
        let run = run.unwrap();
        assert_eq!(outputs.take(100).count(), 100);
        run.cancel();
        run.join().unwrap();
    });
}

#[test]
fn an_input_needs_a_worker_that_is_there() {
    let (_, result) = run(&Setup::new().workers(2), |job, sink| {
        job.source(|| 0..10_u64).only_on(2).stream().deliver(job, sink);
    });
    match result {
        Err(RunError::Panicked(panicked)) => {
            assert!(panicked.message().unwrap().contains("no worker 2"));
        }
        other => panic!("no panic: {other:?}"),
    }
}

/// Batches of 20 items, 3 epochs: not all of 5,000 are on the way.
#[test]
fn a_source_waits_for_what_is_gathered() {
    let (pulled, seen) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let peak = Arc::new(AtomicU64::new(0));
    let greatest = Arc::clone(&peak);
    within(LIMIT, "run", move || {
        let run = execute(&Setup::new().workers(2), move |job| {
            let counter = Arc::clone(&pulled);
            let input = move || {
                (0..5_000_u64).inspect(move |_| {
                    counter.fetch_add(1, Ordering::SeqCst);
                })
            };
            let items = job.source(input).only_on(0).batch(20).epochs(3).stream();
            let (pulled, seen) = (Arc::clone(&pulled), Arc::clone(&seen));
            let peak = Arc::clone(&peak);
            items.gather(job, 1).inspect(move |_| {
                thread::sleep(Duration::from_micros(100));
                let seen = seen.fetch_add(1, Ordering::SeqCst) + 1;
                peak.fetch_max(pulled.load(Ordering::SeqCst) - seen, Ordering::SeqCst);
            });
        });
        run.unwrap();
    });
    let peak = greatest.load(Ordering::SeqCst);
    // As many again may be between `gather` and the operator that is slow.
    assert!(peak <= 2 * (3 + 1) * 20 + 1, "{peak} items on the way");
}
