//! Runs that are changed while they go on: scans added and stopped, the run stopped and
//! aborted, from wherever.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::ops::ControlFlow;
use std::panic::panic_any;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;

use anabranch::scan::{self, BoxScan, Emitter, Scan};
use anabranch::{AddErrorKind, Adder, Control, IteratorExt, PanicOrigin, Pool, ScanId};
use support::config::{Config, With as _};
use support::{Gate, Tally, by_scan, deadline, echo, hush, repeat, sum, tight, until_panic};

/// The tightest settings, the default ones, and long batches.
fn settings() -> [Config; 3] {
    [tight(), Config::new(), Config::new().batch(1000)].map(|config| config.pool(Pool::new()))
}

/// What adds scans, for those who are made before the run.
type Slot = Arc<OnceLock<Adder<u64, u64>>>;

/// Emits every item, and nothing at the flush.
fn each() -> BoxScan<'static, u64, u64> {
    scan::cloned().boxed()
}

#[test]
fn a_scan_that_the_consumer_adds_sees_just_what_is_pulled_after() {
    for config in settings() {
        deadline(move || {
            let pulled = Arc::new(AtomicU64::new(0));
            let count = Arc::clone(&pulled);
            let input = (0..5_000).inspect(move |_| {
                count.fetch_add(1, SeqCst);
            });
            let mut run = input.fan_out().with(&config).distribute([each()]);
            let adder = run.adder();
            let (mut outputs, mut begins) = (Vec::new(), vec![0]);
            for output in run.by_ref() {
                outputs.push(output);
                if outputs.len() % 700 == 0 && pulled.load(SeqCst) < 5_000 && begins.len() < 4 {
                    let id = adder.add(each()).unwrap();
                    assert_eq!(id.index(), begins.len());
                    begins.push(pulled.load(SeqCst));
                }
            }
            let expected: Vec<Vec<_>> =
                begins.iter().map(|from| (*from..5_000).collect()).collect();
            assert_eq!(by_scan(begins.len(), outputs), expected);
        });
    }
}

#[test]
fn a_scan_that_the_input_adds_sees_the_item_that_comes_of_that_call() {
    for config in settings() {
        for at in [0, 1, 50, 999, 1000, 2_500] {
            let config = config.clone();
            deadline(move || {
                let slot = Slot::default();
                let adder = Arc::clone(&slot);
                let input = (0..3_000).inspect(move |item| {
                    if *item == at {
                        assert_eq!(adder.get().unwrap().add(each()).unwrap().index(), 1);
                        assert_eq!(adder.get().unwrap().add(sum()).unwrap().index(), 2);
                    }
                });
                let mut run = input.fan_out().with(&config).distribute([each()]);
                slot.set(run.adder()).unwrap();
                let late: Vec<_> = (at..3_000).collect();
                let expected = [(0..3_000).collect(), late.clone(), vec![late.iter().sum()]];
                assert_eq!(by_scan(3, run), expected);
            });
        }
    }
}

#[test]
fn so_does_one_that_an_input_with_its_own_thread_adds() {
    for config in settings() {
        deadline(move || {
            let slot = Slot::default();
            let (adder, begun) = (Arc::clone(&slot), Gate::default());
            let waits = begun.clone();
            let input = (0..3_000).inspect(move |item| {
                waits.pass();
                if *item == 500 {
                    adder.get().unwrap().add(each()).unwrap();
                }
            });
            let mut run = input.fan_out().with(&config).read_ahead().distribute([each()]);
            slot.set(run.adder()).unwrap();
            begun.open();
            assert_eq!(by_scan(2, run), [(0..3_000).collect::<Vec<_>>(), (500..3_000).collect()]);
        });
    }
}

