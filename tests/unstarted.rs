//! A run that did not begin, because the name of a scan could not be told, leaves nothing
//! behind: no scan was called, each is dropped once, and the threads are back.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "support/bombs.rs"]
mod bombs;
mod support;

use std::ops::{ControlFlow, Range};
use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use anabranch::scan::{BoxScan, Emitter, Last, Scan};
use anabranch::{Control, IteratorExt, Pool};
use bombs::caught;
use support::config::{Config, With as _};
use support::{Tallied, Tally, deadline, echo, hush, tight_and_default};

/// What a name panics with.
const NAME: &str = "expected: name";

/// What has become of the scans and of the input.
#[derive(Clone, Default)]
struct Log {
    /// All scans, and the input.
    tally: Tally,
    /// How many calls of `next`, `step` and `flush` there were.
    calls: Arc<AtomicUsize>,
    /// How often the name was asked for that may panic.
    asked: Arc<AtomicUsize>,
}

impl Log {
    fn scan(&self, panics_at: Option<usize>) -> BoxScan<'static, u64, u64> {
        Quiet { log: self.clone(), panics_at, counted: self.tally.make(()) }.boxed()
    }

    /// Scans. The last but one panics when it is asked for its name for so many
    /// times.
    fn scans(&self, panics_at: usize) -> Vec<BoxScan<'static, u64, u64>> {
        [None, None, Some(panics_at), None].map(|at| self.scan(at)).into()
    }

    fn totals(&self, panics_at: usize) -> Vec<Last<BoxScan<'static, u64, u64>, u64>> {
        self.scans(panics_at).into_iter().map(Scan::last).collect()
    }

    fn input(&self) -> impl Iterator<Item = u64> + Send + use<> {
        let (log, counted) = (self.clone(), self.tally.make(()));
        (0..100).inspect(move |_| {
            let () = counted.get();
            log.calls.fetch_add(1, SeqCst);
        })
    }
}

struct Quiet {
    log: Log,
    /// Which of the calls of `name`, from zero, is to panic.
    panics_at: Option<usize>,
    #[allow(dead_code, reason = "it counts its drop")]
    counted: Tallied<()>,
}

impl Scan<u64> for Quiet {
    type Output = u64;
    fn step(&mut self, item: &u64, out: &mut Emitter<'_, u64>) -> ControlFlow<()> {
        self.log.calls.fetch_add(1, SeqCst);
        out.emit(*item);
        ControlFlow::Continue(())
    }
    fn flush(&mut self, _: &mut Emitter<'_, u64>) {
        self.log.calls.fetch_add(1, SeqCst);
    }
    fn name(&self) -> Option<&str> {
        if self.panics_at.is_some_and(|at| self.log.asked.fetch_add(1, SeqCst) == at) {
            panic_any(NAME);
        }
        None
    }
}

/// Waits until all threads are back in the pool.
fn settle(pool: &Pool) {
    while pool.in_use() > 0 {
        thread::yield_now();
    }
}

/// Has `start` put a run together, in which the first, the second, the third call of a
/// name panics. If there is no such call, the run is as any other.
#[track_caller]
fn leaves_nothing_behind(start: impl Fn(&Config, &Log, usize) + Clone + Send + 'static) {
    hush();
    for config in tight_and_default() {
        for control in [None, Some(Control::new())] {
            for panics_at in 0..3 {
                let config = match &control {
                    Some(control) => config.clone().control(control),
                    None => config.clone(),
                };
                let start = start.clone();
                deadline(move || {
                    let (pool, log) = (Pool::new(), Log::default());
                    let started = caught(|| start(&config.pool(pool.clone()), &log, panics_at));
                    settle(&pool);
                    log.tally.assert_settled();
                    if log.asked.load(SeqCst) > panics_at {
                        assert_eq!(started, Err(NAME));
                        assert_eq!(log.calls.load(SeqCst), 0, "calls in a run that did not begin");
                    } else {
                        assert_eq!(started, Ok(()));
                    }
                });
            }
        }
    }
}

