//! Totals and branches that fail: the run ends at the first error.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::io::{self, Write};
use std::iter;
use std::panic::{catch_unwind, panic_any};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};

use anabranch::branch::Items;
use anabranch::{Control, IteratorExt, Pool, prelude::*};
use support::config::With as _;
use support::{Gate, Tally, deadline, hush, tight_and_default};

/// Fails at the item `at`.
fn until(at: u64) -> impl FnMut(&u64) -> Result<(), u64> + Clone {
    move |item| if *item == at { Err(at) } else { Ok(()) }
}

#[test]
fn an_endless_input_ends_at_the_first_error() {
    for config in tight_and_default() {
        deadline(move || {
            let control = Control::new();
            let config = config.clone().control(&control);
            let run = || (0..).fan_out().with(&config);
            let totals = (scan::try_for_each(until(u64::MAX)), scan::try_for_each(until(5_000)));
            assert_eq!(run().try_fold(totals), Err(5_000));
            assert_eq!(control.failed().map(|id| id.index()), Some(1));
            let totals = (scan::try_for_each(until(u64::MAX)), scan::count());
            assert_eq!((0..10).fan_out().with(&config).fold(totals), (Ok(()), 10));
            assert_eq!(control.failed(), None);

            let branches = run()
                .branch(|items| items.cloned().try_for_each(|item| until(700)(&item)))
                .branch(|items| Ok(items.count()));
            assert_eq!(branches.try_join(), Err(700));
            assert_eq!(control.failed().map(|id| id.index()), Some(0));
        });
    }
}

#[test]
fn without_errors_the_results_are_those_of_the_run() {
    for config in tight_and_default() {
        deadline(move || {
            let run = || (0..1_000_u64).fan_out().with(&config);
            let sum = scan::try_fold(0, |sum, item: &u64| Ok::<_, u64>(sum + item));
            let none = scan::filter_map(|_: &u64| None::<Result<(), u64>>).last();
            assert_eq!(run().try_fold((sum.clone(), none)), Ok((499_500, None)));
            assert_eq!(run().try_fold([sum.clone(), sum.clone()]), Ok([499_500; 2]));
            assert_eq!(run().try_fold(vec![sum]), Ok(vec![499_500]));
            let count = |items: Items<'_, u64>| Ok::<_, u64>(items.count());
            assert_eq!(run().branch(count).branch(count).try_join(), Ok((1_000, 1_000)));
            assert_eq!(run().branches(vec![count; 50]).try_join(), Ok(vec![1_000; 50]));
        });
    }
}

#[test]
fn the_error_comes_out_of_any_width() {
    for config in tight_and_default() {
        deadline(move || {
            for (width, fails) in [(1, 0), (2, 1), (17, 5), (50, 49), (1000, 600)] {
                let totals: Vec<_> = (0..width)
                    .map(|n| scan::try_for_each(until(if n == fails { 40 } else { u64::MAX })))
                    .collect();
                assert_eq!((0..).fan_out().with(&config).try_fold(totals), Err(40));
            }
        });
    }
}

/// The others are aborted wherever they are: waiting for items, for room, or about to pull.
#[test]
fn an_error_is_not_held_up_by_branches_that_do_not_pull() {
    for config in tight_and_default() {
        deadline(move || {
            let gate = Gate::default();
            let opened = gate.clone();
            let run = (0..).fan_out().with(&config);
            let result = run
                .branch(move |mut items| {
                    items.next();
                    // Holds the run back, until the other has failed.
                    gate.pass();
                    Ok(items.count())
                })
                .branch(move |mut items| {
                    items.next();
                    opened.open();
                    Err::<(), _>(7)
                });
            assert_eq!(result.try_join(), Err(7));
        });
    }
}

#[test]
fn errors_of_the_input_are_the_outer_ones() {
    for config in tight_and_default() {
        deadline(move || {
            let input = || ["1", "2", "x"].into_iter().map(str::parse::<u64>);
            let run = || input().fan_out().with(&config).until_error();
            let outer = run().try_fold((scan::try_for_each(until(9)),));
            assert!(outer.is_err());
            // Of both, that of the input is reported, unless the other ends the run before.
            let both = run().try_fold((scan::try_for_each(until(2)),));
            assert!(both.is_err() || both == Ok(Err(2)));
            let sound = ["1", "2"].into_iter().cycle().map(str::parse::<u64>);
            let run = sound.fan_out().with(&config).until_error();
            assert_eq!(run.try_fold((scan::try_for_each(until(2)),)), Ok(Err(2)));
        });
    }
}

#[test]
fn a_panic_goes_before_what_has_not_failed() {
    hush();
    deadline(|| {
        let run = (0..100_u64).fan_out();
        let joined = std::panic::catch_unwind(|| {
            run.branch(|items| Ok::<_, u64>(items.count()))
                .branch(|items| -> Result<(), u64> {
                    drop(items);
                    std::panic::panic_any("expected: branch")
                })
                .try_join()
        });
        assert_eq!(joined.unwrap_err().downcast_ref(), Some(&"expected: branch"));
    });
}

