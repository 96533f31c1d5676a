//! A scan that is caught is contained alone: what panics behind it is not its panic.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::any::Any;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use anabranch::scan::{self, BoxScan, Emitter, Scan};
use anabranch::{IteratorExt, PanicOrigin, Pool};
use support::config::With as _;
use support::{deadline, hush, tight_and_default, until_panic};

/// What panics behind the scan that is caught.
const BEHIND: &str = "expected: behind";
/// What panics in it.
const WITHIN: &str = "expected: within";

type Caught = Result<u64, Box<dyn Any + Send>>;

/// What a function behind the scan that is caught was given, `None` for a panic.
type Given = Arc<Mutex<Vec<Option<u64>>>>;

/// A function to put behind: panics at 3. Notes what it is given.
fn behind(given: &Given) -> impl FnMut(&Caught) -> u64 + Send + use<> {
    let given = Arc::clone(given);
    move |output| {
        let output = output.as_ref().ok().copied();
        given.lock().unwrap().push(output);
        if output == Some(3) { panic_any(BEHIND) } else { output.unwrap_or_default() }
    }
}

/// Emits items as they come, and 3 at the flush; keeps the panics of nobody.
struct ThreeAtEnd;

impl Scan<u64> for ThreeAtEnd {
    type Output = u64;
    fn step(&mut self, item: &u64, out: &mut Emitter<'_, u64>) -> ControlFlow<()> {
        out.emit(*item);
        ControlFlow::Continue(())
    }
    fn flush(&mut self, out: &mut Emitter<'_, u64>) {
        out.emit(3);
        out.emit(4);
    }
}

/// The scan that `make` makes panics behind what it catches, when it is given a 3: in a run
/// on threads and in the sequential one, at a step and at the flush. What came before is
/// given; the function behind is not called again.
#[track_caller]
fn surfaces(make: impl Fn(&Given) -> BoxScan<'static, u64, u64>) {
    hush();
    // The 3 comes of a step, and then of the flush.
    for items in [0..9, 0..3] {
        let given = Given::default();
        let scan = make(&given);
        let sequential = catch_unwind(AssertUnwindSafe(|| scan.apply(items.clone())));
        assert_eq!(sequential.unwrap_err().downcast_ref(), Some(&BEHIND));
        assert_eq!(*given.lock().unwrap(), [Some(0), Some(1), Some(2), Some(3)]);

        for config in tight_and_default() {
            let (pool, given) = (Pool::new(), Given::default());
            let (config, scan, items) = (config.pool(pool.clone()), make(&given), items.clone());
            deadline(move || {
                let mut run = items.fan_out().with(&config).distribute([scan]);
                let (outputs, payload) = until_panic(&mut run);
                assert_eq!(payload, BEHIND);
                assert!(matches!(run.panicked(), Some(PanicOrigin::Scan(id)) if id.index() == 0));
                assert!(outputs.into_iter().map(|(_, output)| output).eq(0..3));
                assert_eq!(*given.lock().unwrap(), [Some(0), Some(1), Some(2), Some(3)]);
                assert_eq!(pool.in_use(), 0);
                assert!(run.next().is_none());
            });
        }
    }
}

#[test]
fn a_panic_of_the_next_scan_surfaces() {
    surfaces(|given| {
        let behind = behind(given);
        ThreeAtEnd.catch_unwind().then(scan::map(behind)).boxed()
    });
}

#[test]
fn a_panic_of_a_map_behind_surfaces() {
    surfaces(|given| {
        let mut behind = behind(given);
        ThreeAtEnd.catch_unwind().map(move |output| behind(&output)).boxed()
    });
}

#[test]
fn a_panic_of_a_filter_behind_surfaces() {
    surfaces(|given| {
        let mut behind = behind(given);
        let filtered = ThreeAtEnd.catch_unwind().filter(move |output| behind(output) < 9);
        filtered.map(Result::unwrap).boxed()
    });
}

#[test]
fn a_panic_of_a_take_while_behind_surfaces() {
    surfaces(|given| {
        let mut behind = behind(given);
        let taken = ThreeAtEnd.catch_unwind().take_while(move |output| behind(output) < 9);
        taken.map(Result::unwrap).boxed()
    });
}

