//! Values that panic where they are dropped or serialised, several at a time: a panic while another
//! one unwinds would abort this program.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::cell::Cell;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, mpsc};

use anabranch::prelude::*;
use anabranch_timely::{Deliver, Order, RunError, Scans, Setup, Stats, outputs, spawn};
use serde::{Deserialize, Serialize};
use support::{LIMIT, run, within};
use timely::dataflow::operators::vec::Map;

/// A value whose drop panics.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Bomb(u64);

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("drop");
    }
}

fn assert_panicked(result: &Result<Stats, RunError>, with: &str) {
    match result {
        Err(RunError::Panicked(panicked)) => assert_eq!(panicked.message().unwrap(), with),
        other => panic!("no panic: {other:?}"),
    }
}

fn setups() -> [Setup; 2] {
    [Setup::new(), Setup::new().workers(2)]
}

#[test]
fn items_that_panic_in_their_drops() {
    for setup in setups() {
        let (_, result) = run(&setup, |job, sink| {
            let items = job.source(|| (0..10).map(Bomb)).whole_batches().stream();
            items.distribute(job, 1, Order::Arrival, |_| scan::count::<Bomb>()).deliver(job, sink);
        });
        assert_panicked(&result, "drop");
        let (_, result) = run(&setup, |job, sink| {
            let items = job.source(|| (0..10).map(Bomb)).whole_batches().stream();
            let key = |item: &Bomb| item.0 % 3;
            let counts = items.demux(job, Order::Epoch, key, |_| scan::count::<Bomb>());
            counts.deliver(job, sink);
        });
        assert_panicked(&result, "drop");
    }
}

/// A scan whose drop panics.
struct Falls {
    ends: bool,
}

impl Scan<u64> for Falls {
    type Output = u64;

    fn step(&mut self, item: &u64, out: &mut Emitter<'_, u64>) -> ControlFlow<()> {
        out.emit(*item);
        if self.ends { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl Drop for Falls {
    fn drop(&mut self) {
        panic!("falls");
    }
}

/// Whether they end by themselves or with their items.
#[test]
fn scans_that_panic_in_their_drops() {
    for setup in setups() {
        for ends in [false, true] {
            let (_, result) = run(&setup, move |job, sink| {
                let items = job.source(|| 0..10_u64).stream();
                let scans = move |_| Falls { ends };
                items.distribute(job, 6, Order::Arrival, scans).deliver(job, sink);
            });
            assert_panicked(&result, "falls");
            let (_, result) = run(&setup, move |job, sink| {
                let items = job.source(|| 0..10_u64).stream();
                let scans = move |_: &u64| Falls { ends };
                items.demux(job, Order::Arrival, |n| *n, scans).deliver(job, sink);
            });
            assert_panicked(&result, "falls");
        }
    }
}

/// A key that panics in the drop that follows its item's step.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key(u64);

impl Drop for Key {
    fn drop(&mut self) {
        DROPS.with(|drops| drops.set(drops.get() + 1));
        // The first one is dropped where its item comes from.
        assert!(DROPS.with(Cell::get) != 2, "key");
    }
}

thread_local! {
    static DROPS: Cell<usize> = const { Cell::new(0) };
}

#[test]
fn a_key_that_panics_in_its_drop_comes_behind_what_was_emitted() {
    let (outputs, result) = run(&Setup::new(), |job, sink| {
        let items = job.source(|| 0..1).stream();
        let copies = items.demux(job, Order::Arrival, |n| Key(*n), |_| scan::cloned::<u64>());
        copies.map(|(_, n)| n).deliver(job, sink);
    });
    assert_panicked(&result, "key");
    assert_eq!(outputs, [0]);
}

#[test]
fn outputs_that_panic_in_their_drops() {
    within(LIMIT, "run", || {
        let (sink, mut outputs) = outputs(4);
        let run = spawn(&Setup::new(), move |job| {
            let items = job.source(|| 0..1_000_u64).batch(10).stream();
            items
                .distribute(job, 1, Order::Arrival, |_| scan::map(|n| Bomb(*n)))
                .deliver(job, &sink);
        });
        let run = run.unwrap();
        std::mem::forget(outputs.next());
        drop(outputs);
        // Those that were still on their way have panicked, if there were any.
        drop(run.join());
    });
}

#[test]
fn items_that_nobody_takes_panic_in_their_drops() {
    within(LIMIT, "run", || {
        let (give, take) = mpsc::channel::<()>();
        let take = Arc::new(Mutex::new(take));
        let (made, is_made) = mpsc::channel();
        let (sink, _outputs) = outputs(4);
        let run = spawn(&Setup::new(), move |job| {
            let (take, made) = (Arc::clone(&take), made.clone());
            let input = move || {
                (0..11).map(move |n| {
                    if n == 10 {
                        made.send(()).unwrap();
                        take.lock().unwrap().recv().unwrap_err();
                    }
                    Bomb(n)
                })
            };
            let items = job.source(input).batch(100).whole_batches().stream();
            items.distribute(job, 1, Order::Arrival, |_| scan::count::<Bomb>()).deliver(job, &sink);
        });
        is_made.recv().unwrap();
        drop(run.unwrap());
        drop(give);
    });
}

/// A value that cannot be sent.
#[derive(Debug, Clone)]
struct Touchy(#[allow(dead_code, reason = "it is never sent")] u64);

impl Serialize for Touchy {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("serialise")
    }
}

impl<'de> Deserialize<'de> for Touchy {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::deserialize(deserializer).map(Self)
    }
}

/// Three for each item: what the scans emit at once fills more than one of timely's containers.
#[test]
fn outputs_that_panic_as_they_are_serialised() {
    let (outputs, result) = run(&Setup::new().workers(2).serialised(), |job, sink| {
        let items = job.source(|| 0..4_096_u64).only_on(0).whole_batches().stream();
        let scans = |_| {
            scan::from_fn(|n: &u64, out: &mut Emitter<'_, Touchy>| {
                (0..3).for_each(|i| out.emit(Touchy(n + i)));
                ControlFlow::Continue(())
            })
        };
        items.distribute(job, 2, Order::Arrival, scans).gather(job, 0).deliver(job, sink);
    });
    assert_panicked(&result, "serialise");
    assert!(outputs.is_empty());
}
