//! Runs that ask for new scans as they go.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::cell::Cell;
use std::iter;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::rc::Rc;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

use anabranch::scan::{self, BoxScan, Scan};
use anabranch::{IteratorExt, PanicOrigin, Pool, ScanId};
use support::config::With as _;
use support::{Tally, by_scan, deadline, echo, hush, sum, tight, tight_and_default, until_panic};

#[test]
fn a_scan_sees_the_items_from_the_batch_on_before_which_it_was_given() {
    for length in [1, 2, 7] {
        deadline(move || {
            let pulled = Rc::new(Cell::new(0));
            let (count, begins) = (Rc::clone(&pulled), Rc::new(Cell::new(Vec::new())));
            let input = (0..20_u64).inspect(move |_| count.set(count.get() + 1));
            let noted = Rc::clone(&begins);
            let ask = move || {
                let mut begins = noted.take();
                let wanted = if begins.len() < 10 { 2 } else { 0 };
                begins.extend(vec![pulled.get(); wanted]);
                noted.set(begins);
                (0..wanted).map(|_| echo())
            };
            let outputs: Vec<_> = input.fan_out().batch(length).dynamic(ask).collect();
            let begins = begins.take();
            let expected: Vec<Vec<_>> =
                begins.iter().map(|from| (*from..20).chain([u64::MAX]).collect()).collect();
            assert_eq!(by_scan(begins.len(), outputs), expected);
            assert!(begins.iter().all(|from| from % length as u64 == 0 || *from == 20));
            assert_eq!(begins[..2], [0, 0]);
        });
    }
}

