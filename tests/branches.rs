//! Branches: what their items are, how they end, and what comes of them.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::cell::RefCell;
use std::collections::HashSet;
use std::io::{self, BufRead, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{iter, mem, thread};

use anabranch::branch::Items;
use anabranch::{Control, IteratorExt, PanicOrigin, Pool, ScanId, scan};
use support::config::With as _;
use support::limit::{SOON, deadline_of};
use support::{Gate, Tally, by_scan, deadline, hush, tight, tight_and_default, until_panic};

const N: u64 = 10_000;

#[test]
fn every_branch_gets_every_item_in_order() {
    for config in tight_and_default() {
        deadline(move || {
            for width in [1, 2, 17, 50] {
                let collect = |items: Items<'_, u64>| items.cloned().collect::<Vec<_>>();
                let run = (0..500).fan_out().with(&config).branches(vec![collect; width]);
                assert!(run.join().iter().all(|items| items.iter().copied().eq(0..500)));
            }
        });
    }
}

#[test]
fn a_thousand_branches() {
    deadline(|| {
        let sums = (0..1000).map(|n| move |items: Items<'_, u64>| n + items.cloned().sum::<u64>());
        let expected: Vec<_> = (0..1000).map(|n| n + 4950).collect();
        assert_eq!((0..100).fan_out().branches(sums).join(), expected);
    });
}

#[test]
fn all_that_an_iterator_does() {
    for config in tight_and_default() {
        deadline(move || {
            let run = (0..N).fan_out().with(&config);
            let results = run
                .branch(|items| items.count() as u64)
                .branch(|mut items| items.nth(777).map_or(0, |item| *item) + items.count() as u64)
                .branch(|items| items.map(|item| *item).fold(1, |a, b| a + b))
                .branch(|items| items.cloned().fold(1, |a, b| a + b))
                .branch(|items| items.step_by(3).map(|item| *item).sum::<u64>())
                .branch(|items| {
                    let mut items = items.peekable();
                    let mut pairs = 0;
                    while let Some(item) = items.next() {
                        pairs += u64::from(items.peek().is_some_and(|next| **next == *item + 1));
                    }
                    pairs
                })
                .branch(|mut items| {
                    let first: u64 = items.by_ref().take(10).map(|item| *item).sum();
                    first + items.map(|item| *item).max().unwrap()
                })
                .branch(|mut items| {
                    let mut sum = 0;
                    while let Some(slice) = items.next_slice() {
                        assert!(!slice.is_empty());
                        sum += slice.iter().sum::<u64>();
                    }
                    sum
                })
                .branch(|items| items.cloned().nth(5).unwrap())
                .branch(|items| items.last().map_or(0, |item| *item))
                .branch(|items| items.collect::<HashSet<_>>().contains(&7).into())
                .branch(|mut items| {
                    for _ in items.by_ref() {}
                    // Fused, and it says so.
                    (items.next().is_none() && items.next_slice().is_none()).into()
                })
                .join();
            let sum = N * (N - 1) / 2;
            let thirds = (0..N).step_by(3).sum();
            let expected = (
                N,
                777 + N - 778,
                sum + 1,
                sum + 1,
                thirds,
                N - 1,
                45 + N - 1,
                sum,
                5,
                N - 1,
                1,
                1,
            );
            assert_eq!(results, expected);
        });
    }
}

#[test]
fn size_hints_are_never_wrong() {
    deadline(|| {
        let (hints,) = (0..100)
            .fan_out()
            .branch(|mut items| {
                let mut left = 100;
                loop {
                    let (least, most) = items.size_hint();
                    assert!(least <= left && most.is_none_or(|most| left <= most));
                    if items.next().is_none() {
                        return left;
                    }
                    left -= 1;
                }
            })
            .join();
        assert_eq!(hints, 0);
    });
}

#[test]
fn a_branch_that_returns_early_lets_the_others_go_on() {
    for config in tight_and_default() {
        deadline(move || {
            let run = (0..N).fan_out().with(&config);
            let results = run
                .branch(|items| items.take(3).count())
                .branch(|_| 0)
                .branch(|items| items.count())
                .join();
            assert_eq!(results, (3, 0, N as usize));
        });
    }
}

#[test]
fn an_endless_input_ends_with_its_branches() {
    for config in tight_and_default() {
        deadline(move || {
            let run = (0..).fan_out().with(&config);
            let found = run
                .branch(|mut items| items.find(|item| **item > 1000).map(|item| *item))
                .branch(|items| items.cloned().nth(10))
                .join();
            assert_eq!(found, (Some(1001), Some(10)));
        });
    }
}

#[test]
fn a_branch_without_its_items_holds_nobody_up() {
    for config in tight_and_default() {
        deadline(move || {
            let (done, other) = mpsc::channel();
            let run = (0..N).fan_out().with(&config);
            let results = run
                .branch(move |items| {
                    // Moved into an adaptor, and dropped there.
                    drop(items.peekable());
                    other.recv().unwrap()
                })
                .branch(move |items| {
                    let count = items.count();
                    done.send(count).unwrap();
                    count
                })
                .join();
            assert_eq!(results, (N as usize, N as usize));
        });
    }
}

#[test]
fn items_that_are_leaked_or_hidden_hold_nobody_up() {
    thread_local! {
        static HIDDEN: RefCell<Option<Items<'static, u64>>> = const { RefCell::new(None) };
    }
    for config in tight_and_default() {
        deadline(move || {
            let run = (0..N).fan_out().with(&config);
            let results = run
                .branch(mem::forget)
                .branch(|items| HIDDEN.with(|hidden| drop(hidden.replace(Some(items)))))
                .branch(|items| items.count())
                .join();
            assert_eq!(results, ((), (), N as usize));
            // On the same threads: what was hidden has no more items.
            let hidden =
                || HIDDEN.with(|hidden| hidden.take().map(|mut items| items.next().is_none()));
            let pool = config.threads();
            let look = move |_: Items<'_, u64>| hidden();
            let run = (0..1).fan_out().on(pool).branches(vec![look; pool.idle()]);
            assert!(run.join().contains(&Some(true)));
        });
    }
}

#[test]
fn handles_outlive_the_run_and_count_right() {
    deadline(|| {
        let tally = Tally::default();
        let made = tally.clone();
        let input = (0..100).map(move |n| made.make(n));
        let (kept, last) = input
            .fan_out()
            .batch(10)
            .branch(|items| {
                items.filter(|item| *item.get() == 55).map(|item| item.shared()).collect::<Vec<_>>()
            })
            .branch(|items| items.last().map(|item| item.clone().shared()))
            .join();
        assert_eq!((*kept[0].get(), last.map(|last| *last.get())), (55, Some(99)));
        // A handle keeps its batch, and no other.
        let alive = || tally.made() - tally.dropped();
        let end = Instant::now() + Duration::from_secs(60);
        while alive() > 10 && Instant::now() < end {
            thread::yield_now();
        }
        assert_eq!(alive(), 10);
        drop(kept);
        tally.assert_settled();
    });
}

#[test]
fn bytes_are_read_across_items() {
    for config in tight_and_default() {
        deadline(move || {
            let text = "to be\nor not to be\n\nthat is\nthe question";
            // Every other item is empty.
            let blocks = text.as_bytes().chunks(3).flat_map(|block| [block.to_vec(), vec![]]);
            let (lines, copied, first) = blocks
                .fan_out()
                .with(&config)
                .branch(|blocks| blocks.reader().lines().collect::<io::Result<Vec<_>>>())
                .branch(|blocks| {
                    let mut copy = Vec::new();
                    io::copy(&mut blocks.reader(), &mut copy).map(|bytes| (bytes, copy))
                })
                .branch(|blocks| {
                    let mut first = [0; 5];
                    blocks.reader().read_exact(&mut first).map(|()| first)
                })
                .join();
            assert_eq!(lines.unwrap(), text.lines().collect::<Vec<_>>());
            assert_eq!(copied.unwrap(), (text.len() as u64, text.as_bytes().to_vec()));
            assert_eq!(&first.unwrap(), b"to be");
        });
    }
}

#[test]
fn merged_branches_and_scans_are_told_apart() {
    for config in tight_and_default() {
        deadline(move || {
            let run = (0..N).fan_out().with(&config);
            let mut run = run
                .branch_named("odd", |items| items.cloned().filter(|x| x % 2 == 1))
                .scan(scan::map(|x: &u64| 2 * x))
                .branch(|items| [items.count() as u64])
                .merge();
            // The others may have emitted all that they have by then.
            let mut outputs = Vec::new();
            while outputs.last().is_none_or(|&(id, _): &(ScanId, u64)| id.index() != 0) {
                outputs.push(run.next().unwrap());
            }
            let &(id, first) = outputs.last().unwrap();
            assert_eq!((run.name(id), first), (Some("odd"), 1));
            let sorted = by_scan(3, outputs.into_iter().chain(run));
            assert!(sorted[0].iter().copied().eq((0..N).filter(|x| x % 2 == 1)));
            assert!(sorted[1].iter().copied().eq((0..N).map(|x| 2 * x)));
            assert_eq!(sorted[2], [N]);
        });
    }
}

#[test]
fn outputs_do_not_wait_for_a_blocked_input() {
    deadline(|| {
        let (send, items) = mpsc::channel();
        let run = items.into_iter().fan_out().read_ahead();
        let mut run = run.branch(|items| items.map(|item| *item)).merge();
        for n in 0..100 {
            send.send(n).unwrap();
            assert_eq!(run.next().map(|(_, output)| output), Some(n));
        }
        drop(send);
        assert_eq!(run.next(), None);
    });
}

/// A long batch, because the branch was fast before.
#[test]
fn outputs_do_not_wait_for_the_end_of_a_slow_batch() {
    deadline(|| {
        let run = (0..50_000).fan_out().branch(|items| {
            items.cloned().inspect(|item| {
                if *item >= 40_000 {
                    thread::sleep(Duration::from_millis(20));
                }
            })
        });
        let mut run = run.merge();
        let slow = run.by_ref().map(|(_, output)| output).find(|output| *output >= 40_000);
        assert_eq!(slow, Some(40_000));
        // Ten items take 200 ms; a batch of thousands would take minutes.
        let begun = Instant::now();
        assert_eq!(run.nth(8).map(|(_, output)| output), Some(40_009));
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    });
}

#[test]
fn a_stop_is_the_end_of_the_items() {
    for config in tight_and_default() {
        deadline(move || {
            let control = Control::new();
            let stop = control.clone();
            let config = config.clone().control(&control);
            let run = (0..).fan_out().with(&config);
            let (whole, same) = run
                .branch(move |items| {
                    let token = items.abort_token();
                    let count = items
                        .inspect(|item| {
                            if **item == 1000 {
                                stop.stop()
                            }
                        })
                        .count();
                    assert!(!token.is_aborted());
                    count
                })
                .branch(|items| items.count())
                .join();
            assert!(whole > 1000 && whole == same, "{whole} {same}");
        });
    }
}

#[test]
fn an_abort_ends_the_items_and_keeps_the_results() {
    for config in tight_and_default() {
        deadline(move || {
            let control = Control::new();
            let abort = control.clone();
            let config = config.clone().control(&control);
            let run = (0..).fan_out().with(&config);
            let ((sum, aborted), count) = run
                .branch(move |items| {
                    let token = items.abort_token();
                    let mut sum = 0;
                    for item in items {
                        sum += *item;
                        if *item == 100 {
                            abort.abort();
                        }
                    }
                    (sum, token.is_aborted())
                })
                .branch(|items| items.count())
                .join();
            // No item behind the abort is handed out.
            assert_eq!((sum, aborted), (5050, true));
            assert!(control.is_aborted() && count <= 100_000, "{count}");
        });
    }
}

#[test]
fn a_panic_comes_out_with_its_origin_behind_what_was_yielded() {
    hush();
    for config in tight_and_default() {
        deadline(move || {
            let run = (0..N).fan_out().with(&config);
            let mut run = run
                .branch(|items| items.cloned())
                .branch_named("fragile", |items| {
                    items.cloned().inspect(|x| {
                        if *x == 100 {
                            std::panic::panic_any("expected: branch")
                        }
                    })
                })
                .merge();
            let (before, payload) = until_panic(&mut run);
            assert_eq!(payload, "expected: branch");
            let Some(PanicOrigin::Scan(id)) = run.panicked() else { panic!("it was a branch") };
            assert_eq!((id.index(), run.name(id)), (1, Some("fragile")));
            assert!(by_scan(2, before)[1].iter().copied().eq(0..100));
        });
    }
}

#[test]
fn a_panic_in_a_join_comes_out_with_its_origin() {
    hush();
    deadline(|| {
        let control = Control::new();
        let joined = std::panic::catch_unwind(|| {
            let run = (0..N).fan_out().control(&control);
            run.branch(|items| items.count())
                .branch(|items| items.map(|item| 10 / (5 - *item)).sum::<u64>())
                .join()
        });
        let payload = joined.unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"attempt to divide by zero"));
        assert!(matches!(control.panicked(), Some(PanicOrigin::Scan(id)) if id.index() == 1));
    });
}