#[test]
fn a_scan_that_another_thread_adds_sees_all_items_from_one_on() {
    for config in settings() {
        deadline(move || {
            let (over, added) = (Arc::new(AtomicBool::new(false)), Gate::default());
            let (ends, waits) = (Arc::clone(&over), added.clone());
            let mut last = 0;
            let input = (0..).take_while(move |item| {
                last = last.max(*item);
                !(ends.load(SeqCst) && *item % 100 == 0)
            });
            let mut run = input.fan_out().with(&config).distribute([echo()]);
            let adder = run.adder();
            let elsewhere = thread::spawn(move || {
                waits.pass();
                let ids: Vec<_> = (0..3).map(|_| adder.add(each()).unwrap().index()).collect();
                over.store(true, SeqCst);
                ids
            });
            let mut outputs = vec![run.next().unwrap()];
            added.open();
            outputs.extend(run);
            assert_eq!(elsewhere.join().unwrap(), [1, 2, 3]);
            let outputs = by_scan(4, outputs);
            let all = outputs[0].len() as u64 - 1;
            for late in &outputs[1..] {
                let first = late.first().copied().unwrap_or(all);
                assert!(late.iter().copied().eq(first..all), "{} of {all}", late.len());
            }
        });
    }
}

#[test]
fn numbers_are_never_used_again() {
    deadline(|| {
        let (send, input) = mpsc::channel::<u64>();
        let mut run = input.into_iter().fan_out().with(&tight()).read_ahead().distribute([each()]);
        let adder = run.adder();
        for item in 0..20 {
            let id = adder.add(scan::take(1).boxed()).unwrap();
            assert_eq!(id.index() as u64, item + 1);
            send.send(item).unwrap();
            let mut outputs = [run.next().unwrap(), run.next().unwrap()];
            outputs.sort();
            assert_eq!(outputs, [(outputs[0].0, item), (id, item)]);
            assert_eq!(outputs[0].0.index(), 0);
        }
        drop(send);
        assert!(run.next().is_none());
    });
}

#[test]
fn a_run_that_has_ended_gives_the_scan_back() {
    for config in settings() {
        deadline(move || {
            let tally = Tally::default();
            let scan = |held: support::Tallied<()>| {
                scan::inspect(move |_: &u64| assert_eq!(*held.get(), ())).boxed()
            };
            let mut run = (0..10).fan_out().with(&config).distribute([each()]);
            let adder = run.adder();
            assert_eq!(run.by_ref().count(), 10);
            let error = adder.add(scan(tally.make(()))).unwrap_err();
            assert!(error.is_ended());
            assert_eq!(tally.dropped(), 0);
            // It is as good as new.
            assert_eq!(error.into_inner().apply([1, 2]), [1, 2]);
            tally.assert_settled();

            drop(run);
            assert!(adder.add(each()).unwrap_err().is_ended());
            let mut dropped = (0..).fan_out().with(&config).distribute([each()]);
            let adder = dropped.adder();
            assert!(dropped.next().is_some());
            drop(dropped);
            assert!(adder.clone().add(each()).unwrap_err().is_ended());
        });
    }
}

#[test]
fn a_run_that_is_being_stopped_gives_the_scan_back() {
    for config in settings() {
        deadline(move || {
            /// Waits in its flush.
            struct Flushes(Gate, Gate);
            impl Scan<u64> for Flushes {
                type Output = u64;
                fn step(
                    &mut self,
                    _: &u64,
                    _: &mut scan::Emitter<'_, u64>,
                ) -> std::ops::ControlFlow<()> {
                    std::ops::ControlFlow::Continue(())
                }
                fn flush(&mut self, out: &mut scan::Emitter<'_, u64>) {
                    self.0.open();
                    self.1.pass();
                    out.emit(7);
                }
            }
            let (inside, leave) = (Gate::default(), Gate::default());
            let scans = [Flushes(inside.clone(), leave.clone())];
            let mut run = (0..10).fan_out().with(&config).distribute(scans);
            let adder = run.adder();
            let elsewhere = thread::spawn(move || {
                inside.pass();
                let refused = adder.add(each()).unwrap_err();
                leave.open();
                refused.is_ended()
            });
            assert_eq!(run.map(|(_, x)| x).collect::<Vec<_>>(), [7]);
            assert!(elsewhere.join().unwrap());
        });
    }
}

