//! What was open once and is decided: who is told what when a run ends while scans are
//! being added, when it is stopped, and when it is aborted.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

use anabranch::scan::{self, BoxScan, Emitter, Scan};
use anabranch::{Adder, Control, IteratorExt, Pool, ScanId};
use support::config::{Config, With as _};
use support::{Gate, Tallied, Tally, by_scan, deadline, echo, sum, tight_and_default};

/// Some settings with a pool of so many threads.
fn with_pool_of(threads: usize) -> impl Iterator<Item = (Config, Pool)> {
    tight_and_default().into_iter().map(move |config| {
        let pool = Pool::with_max_threads(threads);
        (config.pool(pool.clone()), pool)
    })
}

/// The scan is given back because the run takes no more, whatever the pool has.
#[track_caller]
fn assert_ended(adder: &Adder<u64, u64>) {
    let error = adder.add(sum()).unwrap_err();
    assert!(error.is_ended(), "{:?}", error.kind());
    assert_eq!(error.into_inner().apply([1, 2]), [3]);
}

/// Takes the only thread of the pool.
fn occupy(config: &Config) -> impl Iterator<Item = (ScanId, u64)> + use<> {
    (0..).fan_out().with(config).distribute([scan::cloned()])
}

mod adding_to_a_run_on_a_full_pool {
    use super::*;

    #[test]
    fn says_that_its_input_has_ended() {
        for (config, pool) in with_pool_of(1) {
            deadline(move || {
                let mut run = (0..3).fan_out().with(&config).distribute([sum()]);
                let adder = run.adder();
                assert_eq!(run.by_ref().count(), 1);
                let occupant = occupy(&config);
                assert_ended(&adder);
                drop(run);
                assert_ended(&adder);
                drop(occupant);
                assert_eq!(pool.in_use(), 0);
            });
        }
    }

    #[test]
    fn says_that_its_scans_have_ended() {
        for (config, _) in with_pool_of(1) {
            deadline(move || {
                let mut run = (0..).fan_out().with(&config).distribute([scan::take(1).boxed()]);
                let adder = run.adder();
                assert_eq!(run.by_ref().count(), 1);
                let _occupant = occupy(&config);
                assert_ended(&adder);
            });
        }
    }

    #[test]
    fn says_that_it_was_dropped() {
        for (config, _) in with_pool_of(1) {
            deadline(move || {
                let mut run = (0..).fan_out().with(&config).distribute([sum()]);
                let adder = run.adder();
                drop(run);
                let _occupant = occupy(&config);
                assert_ended(&adder);
            });
        }
    }

    #[test]
    fn says_that_it_was_stopped() {
        for (config, _) in with_pool_of(1) {
            deadline(move || {
                let control = Control::new();
                let stopped = config.clone().control(&control);
                let mut run = (0..).fan_out().with(&stopped).distribute([sum()]);
                let adder = run.adder();
                control.stop();
                assert_eq!(run.by_ref().count(), 1);
                let _occupant = occupy(&config);
                assert_ended(&adder);
            });
        }
    }

    #[test]
    fn says_at_once_that_it_was_stopped() {
        for (config, _) in with_pool_of(1) {
            deadline(move || {
                let control = Control::new();
                let mut run = (0..).fan_out().with(&config.control(&control)).distribute([sum()]);
                let adder = run.adder();
                control.stop();
                assert_ended(&adder);
            });
        }
    }

    #[test]
    fn says_at_once_that_it_was_aborted() {
        for (config, _) in with_pool_of(1) {
            deadline(move || {
                let control = Control::new();
                let mut run = (0..).fan_out().with(&config.control(&control)).distribute([sum()]);
                let adder = run.adder();
                control.abort();
                assert_ended(&adder);
            });
        }
    }
}

mod a_dynamic_run_on_a_full_pool {
    use super::*;

    /// Gives a scan at first, and when it is asked again ends the run and gives another.
    fn ends_with(end: fn(&Control)) -> Vec<usize> {
        let ended = |(config, pool): (Config, Pool)| {
            let (control, tally) = (Control::new(), Tally::default());
            let config = config.batch(1).control(&control);
            let (counted, mut asked) = (tally.clone(), 0);
            let ask = move || -> Option<BoxScan<'static, u64, u64>> {
                asked += 1;
                if asked == 3 {
                    end(&control);
                }
                let held = counted.make(true);
                (asked == 1 || asked == 3)
                    .then(|| scan::cloned().filter(move |_| *held.get()).boxed())
            };
            let outputs = (0..).fan_out().with(&config).dynamic(ask).count();
            tally.assert_settled();
            assert_eq!(pool.in_use(), 0);
            outputs
        };
        with_pool_of(1).map(ended).collect()
    }

    #[test]
    fn ends_when_it_was_aborted_by_the_one_who_is_asked_for_scans() {
        deadline(|| {
            let outputs = ends_with(Control::abort);
            assert!(outputs.iter().all(|outputs| *outputs <= 2), "{outputs:?}");
        });
    }

    #[test]
    fn ends_when_it_was_stopped_by_the_one_who_is_asked_for_scans() {
        deadline(|| assert_eq!(ends_with(Control::stop), [2, 2]));
    }
}