#[test]
fn a_panic_of_the_input_cuts_short() {
    hush();
    for config in tight_and_default() {
        deadline(move || {
            let input = (0..).inspect(|n| {
                if *n == 100 {
                    std::panic::panic_any("expected: input")
                }
            });
            let cut = Arc::new(AtomicBool::new(false));
            let seen = Arc::clone(&cut);
            let run = input.fan_out().with(&config);
            let mut run = run
                .branch(move |items| {
                    let token = items.abort_token();
                    // What comes behind the items is no output of the whole input.
                    items.cloned().chain(iter::once_with(move || {
                        seen.store(token.is_aborted(), SeqCst);
                        1_000
                    }))
                })
                .merge();
            let (outputs, payload) = until_panic(&mut run);
            assert_eq!(payload, "expected: input");
            assert!(outputs.into_iter().map(|(_, output)| output).eq(0..100));
            assert!(cut.load(SeqCst));
        });
    }
}

#[test]
fn dropping_a_merge_waits_for_the_code_in_flight_alone() {
    for config in tight_and_default() {
        deadline(move || {
            let (inside, returned) = (Gate::default(), Arc::new(AtomicUsize::new(0)));
            let (enter, left) = (inside.clone(), Arc::clone(&returned));
            let run = (0..).fan_out().with(&config);
            let mut run = run
                .branch(move |items| {
                    let left = Arc::clone(&left);
                    items.cloned().flat_map(move |item| {
                        enter.open();
                        left.fetch_add(usize::from(item > 0), SeqCst);
                        iter::repeat_n(item, 3)
                    })
                })
                .merge();
            assert!(run.next().is_some());
            inside.pass();
            drop(run);
            let after = returned.load(SeqCst);
            thread::sleep(Duration::from_millis(20));
            assert_eq!(returned.load(SeqCst), after);
        });
    }
}