#[test]
fn a_panic_far_behind_surfaces() {
    surfaces(|given| {
        let behind = behind(given);
        let through = ThreeAtEnd.catch_unwind().filter(|_| true).named("near").take(99);
        through.then(scan::map(behind)).then(scan::cloned()).boxed()
    });
}

#[test]
fn a_panic_of_a_boxed_scan_behind_surfaces() {
    surfaces(|given| {
        let behind = behind(given);
        let caught: BoxScan<'static, u64, Caught> = ThreeAtEnd.boxed().catch_unwind().boxed();
        caught.then(scan::map(behind).boxed()).boxed()
    });
}

#[test]
fn a_panic_between_two_catches_is_caught_by_the_outer_one_alone() {
    hush();
    for config in tight_and_default() {
        deadline(move || {
            let given = Given::default();
            let mut behind = behind(&given);
            let scan = ThreeAtEnd.catch_unwind().map(move |output| behind(&output)).catch_unwind();
            let run = (0..9).fan_out().with(&config).distribute([scan]);
            let outputs: Vec<_> = run.map(|(_, output)| output.map_err(message)).collect();
            assert_eq!(outputs, [Ok(0), Ok(1), Ok(2), Err(BEHIND)]);
            assert_eq!(*given.lock().unwrap(), [Some(0), Some(1), Some(2), Some(3)]);
        });
    }
}

fn message(payload: Box<dyn Any + Send>) -> &'static str {
    *payload.downcast().unwrap()
}

/// Emits an item twice, and panics between the two and again in the flush.
struct Within;

impl Scan<u64> for Within {
    type Output = u64;
    fn step(&mut self, item: &u64, out: &mut Emitter<'_, u64>) -> ControlFlow<()> {
        out.emit(*item);
        if *item == 3 {
            panic_any(WITHIN);
        }
        out.emit(*item);
        ControlFlow::Continue(())
    }
    fn flush(&mut self, _: &mut Emitter<'_, u64>) {
        panic_any(WITHIN);
    }
}

#[test]
fn a_panic_of_the_scan_itself_is_given_to_the_next_one_behind_what_was_emitted() {
    hush();
    for config in tight_and_default() {
        for (items, expected) in [(0..9, vec![0, 0, 1, 1, 2, 2, 3]), (0..2, vec![0, 0, 1, 1])] {
            let config = config.clone();
            deadline(move || {
                let told = scan::map(|output: &Caught| match output {
                    Ok(output) => Ok(*output),
                    Err(payload) => Err(*payload.downcast_ref::<&'static str>().unwrap()),
                });
                let scan = Within.catch_unwind().then(told);
                let run = items.fan_out().with(&config).distribute([scan]);
                let outputs: Vec<_> = run.map(|(_, output)| output).collect();
                let expected = expected.into_iter().map(Ok).chain([Err(WITHIN)]);
                assert_eq!(outputs, expected.collect::<Vec<_>>());
            });
        }
    }
}

#[test]
fn a_next_scan_may_panic_at_being_given_a_panic() {
    hush();
    for config in tight_and_default() {
        deadline(move || {
            let told = scan::map(|output: &Caught| match output {
                Ok(output) => *output,
                Err(_) => panic_any(BEHIND),
            });
            let mut run =
                (0..9).fan_out().with(&config).distribute([Within.catch_unwind().then(told)]);
            let (outputs, payload) = until_panic(&mut run);
            assert_eq!((outputs.len(), payload), (7, BEHIND));
        });
    }
}

#[test]
fn outputs_pass_as_they_come_so_that_the_scan_is_told_when_nobody_takes_more() {
    for config in tight_and_default() {
        deadline(move || {
            let emitted = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&emitted);
            let scan = scan::from_fn(move |item: &u64, out: &mut Emitter<'_, u64>| {
                while !out.is_closed() && count.fetch_add(1, SeqCst) < 1_000_000 {
                    out.emit(*item);
                }
                ControlFlow::Continue(())
            });
            let scan = scan.catch_unwind().take(5);
            assert_eq!((7..).fan_out().with(&config).distribute([scan]).count(), 5);
            assert_eq!(emitted.load(SeqCst), 5);
        });
    }
}