#[test]
fn a_run_that_is_given_no_scan_pulls_nothing() {
    let input = (0..3_u64).inspect(|_| panic!("nobody takes it"));
    assert_eq!(input.fan_out().dynamic(|| None::<BoxScan<'static, u64, u64>>).count(), 0);
}

#[test]
fn a_run_whose_scans_have_ended_asks_no_more_unless_it_discards() {
    for (discards, expected) in [(false, vec![vec![0]]), (true, vec![vec![0], vec![10], vec![20]])]
    {
        deadline(move || {
            let now = Rc::new(Cell::new(0));
            let seen = Rc::clone(&now);
            let input = (0..30_u64).inspect(move |x| seen.set(x + 1));
            let ask = move || (now.get() % 10 == 0).then(|| scan::take(1).boxed());
            let config = tight().discard_without_scans(discards);
            let outputs: Vec<_> = input.fan_out().with(&config).dynamic(ask).collect();
            let outputs = by_scan(4, outputs);
            assert_eq!(outputs[..expected.len()], expected);
            assert!(outputs[expected.len()..].iter().all(Vec::is_empty));
        });
    }
}

#[test]
fn a_panic_of_the_one_who_is_asked_surfaces() {
    hush();
    deadline(|| {
        let mut left = 3;
        let ask = || {
            left -= 1;
            if left == 0 {
                panic_any("expected: ask");
            }
            Some(sum())
        };
        let mut run = (0..100).fan_out().with(&tight()).dynamic(ask);
        let (before, payload) = until_panic(&mut run);
        assert_eq!((before.len(), payload), (0, "expected: ask"));
        assert_eq!(run.panicked(), Some(PanicOrigin::Input));
        assert!(run.next().is_none());
    });
}

#[test]
fn a_scan_without_a_thread_ends_the_run_with_a_panic() {
    deadline(|| {
        let config = tight().pool(Pool::with_max_threads(1));
        let ask = || [sum()];
        let mut run = (0..100).fan_out().with(&config).dynamic(ask);
        let message = panics(|| run.by_ref().count());
        assert!(
            message.starts_with("a scan was not added: the pool cannot give a thread"),
            "{message}"
        );
        assert_eq!(run.panicked(), Some(PanicOrigin::Input));
        assert!(run.next().is_none());
    });
}

/// What `body` panics with, which is a text made for the occasion.
#[track_caller]
fn panics<R>(body: impl FnOnce() -> R) -> String {
    let payload = catch_unwind(AssertUnwindSafe(body)).err().expect("a panic");
    *payload.downcast().expect("a message")
}

/// A scan that does nothing but count its drop.
fn counted(tally: &Tally) -> BoxScan<'static, u64, u64> {
    let held = tally.make(true);
    scan::filter(move |_: &u64| *held.get()).boxed()
}

#[test]
fn a_run_without_threads_for_its_first_scans_does_not_start() {
    deadline(|| {
        let pool = Pool::with_max_threads(2);
        let (tally, asked) = (Tally::default(), Cell::new(0));
        let input = || {
            let held = tally.make(());
            iter::from_fn(move || -> Option<u64> { panic!("pulled {:?}", held.get()) })
        };
        let ask = |count: usize| {
            let (asked, tally, held) = (&asked, &tally, tally.make(()));
            move || {
                asked.set(asked.get() + 1);
                let () = held.get();
                (0..count).map(|_| counted(tally)).collect::<Vec<_>>()
            }
        };
        let message = panics(|| input().fan_out().on(&pool).dynamic(ask(3)));
        assert!(message.contains("the pool cannot give 3 threads"), "{message}");
        assert_eq!((pool.in_use(), asked.get()), (0, 1));
        tally.assert_settled();

        let lease = pool.lease(1).unwrap();
        let message = panics(|| input().fan_out().on(lease).dynamic(ask(2)));
        assert!(message.contains("needs 2 threads"), "{message}");
        assert_eq!((pool.in_use(), asked.get()), (0, 2));
        tally.assert_settled();
    });
}

#[test]
fn one_that_is_asked_may_be_asked_on_the_thread_of_the_input() {
    for config in tight_and_default() {
        deadline(move || {
            let asked_on = Arc::new(Mutex::new(Vec::new()));
            let noted = Arc::clone(&asked_on);
            let ask = move || {
                let mut asked_on = noted.lock().unwrap();
                asked_on.push(thread::current().id());
                (asked_on.len() <= 3).then(echo)
            };
            let pulled_on = Arc::new(OnceLock::new());
            let puller = Arc::clone(&pulled_on);
            let input = (0..5_000).inspect(move |_| {
                puller.get_or_init(|| thread::current().id());
            });
            let run = input.fan_out().with(&config.batch(100)).read_ahead().dynamic(ask);
            let outputs = by_scan(3, run);
            assert!(outputs[0].iter().copied().eq((0..5_000).chain([u64::MAX])));
            for (nth, outputs) in outputs.iter().enumerate() {
                let first = outputs[0];
                assert!(first == u64::MAX || first >= nth as u64, "scan {nth} began at {first}");
                let expected = (first.min(5_000)..5_000).chain([u64::MAX]);
                assert!(outputs.iter().copied().eq(expected));
            }
            let asked_on = asked_on.lock().unwrap();
            assert_eq!(asked_on[0], thread::current().id());
            assert!(asked_on[1..].iter().all(|id| Some(id) == pulled_on.get()));
            assert!(asked_on.len() > 1);
        });
    }
}

#[test]
fn a_run_that_asks_ends_at_the_first_error_of_its_input() {
    for read_ahead in [false, true] {
        deadline(move || {
            let input = (0..7_u64).map(|item| if item < 5 { Ok(item) } else { Err("an error") });
            let mut left = 2;
            let ask = move || {
                left -= i32::from(left > 0);
                (left > 0).then(sum)
            };
            let run = input.fan_out().batch(1).until_error();
            let outputs: Vec<_> = if read_ahead {
                run.read_ahead().dynamic(ask).collect()
            } else {
                run.dynamic(ask).collect()
            };
            assert_eq!(outputs, [Ok((ScanId::new(0), 10)), Err("an error")]);
        });
    }
}

#[test]
fn in_a_scope_the_one_who_is_asked_and_the_scans_that_are_given_may_borrow() {
    deadline(|| {
        let (words, mut left) = (["to", "be"].map(String::from), 3);
        let lengths = thread::scope(|scope| {
            let ask = || {
                left -= i32::from(left > 0);
                (left > 0).then(|| scan::map(|word: &&String| word.len() + words.len()))
            };
            let run = words.iter().fan_out().batch(1).on(scope).dynamic(ask);
            by_scan(2, run)
        });
        assert_eq!(lengths, [vec![4, 4], vec![4]]);
        assert_eq!(left, 0);
    });
}

#[test]
fn the_one_who_is_asked_has_been_dropped_when_the_run_has_ended() {
    for config in tight_and_default() {
        deadline(move || {
            let tally = Tally::default();
            let (held, mut first) = (tally.make(()), Some(sum()));
            let ask = move || {
                let () = held.get();
                Option::take(&mut first)
            };
            let mut run = (0..3).fan_out().with(&config).dynamic(ask);
            assert_eq!(run.by_ref().count(), 1);
            tally.assert_settled();
            assert!(run.next().is_none());
        });
    }
}