/// A parser that misses its items fails; what is reported is why they are missing.
#[test]
fn errors_behind_what_cut_the_items_short_do_not_count() {
    hush();
    let whole = |items: Items<'_, u64>| match items.count() {
        100 => Ok(()),
        count => Err(format!("only {count} items")),
    };
    for config in tight_and_default() {
        deadline(move || {
            let input = || {
                (0..100_u64).inspect(|n| {
                    if *n == 50 {
                        panic_any("expected: input")
                    }
                })
            };
            let joined = catch_unwind(|| input().fan_out().with(&config).branch(whole).try_join());
            assert_eq!(joined.unwrap_err().downcast_ref(), Some(&"expected: input"));
            let joined = catch_unwind(|| {
                let run = (0..100).fan_out().with(&config).branch(whole);
                let run = run.branch(|items| match items.cloned().find(|n| *n == 50) {
                    Some(_) => panic_any("expected: branch"),
                    None => Ok(()),
                });
                run.branch(whole).try_join()
            });
            assert_eq!(joined.unwrap_err().downcast_ref(), Some(&"expected: branch"));
            let input = (0..100_u64).map(|n| if n < 50 { Ok(n) } else { Err("disk") });
            for read_ahead in [false, true] {
                let run = input.clone().fan_out().with(&config).until_error();
                let joined = match read_ahead {
                    false => run.branch(whole).try_join(),
                    true => run.read_ahead().branch(whole).try_join(),
                };
                assert_eq!(joined, Err("disk"));
            }
        });
    }
}

/// What a branch does with a file at the end depends on whether it was the end.
#[test]
fn a_token_says_whether_items_are_missing() {
    for config in tight_and_default() {
        deadline(move || {
            let asks = |items: Items<'_, u64>| {
                let token = items.abort_token();
                items.for_each(drop);
                token.is_cut_short()
            };
            let run = || (0..100).fan_out().with(&config);
            assert_eq!(run().branch(asks).join(), (false,));
            // Nor is a run aborted that has come to its end.
            let (token,) = run().branch(|items| items.abort_token()).join();
            assert!(!token.is_aborted());
            let input = (0..100).map(|n| if n < 50 { Ok(n) } else { Err("disk") });
            let seen = Arc::new(AtomicUsize::new(0));
            let see = Arc::clone(&seen);
            let run = input.fan_out().with(&config).until_error();
            let joined = run.branch(move |items| see.store(1 + usize::from(asks(items)), SeqCst));
            assert_eq!((joined.join(), seen.load(SeqCst)), (Err("disk"), 2));
            let control = Control::new();
            control.stop();
            let config = config.clone().control(&control);
            assert_eq!((0..).fan_out().with(&config).branch(asks).join(), (false,));
        });
    }
}

#[test]
fn results_and_items_are_dropped_and_threads_are_back() {
    deadline(|| {
        let pool = Pool::with_max_threads(3);
        for round in 0..100 {
            let tally = Tally::default();
            let (items, results) = (tally.clone(), tally.clone());
            let run = (0..).map(move |n: u64| items.make(n)).fan_out().on(&pool);
            let failed = run
                .branch(move |_| Ok(results.make(0)))
                .branch(move |mut items| match items.nth(round) {
                    Some(item) => Err(*item.get()),
                    None => Ok(()),
                })
                .branch(|items| Ok(items.count()))
                .try_join();
            assert_eq!(failed.err(), Some(round as u64));
            assert_eq!(pool.in_use(), 0);
            tally.assert_settled();
        }
    });
}

/// A disk that is full is noticed when it is, not at the end of the input.
#[test]
fn a_full_disk_ends_the_pass() {
    deadline(|| {
        // The input never ends by itself.
        let blocks = iter::repeat_with(|| vec![0_u8; 1 << 10]);
        let written = blocks
            .fan_out()
            .batch(4)
            .branch(|blocks| {
                let mut disk = io::Cursor::new([0_u8; 10 << 10]);
                io::copy(&mut blocks.reader(), &mut disk).and_then(|_| disk.flush())
            })
            .branch(|blocks| Ok(blocks.count()))
            .try_join();
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::WriteZero);
    });
}

/// After an abort every total is waited for, and several may fail: the first of the list counts,
/// whatever the shape of the list.
#[test]
fn of_several_errors_the_first_of_the_list_is_returned() {
    deadline(|| {
        let control = Control::new();
        let failing = || {
            control.reset();
            let (both, aborted) = (Arc::new(Barrier::new(2)), Gate::default());
            [0, 1].map(|index| {
                let (control, both, aborted) = (control.clone(), both.clone(), aborted.clone());
                scan::try_for_each(move |_: &u8| {
                    both.wait();
                    if index == 0 {
                        control.abort();
                        aborted.open();
                    }
                    aborted.pass();
                    Err(index)
                })
            })
        };
        let run = || (0..1).fan_out().control(&control);
        let list = failing();
        assert_eq!(run().try_fold(list), Err(0));
        let list = failing().into_iter().collect::<Vec<_>>();
        assert_eq!(run().try_fold(list), Err(0));
        let list = failing().into();
        assert_eq!(run().try_fold::<(_, _), _, _>(list), Err(0));
    });
}