mod a_fold_that_was_aborted {
    use super::*;

    /// Emits every item, and aborts the run behind the one numbered `at`.
    fn aborts(control: &Control, at: u64) -> BoxScan<'static, u64, u64> {
        let control = control.clone();
        let step = move |item: &u64, out: &mut Emitter<'_, u64>| {
            out.emit(*item);
            if *item == at {
                control.abort();
            }
            ControlFlow::Continue(())
        };
        scan::from_fn(step).boxed()
    }

    /// Has `$seen` count the items that `$total` is given.
    macro_rules! counted {
        ($total:expr, $seen:expr) => {{
            let seen: Arc<AtomicU64> = Arc::clone(&$seen);
            $total.filter_input(move |_: &u64| seen.fetch_add(1, SeqCst) < u64::MAX)
        }};
    }

    #[test]
    fn gives_what_its_scans_have_emitted() {
        for config in tight_and_default() {
            for at in [0, 5, 700] {
                let config = config.clone();
                deadline(move || {
                    let control = Control::new();
                    let config = config.control(&control);
                    let seen: [Arc<AtomicU64>; 4] = Default::default();
                    let totals = (
                        aborts(&control, at).last(),
                        counted!(scan::count(), seen[0]),
                        counted!(scan::cloned().last(), seen[1]),
                        counted!(scan::max(), seen[2]),
                        counted!(scan::cloned().then(scan::collect::<_, Vec<_>>()), seen[3]),
                    );
                    let results = (0..).fan_out().with(&config).fold(totals);
                    // No step is begun after the abort, and nobody is flushed. Each has what it
                    // has so far.
                    let seen = seen.map(|seen| seen.load(SeqCst));
                    assert_eq!((results.0, results.1 as u64), (Some(at), seen[0]));
                    assert_eq!(results.2, seen[1].checked_sub(1));
                    assert_eq!(results.3, seen[2].checked_sub(1));
                    assert!(results.4.into_iter().eq(0..seen[3]));
                });
            }
        }
    }

    #[test]
    fn before_it_began_gives_what_there_is_of_no_items() {
        for config in tight_and_default() {
            for end in [Control::abort, Control::stop] {
                let config = config.clone();
                deadline(move || {
                    let control = Control::new();
                    end(&control);
                    let input = (0_u64..).inspect(|_| panic!("pulled"));
                    let totals = (scan::count(), scan::max(), scan::cloned().last());
                    let results = input.fan_out().with(&config.control(&control)).fold(totals);
                    assert_eq!(results, (0, None, None));
                });
            }
        }
    }

    /// Emits every item; in its flush aborts the run, and waits until that has come about.
    struct AbortsInFlush(Control);

    impl Scan<u64> for AbortsInFlush {
        type Output = u64;
        fn step(&mut self, item: &u64, out: &mut Emitter<'_, u64>) -> ControlFlow<()> {
            out.emit(*item);
            ControlFlow::Continue(())
        }
        fn flush(&mut self, out: &mut Emitter<'_, u64>) {
            self.0.abort();
            while !out.is_closed() {
                thread::yield_now();
            }
        }
    }

    /// Asserts that a fold whose only total is `$total`, behind a scan that aborts the run in
    /// its flush, returns `$expected`.
    macro_rules! assert_behind_a_flush {
        ($config:expr, $total:expr, $expected:expr) => {{
            let control = Control::new();
            let config = $config.clone().control(&control);
            let total = AbortsInFlush(control).then($total);
            assert_eq!((0..10).fan_out().with(&config).fold((total,)), ($expected,));
        }};
    }

    #[test]
    fn inside_a_flush_gives_what_a_count_has_behind_it() {
        for config in tight_and_default() {
            deadline(move || assert_behind_a_flush!(config, scan::count(), 10));
        }
    }

    #[test]
    fn inside_a_flush_gives_what_a_total_without_a_result_of_no_items_has_behind_it() {
        for config in tight_and_default() {
            deadline(move || {
                assert_behind_a_flush!(config, scan::max(), Some(9));
                assert_behind_a_flush!(config, scan::cloned().last(), Some(9));
            });
        }
    }

    #[test]
    fn inside_a_flush_gives_the_last_output() {
        for config in tight_and_default() {
            deadline(move || {
                let control = Control::new();
                let config = config.control(&control);
                let total = AbortsInFlush(control).last();
                assert_eq!((0..10).fan_out().with(&config).fold([total]), [Some(9)]);
            });
        }
    }

    /// Opens the gate when it is dropped.
    struct Opens(Gate);

    impl Drop for Opens {
        fn drop(&mut self) {
            self.0.open();
        }
    }

    #[test]
    fn gives_what_a_scan_has_emitted_that_ended_before() {
        for config in tight_and_default() {
            deadline(move || {
                let (control, gone) = (Control::new(), Gate::default());
                let (config, opens) = (config.control(&control), Opens(gone.clone()));
                let first = scan::inspect(move |_: &u64| {
                    let _: &Opens = &opens;
                });
                let waits = scan::inspect(move |item: &u64| {
                    if *item == 1_000 {
                        gone.pass();
                    }
                });
                let second = waits.then(aborts(&control, 1_000));
                let totals = [first.take(1).boxed(), second.boxed()].map(Scan::last);
                assert_eq!((0..).fan_out().with(&config).fold(totals), [Some(0), Some(1_000)]);
            });
        }
    }
}