#[test]
fn a_full_pool_gives_the_scan_back() {
    deadline(|| {
        let config = Config::new().pool(Pool::with_max_threads(2));
        let mut run = (0..3).fan_out().with(&config).distribute([sum()]);
        let adder = run.adder();
        adder.add(sum()).unwrap();
        let error = adder.add(sum()).unwrap_err();
        assert!(matches!(error.kind(), AddErrorKind::Threads(error) if error.is_full()));
        assert!(!error.is_ended());
        assert_eq!(run.map(|(_, x)| x).collect::<Vec<_>>(), [3, 3]);
    });
}

#[test]
fn a_run_over_an_input_that_may_fail_takes_more_scans() {
    let numbers = ["1", "2", "x"].map(str::parse::<u64>).into_iter();
    let mut run = numbers.fan_out().until_error().distribute([sum()]);
    run.adder().add(each()).unwrap();
    let mut outputs: Vec<_> = run.by_ref().map_while(Result::ok).collect();
    outputs.sort();
    let ids = [1, 1, 0].map(ScanId::new);
    assert_eq!(outputs, [(ids[2], 3), (ids[0], 1), (ids[1], 2)]);
}

/// What a run without an `adder` of its own has.
trait NoAdder {
    fn adder(&mut self) -> Absent {
        Absent
    }
}

struct Absent;

impl<R: Iterator> NoAdder for R {}

#[test]
fn runs_in_order_in_rows_and_by_key_take_no_more_scans() {
    let mut run = (0..3).fan_out().ordered([sum()]);
    let Absent = run.adder();
    assert_eq!(run.count(), 1);
    let mut rows = (0..3).fan_out().zip_latest([each()]);
    let Absent = rows.adder();
    assert_eq!(rows.count(), 3);
    let mut by_key = (0..3).fan_out().demux(|item| *item, |_| sum());
    let Absent = by_key.adder();
    assert_eq!(by_key.count(), 3);
}