#[test]
fn a_distribution_leaves_nothing_behind() {
    leaves_nothing_behind(|config, log, panics_at| {
        drop(log.input().fan_out().with(config).distribute(log.scans(panics_at)));
    });
}

#[test]
fn an_ordered_one_leaves_nothing_behind() {
    leaves_nothing_behind(|config, log, panics_at| {
        drop(log.input().fan_out().with(config).ordered(log.scans(panics_at)));
    });
}

#[test]
fn a_dynamic_one_leaves_nothing_behind() {
    leaves_nothing_behind(|config, log, panics_at| {
        let asks = log.clone();
        let ask = move || asks.scans(panics_at);
        drop(log.input().fan_out().with(config).dynamic(ask));
    });
}

#[test]
fn a_fold_leaves_nothing_behind() {
    leaves_nothing_behind(|config, log, panics_at| {
        drop(log.input().fan_out().with(config).fold(log.totals(panics_at)));
    });
}

#[test]
fn one_that_gives_rows_leaves_nothing_behind() {
    leaves_nothing_behind(|config, log, panics_at| {
        drop(log.input().fan_out().with(config).zip_latest(log.scans(panics_at)));
    });
}

#[test]
fn an_input_that_is_read_ahead_leaves_nothing_behind() {
    leaves_nothing_behind(|config, log, panics_at| {
        drop(log.input().fan_out().read_ahead().with(config).fold(log.totals(panics_at)));
    });
}

/// An input whose drop panics.
struct Bomb<I>(I);

impl<I: Iterator> Iterator for Bomb<I> {
    type Item = I::Item;
    fn next(&mut self) -> Option<I::Item> {
        self.0.next()
    }
}

impl<I> Drop for Bomb<I> {
    fn drop(&mut self) {
        panic_any("expected: drop of the input");
    }
}

#[test]
fn the_panic_of_a_name_surfaces_and_not_that_of_the_drop_of_the_input() {
    hush();
    type Start = fn(Bomb<Range<u64>>, Vec<BoxScan<'static, u64, u64>>);
    let starts: [Start; 7] = [
        |input, scans| drop(input.fan_out().distribute(scans)),
        |input, scans| drop(input.fan_out().ordered(scans)),
        |input, scans| drop(input.fan_out().zip_latest(scans)),
        |input, scans| {
            drop(input.fan_out().fold(scans.into_iter().map(Scan::last).collect::<Vec<_>>()))
        },
        |input, mut scans| _ = input.fan_out().scan(scans.remove(2).last()).join(),
        |input, mut scans| drop(input.fan_out().scan(scans.remove(2)).merge()),
        |input, mut scans| drop(input.fan_out().read_ahead().scan(scans.remove(2)).merge()),
    ];
    for start in starts {
        deadline(move || {
            let log = Log::default();
            assert_eq!(caught(|| start(Bomb(0..100), log.scans(0))), Err(NAME));
            log.tally.assert_settled();
            assert_eq!(log.calls.load(SeqCst), 0);
        });
    }
}

#[test]
fn a_scan_that_could_not_be_added_is_dropped_and_the_run_goes_on() {
    hush();
    for config in tight_and_default() {
        for control in [None, Some(Control::new())] {
            let config = match control {
                Some(control) => config.clone().control(&control),
                None => config.clone(),
            };
            deadline(move || {
                let (pool, log) = (Pool::new(), Log::default());
                let config = config.pool(pool.clone());
                let mut run = (0..100).fan_out().with(&config).distribute([echo()]);
                let adder = run.adder();
                let added = caught(|| adder.add(log.scan(Some(0))).is_ok());
                let asked = log.asked.load(SeqCst) > 0;
                assert_eq!(added, if asked { Err(NAME) } else { Ok(true) });
                if asked {
                    log.tally.assert_settled();
                    assert_eq!((log.calls.load(SeqCst), pool.in_use()), (0, 1));
                }
                let outputs = run.filter(|(id, _)| id.index() == 0).map(|(_, output)| output);
                assert!(outputs.eq((0..100).chain([u64::MAX])));
                log.tally.assert_settled();
                assert_eq!(pool.in_use(), 0);
            });
        }
    }
}
