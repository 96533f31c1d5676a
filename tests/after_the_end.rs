//! After a run has ended, or its drop has returned, nothing of it begins, and nothing comes
//! of it any more.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::iter;
use std::mem;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::thread;

use anabranch::scan::{self, BoxScan, Emitter, Scan, Total};
use anabranch::{Control, FanOut, IteratorExt, Pool, ReadAhead, ScanId};
use support::busy::Busy;
use support::config::{Config, With as _};
use support::{Gate, Tallied, Tally, deadline, echo, sum, tight, tight_and_default};

/// What an input has to say about when it was called.
#[derive(Clone, Default)]
struct Calls {
    /// The run is over, or its drop has returned.
    over: Arc<AtomicBool>,
    /// How many calls of `next` have begun.
    begun: Arc<AtomicU64>,
    /// How many of them when it was over.
    late: Arc<AtomicU64>,
}

impl Calls {
    /// An endless input.
    fn input(&self) -> impl Iterator<Item = u64> + Send + use<> {
        let calls = self.clone();
        iter::repeat_with(move || {
            // In this order: what is late is never taken for early.
            calls.late.fetch_add(u64::from(calls.over.load(SeqCst)), SeqCst);
            calls.begun.fetch_add(1, SeqCst)
        })
    }
}

fn wait_for_all(pool: &Pool) {
    while pool.in_use() > 0 {
        thread::yield_now();
    }
}

/// Starts runs over an input that is read ahead and drops them at once, and asserts that no
/// call of the input's `next` begins behind a drop.
///
/// Or hardly one: a thread that has looked for the last time before it calls `next` counts
/// as being inside, though nobody can tell that from a call that begins a moment later.
fn drop_at_once(rounds: usize) {
    for config in tight_and_default() {
        deadline(move || {
            let pool = Pool::new();
            let config = config.pool(pool.clone());
            let mut late = 0;
            for round in 0..rounds {
                let calls = Calls::default();
                let input = calls.input().fan_out().with(&config).read_ahead();
                match round % 4 {
                    0 => drop(input.distribute([sum(), echo()])),
                    1 => drop(input.ordered([sum(), echo()])),
                    2 => drop(input.zip_latest([sum(), echo()])),
                    _ => drop(input.demux_over(2, |x| *x, |_| sum())),
                }
                calls.over.store(true, SeqCst);
                wait_for_all(&pool);
                late += usize::from(calls.late.load(SeqCst) > 0);
            }
            assert!(
                late <= rounds / 50 + 5,
                "{late} of {rounds} inputs were called behind the drop"
            );
        });
    }
}

#[test]
fn behind_a_drop_no_call_of_the_input_begins() {
    drop_at_once(3_000);
}

#[test]
fn behind_a_drop_no_call_of_the_input_begins_on_a_busy_machine() {
    let _busy = Busy::new(1);
    drop_at_once(100);
}

/// Starts runs that each need all threads of a pool, with `start`, which says whether there
/// were enough, and drops each at once; asserts that hardly one is refused.
fn free_again(start: fn(&Config, &Calls) -> bool) {
    for config in tight_and_default() {
        deadline(move || {
            let (pool, calls) = (Pool::with_max_threads(2), Calls::default());
            let config = config.pool(pool.clone());
            let mut refused = 0;
            for _ in 0..300 {
                if !start(&config, &calls) {
                    refused += 1;
                    wait_for_all(&pool);
                }
            }
            // A thread that was inside the input is let go, so there may be some.
            assert!(refused <= 60, "{refused} of 300 runs were refused");
        });
    }
}

#[test]
fn a_full_pool_is_free_again_when_the_drop_has_returned() {
    free_again(|config, calls| {
        let run = || calls.input().fan_out().with(config).read_ahead().distribute([sum()]);
        catch_unwind(AssertUnwindSafe(|| drop(run()))).is_ok()
    });
}

#[test]
fn a_lease_is_back_when_the_drop_has_returned() {
    free_again(|config, calls| {
        let lease = config.threads().lease(2);
        let run = |lease| config.set(calls.input().fan_out()).read_ahead().on(lease);
        lease.map(|lease| drop(run(lease).distribute([sum()]))).is_ok()
    });
}

#[test]
fn a_lease_is_back_when_the_drop_has_returned_though_handles_to_the_run_are_left() {
    for config in tight_and_default() {
        deadline(move || {
            let (pool, control) = (Pool::with_max_threads(2), Control::new());
            let run = config.control(&control).set((0..).fan_out()).on(pool.lease(2).unwrap());
            let mut run = run.distribute([echo(), sum()]);
            let adder = run.adder();
            assert!(run.next().is_some());
            drop(run);
            assert!(adder.add(sum()).unwrap_err().is_ended());
            assert_eq!((pool.in_use(), pool.idle()), (0, 2));
            assert!(pool.lease(2).is_ok());
        });
    }
}

