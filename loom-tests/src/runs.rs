//! Small runs, for models to check.

use std::iter;
use std::ops::{ControlFlow, Range};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::config::{Config, With as _};
use anabranch::scan::{self, BoxScan, Emitter, Scan};
use anabranch::{Distribute, IteratorExt, Pool, ReadAhead, ScanId};

#[cfg(loom)]
use loom as checker;
#[cfg(shuttle)]
use shuttle as checker;

/// Capacities of one batch, batches of one item, new threads that end with the
/// run: the models of the pool have those that stay.
pub fn tight() -> Config {
    Config::new().input_capacity(1).output_capacity(1).batch(1).pool(Pool::with_max_idle(0))
}

/// Starts a tight run over the items `0..items`.
pub fn start<const N: usize>(
    items: u8,
    scans: [BoxScan<'static, u8, u8>; N],
) -> Distribute<Range<u8>, u8> {
    (0..items).fan_out().with(&tight()).distribute(scans)
}

/// A tight run over the same items, which are read ahead in batches of up to `batch`.
pub fn start_ahead<const N: usize>(
    items: u8,
    batch: usize,
    scans: [BoxScan<'static, u8, u8>; N],
) -> Distribute<ReadAhead<Range<u8>>, u8> {
    let config = tight().batch(batch);
    (0..items).fan_out().with(&config).read_ahead().distribute(scans)
}

/// Where an input blocks until it is let through.
#[derive(Clone, Default)]
pub struct Gate(Arc<(checker::sync::Mutex<bool>, checker::sync::Condvar)>);

impl Gate {
    pub fn open(&self) {
        *self.0.0.lock().expect("nothing panics under the lock") = true;
        self.0.1.notify_one();
    }

    pub fn pass(&self) {
        let mut open = self.0.0.lock().expect("nothing panics under the lock");
        while !*open {
            open = self.0.1.wait(open).expect("nothing panics under the lock");
        }
    }
}

/// An item that opens a gate when it is dropped.
pub struct Opens(pub Option<Gate>);

impl Drop for Opens {
    fn drop(&mut self) {
        self.0.iter().for_each(Gate::open);
    }
}

/// Four items, the last of which has to be dropped before the input ends.
pub fn four_until_dropped() -> impl Iterator<Item = Opens> {
    let gate = Gate::default();
    let mut items = [None, None, None, Some(gate.clone())].into_iter().map(Opens);
    iter::from_fn(move || {
        let item = items.next();
        if item.is_none() {
            gate.pass();
        }
        item
    })
}

/// Items that come at once until one that blocks at `gate`; the items behind it do
/// not. Its drop is noted in `dropped`.
pub struct Blocking {
    pub items: Range<u8>,
    pub blocks_at: u8,
    pub gate: Gate,
    pub dropped: Arc<AtomicUsize>,
}

impl Iterator for Blocking {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        if self.items.start == self.blocks_at {
            self.gate.pass();
        }
        self.items.next()
    }
}

impl Drop for Blocking {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

/// Everything that a run gives, by scan.
pub fn outputs<const N: usize>(run: impl Iterator<Item = (ScanId, u8)>) -> [Vec<u8>; N] {
    let mut sorted = [const { Vec::new() }; N];
    for (id, output) in run {
        sorted[id.index()].push(output);
    }
    sorted
}

/// Pulls `run` until it panics; gives what came before, by scan, and the payload.
pub fn until_panic<const N: usize>(
    run: &mut impl Iterator<Item = (ScanId, u8)>,
) -> ([Vec<u8>; N], &'static str) {
    let mut before = Vec::new();
    let payload = catch_unwind(AssertUnwindSafe(|| before.extend(run))).expect_err("a panic");
    let message = payload.downcast::<&'static str>().expect("the original payload");
    (outputs(before.into_iter()), *message)
}

/// Emits every item.
pub fn each() -> BoxScan<'static, u8, u8> {
    scan::cloned().boxed()
}

/// Emits nothing until the flush, then the number of items.
pub fn count() -> BoxScan<'static, u8, u8> {
    scan::fold(0, |n, _: &u8| n + 1).boxed()
}

/// Emits the first `n` items, and ends.
pub fn first(n: usize) -> BoxScan<'static, u8, u8> {
    scan::take(n).boxed()
}

/// Emits every item `times` over, in one step.
pub fn repeat(times: u8) -> BoxScan<'static, u8, u8> {
    scan::from_fn(move |item: &u8, out: &mut Emitter<'_, u8>| {
        (0..times).for_each(|_| out.emit(*item));
        ControlFlow::Continue(())
    })
    .boxed()
}

/// Emits the items before `at`, and panics there.
pub fn panic_at(at: u8) -> BoxScan<'static, u8, u8> {
    scan::map(move |item: &u8| if *item == at { panic_any("expected: step") } else { *item })
        .boxed()
}

/// Stays until nobody listens to `out` any more.
pub fn until_closed<O>(out: &Emitter<'_, O>) {
    while !out.is_closed() {
        checker::thread::yield_now();
    }
}

/// A scan of items of any type whose flush lasts until nobody listens any more.
pub struct Lingers;

impl<T> Scan<T> for Lingers {
    type Output = u8;

    fn step(&mut self, _: &T, _: &mut Emitter<'_, u8>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn flush(&mut self, out: &mut Emitter<'_, u8>) {
        until_closed(out);
    }
}

/// A scan that emits every item, and says what became of it.
pub struct Witness {
    pub seen: Seen,
    /// Whether it ends at its first item.
    pub ends: bool,
    pub panics_in_flush: bool,
    pub panics_in_drop: bool,
}

/// What became of a [`Witness`].
#[derive(Clone, Default)]
pub struct Seen(Arc<[AtomicUsize; 3]>);

impl Seen {
    pub fn steps(&self) -> usize {
        self.0[0].load(Ordering::Relaxed)
    }

    pub fn flushes(&self) -> usize {
        self.0[1].load(Ordering::Relaxed)
    }

    pub fn drops(&self) -> usize {
        self.0[2].load(Ordering::Relaxed)
    }
}

impl Witness {
    pub fn new(seen: &Seen) -> Self {
        Self { seen: seen.clone(), ends: false, panics_in_flush: false, panics_in_drop: false }
    }
}

impl Scan<u8> for Witness {
    type Output = u8;

    fn step(&mut self, item: &u8, out: &mut Emitter<'_, u8>) -> ControlFlow<()> {
        self.seen.0[0].fetch_add(1, Ordering::Relaxed);
        out.emit(*item);
        if self.ends { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn flush(&mut self, out: &mut Emitter<'_, u8>) {
        self.seen.0[1].fetch_add(1, Ordering::Relaxed);
        out.emit(100);
        if self.panics_in_flush {
            panic_any("expected: flush");
        }
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.seen.0[2].fetch_add(1, Ordering::Relaxed);
        if self.panics_in_drop {
            panic_any("expected: drop");
        }
    }
}

/// An item that counts its drops, and panics in the drop of one that is told to.
pub struct Item {
    pub drops: Arc<AtomicUsize>,
    pub panics: bool,
}

impl Drop for Item {
    fn drop(&mut self) {
        self.drops.fetch_add(1, Ordering::Relaxed);
        if self.panics {
            panic_any("expected: item");
        }
    }
}

/// Counts items of any type, at the flush.
pub fn tally() -> BoxScan<'static, Item, u8> {
    scan::fold(0, |n, _: &Item| n + 1).boxed()
}