#[test]
fn an_output_that_never_ends_is_cut_off_by_a_drop() {
    for config in tight_and_default() {
        deadline(move || {
            let run = (0..1_u64).fan_out().with(&config);
            let run = run.branch(|items| items.flat_map(|_| 0_u64..)).merge();
            assert!(run.take(1_000).map(|(_, output)| output).eq(0..1_000));
        });
    }
}

#[test]
fn runs_nest_and_share_items() {
    for config in tight_and_default() {
        deadline(move || {
            let inner = config.clone();
            let run = (0..1_000_u64).fan_out().with(&config);
            let (inner, count) = run
                .branch(move |items| {
                    let mut total = 0;
                    let mut items = items.peekable();
                    while items.peek().is_some() {
                        let group: Vec<_> =
                            items.by_ref().take(100).map(|item| item.shared()).collect();
                        let run = group.into_iter().fan_out().with(&inner);
                        let (sum, count) = run
                            .branch(|items| items.map(|item| **item).sum::<u64>())
                            .branch(|items| items.count() as u64)
                            .join();
                        total += sum + count;
                    }
                    total
                })
                .branch(|items| items.count())
                .join();
            assert_eq!((inner, count), (499_500 + 1_000, 1_000));
        });
    }
}

#[test]
fn borrowed_items_and_branches() {
    let text = String::from("to be or not to be");
    let wanted = String::from("be");
    let (count, longest) = text
        .split(' ')
        .fan_out()
        .scoped()
        .branch(|words| words.filter(|word| **word == wanted).count())
        .branch(|words| words.cloned().max_by_key(|word| word.len()))
        .join();
    assert_eq!((count, longest), (2, Some("not")));
    thread::scope(|scope| {
        let run = text.split(' ').fan_out().on(scope);
        let run = run.branch(|words| words.cloned().filter(|word| *word != wanted)).merge();
        assert!(run.map(|(_, word)| word).eq(["to", "or", "not", "to"]));
    });
}