#[test]
fn a_thread_that_waits_for_room_calls_the_input_no_more_when_it_is_over() {
    for drops in [false, true] {
        deadline(move || {
            for _ in 0..200 {
                let (calls, pool, full) = (Calls::default(), Pool::new(), Gate::default());
                let config = tight().pool(pool.clone());
                let (begun, is_full) = (Arc::clone(&calls.begun), full.clone());
                let ends = scan::from_fn(move |_: &u64, out: &mut Emitter<'_, u64>| {
                    while begun.load(SeqCst) < 2 {
                        thread::yield_now();
                    }
                    is_full.open();
                    while drops && !out.is_closed() {
                        thread::yield_now();
                    }
                    ControlFlow::Break(())
                });
                let input = calls.input().fan_out().with(&config).read_ahead();
                let mut run = input.distribute([ends]);
                if drops {
                    full.pass();
                    drop(run);
                } else {
                    assert!(run.next().is_none());
                }
                wait_for_all(&pool);
                // One item was stepped over, one waited, and one had no room.
                assert!(calls.begun.load(SeqCst) <= 3);
            }
        });
    }
}

/// An input of which nothing is wanted, and whose drop takes its time.
struct Unwanted {
    _tallied: Tallied<()>,
    asked: Arc<AtomicUsize>,
}

impl Iterator for Unwanted {
    type Item = u64;
    fn next(&mut self) -> Option<u64> {
        self.asked.fetch_add(1, SeqCst);
        None
    }
}

impl Drop for Unwanted {
    fn drop(&mut self) {
        (0..100).for_each(|_| thread::yield_now());
    }
}

/// Calls `run` with an input that is read ahead, and asserts that this has been dropped when
/// it returns, unasked.
fn assert_dropped(config: &Config, run: fn(FanOut<ReadAhead<Unwanted>, &Pool>)) {
    for _ in 0..200 {
        let (tally, asked, pool) = (Tally::default(), Arc::default(), Pool::new());
        let config = config.clone().pool(pool.clone());
        let input = Unwanted { _tallied: tally.make(()), asked: Arc::clone(&asked) };
        run(input.fan_out().with(&config).read_ahead());
        tally.assert_settled();
        assert_eq!((asked.load(SeqCst), pool.in_use()), (0, 0));
    }
}

fn none() -> Vec<BoxScan<'static, u64, u64>> {
    Vec::new()
}

fn no_totals() -> Vec<impl Total<u64, Output = usize> + Send + 'static> {
    iter::repeat_with(scan::count).take(0).collect()
}

#[test]
fn a_run_without_scans_is_over_when_its_input_was_dropped() {
    for config in tight_and_default() {
        deadline(move || {
            assert_dropped(&config, |input| {
                let mut run = input.distribute(none());
                assert!(run.next().is_none());
                // It is the end that says so, not the drop.
                mem::forget(run);
            });
            assert_dropped(&config, |input| {
                let mut run = input.ordered(none());
                assert!(run.next().is_none());
                mem::forget(run);
            });
            assert_dropped(&config, |input| {
                let mut run = input.zip_latest(none());
                assert!(run.next().is_none());
                mem::forget(run);
            });
            assert_dropped(&config, |input| assert!(input.fold(no_totals()).is_empty()));
        });
    }
}

#[test]
fn a_run_without_scans_that_is_dropped_has_dropped_its_input() {
    for config in tight_and_default() {
        deadline(move || {
            assert_dropped(&config, |input| drop(input.distribute(none())));
            assert_dropped(&config, |input| drop(input.ordered(none())));
            assert_dropped(&config, |input| drop(input.zip_latest(none())));
        });
    }
}

/// Gives an item, then fails: when it is told to, and has told that it was asked.
struct Fails {
    first: Option<u64>,
    asked: Gate,
    leave: Gate,
}

impl Iterator for Fails {
    type Item = Result<u64, &'static str>;
    fn next(&mut self) -> Option<Self::Item> {
        self.first.take().map(Ok).or_else(|| {
            self.asked.open();
            self.leave.pass();
            Some(Err("too late"))
        })
    }
}

#[test]
fn after_none_there_is_none_though_an_input_that_was_let_go_fails() {
    for config in [tight(), Config::new()] {
        deadline(move || {
            let pool = Pool::new();
            let config = config.pool(pool.clone());
            let (asked, leave) = (Gate::default(), Gate::default());
            let input = Fails { first: Some(7), asked: asked.clone(), leave: leave.clone() };
            let input = input.fan_out().with(&config).read_ahead();
            let waits = scan::inspect(move |_: &u64| asked.pass());
            let mut run = input.until_error().distribute([waits.take(1)]);
            assert_eq!(run.next(), Some(Ok((ScanId::new(0), 7))));
            assert_eq!((run.next(), run.size_hint()), (None, (0, Some(0))));
            leave.open();
            while pool.in_use() > 0 {
                thread::yield_now();
            }
            assert_eq!((run.size_hint(), run.next()), ((0, Some(0)), None));
        });
    }
}

#[test]
fn the_size_hint_of_a_run_whose_input_may_fail_is_never_wrong() {
    for config in [tight(), Config::new()] {
        for good in [0, 1, 50] {
            let config = config.clone();
            deadline(move || {
                let input = (0..good).map(Ok).chain([Err("a failure")]);
                let mut run = input.fan_out().with(&config).until_error().distribute([echo()]);
                let mut left = good as usize + 2;
                loop {
                    let (least, most) = run.size_hint();
                    assert!(least <= left && most.is_none_or(|most| most >= left));
                    match run.next() {
                        Some(_) => left -= 1,
                        None => break assert_eq!((left, run.size_hint()), (0, (0, Some(0)))),
                    }
                }
            });
        }
    }
}
