//! What is in memory while something is slow.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anabranch::prelude::*;
use anabranch_timely::{Deliver, Order, Scans, Setup, outputs, spawn};
use serde::{Deserialize, Serialize};
use support::{LIMIT, within};

static ALIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// An item that is counted while it is alive.
#[derive(Serialize, Deserialize)]
#[serde(from = "u64", into = "u64")]
struct Counted(u64);

impl From<u64> for Counted {
    fn from(n: u64) -> Self {
        PEAK.fetch_max(ALIVE.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        Self(n)
    }
}

impl From<Counted> for u64 {
    fn from(counted: Counted) -> Self {
        counted.0
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        Self::from(self.0)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::SeqCst);
    }
}

const BATCH: usize = 20;
const EPOCHS: usize = 3;

/// One test, as there is one count: slow scans, then a slow consumer.
#[test]
fn items_and_outputs_in_memory_are_bounded() {
    for serialised in [false, true] {
        let setup = Setup::new().workers(2);
        let setup = if serialised { setup.serialised() } else { setup };
        // A slow scan beside a fast one: the items of the epochs in flight for both workers, those
        // that wait for the next, and one in the hands of the input.
        let steps = peak_of(&setup, Duration::from_micros(500), Duration::ZERO);
        let bound = (EPOCHS * 2 + 1) * BATCH + 1 + if serialised { BATCH } else { 0 };
        assert!(steps <= bound, "{steps} items for {bound}");
        // Outputs are items here: as many again in each scan, and in the channel.
        let outputs = peak_of(&setup, Duration::ZERO, Duration::from_micros(200));
        let bound = bound + 2 * (EPOCHS + 2) * BATCH;
        assert!(outputs <= bound, "{outputs} items for {bound}");
        assert!(outputs > BATCH && steps > BATCH, "{steps} and {outputs} items");
    }
}

/// Runs two scans over 800 items, and returns how many of them were alive at once.
fn peak_of(setup: &Setup, step: Duration, take: Duration) -> usize {
    let setup = setup.clone();
    within(LIMIT, "run", move || {
        PEAK.store(0, Ordering::SeqCst);
        let (sink, outputs) = outputs(1);
        let run = spawn(&setup, move |job| {
            let source = job.source(|| (0..800).map(Counted::from)).only_on(0);
            let items = source.batch(BATCH).epochs(EPOCHS).stream();
            let scans = move |i| {
                scan::filter(move |_: &Counted| {
                    if i == 1 && !step.is_zero() {
                        thread::sleep(step);
                    }
                    step.is_zero()
                })
            };
            items.distribute(job, 2, Order::Arrival, scans).deliver(job, &sink);
        });
        let run = run.unwrap();
        for output in outputs {
            thread::sleep(take);
            drop(output);
        }
        run.join().unwrap();
        assert_eq!(ALIVE.load(Ordering::SeqCst), 0, "every value was dropped once");
        PEAK.load(Ordering::SeqCst)
    })
}