#[test]
fn errors_of_the_input_come_behind_the_results() {
    for config in tight_and_default() {
        deadline(move || {
            let input = || ["1", "2", "x", "4"].into_iter().map(str::parse::<i32>);
            let run = input().fan_out().with(&config).until_error();
            assert!(run.branch(|items| items.count()).join().is_err());
            let run = input().fan_out().with(&config).until_error();
            let run: Vec<_> = run.branch(|items| items.cloned()).merge().collect();
            assert_eq!(run.len(), 3);
            assert!(run[..2].iter().all(Result::is_ok) && run[2].is_err());
        });
    }
}

/// An output whose drop panics.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        std::panic::panic_any("expected: drop")
    }
}

#[test]
fn the_drop_of_an_output_that_nobody_wants_does_not_panic_in_the_run() {
    hush();
    for config in tight_and_default() {
        deadline(move || {
            let control = Control::new();
            let config = config.clone().control(&control);
            let run = (0..1_u64).fan_out().with(&config);
            let run = run.branch(move |_| iter::once_with(move || control.abort()).map(|()| Bomb));
            assert!(run.merge().next().is_none());
        });
    }
}

#[test]
fn a_panic_of_the_input_ends_a_branch_that_yields_for_ever() {
    hush();
    for config in tight_and_default() {
        deadline(move || {
            let panics = Gate::default();
            let about_to = panics.clone();
            let input = (0..10_u64).inspect(move |n| {
                if *n == 5 {
                    about_to.open();
                    std::panic::panic_any("expected: input")
                }
            });
            let run = input.fan_out().with(&config);
            let run = run.branch(move |items| {
                drop(items);
                panics.pass();
                0_u64..
            });
            // And one that has use for the items.
            let mut run = run.branch(|items| items.cloned()).merge();
            assert_eq!(until_panic(&mut run.by_ref().take(100_000_000)).1, "expected: input");
        });
    }
}

