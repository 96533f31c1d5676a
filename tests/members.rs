//! What the members of the family do at their edges: nothing to do, early ends,
//! floods, panics, drops, refusals.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anabranch::scan::{self, BoxScan, Emitter, Scan};
use anabranch::{IteratorExt, PanicOrigin, Pool};
use support::config::{Config, With as _};
use support::{
    Gate, Tally, deadline, echo, hush, panic_at, repeat, sum, tight, tight_and_default, until_panic,
};

/// An input that must not be pulled.
fn untouched() -> impl Iterator<Item = u64> {
    std::iter::from_fn(|| panic!("pulled"))
}

#[test]
fn without_scans_nothing_is_pulled() {
    deadline(|| {
        let none = || Vec::<BoxScan<'static, u64, u64>>::new();
        assert_eq!(untouched().par_fold(Vec::<scan::Last<BoxScan<'_, u64, u64>, u64>>::new()), []);
        assert_eq!(untouched().par_zip_latest(none()).next(), None);
        assert_eq!(untouched().fan_out().ordered(none()).next(), None);
    });
}

#[test]
fn without_items_scans_are_flushed() {
    for config in tight_and_default() {
        deadline(move || {
            let none = || std::iter::empty::<u64>();
            assert_eq!(
                none().fan_out().with(&config).fold((scan::sum::<_, u64>(), echo().last())),
                (0, Some(u64::MAX))
            );
            assert_eq!(none().fan_out().with(&config).zip_latest((sum(), echo())).next(), None);
            let keys = none().fan_out().with(&config).demux(|x| *x, |_| sum());
            assert_eq!(keys.count(), 0);
            let ordered = none().fan_out().with(&config).ordered([sum(), echo()]);
            let outputs: Vec<_> = ordered.map(|(id, x)| (id.index(), x)).collect();
            assert_eq!(outputs, [(0, 0), (1, u64::MAX)]);
        });
    }
}

#[test]
fn scans_that_end_end_the_run_though_the_input_is_endless() {
    for config in tight_and_default() {
        deadline(move || {
            let first = |n| scan::take(n);
            assert_eq!(
                (0..).fan_out().with(&config).fold((first(3).last(), first(5).last())),
                (Some(2), Some(4))
            );
            let rows: Vec<_> =
                (0..).fan_out().with(&config).zip_latest((scan::cloned(), first(3))).collect();
            assert_eq!(rows, [(0, 0), (1, 1), (2, 2)]);
            let silent = scan::take_while(|x: &u64| *x < 2);
            let rows: Vec<_> =
                (0..).fan_out().with(&config).zip_latest((repeat(2), silent)).collect();
            assert_eq!(rows, [(0, 0), (1, 1)], "no row for an item that a scan ends at silently");
            let ordered = (0..).fan_out().with(&config).ordered([first(1), first(2)]);
            let outputs: Vec<_> = ordered.map(|(id, x)| (id.index(), x)).collect();
            assert_eq!(outputs, [(0, 0), (1, 0), (1, 1)]);
        });
    }
}

#[test]
fn a_flood_beside_a_scan_with_nothing_to_say_keeps_its_place() {
    for config in tight_and_default() {
        deadline(move || {
            let scans = [sum(), repeat(50_000)];
            let run = [7, 8].into_iter().fan_out().with(&config).ordered(scans);
            let outputs: Vec<_> = run.map(|(id, x)| (id.index(), x)).collect();
            assert_eq!(outputs.len(), 100_001);
            assert!(outputs[..50_000].iter().all(|output| *output == (1, 7)));
            assert!(outputs[50_000..100_000].iter().all(|output| *output == (1, 8)));
            assert_eq!(outputs[100_000], (0, 15));

            let rows = [7, 8]
                .into_iter()
                .fan_out()
                .with(&config)
                .zip_latest((repeat(50_000), scan::cloned()));
            assert_eq!(rows.collect::<Vec<_>>(), [(7, 7), (8, 8)]);
        });
    }
}

#[test]
fn aligned_scans_do_not_run_in_lock_step() {
    deadline(|| {
        let gate = Gate::default();
        let ahead = gate.clone();
        let fast = scan::inspect(move |x: &u64| {
            if *x == 100 {
                ahead.open();
            }
        });
        // Steps over its first item when the other one is at its hundredth.
        let slow = scan::map(move |x: &u64| {
            gate.pass();
            *x
        });
        let config = Config::new().batch(16).input_capacity(8).output_capacity(8);
        let run = (0..10_000).fan_out().with(&config).zip_latest((fast, slow));
        assert!(run.eq((0..10_000).map(|x| (x, x))));
    });
}

#[test]
fn what_comes_before_a_panic_is_a_prefix_of_the_sequential_run() {
    hush();
    for config in tight_and_default() {
        for at in [0, 1, 7, 40] {
            let config = config.clone();
            deadline(move || {
                let scans = [echo(), panic_at(at, "expected: step"), repeat(3)];
                let mut run = (0..50).fan_out().with(&config).ordered(scans);
                let (before, payload) = until_panic(&mut run);
                assert_eq!(payload, "expected: step");
                let before: Vec<_> = before.into_iter().map(|(id, x)| (id.index(), x)).collect();
                let whole = |x| [(0, x), (1, x), (2, x), (2, x), (2, x)];
                let mut expected: Vec<_> = (0..at).flat_map(whole).collect();
                expected.push((0, at));
                assert_eq!(before, expected);
                let Some(PanicOrigin::Scan(id)) = run.panicked() else { panic!("a scan") };
                assert_eq!((id.index(), run.next()), (1, None));

                let scans = (repeat(2), panic_at(at, "expected: row"));
                let mut run = (0..50).fan_out().with(&config).zip_latest(scans);
                let (before, payload) = until_panic(&mut run);
                assert_eq!(payload, "expected: row");
                assert_eq!(before, (0..at).map(|x| (x, x)).collect::<Vec<_>>());
                assert!(matches!(run.panicked(), Some(PanicOrigin::Scan(_))));
                assert_eq!(run.next(), None);
            });
        }
    }
}

#[test]
fn outputs_of_a_step_that_panics_are_given_in_order() {
    hush();
    deadline(|| {
        let speaks_first = scan::from_fn(|x: &u64, out: &mut Emitter<'_, u64>| {
            out.emit(*x);
            out.emit(x + 10);
            if *x == 1 {
                panic_any("expected: late");
            }
            ControlFlow::Continue(())
        });
        let mut run = (0..5).fan_out().with(&tight()).ordered([speaks_first.boxed(), sum()]);
        let (before, _) = until_panic(&mut run);
        assert_eq!(before.into_iter().map(|(_, x)| x).collect::<Vec<_>>(), [0, 10, 1, 11]);
    });
}

#[test]
fn a_panic_reaches_the_caller_of_a_fold_and_a_demux() {
    hush();
    for config in tight_and_default() {
        deadline(move || {
            let totals = || (sum().last(), panic_at(5, "expected: fold").last());
            let folding = || (0..9).fan_out().with(&config).fold(totals());
            let payload = catch_unwind(AssertUnwindSafe(folding)).unwrap_err();
            assert_eq!(payload.downcast_ref(), Some(&"expected: fold"));

            let key = |x: &u64| if *x == 5 { panic_any("expected: key") } else { *x };
            let mut run = (0..9).fan_out().with(&config).demux(key, |_| sum());
            assert_eq!(until_panic(&mut run).1, "expected: key");
            assert!(matches!(run.panicked(), Some(PanicOrigin::Scan(_))));

            let factory = |key: &u64| match key {
                5 => panic_any("expected: factory"),
                _ => sum(),
            };
            let mut run = (0..9).fan_out().with(&config).demux(|x| *x, factory);
            assert_eq!(until_panic(&mut run).1, "expected: factory");
            assert_eq!(run.next(), None);
        });
    }
}

#[test]
fn early_drops_leave_nothing_behind() {
    for config in tight_and_default() {
        deadline(move || {
            let pool = Pool::new();
            let config = config.pool(pool.clone());
            for taken in [0, 1, 5, 100] {
                let tally = Tally::default();
                let items = || {
                    let tally = tally.clone();
                    (0..).map(move |x: u64| tally.make(x))
                };
                let value = || scan::map(|x: &support::Tallied<u64>| *x.get());
                let run = items().fan_out().with(&config).ordered([value(), value()]);
                assert_eq!(run.take(taken).count(), taken);
                let run = items().fan_out().with(&config).zip_latest((value(), value()));
                assert_eq!(run.take(taken).count(), taken);
                let run = items().fan_out().with(&config).demux(|x| x.get() % 5, move |_| value());
                assert_eq!(run.take(taken).count(), taken);
                assert_eq!(pool.in_use(), 0);
                tally.assert_settled();
            }
        });
    }
}

#[test]
fn a_lease_that_fits_is_enough_for_every_member() {
    for config in tight_and_default() {
        deadline(move || {
            let pool = Pool::with_max_threads(2);
            let run = || config.set((0..3_u64).fan_out()).on(pool.lease(2).unwrap());
            assert_eq!(run().distribute([sum(), sum()]).map(|(_, x)| x).sum::<u64>(), 6);
            assert_eq!(run().ordered([sum(), sum()]).map(|(_, x)| x).sum::<u64>(), 6);
            assert_eq!(run().zip_latest([repeat(1), repeat(2)]).count(), 3);
            assert_eq!(run().fold((scan::count(), scan::max())), (3, Some(2)));
            let mut scans = vec![sum(), sum()];
            let asked = run().dynamic(|| std::mem::take(&mut scans));
            assert_eq!(asked.map(|(_, x)| x).sum::<u64>(), 6);
            // There are as many shards as threads; and one less, where the input has one.
            assert_eq!(run().demux(|x| *x, |_| sum()).map(|(_, x)| x).sum::<u64>(), 3);
            let ahead = run().read_ahead().demux(|x| *x, |_| sum());
            assert_eq!(ahead.map(|(_, x)| x).sum::<u64>(), 3);
            while pool.in_use() > 0 {
                thread::yield_now();
            }
        });
    }
}

#[test]
fn the_number_of_shards_is_checked() {
    for shards in [0, 1 << 20] {
        let start = || drop((0..3).fan_out().demux_over(shards, |x: &u64| *x, |_| sum()));
        let payload = catch_unwind(start).unwrap_err();
        let message = payload.downcast::<String>().unwrap();
        assert!(message.starts_with("`shards` must be at "), "{message}");
        assert!(message.ends_with(&format!(", and is {shards}")), "{message}");
    }
}

#[test]
fn a_million_keys_have_a_scan_each() {
    deadline(|| {
        const KEYS: u64 = 1_000_000;
        let pool = Pool::new();
        let items = (0..2 * KEYS).map(|x| x % KEYS);
        let run = items.fan_out().on(&pool).demux_over(3, |x| *x, |_| scan::count());
        let mut seen = vec![false; KEYS as usize];
        for (key, count) in run {
            assert_eq!(count, 2);
            assert!(!std::mem::replace(&mut seen[key as usize], true), "{key} comes twice");
        }
        assert!(seen.into_iter().all(|seen| seen));
        assert_eq!(pool.idle(), 3, "as many threads as shards");
    });
}

#[test]
fn keys_are_flushed_in_the_order_in_which_their_scans_began() {
    deadline(|| {
        let words = ["b", "a", "c", "a", "d", "b"];
        let run = words.into_iter().fan_out().demux_over(1, |word| *word, |_| scan::count());
        assert_eq!(run.collect::<Vec<_>>(), [("b", 2), ("a", 2), ("c", 1), ("d", 1)]);
    });
}

#[test]
fn the_first_error_of_the_input_ends_the_run_and_comes_last() {
    for config in tight_and_default() {
        deadline(move || {
            let pulled = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&pulled);
            let input = (0..100_u64).map(move |x| {
                count.fetch_add(1, Ordering::Relaxed);
                if x % 10 == 9 { Err(x) } else { Ok(x) }
            });
            let mut outputs = HashMap::<_, Vec<_>>::new();
            let mut run = input.fan_out().with(&config).until_error().distribute([echo(), sum()]);
            let error = loop {
                match run.next().unwrap() {
                    Ok((id, output)) => outputs.entry(id.index()).or_default().push(output),
                    Err(error) => break error,
                }
            };
            assert_eq!((error, run.next(), run.size_hint()), (9, None, (0, Some(0))));
            assert_eq!(outputs[&0], [0, 1, 2, 3, 4, 5, 6, 7, 8, u64::MAX]);
            assert_eq!(outputs[&1], [36]);
            assert_eq!(pulled.load(Ordering::Relaxed), 10, "not pulled behind the error");

            let input = || (0..5).map(|x| if x < 4 { Ok(x) } else { Err("bad") });
            let failing = input().fan_out().with(&config).until_error();
            assert_eq!(failing.fold((scan::sum::<_, u64>(),)), Err("bad"));
            let good = input().take(4);
            assert_eq!(
                good.fan_out().with(&config).until_error().fold((scan::sum(), echo().last())),
                Ok((6_u64, Some(u64::MAX)))
            );
        });
    }
}

#[test]
fn a_panic_that_is_caught_is_an_output_and_the_others_go_on() {
    hush();
    for config in tight_and_default() {
        deadline(move || {
            let scans = [
                panic_at(3, "expected: caught").catch_unwind().named("three").boxed(),
                echo().catch_unwind().boxed(),
            ];
            let mut run = (0..6).fan_out().with(&config).distribute(scans);
            let mut outputs = [Vec::new(), Vec::new()];
            for (id, output) in run.by_ref() {
                let text = |payload: Box<dyn std::any::Any + Send>| {
                    *payload.downcast::<&'static str>().unwrap()
                };
                outputs[id.index()].push(output.map_err(text));
            }
            assert_eq!(outputs[0], [Ok(0), Ok(1), Ok(2), Err("expected: caught")]);
            assert_eq!(outputs[1], [0, 1, 2, 3, 4, 5, u64::MAX].map(Ok));
            assert!(run.panicked().is_none());
        });
    }
}