#[test]
fn a_run_without_scans_may_go_on_and_discard() {
    for config in settings() {
        deadline(move || {
            let config = config.discard_without_scans(true);
            // Nobody ever comes.
            let none: [BoxScan<'static, u64, u64>; 0] = [];
            assert_eq!((0..1000).fan_out().with(&config).distribute(none).count(), 0);
            // All go, and others come.
            let slot = Slot::default();
            let adder = Arc::clone(&slot);
            let input = (0..1000).inspect(move |item| {
                if *item % 300 == 250 {
                    adder.get().unwrap().add(scan::take(3).boxed()).unwrap();
                }
            });
            let mut run = input.fan_out().with(&config).distribute([scan::take(2).boxed()]);
            slot.set(run.adder()).unwrap();
            let expected =
                [vec![0, 1], vec![250, 251, 252], vec![550, 551, 552], vec![850, 851, 852]];
            assert_eq!(by_scan(4, run), expected);

            let none: [BoxScan<'static, u64, u64>; 0] = [];
            let input = (0..1000).fan_out().with(&config).read_ahead();
            assert_eq!(input.distribute(none).count(), 0);
        });
    }
}

#[test]
fn stop_of_a_scan_flushes_it_and_leaves_the_others() {
    for config in settings() {
        deadline(move || {
            let control = Control::new();
            let config = config.control(&control);
            let (asks, pulled) = (control.clone(), Arc::new(AtomicU64::new(0)));
            let input = (0..3_000).inspect(move |item| {
                if *item == 1_234 {
                    asks.stop_scan(ScanId::new(0));
                }
                pulled.store(*item, SeqCst);
            });
            let mut run = input.fan_out().with(&config).distribute([echo(), sum(), echo()]);
            let outputs = by_scan(3, run.by_ref());
            let stopped: Vec<_> = (0..1_234).chain([u64::MAX]).collect();
            assert_eq!(outputs[0], stopped);
            assert_eq!(outputs[1], [(0..3_000).sum()]);
            assert_eq!(outputs[2].len(), 3_001);
            // Too late, and nothing comes of it.
            control.stop_scan(ScanId::new(0));
            control.stop_scan(ScanId::new(9));
            assert!(run.next().is_none());
        });
    }
}

#[test]
fn a_run_ends_when_its_last_scan_was_stopped() {
    for config in settings() {
        for read_ahead in [false, true] {
            let config = config.clone();
            deadline(move || {
                let control = Control::new();
                let config = config.control(&control);
                let scans = [sum().boxed(), scan::take(1).boxed()];
                let first = ScanId::new(0);
                let elsewhere = move || {
                    while control.stats().scans.iter().filter(|scan| scan.items > 0).count() < 2 {
                        thread::yield_now();
                    }
                    control.stop_scan(first);
                };
                let stopper = thread::spawn(elsewhere);
                let outputs = if read_ahead {
                    by_scan(2, (0..).fan_out().with(&config).read_ahead().distribute(scans))
                } else {
                    by_scan(2, (0..).fan_out().with(&config).distribute(scans))
                };
                assert_eq!((outputs[0].len(), &outputs[1][..]), (1, &[0][..]));
                stopper.join().unwrap();
            });
        }
    }
}

#[test]
fn stop_ends_the_run_as_the_end_of_the_input_does() {
    for config in settings() {
        deadline(move || {
            let control = Control::new();
            let (asks, config) = (control.clone(), config.control(&control));
            let input = (0..).inspect(move |item| {
                if *item == 777 {
                    asks.stop();
                }
            });
            let run = input.fan_out().with(&config).distribute([echo(), sum()]);
            let expected: Vec<_> = (0..777).chain([u64::MAX]).collect();
            assert_eq!(by_scan(2, run), [expected, vec![(0..777).sum()]]);
        });
    }
}

#[test]
fn nothing_is_pulled_after_the_consumer_has_stopped_the_run() {
    for config in settings() {
        deadline(move || {
            let (control, pulled) = (Control::new(), Arc::new(AtomicU64::new(0)));
            let (config, count) = (config.control(&control), Arc::clone(&pulled));
            let input = (0..).inspect(move |_| {
                count.fetch_add(1, SeqCst);
            });
            let mut run = input.fan_out().with(&config).distribute([sum(), scan::take(1).boxed()]);
            assert_eq!(run.next(), Some((ScanId::new(1), 0)));
            let before = pulled.load(SeqCst);
            control.stop();
            assert_eq!(run.map(|(_, x)| x).collect::<Vec<_>>(), [(0..before).sum()]);
            assert_eq!(pulled.load(SeqCst), before);
        });
    }
}

#[test]
fn a_panic_in_the_drop_of_an_input_that_was_stopped_surfaces() {
    hush();
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            panic_any("expected: drop");
        }
    }
    for config in settings() {
        deadline(move || {
            let control = Control::new();
            let (asks, panics) = (control.clone(), Panics);
            let input = (0..).inspect(move |item| {
                let Panics = &panics;
                if *item == 3 {
                    asks.stop();
                }
            });
            let mut run = input.fan_out().with(&config.control(&control)).distribute([each()]);
            let (before, payload) = until_panic(&mut run);
            assert!(before.len() <= 3, "{before:?}");
            assert_eq!(payload, "expected: drop");
            assert_eq!(run.panicked(), Some(PanicOrigin::Input));
        });
    }
}

#[test]
fn stop_from_another_thread_ends_an_endless_run() {
    for config in settings() {
        deadline(move || {
            for read_ahead in [false, true] {
                let control = Control::new();
                let config = config.clone().control(&control);
                let stopper = thread::spawn({
                    let control = control.clone();
                    move || {
                        while control.stats().scans.iter().all(|scan| scan.items == 0) {
                            thread::yield_now();
                        }
                        control.stop();
                    }
                });
                let scans = [echo(), sum()];
                let mut outputs = if read_ahead {
                    by_scan(2, (0..).fan_out().with(&config).read_ahead().distribute(scans))
                } else {
                    by_scan(2, (0..).fan_out().with(&config).distribute(scans))
                };
                stopper.join().unwrap();
                // Nothing is lost, and all have seen the same.
                let seen = outputs[0].len() as u64 - 1;
                assert_eq!(outputs[0].pop(), Some(u64::MAX));
                assert!(outputs[0].iter().copied().eq(0..seen));
                assert_eq!(outputs[1], [(0..seen).sum()]);
            }
        });
    }
}

