//! Nobody starves: what is asked for, a panic, and a scan that is added take effect behind
//! no more than what is queued, though outputs are always ready.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "support/inputs.rs"]
mod inputs;
mod support;

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;

use anabranch::scan::{self, BoxScan, Emitter, Scan};
use anabranch::{Adder, Control, IteratorExt, Pool, ScanId};
use inputs::{Adds as _, Ahead, Input, Pulled};
use support::config::{Config, With as _};
use support::{Gate, deadline, echo, hush};

const BATCH: usize = 4;
const OUTPUT_CAPACITY: usize = 2;

/// How many outputs may be queued between the scans and the consumer.
fn queued(scans: usize) -> usize {
    scans * (OUTPUT_CAPACITY + 2) * BATCH
}

fn config() -> Config {
    Config::new().batch(BATCH).input_capacity(1).output_capacity(OUTPUT_CAPACITY)
}

/// How many outputs a [`Chatty`] has for an item.
const TIMES: usize = 100;

/// Emits every item many times over, and `u64::MAX` at the flush.
struct Chatty {
    /// How many steps of all such scans have begun.
    begun: Arc<AtomicU64>,
}

impl Scan<u64> for Chatty {
    type Output = u64;

    fn step(&mut self, item: &u64, out: &mut Emitter<'_, u64>) -> ControlFlow<()> {
        self.begun.fetch_add(1, SeqCst);
        (0..TIMES).for_each(|_| out.emit(*item));
        ControlFlow::Continue(())
    }

    fn flush(&mut self, out: &mut Emitter<'_, u64>) {
        out.emit(u64::MAX);
    }
}

fn chatty(begun: &Arc<AtomicU64>) -> BoxScan<'static, u64, u64> {
    Chatty { begun: Arc::clone(begun) }.boxed()
}

/// Emits its first item for ever.
struct Endless;

impl Scan<u64> for Endless {
    type Output = u64;
    fn step(&mut self, item: &u64, out: &mut Emitter<'_, u64>) -> ControlFlow<()> {
        while !out.is_closed() {
            out.emit(*item);
        }
        ControlFlow::Continue(())
    }
}

/// What is beside a chatty scan.
#[derive(Clone, Copy)]
enum Other {
    Chatty,
    Endless,
}

impl Other {
    fn scan(self, begun: &Arc<AtomicU64>) -> BoxScan<'static, u64, u64> {
        match self {
            Self::Chatty => chatty(begun),
            Self::Endless => Endless.boxed(),
        }
    }
}

/// The items from zero on, counted.
fn items(pulled: &Arc<AtomicU64>) -> impl Iterator<Item = u64> + Send + use<> {
    let pulled = Arc::clone(pulled);
    (0..).inspect(move |_| {
        pulled.fetch_add(1, SeqCst);
    })
}

/// A run whose consumer takes its time: it asks for the next output when that is ready.
struct Slow<T> {
    run: Box<dyn Iterator<Item = (ScanId, u64)>>,
    control: Control,
    /// `None` of an ordered run.
    adder: Option<Adder<T, u64>>,
    /// How many outputs of each scan.
    taken: [u64; 4],
}

/// What became of a run.
#[derive(Debug, PartialEq, Eq)]
enum Then {
    GoesOn,
    Ended,
    Panicked,
}

