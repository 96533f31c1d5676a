//! What the integration tests share.
#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "each test binary uses its own part of this"
)]

pub mod busy;
pub mod config;
pub mod kinds;
pub mod limit;
pub mod random;

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use self::config::{Config, With as _};
pub use self::limit::deadline;
use anabranch::scan::{self, BoxScan, Emitter, Scan};
use anabranch::{IteratorExt, Pool, ScanId};

/// A gate that threads wait at until it is opened.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    pub fn pass(&self) {
        let mut open = self.0.0.lock().unwrap();
        while !*open {
            open = self.0.1.wait(open).unwrap();
        }
    }
}

/// Counts how many of the values that it made are alive, and how many there were.
#[derive(Clone, Default)]
pub struct Tally(Arc<(AtomicUsize, AtomicUsize)>);

impl Tally {
    pub fn make<V>(&self, value: V) -> Tallied<V> {
        self.0.0.fetch_add(1, Ordering::SeqCst);
        Tallied { value, tally: self.clone() }
    }

    pub fn made(&self) -> usize {
        self.0.0.load(Ordering::SeqCst)
    }

    pub fn dropped(&self) -> usize {
        self.0.1.load(Ordering::SeqCst)
    }

    /// Asserts that every value was dropped, each once.
    #[track_caller]
    pub fn assert_settled(&self) {
        assert_eq!(self.made(), self.dropped(), "made, and dropped");
    }
}

/// A value whose drop is counted.
pub struct Tallied<V> {
    value: V,
    tally: Tally,
}

impl<V> Tallied<V> {
    pub fn get(&self) -> &V {
        &self.value
    }
}

impl<V> Drop for Tallied<V> {
    fn drop(&mut self) {
        self.tally.0.1.fetch_add(1, Ordering::SeqCst);
    }
}

/// A configuration with the tightest bounds there are, and one with the defaults,
/// each with a pool of its own.
pub fn tight_and_default() -> [Config; 2] {
    [tight(), Config::new()].map(|config| config.pool(Pool::new()))
}

/// Capacities of one batch, batches of one item.
pub fn tight() -> Config {
    Config::new().input_capacity(1).output_capacity(1).batch(1)
}

/// Sorts tagged outputs by scan, each scan's in the order of arrival.
pub fn by_scan<O>(scans: usize, outputs: impl IntoIterator<Item = (ScanId, O)>) -> Vec<Vec<O>> {
    let mut sorted: Vec<_> = (0..scans).map(|_| Vec::new()).collect();
    for (id, output) in outputs {
        sorted[id.index()].push(output);
    }
    sorted
}

/// Runs `scans` over `items` on threads and sorts what they emit by scan.
pub fn distribute<T, O>(
    config: &Config,
    items: impl IntoIterator<Item = T>,
    scans: Vec<BoxScan<'static, T, O>>,
) -> Vec<Vec<O>>
where
    T: Send + Sync + 'static,
    O: Send + 'static,
{
    by_scan(scans.len(), items.into_iter().fan_out().with(config).distribute(scans))
}

/// Emits every item, and `u64::MAX` at the flush.
pub fn echo() -> BoxScan<'static, u64, u64> {
    struct Echo;
    impl Scan<u64> for Echo {
        type Output = u64;
        fn step(&mut self, item: &u64, out: &mut Emitter<'_, u64>) -> ControlFlow<()> {
            out.emit(*item);
            ControlFlow::Continue(())
        }
        fn flush(&mut self, out: &mut Emitter<'_, u64>) {
            out.emit(u64::MAX);
        }
    }
    Echo.boxed()
}

/// Emits every item, `times` over.
pub fn repeat(times: usize) -> BoxScan<'static, u64, u64> {
    scan::from_fn(move |item: &u64, out: &mut Emitter<'_, u64>| {
        (0..times).for_each(|_| out.emit(*item));
        ControlFlow::Continue(())
    })
    .boxed()
}

/// Emits nothing until the flush, then the sum of all items.
pub fn sum() -> BoxScan<'static, u64, u64> {
    scan::sum().boxed()
}

/// Panics with `message` at the item `at`, and emits the items before it.
pub fn panic_at(at: u64, message: &'static str) -> BoxScan<'static, u64, u64> {
    scan::map(move |item: &u64| {
        if *item == at {
            std::panic::panic_any(message);
        }
        *item
    })
    .boxed()
}

/// Pulls `run` until it panics, and gives what came before and the payload,
/// which is to be a string literal.
#[track_caller]
pub fn until_panic<V>(run: &mut impl Iterator<Item = V>) -> (Vec<V>, &'static str) {
    let mut before = Vec::new();
    let payload = catch_unwind(AssertUnwindSafe(|| before.extend(run))).expect_err("a panic");
    let message = payload.downcast::<&'static str>().expect("the original payload");
    (before, *message)
}

/// Keeps expected panics from the output of the tests.
pub fn hush() {
    std::panic::set_hook(Box::new(|info| {
        let expected =
            info.payload().downcast_ref::<&str>().is_some_and(|s| s.starts_with("expected"));
        if !expected {
            eprintln!("{info}");
        }
    }));
}
