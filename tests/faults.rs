//! The faults that this crate exists to be free of, one module each. Every one
//! runs with the tightest bounds there are and with the defaults.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anabranch::scan::{self, Emitter, Scan};
use anabranch::{IteratorExt, LeaseError, Pool};
use support::config::{Config, With as _};
use support::{
    Gate, Tally, by_scan, deadline, distribute, echo, hush, panic_at, repeat, sum, tight,
    tight_and_default, until_panic,
};

/// What `echo` emits for the items `0..n`.
fn echoed(n: u64) -> Vec<u64> {
    (0..n).chain([u64::MAX]).collect()
}

mod fault_1_full_input_buffer {
    use super::*;

    #[test]
    fn a_full_input_buffer_holds_the_input_back_and_is_no_error() {
        for config in tight_and_default() {
            let outputs = deadline(move || distribute(&config, 0..50_000, vec![sum(), echo()]));
            assert_eq!(outputs, [vec![49_999 * 25_000], echoed(50_000)]);
        }
    }

    #[test]
    fn no_more_is_pulled_than_the_bound_while_a_scan_is_stuck() {
        deadline(|| {
            for (capacity, batch) in [(1, 1), (2, 3), (4, 16)] {
                let gate = Gate::default();
                let pulled = Arc::new(AtomicUsize::new(0));
                let (stuck, count) = (gate.clone(), Arc::clone(&pulled));
                let input = (0..1_000_u64).inspect(move |_| {
                    count.fetch_add(1, Ordering::SeqCst);
                });
                let config = Config::new().input_capacity(capacity).batch(batch);
                let witness = Arc::clone(&pulled);
                // The fast scan emits for the last item that can possibly have
                // been pulled, which proves that so many were; and then the
                // gate opens. It cannot have seen more than the bound.
                let limit = (capacity + 1) * batch;
                let scans = vec![
                    scan::map(move |item: &u64| {
                        stuck.pass();
                        *item
                    })
                    .boxed(),
                    scan::map(move |item: &u64| {
                        if *item as usize + 1 == limit {
                            let pulled = witness.load(Ordering::SeqCst);
                            assert!(pulled <= (capacity + 2) * batch, "{pulled} pulled");
                            gate.open();
                        }
                        *item
                    })
                    .boxed(),
                ];
                let outputs = by_scan(2, input.fan_out().with(&config).distribute(scans));
                assert_eq!(outputs[0], outputs[1]);
                assert_eq!(pulled.load(Ordering::SeqCst), 1_000);
            }
        });
    }
}

mod fault_2_endless_scan_finite_input {
    use super::*;

    #[test]
    fn scans_that_never_end_by_themselves_are_stopped_and_flushed() {
        for config in tight_and_default() {
            for n in [0, 1, 2, 10_000] {
                let config = config.clone();
                let scans = || (0..4).map(|_| echo()).collect();
                let outputs = deadline(move || distribute(&config, 0..n, scans()));
                assert_eq!(outputs, vec![echoed(n); 4]);
            }
        }
    }

    #[test]
    fn a_flush_that_emits_more_than_the_output_buffer_holds_is_delivered() {
        struct Flood;
        impl Scan<u64> for Flood {
            type Output = u64;
            fn step(&mut self, _: &u64, _: &mut Emitter<'_, u64>) -> ControlFlow<()> {
                ControlFlow::Continue(())
            }
            fn flush(&mut self, out: &mut Emitter<'_, u64>) {
                (0..50_000).for_each(|x| out.emit(x));
            }
        }
        for config in tight_and_default() {
            let scans = vec![Flood.boxed(), Flood.boxed()];
            let outputs = deadline(move || distribute(&config, 0..3, scans));
            assert_eq!(outputs, vec![(0..50_000).collect::<Vec<_>>(); 2]);
        }
    }
}

mod fault_3_scan_that_ends_early {
    use super::*;

    #[test]
    fn a_scan_that_ended_never_holds_the_manager_back() {
        for config in tight_and_default() {
            let scans = vec![scan::take(100).boxed(), echo()];
            let outputs = deadline(move || distribute(&config, 0..10_000, scans));
            assert_eq!(outputs, [(0..100).collect(), echoed(10_000)]);
        }
    }