#[test]
fn stop_does_not_wait_for_an_input_that_is_read_ahead() {
    for config in settings() {
        deadline(move || {
            let control = Control::new();
            let (send, input) = mpsc::channel();
            let config = config.control(&control);
            let input = input.into_iter().fan_out().with(&config).read_ahead();
            let mut run = input.distribute([echo(), sum()]);
            let adder = run.adder();
            (1..=3).for_each(|x| send.send(x).unwrap());
            let mut outputs: Vec<_> = run.by_ref().take(3).collect();
            control.stop();
            outputs.extend(run);
            assert_eq!(by_scan(2, outputs), [vec![1, 2, 3, u64::MAX], vec![6]]);
            assert!(adder.add(each()).unwrap_err().is_ended());
            drop(send);
        });
    }
}

#[test]
fn abort_ends_the_run_without_a_flush() {
    for config in settings() {
        deadline(move || {
            for read_ahead in [false, true] {
                let (control, pool) = (Control::new(), Pool::new());
                let config = config.clone().control(&control).pool(pool.clone());
                let scans = [repeat(100), sum()];
                let aborter = thread::spawn({
                    let control = control.clone();
                    move || {
                        while control.stats().scans.iter().all(|scan| scan.items == 0) {
                            thread::yield_now();
                        }
                        control.abort();
                    }
                });
                let outputs = if read_ahead {
                    by_scan(2, (0..).fan_out().with(&config).read_ahead().distribute(scans))
                } else {
                    by_scan(2, (0..).fan_out().with(&config).distribute(scans))
                };
                aborter.join().unwrap();
                assert!(outputs[1].is_empty(), "no flush");
                assert!(
                    outputs[0].iter().copied().eq((0..outputs[0].len() as u64).map(|n| n / 100))
                );
                while pool.in_use() > 0 {
                    thread::yield_now();
                }
            }
        });
    }
}

#[test]
fn abort_does_not_wait_for_an_input_that_is_read_ahead() {
    deadline(|| {
        let control = Control::new();
        let config = Config::new().control(&control);
        let (send, input) = mpsc::channel::<u64>();
        let input = input.into_iter().fan_out().with(&config).read_ahead();
        let mut run = input.distribute([sum()]);
        let adder = run.adder();
        control.abort();
        assert!(adder.add(each()).unwrap_err().is_ended());
        assert!(run.next().is_none());
        drop(send);
    });
}

#[test]
fn every_verb_is_stopped_and_aborted() {
    for config in settings() {
        deadline(move || {
            let control = Control::new();
            let config = config.control(&control);
            let stopping = |at| {
                // Each stop concerns the run behind it, too.
                control.reset();
                let asks = control.clone();
                (0..).inspect(move |item| {
                    if *item == at {
                        asks.stop();
                    }
                })
            };
            let last = stopping(500).fan_out().with(&config).fold((scan::count(), scan::max()));
            assert_eq!(last, (500, Some(499)));
            let rows =
                stopping(500).fan_out().with(&config).zip_latest((scan::cloned(), scan::cloned()));
            assert!(rows.eq((0..500_u64).map(|x| (x, x))));
            let totals = stopping(500).fan_out().with(&config).demux(|x| x % 3, |_| scan::count());
            let mut totals: Vec<_> = totals.collect();
            totals.sort();
            assert_eq!(totals, [(0, 167), (1, 167), (2, 166)]);
            let run = stopping(500).fan_out().with(&config).ordered([echo(), sum()]);
            assert_eq!(run.last().map(|(_, x)| x), Some((0..500).sum()));

            // A run in rows ends with any of its scans.
            control.reset();
            let asks = control.clone();
            let second = ScanId::new(1);
            let input = (0_u64..).inspect(move |item| {
                if *item == 500 {
                    asks.stop_scan(second);
                }
            });
            let rows = input.fan_out().with(&config).zip_latest((scan::cloned(), scan::cloned()));
            assert!(rows.eq((0..500).map(|x| (x, x))));

            let asks = control.clone();
            let aborting = (0_u64..).inspect(move |item| {
                if *item == 500 {
                    asks.abort();
                }
            });
            let mut rows =
                aborting.fan_out().with(&config).zip_latest((scan::cloned(), scan::cloned()));
            assert!(rows.by_ref().all(|(a, b)| a == b && a < 500));
            assert!(rows.next().is_none());
        });
    }
}