#[test]
fn threads_and_values_are_given_back() {
    hush();
    deadline(|| {
        let pool = Pool::with_max_threads(3);
        let config = tight().pool(pool.clone());
        let tally = Tally::default();
        for round in 0..200_u64 {
            let made = tally.clone();
            let input = (0..50).map(move |n| made.make(n));
            let run = input.fan_out().with(&config);
            let mut run = run
                .branch(move |items| items.take(round as usize % 50).map(|item| *item.get()))
                .branch(move |items| {
                    items.map(move |item| match *item.get() {
                        n if n == round % 70 => std::panic::panic_any("expected: branch"),
                        n => n,
                    })
                })
                .branch(|items| items.peekable().next().map(|item| *item.get()))
                .merge();
            if round % 3 == 0 {
                let next = std::panic::AssertUnwindSafe(|| run.next());
                drop(std::panic::catch_unwind(next));
            } else {
                let count = std::panic::AssertUnwindSafe(|| run.by_ref().count());
                drop(std::panic::catch_unwind(count));
            }
            drop(run);
            assert_eq!(pool.in_use(), 0);
            tally.assert_settled();
        }
    });
}

#[test]
fn a_merge_discards_items_where_that_is_asked_for() {
    deadline(|| {
        let pulled = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&pulled);
        let input = (0..100).inspect(move |_| _ = count.fetch_add(1, SeqCst));
        let run = input.fan_out().batch(1).discard_without_scans();
        assert_eq!(run.branch(|items| items.cloned().take(1)).merge().count(), 1);
        assert_eq!(pulled.load(SeqCst), 100);
    });
}

