//! Runs over borrowed data.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anabranch::scan::{self, Scan};
use anabranch::{IteratorExt, Pool};
use support::{deadline, hush, tight_and_default};

fn words() -> Vec<String> {
    "to be or not to be that is the question".split(' ').map(String::from).collect()
}

#[test]
fn every_member_takes_items_and_scans_that_borrow() {
    for config in tight_and_default() {
        deadline(move || {
            let (words, letter) = (words(), String::from("t"));
            let with_t = || scan::filter(|word: &&String| word.contains(&letter));
            let longest = || scan::max_by_key(|word: &&String| word.len());

            thread::scope(|scope| {
                let run = config.set(words.iter().fan_out()).on(scope);
                let run = run.ordered((with_t(), longest()));
                let outputs: Vec<_> = run.map(|(id, word)| (id.index(), word.as_str())).collect();
                let expected = ["to", "not", "to", "that", "the", "question"].map(|word| (0, word));
                assert_eq!(outputs[..6], expected);
                assert_eq!(outputs[6..], [(1, "question")]);
            });

            let totals = || (scan::count(), with_t().last(), longest());
            let expected = (10, Some(&words[9]), Some(&words[9]));
            let folded =
                thread::scope(|scope| config.set(words.iter().fan_out()).on(scope).fold(totals()));
            assert_eq!(folded, expected);
            assert_eq!(config.set(words.iter().fan_out()).scoped().fold(totals()), expected);

            thread::scope(|scope| {
                let run = config.set(words.iter().fan_out()).on(scope);
                let rows = run.zip_latest((scan::cloned(), with_t()));
                let rows: Vec<_> = rows.map(|(word, with_t)| (&**word, &**with_t)).collect();
                assert_eq!(rows[..4], [("to", "to"), ("be", "to"), ("or", "to"), ("not", "not")]);
                assert_eq!(rows.len(), 10);
            });

            thread::scope(|scope| {
                let key = |word: &&String| (word.len() > letter.len() + 1).then_some(word.len());
                let run = config.set(words.iter().fan_out()).on(scope).demux(key, |_| with_t());
                let mut long: Vec<_> = run.filter(|(key, _)| *key == Some(3)).collect();
                assert_eq!(long.remove(0).1, "not");
                assert_eq!(long, [(Some(3), &words[8])]);
            });
        });
    }
}

#[test]
fn an_early_drop_in_a_scope_ends_its_threads() {
    deadline(|| {
        let (steps, numbers) = (AtomicUsize::new(0), [1, 2, 3]);
        thread::scope(|scope| {
            let counting = || {
                scan::inspect(|_: &&i32| {
                    steps.fetch_add(1, Ordering::Relaxed);
                })
            };
            let endless = numbers.iter().cycle();
            let scans = [counting(), counting()];
            let mut run = endless.fan_out().on(scope).distribute(scans);
            assert_eq!(run.next().map(|(_, number)| number), Some(&1));
            drop(run);
            let after = steps.load(Ordering::Relaxed);
            thread::yield_now();
            assert_eq!(steps.load(Ordering::Relaxed), after, "nothing goes on behind a drop");
        });
    });
}

#[test]
fn a_panic_in_a_scope_surfaces_with_its_payload() {
    hush();
    deadline(|| {
        let payload = catch_unwind(AssertUnwindSafe(|| {
            let limit = 3;
            thread::scope(|scope| {
                let scan = scan::inspect(|x: &i32| {
                    if *x == limit {
                        panic_any("expected: scoped");
                    }
                });
                (0..10).fan_out().on(scope).distribute([scan]).count()
            })
        }));
        assert_eq!(payload.unwrap_err().downcast_ref(), Some(&"expected: scoped"));
    });
}

#[test]
fn threads_of_a_scope_are_none_of_the_pool() {
    deadline(|| {
        // The scope that was chosen last counts, not the pool, which has too few threads.
        let pool = Pool::with_max_threads(1);
        let totals = || (scan::count(), scan::sum::<i32, i32>(), scan::count());
        let folded = thread::scope(|scope| (0..9).fan_out().on(&pool).on(scope).fold(totals()));
        assert_eq!(folded, (9, 36, 9));
        assert_eq!((0..9).fan_out().on(&pool).scoped().fold(totals()), (9, 36, 9));
        assert_eq!((pool.in_use(), pool.idle()), (0, 0));
    });
}