#[test]
fn a_stop_latches_until_it_is_reset() {
    for config in settings() {
        deadline(move || {
            let control = Control::new();
            let config = config.control(&control);
            let untouched = || (0..).inspect(|_: &u64| panic!("pulled"));
            control.stop();
            assert!(control.is_stopped() && !control.is_aborted());
            assert!(control.stats().scans.is_empty());
            for _ in 0..2 {
                let run = untouched().fan_out().with(&config).distribute([echo(), sum()]);
                assert_eq!(by_scan(2, run), [[u64::MAX], [0]]);
                let input = untouched().fan_out().with(&config).read_ahead();
                let run = input.distribute([echo(), sum()]);
                assert_eq!(by_scan(2, run), [[u64::MAX], [0]]);
            }
            let input = untouched().fan_out().with(&config).read_ahead();
            control.abort();
            assert!(control.is_aborted());
            assert!(input.distribute([echo()]).next().is_none());
            // An abort is not taken back by a stop.
            control.stop();
            assert!(control.is_aborted());
            assert!(untouched().fan_out().with(&config).distribute([echo()]).next().is_none());

            control.reset();
            assert!(!control.is_stopped());
            let run = (1..=3).fan_out().with(&config).distribute([sum()]);
            assert_eq!(run.map(|(_, x)| x).sum::<u64>(), 6);
        });
    }
}

#[test]
fn statistics_show_scans_that_were_added() {
    deadline(|| {
        let control = Control::new();
        let config = Config::new().control(&control).batch(10);
        let mut run = (0..1000).fan_out().with(&config).distribute([each()]);
        assert!(run.next().is_some());
        run.adder().add(sum().named("late").boxed()).unwrap();
        // Twenty batches may be on their way at most, when the first output is here.
        assert_eq!(run.count(), 1000);
        let stats = control.stats();
        assert_eq!(stats.scans[1].name.as_deref(), Some("late"));
        assert_eq!((stats.scans[0].items, stats.scans[1].outputs), (1000, 1));
        assert!((800..1000).contains(&stats.scans[1].items), "{stats}");
    });
}

#[test]
fn a_panic_of_a_scan_that_was_added_surfaces_with_its_number() {
    hush();
    deadline(|| {
        let mut run = (0..).fan_out().with(&tight()).distribute([sum()]);
        let panics = scan::map(|_: &u64| -> u64 { panic_any("expected: late") });
        let id = run.adder().add(panics).unwrap();
        let (before, payload) = until_panic(&mut run);
        assert_eq!((before.len(), payload), (0, "expected: late"));
        assert_eq!(run.panicked(), Some(PanicOrigin::Scan(id)));
    });
}

#[test]
fn a_drop_finds_scans_that_were_added_since_the_last_look() {
    deadline(|| {
        for _ in 0..200 {
            let (tally, control, pool) = (Tally::default(), Control::new(), Pool::new());
            let config = tight().pool(pool.clone()).control(&control);
            let input = (0..).fan_out().with(&config).read_ahead();
            let mut run = input.distribute([scan::take(1).boxed()]);
            let held = tally.make(());
            let full = scan::inspect(move |_: &u64| assert_eq!(*held.get(), ()));
            if run.adder().add(full).is_ok() {
                // Two outputs, one in the channel and one that waits for room.
                while pool.in_use() > 2 {
                    thread::yield_now();
                }
                thread::yield_now();
                drop(run);
                tally.assert_settled();
            }
        }
    });
}