    #[test]
    fn when_all_scans_have_ended_an_endless_input_is_left_soon() {
        for config in tight_and_default() {
            let pulled = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&pulled);
            let input = (0..).inspect(move |_| {
                count.fetch_add(1, Ordering::SeqCst);
            });
            let outputs = deadline(move || {
                let scans: Vec<_> = (0..3).map(|_| scan::take(5).boxed()).collect();
                distribute(&config, input, scans)
            });
            assert_eq!(outputs, vec![vec![0, 1, 2, 3, 4]; 3]);
            let pulled = pulled.load(Ordering::SeqCst);
            assert!(pulled < 5 + (8 + 2) * 8192, "{pulled} items pulled");
        }
    }

    #[test]
    fn with_the_tightest_bounds_the_documented_number_is_pulled_ahead_at_most() {
        for _ in 0..200 {
            let pulled = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&pulled);
            let input = (0..).inspect(move |_| {
                count.fetch_add(1, Ordering::SeqCst);
            });
            let outputs =
                deadline(move || distribute(&tight(), input, vec![scan::take(5).boxed()]));
            assert_eq!(outputs, [[0, 1, 2, 3, 4]]);
            assert!(pulled.load(Ordering::SeqCst) < 5 + (1 + 2));
        }
    }

    #[test]
    fn scans_that_end_at_their_first_item_or_before_end_the_run() {
        for config in tight_and_default() {
            let scans = vec![scan::take(0).boxed(), scan::take(1).boxed()];
            let outputs = deadline(move || distribute(&config, 0_u64.., scans));
            assert_eq!(outputs, [vec![], vec![0]]);
        }
    }
}

mod fault_4_both_sides_full {
    use super::*;

    #[test]
    fn input_room_and_output_room_are_never_waited_for_in_a_circle() {
        for config in tight_and_default() {
            let scans = vec![repeat(7), repeat(1), echo(), repeat(13)];
            let outputs = deadline(move || distribute(&config, 0..5_000, scans));
            assert_eq!(
                outputs.iter().map(Vec::len).collect::<Vec<_>>(),
                [35_000, 5_000, 5_001, 65_000]
            );
        }
    }
}

mod fault_5_panic_while_the_manager_waits_for_room {
    use super::*;

    #[test]
    fn the_panic_surfaces_though_the_input_buffer_is_full() {
        hush();
        for config in tight_and_default() {
            deadline(move || {
                let pulling = Gate::default();
                let full = pulling.clone();
                // By the time that the scan panics, at its first item, so much
                // was pulled that the manager can only be waiting for room.
                let input = (0..100_000_u64).inspect(move |item| {
                    if *item == 2 {
                        pulling.open();
                    }
                });
                let slow = scan::map(move |_: &u64| -> u64 {
                    full.pass();
                    std::panic::panic_any("expected: slow scan")
                });
                let mut run =
                    input.fan_out().with(&config.batch(1).input_capacity(1)).distribute([slow]);
                assert_eq!(until_panic(&mut run), (vec![], "expected: slow scan"));
                assert!(run.next().is_none());
            });
        }
    }

    #[test]
    fn other_scans_with_full_buffers_leave() {
        hush();
        for config in tight_and_default() {
            deadline(move || {
                let scans = vec![repeat(50), panic_at(300, "expected: third"), repeat(3), echo()];
                let mut run = (0..100_000_u64).fan_out().with(&config).distribute(scans);
                let (outputs, message) = until_panic(&mut run);
                assert_eq!(message, "expected: third");
                assert_eq!(by_scan(4, outputs)[1], (0..300).collect::<Vec<_>>());
            });
        }
    }
}

mod fault_6_ring_before_publish {
    use super::*;

    /// The smallest runs there are, over and over: the wake-ups of their ends are
    /// nearly all that they consist of.
    #[test]
    fn no_wake_up_is_lost_at_the_end_of_very_many_short_runs() {
        for config in tight_and_default() {
            deadline(move || {
                for n in 0..6_000 {
                    let items = n % 3;
                    let outputs = distribute(&config, 0..items, vec![sum(), echo()]);
                    assert_eq!(outputs, [vec![(0..items).sum()], echoed(items)]);
                }
            });
        }
    }
}

mod fault_7_early_drop {
    use super::*;

    #[test]
    fn dropping_after_ten_outputs_of_an_endless_input_leaves_no_scan_at_work() {
        for config in tight_and_default() {
            for taken in [0, 1, 10, 1_000] {
                let (pool, config) = (Pool::new(), config.clone());
                let config = config.pool(pool.clone());
                deadline(move || {
                    let gone = Arc::new(AtomicBool::new(false));
                    let late = Arc::new(AtomicUsize::new(0));
                    let scans = [1, 3, 100].map(|times| {
                        let (gone, late) = (Arc::clone(&gone), Arc::clone(&late));
                        scan::inspect(move |_: &u64| {
                            if gone.load(Ordering::SeqCst) {
                                late.fetch_add(1, Ordering::SeqCst);
                            }
                        })
                        .then(repeat(times))
                    });
                    let mut run = (0..).fan_out().with(&config).distribute(scans);
                    assert_eq!(run.by_ref().take(taken).count(), taken);
                    drop(run);
                    gone.store(true, Ordering::SeqCst);
                    assert_eq!(pool.in_use(), 0);
                    assert_eq!(pool.idle(), 3);
                    // The threads are at other work now: nothing of the old run
                    // is left to be processed.
                    let config = Config::new().pool(pool);
                    distribute(&config, 0..1_000, vec![sum(), sum(), sum()]);
                    assert_eq!(late.load(Ordering::SeqCst), 0);
                });
            }
        }
    }