#[test]
fn outputs_of_a_merge_are_counted() {
    deadline(|| {
        let control = Control::new();
        let run = (0..100_u64).fan_out().control(&control);
        let run = run.branch(|items| items.cloned().step_by(2)).scan(scan::cloned());
        assert_eq!(run.merge().count(), 150);
        let outputs: Vec<_> = control.stats().scans.iter().map(|scan| scan.outputs).collect();
        assert_eq!(outputs, [50, 100]);
    });
}

#[test]
fn what_was_yielded_before_an_abort_is_delivered() {
    for config in tight_and_default() {
        deadline(move || {
            let control = Control::new();
            let aborts = control.clone();
            let run = (0..100_u64).fan_out().with(&config).batch(100).control(&control);
            let run = run.branch(move |items| {
                items.cloned().inspect(move |item| {
                    if *item == 5 {
                        aborts.abort();
                    }
                })
            });
            assert!(run.merge().map(|(_, item)| item).eq(0..5));
        });
    }
}

/// Its `next` panics, and its drop too.
struct TwiceBomb(Bomb);

impl Iterator for TwiceBomb {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let Self(Bomb) = self;
        std::panic::panic_any("expected: next")
    }
}

#[test]
fn an_iterator_that_panics_in_its_next_and_in_its_drop() {
    hush();
    for config in tight_and_default() {
        deadline(move || {
            let run = (0..10).fan_out().with(&config).branch(|_| TwiceBomb(Bomb));
            assert_eq!(until_panic(&mut run.merge()).1, "expected: next");
        });
    }
}

#[test]
fn a_branch_that_leaks_its_items_and_panics_ends_the_run() {
    hush();
    for config in tight_and_default() {
        deadline_of(SOON, move || {
            let run = (0..1_000).fan_out().with(&config).branch(|items| {
                mem::forget(items);
                std::panic::panic_any("expected: branch");
            });
            let ended = catch_unwind(AssertUnwindSafe(|| run.join()));
            assert_eq!(ended.unwrap_err().downcast_ref(), Some(&"expected: branch"));
        });
    }
}

/// The thread of the input waits for room that it makes, and is woken although the branch works on.
#[test]
fn room_that_a_branch_makes_is_noticed_when_the_input_is_read_ahead() {
    deadline_of(SOON, || {
        let pulled = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&pulled);
        let input = (0..10).inspect(move |_| _ = count.fetch_add(1, SeqCst));
        let config = tight();
        let run = input.fan_out().with(&config).read_ahead();
        let (last, waits) = (Gate::default(), Gate::default());
        let opens = last.clone();
        let run = run.branch(move |items| {
            // One in its queue, and one that is being sent.
            while pulled.load(SeqCst) < 2 {
                thread::yield_now();
            }
            thread::sleep(Duration::from_millis(20));
            drop(items);
            waits.open();
            last.pass();
        });
        let run = run.branch(move |items| {
            let count = items.count();
            opens.open();
            count
        });
        assert_eq!(run.join(), ((), 10));
    });
}

/// What a branch yields does not wait for the rest of a batch in which it yields nothing more. The
/// batches in its queue are long, and so are those of its outputs, because it was fast before.
#[test]
fn outputs_do_not_wait_for_slow_items_behind_them() {
    deadline(|| {
        let seen = Gate::default();
        let taken = seen.clone();
        let run = (0..200_000_u64).fan_out().branch(move |items| {
            items.cloned().take(60_000).filter(move |item| {
                if *item >= 20_000 {
                    let began = Instant::now();
                    while began.elapsed() < Duration::from_micros(5) {}
                }
                if *item == 58_100 {
                    seen.pass();
                }
                // By then, the branch is known to be slow.
                *item < 20_000 || *item == 58_000
            })
        });
        let mut run = run.merge();
        let slow = run.by_ref().map(|(_, item)| item).find(|item| *item >= 20_000);
        assert_eq!(slow, Some(58_000));
        taken.open();
        assert_eq!(run.next(), None);
    });
}