#[test]
fn a_crowd_of_threads_adds_and_stops_while_the_run_goes_on() {
    deadline(|| {
        for round in 0..60 {
            let (tally, pool, control) = (Tally::default(), Pool::new(), Control::new());
            let config = [tight(), Config::new()][round % 2].clone();
            let config = config.pool(pool.clone()).control(&control).discard_without_scans(true);
            let made = tally.clone();
            let input = (0..).map(move |item| made.make(item)).fan_out().with(&config).read_ahead();
            let first = scan::map(|item: &support::Tallied<u64>| *item.get());
            let mut run = input.distribute([first.boxed()]);
            let adder = run.adder();
            let crowd: Vec<_> = (0..3)
                .map(|_| {
                    let (adder, control) = (adder.clone(), control.clone());
                    thread::spawn(move || {
                        for turn in 0..10 {
                            let each = scan::map(|item: &support::Tallied<u64>| *item.get());
                            let scan =
                                if turn % 3 == 0 { each.take(5).boxed() } else { each.boxed() };
                            match adder.add(scan) {
                                Ok(id) if turn % 3 == 1 => control.stop_scan(id),
                                Ok(_) => {}
                                Err(error) => assert!(error.is_ended()),
                            }
                        }
                    })
                })
                .collect();
            let ender = thread::spawn(move || {
                crowd.into_iter().for_each(|one| one.join().unwrap());
                if round % 3 == 0 { control.abort() } else { control.stop() }
            });
            let outputs = by_scan(31, run);
            ender.join().unwrap();
            for outputs in outputs {
                let first = outputs.first().copied().unwrap_or(0);
                assert!(outputs.iter().copied().eq(first..first + outputs.len() as u64));
            }
            while pool.in_use() > 0 {
                thread::yield_now();
            }
            tally.assert_settled();
        }
    });
}

#[test]
fn an_abort_inside_a_scan_flushes_none_behind_it() {
    /// Aborts its run at its first item and ends, or in its flush.
    struct Aborts {
        control: Control,
        in_flush: bool,
    }

    impl Scan<u64> for Aborts {
        type Output = u64;
        fn step(&mut self, item: &u64, out: &mut Emitter<'_, u64>) -> ControlFlow<()> {
            out.emit(*item);
            if self.in_flush {
                return ControlFlow::Continue(());
            }
            self.control.abort();
            ControlFlow::Break(())
        }
        fn flush(&mut self, _: &mut Emitter<'_, u64>) {
            self.control.abort();
        }
    }

    deadline(|| {
        let control = Control::new();
        let aborts = |in_flush| Aborts { control: control.clone(), in_flush };
        let scans = [
            aborts(false).then(sum()).boxed(),
            aborts(true).then(sum()).boxed(),
            // In batches, and item by item.
            aborts(false).last().boxed(),
            aborts(false).last().filter(|_| true).boxed(),
        ];
        for scan in scans {
            control.reset();
            let run = (7..8).fan_out().control(&control).distribute([scan]);
            assert_eq!(run.count(), 0);
        }
    });
}

#[test]
fn a_run_without_scans_that_is_read_ahead_may_go_on_and_discard() {
    const MANY: u64 = 1_000;
    for config in settings() {
        deadline(move || {
            let pulled = Arc::new(AtomicU64::new(0));
            let count = Arc::clone(&pulled);
            let input = (0..MANY).inspect(move |_| _ = count.fetch_add(1, SeqCst));
            let config = config.discard_without_scans(true);
            let none: [BoxScan<'static, u64, u64>; 0] = [];
            let run = input.fan_out().with(&config).read_ahead().distribute(none);
            assert_eq!((run.count(), pulled.load(SeqCst)), (0, MANY));
        });
    }
}