    #[test]
    fn a_drop_waits_for_the_call_that_is_in_flight_and_for_no_other() {
        deadline(|| {
            let entered = Gate::default();
            let (begun, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            // Once in its step, this scan leaves it only when the run is aborted,
            // with 99 more items before it in the batch and others behind that.
            let long = {
                let (entered, begun, ended) = (entered.clone(), begun.clone(), ended.clone());
                scan::from_fn(move |_: &u64, out: &mut Emitter<'_, u64>| {
                    begun.fetch_add(1, Ordering::SeqCst);
                    entered.open();
                    while !out.is_closed() {
                        std::thread::yield_now();
                    }
                    ended.fetch_add(1, Ordering::SeqCst);
                    ControlFlow::Continue(())
                })
            };
            let scans = [long.boxed(), repeat(1)];
            let mut run = (0..).fan_out().with(&Config::new().batch(100)).distribute(scans);
            assert!(run.next().is_some());
            entered.pass();
            drop(run);
            assert_eq!((begun.load(Ordering::SeqCst), ended.load(Ordering::SeqCst)), (1, 1));
        });
    }
}

mod fault_8_pool_starvation {
    use super::*;

    #[test]
    fn more_scans_than_any_machine_has_processors_all_have_a_thread() {
        let config = Config::new().pool(Pool::new());
        let outputs = deadline(move || {
            let scans = (0..300).map(|_| echo()).collect();
            distribute(&config, 0..100, scans)
        });
        assert_eq!(outputs, vec![echoed(100); 300]);
    }

    #[test]
    fn ten_thousand_scans_are_given_a_thread_each_or_are_refused() {
        // A system may not have so many threads to give.
        deadline(|| {
            let pool = Pool::new();
            match pool.lease(10_000) {
                Ok(lease) => {
                    let scans: Vec<_> = (0..10_000).map(|_| sum()).collect();
                    let run = (0..100).fan_out().on(lease).distribute(scans);
                    assert!(run.map(|(_, sum)| sum).eq(vec![4950; 10_000]));
                }
                Err(error) => assert!(matches!(error, LeaseError::Spawn(_)), "{error:?}"),
            }
            assert_eq!(pool.in_use(), 0);

            // With small stacks, and without a lease.
            let tally = Tally::default();
            let scan = |_| {
                let nothing = tally.make(0);
                sum().map(move |sum| sum + nothing.get())
            };
            let scans: Vec<_> = (0..10_000).map(scan).collect();
            let run = (0..100).fan_out().on(&pool).stack_size(64 << 10);
            match catch_unwind(AssertUnwindSafe(|| run.distribute(scans))) {
                Ok(run) => assert!(run.map(|(_, sum)| sum).eq(vec![4950; 10_000])),
                Err(payload) => {
                    let message = payload.downcast::<String>().unwrap();
                    assert!(message.contains("refused a thread"), "{message}");
                }
            }
            tally.assert_settled();
            assert_eq!(pool.in_use(), 0);
        });
    }

    #[test]
    fn a_scan_may_run_scans_on_the_pool_that_it_lives_in() {
        for config in tight_and_default() {
            let nested = config.clone();
            let outputs = deadline(move || {
                let inner = scan::map(move |n: &u64| {
                    let config = nested.clone();
                    distribute(&config, 0..*n, vec![sum(), sum()])[1][0]
                });
                distribute(&config, 0..50, vec![inner.boxed(), sum()])
            });
            let triangle: Vec<u64> = (0..50_u64).map(|n| (0..n).sum()).collect();
            assert_eq!(outputs, [triangle, vec![49 * 25]]);
        }
    }

    #[test]
    fn a_pool_with_a_maximum_refuses_the_nested_lease_at_once() {
        let pool = Pool::with_max_threads(1);
        let config = Config::new().pool(pool.clone());
        let outputs = deadline(move || {
            let inner = scan::map(move |_: &u64| {
                u64::from(pool.lease(1).is_err_and(|error| error.is_full()))
            });
            distribute(&config, 0..10, vec![inner.boxed()])
        });
        assert_eq!(outputs, [[1; 10]]);
    }

    #[test]
    fn a_nested_run_on_a_pool_that_is_full_panics_at_once() {
        let pool = Pool::with_max_threads(1);
        let config = Config::new().pool(pool.clone());
        let outputs = deadline(move || {
            let inner = scan::map(move |_: &u64| {
                let run = (0..1_u64).fan_out().on(&pool);
                let nested = catch_unwind(AssertUnwindSafe(|| run.distribute([sum()]).count()));
                let message = nested.unwrap_err().downcast::<String>().unwrap();
                u64::from(message.contains("its maximum is 1, and 1 is in use"))
            });
            distribute(&config, 0..10, vec![inner.boxed()])
        });
        assert_eq!(outputs, [[1; 10]]);
    }
}