impl<T: 'static> Slow<T> {
    fn start<const N: usize>(
        input: impl Input<Item = T>,
        config: &Config,
        scans: [BoxScan<'static, T, u64>; N],
    ) -> Self {
        let control = Control::new();
        let mut run = input.distribute(&config.clone().control(&control), scans);
        let adder = Some(run.adder());
        Self { run: Box::new(run), control, adder, taken: [0; 4] }
    }

    fn start_ordered<const N: usize>(
        input: impl Input<Item = T>,
        config: &Config,
        scans: [BoxScan<'static, T, u64>; N],
    ) -> Self {
        let control = Control::new();
        let run = input.ordered(&config.clone().control(&control), scans);
        Self { run: Box::new(run), control, adder: None, taken: [0; 4] }
    }

    /// Starts a run, which is ordered or not.
    fn start_as<const N: usize>(
        ordered: bool,
        input: impl Input<Item = T>,
        config: &Config,
        scans: [BoxScan<'static, T, u64>; N],
    ) -> Self {
        let start = if ordered { Self::start_ordered } else { Self::start };
        start(input, config, scans)
    }

    /// Whether the next output is ready, whosever turn it is.
    fn is_ready(&self) -> bool {
        let stats = self.control.stats();
        let mut ready = stats.scans.iter().zip(self.taken).map(|(scan, n)| scan.outputs > n);
        if self.adder.is_none() { ready.all(|ready| ready) } else { ready.any(|ready| ready) }
    }

    fn next(&mut self) -> Option<(ScanId, u64)> {
        // A run that has nothing to give is asked all the same, some time.
        for _ in 0..2_000 {
            if self.is_ready() {
                break;
            }
            thread::yield_now();
        }
        let next = self.run.next();
        if let Some((id, _)) = next {
            self.taken[id.index()] += 1;
        }
        next
    }

    /// Takes so many outputs, unless the run is over before.
    fn take(&mut self, most: usize) -> Then {
        match catch_unwind(AssertUnwindSafe(|| (0..most).all(|_| self.next().is_some()))) {
            Ok(true) => Then::GoesOn,
            Ok(false) => Then::Ended,
            Err(_) => Then::Panicked,
        }
    }
}

/// Asserts that nothing more is stepped over behind what is queued, and that the run comes
/// to its end: what was asked for is published.
fn assert_over(mut slow: Slow<u64>, scans: usize, begun: &AtomicU64, end: Then) {
    let mut then = slow.take(queued(scans));
    let steps = begun.load(SeqCst);
    if then == Then::GoesOn {
        // What the steps emit that have begun.
        then = slow.take(scans * (TIMES + 1));
    }
    // Each scan may have been about to begin a step.
    let further = begun.load(SeqCst) - steps;
    assert!(then == end && further <= scans as u64, "{then:?}, {further} further steps");
}

/// Makes a test of what holds for an input that is pulled on the consumer's thread, and one
/// of the same for an input that is read ahead.
macro_rules! tests {
    ($($test:ident: $check:ident($($argument:expr),*);)*) => {$(
        mod $test {
            use super::*;

            #[test]
            fn pulled() {
                deadline(|| {
                    let pulled = Arc::default();
                    $check(Pulled(items(&pulled)), &pulled, &config(), $($argument),*);
                });
            }

            #[test]
            fn read_ahead() {
                deadline(|| {
                    let pulled = Arc::default();
                    $check(Ahead(items(&pulled)), &pulled, &config(), $($argument),*);
                });
            }
        }
    )*};
}

tests! {
    a_stop_takes_effect_behind_what_is_queued: stop(Other::Chatty);
    a_stop_takes_effect_beside_an_endless_scan: stop(Other::Endless);
    behind_a_stop_nothing_more_is_pulled: pulls_no_more(false);
    behind_a_stop_of_an_ordered_run_nothing_more_is_pulled: pulls_no_more(true);
    a_stop_of_a_scan_takes_effect_behind_what_is_queued: stop_scan(false);
    a_stop_of_a_scan_of_an_ordered_run_takes_effect_behind_what_is_queued: stop_scan(true);
    a_scan_that_is_stopped_beside_an_endless_one_comes_to_its_end: stop_scan_beside_endless();
    an_abort_takes_effect_behind_what_is_queued: abort(false, Other::Chatty);
    an_abort_takes_effect_beside_an_endless_scan: abort(false, Other::Endless);
    an_abort_of_an_ordered_run_takes_effect_behind_what_is_queued: abort(true, Other::Chatty);
    an_abort_of_an_ordered_run_takes_effect_beside_an_endless_scan: abort(true, Other::Endless);
    the_outputs_of_a_scan_that_was_added_come_behind_what_is_queued: add();
}

fn stop<I: Input<Item = u64>>(input: I, _: &AtomicU64, config: &Config, other: Other) {
    let begun = Arc::default();
    let scans = [chatty(&begun), other.scan(&begun)];
    let mut slow = Slow::start(input, config, scans);
    let adder = slow.adder.clone().unwrap();
    assert_eq!(slow.take(1_000), Then::GoesOn);
    slow.control.stop();
    slow.take(queued(2));
    assert!(adder.add(echo()).is_err_and(|error| error.is_ended()));
}

fn pulls_no_more<I: Input<Item = u64>>(
    input: I,
    pulled: &AtomicU64,
    config: &Config,
    ordered: bool,
) {
    let begun = Arc::default();
    let mut slow = Slow::start_as(ordered, input, config, [chatty(&begun), chatty(&begun)]);
    assert_eq!(slow.take(1_000), Then::GoesOn);
    slow.control.stop();
    slow.take(queued(2));
    // One may have been on its way.
    let most = pulled.load(SeqCst) as usize + 1;
    let then = slow.take(2 * (most * TIMES + 1));
    assert_eq!(then, Then::Ended);
    assert!(pulled.load(SeqCst) as usize <= most);
}

fn stop_scan<I: Input<Item = u64>>(input: I, pulled: &AtomicU64, config: &Config, ordered: bool) {
    let begun = Arc::default();
    let mut slow = Slow::start_as(ordered, input, config, [chatty(&begun), chatty(&begun)]);
    assert_eq!(slow.take(1_000), Then::GoesOn);
    slow.control.stop_scan(ScanId::new(0));
    for _ in 0..queued(2) {
        if slow.next().unwrap() == (ScanId::new(0), u64::MAX) {
            // Its end was among what was queued.
            return;
        }
    }
    // One may have been on its way.
    let most = pulled.load(SeqCst);
    loop {
        let (id, item) = slow.next().unwrap();
        match (id.index(), item) {
            (0, u64::MAX) => break,
            (0, item) => assert!(item <= most, "{item}, when {most} items had been pulled"),
            _ => {}
        }
    }
}

fn stop_scan_beside_endless<I: Input<Item = u64>>(input: I, _: &AtomicU64, config: &Config) {
    let mut slow = Slow::start(input, config, [chatty(&Arc::default()), Endless.boxed()]);
    assert_eq!(slow.take(100), Then::GoesOn);
    slow.control.stop_scan(ScanId::new(0));
    // There are a few items on their way to it, and the other takes its turns: how many, while
    // its thread waits for a processor, is up to the system.
    while slow.next().unwrap().1 != u64::MAX {}
}

fn abort<I: Input<Item = u64>>(
    input: I,
    _: &AtomicU64,
    config: &Config,
    ordered: bool,
    other: Other,
) {
    let begun = Arc::default();
    let mut slow = Slow::start_as(ordered, input, config, [chatty(&begun), other.scan(&begun)]);
    assert_eq!(slow.take(1_000), Then::GoesOn);
    slow.control.abort();
    assert_over(slow, 2, &begun, Then::Ended);
}

/// The pool has a thread for each that is to have one, and no other.
fn panic_of_another(input: impl Input<Item = u64>, pool: &Pool, other: Other) {
    hush();
    let (begun, gate) = (Arc::default(), Gate::default());
    let passes = gate.clone();
    let panics = scan::map(move |_: &u64| -> u64 {
        passes.pass();
        panic_any("expected: another")
    });
    let scans = [chatty(&begun), other.scan(&begun), panics.boxed()];
    let config = config().pool(pool.clone());
    let mut slow = Slow::start(input, &config, scans);
    let live = pool.in_use();
    assert_eq!(slow.take(200), Then::GoesOn);
    gate.open();
    while pool.in_use() == live {
        thread::yield_now();
    }
    // The thread that was handed back does its next job when the panic is published.
    assert_eq!((0..3_u64).fan_out().with(&config).fold((scan::count(),)), (3,));
    assert_over(slow, 3, &begun, Then::Panicked);
}

#[test]
fn a_panic_of_another_scan_surfaces_behind_what_is_queued() {
    for other in [Other::Chatty, Other::Endless] {
        deadline(move || {
            let pool = Pool::with_max_threads(3);
            panic_of_another(Pulled(items(&Arc::default())), &pool, other);
        });
    }
}

#[test]
fn a_panic_of_another_scan_surfaces_so_with_an_input_that_is_read_ahead() {
    for other in [Other::Chatty, Other::Endless] {
        deadline(move || {
            let pool = Pool::with_max_threads(4);
            panic_of_another(Ahead(items(&Arc::default())), &pool, other);
        });
    }
}

/// An item that panics in its drop if it is the fortieth.
struct Touchy {
    item: u64,
    dropped: Arc<AtomicU64>,
    /// How many have been pulled.
    pulled: Arc<AtomicU64>,
}

impl Drop for Touchy {
    fn drop(&mut self) {
        if self.item == 40 {
            self.dropped.store(self.pulled.load(SeqCst), SeqCst);
            panic_any("expected: item");
        }
    }
}

/// Items, one of which is touchy; how many were pulled when that was dropped, and how many
/// are by now.
fn touchy_items() -> (impl Iterator<Item = Touchy> + Send, [Arc<AtomicU64>; 2]) {
    let (dropped, pulled) = <(Arc<AtomicU64>, Arc<AtomicU64>)>::default();
    let (drops, pulls) = (Arc::clone(&dropped), Arc::clone(&pulled));
    let touchy = move |item| Touchy { item, dropped: drops.clone(), pulled: pulls.clone() };
    (items(&pulled).map(touchy), [dropped, pulled])
}

fn panic_of_an_item(input: impl Input<Item = Touchy>, [dropped, pulled]: [Arc<AtomicU64>; 2]) {
    hush();
    let begun = <[Arc<AtomicU64>; 2]>::default();
    let scans = begun.each_ref().map(|begun| {
        Chatty { begun: Arc::clone(begun) }.map_input(|item: &Touchy| item.item).boxed()
    });
    let mut slow = Slow::start(input, &config(), scans);
    // Whoever has dropped the item has told of the panic when it is at something else.
    let is_published = || {
        let dropped = dropped.load(SeqCst);
        let pulled = pulled.load(SeqCst) > dropped + 1;
        dropped > 0 && pulled && begun.iter().all(|begun| begun.load(SeqCst) > 44)
    };
    while !is_published() {
        if slow.take(1) == Then::Panicked {
            return;
        }
    }
    let mut then = slow.take(queued(2));
    if then == Then::GoesOn {
        // What the steps emit that have begun.
        then = slow.take(2 * TIMES);
    }
    assert_eq!(then, Then::Panicked);
}

#[test]
fn a_panic_of_the_drop_of_an_item_surfaces_behind_what_is_queued() {
    deadline(|| {
        let (input, counts) = touchy_items();
        panic_of_an_item(Pulled(input), counts);
    });
}

#[test]
fn a_panic_of_the_drop_of_an_item_surfaces_so_with_an_input_that_is_read_ahead() {
    deadline(|| {
        let (input, counts) = touchy_items();
        panic_of_an_item(Ahead(input), counts);
    });
}

fn add<I: Input<Item = u64>>(input: I, _: &AtomicU64, config: &Config) {
    let begun = Arc::default();
    let mut slow = Slow::start(input, config, [chatty(&begun), chatty(&begun)]);
    assert_eq!(slow.take(1_000), Then::GoesOn);
    let published = Arc::new(AtomicBool::new(false));
    let publishes = Arc::clone(&published);
    let late = scan::from_fn(move |item: &u64, out: &mut Emitter<'_, u64>| {
        // A batch of outputs, which leaves when it is full.
        (0..BATCH).for_each(|_| out.emit(*item));
        publishes.store(true, SeqCst);
        ControlFlow::Continue(())
    });
    let id = slow.adder.clone().unwrap().add(late).unwrap();
    let mut behind = 0;
    while slow.next().unwrap().0 != id {
        behind += usize::from(published.load(SeqCst));
        assert!(behind <= queued(3));
    }
}