mod a_scan_that_was_stopped {
    use super::*;

    #[test]
    fn is_flushed_in_an_ordered_run_behind_its_last_item() {
        for config in tight_and_default() {
            deadline(move || {
                let control = Control::new();
                let config = config.control(&control);
                let input = (0..10).inspect(move |item| {
                    if *item == 3 {
                        control.stop_scan(ScanId::new(0));
                    }
                });
                let run = input.fan_out().with(&config).ordered([echo(), echo()]);
                let outputs: Vec<_> = run.map(|(id, output)| (output, id.index())).collect();
                let of_both = (0..3).flat_map(|item| [(item, 0), (item, 1)]);
                let of_one = (3..10).map(|item| (item, 1)).chain([(u64::MAX, 1)]);
                let expected = of_both.chain([(u64::MAX, 0)]).chain(of_one);
                assert_eq!(outputs, expected.collect::<Vec<_>>());
            });
        }
    }
}

mod an_item_that_was_pending_when_a_stop_came {
    use super::*;

    /// Emits the numbers of the items.
    fn number() -> BoxScan<'static, Tallied<u64>, u64> {
        scan::map(|item: &Tallied<u64>| *item.get()).boxed()
    }

    #[test]
    fn is_dropped_and_given_to_nobody() {
        for config in tight_and_default() {
            deadline(move || {
                let (control, tally) = (Control::new(), Tally::default());
                let (config, made) = (config.control(&control), tally.clone());
                let input = (0..).map(move |nth| {
                    if nth == 9 {
                        control.stop();
                    }
                    made.make(nth)
                });
                let outputs = input.fan_out().with(&config).distribute([(); 3].map(|()| number()));
                let expected: Vec<_> = (0..9).collect();
                assert_eq!(by_scan(3, outputs), [(); 3].map(|()| expected.clone()));
                tally.assert_settled();
            });
        }
    }

    #[test]
    fn is_dropped_and_given_to_nobody_when_the_input_is_read_ahead() {
        for config in tight_and_default() {
            deadline(move || {
                let (control, tally, gate) = (Control::new(), Tally::default(), Gate::default());
                let (config, made, leave) = (config.control(&control), tally.clone(), gate.clone());
                let inside = Gate::default();
                let enter = inside.clone();
                let input = (0..).map(move |nth| {
                    if nth == 9 {
                        enter.open();
                        leave.pass();
                    }
                    made.make(nth)
                });
                let input = input.fan_out().with(&config).read_ahead();
                let mut run = input.distribute([(); 3].map(|()| number()));
                let outputs: Vec<_> = run.by_ref().take(27).collect();
                let expected: Vec<_> = (0..9).collect();
                assert_eq!(by_scan(3, outputs), [(); 3].map(|()| expected.clone()));
                inside.pass();
                control.stop();
                assert_eq!(run.next(), None);
                tally.assert_settled();
                gate.open();
                while tally.made() < 10 || tally.dropped() < tally.made() {
                    thread::yield_now();
                }
                drop(run);
                tally.assert_settled();
            });
        }
    }
}
