//! A panic anywhere ends the run, surfaces with its own payload, and says where
//! it came from.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::iter;
use std::ops::ControlFlow;
use std::panic::panic_any;
use std::thread;

use anabranch::scan::{self, BoxScan, Emitter, Scan};
use anabranch::{Distribute, IteratorExt, PanicOrigin, Pool};
use support::config::{Config, With as _};
use support::{
    Gate, Tally, by_scan, deadline, echo, hush, panic_at, repeat, sum, tight_and_default,
    until_panic,
};

/// A scan that panics where it is told to.
struct Touchy {
    at_flush: bool,
    at_drop: bool,
}

impl Scan<u64> for Touchy {
    type Output = u64;
    fn step(&mut self, item: &u64, out: &mut Emitter<'_, u64>) -> ControlFlow<()> {
        out.emit(*item);
        ControlFlow::Continue(())
    }
    fn flush(&mut self, out: &mut Emitter<'_, u64>) {
        out.emit(77);
        if self.at_flush {
            panic_any("expected: flush");
        }
    }
}

impl Drop for Touchy {
    fn drop(&mut self) {
        if self.at_drop {
            panic_any("expected: drop of a scan");
        }
    }
}

/// A value whose drop panics if it is `true`.
struct Bomb(bool);

impl Drop for Bomb {
    fn drop(&mut self) {
        if self.0 {
            panic_any("expected: bomb");
        }
    }
}

fn origin<I: Iterator, O>(run: &Distribute<I, O>) -> Option<(Option<usize>, Option<&str>)> {
    run.panicked().map(|origin| match origin {
        PanicOrigin::Scan(id) => (Some(id.index()), run.name(id)),
        _ => (None, None),
    })
}

#[test]
fn a_panic_in_a_step_surfaces_with_payload_id_and_name_after_what_was_emitted() {
    hush();
    for config in tight_and_default() {
        deadline(move || {
            let named = panic_at(500, "expected: step").named("the third").boxed();
            // Endless, so that no scan can have been flushed before the panic.
            let mut run =
                (0_u64..).fan_out().with(&config).distribute([sum(), repeat(2), named, echo()]);
            assert_eq!(origin(&run), None);
            let (outputs, message) = until_panic(&mut run);
            assert_eq!(message, "expected: step");
            assert_eq!(origin(&run), Some((Some(2), Some("the third"))));
            let outputs = by_scan(4, outputs);
            assert_eq!(outputs[2], (0..500).collect::<Vec<_>>());
            // The others lost nothing in between what they emitted.
            assert!(outputs[0].is_empty());
            assert!(
                outputs[1].iter().copied().eq((0..).flat_map(|x| [x, x]).take(outputs[1].len()))
            );
            assert!(outputs[3].iter().copied().eq(0..outputs[3].len() as u64));
        });
    }
}

#[test]
fn after_the_panic_there_is_none_for_ever() {
    hush();
    deadline(|| {
        let mut run = (0..100_u64).par_distribute([panic_at(3, "expected")]);
        until_panic(&mut run);
        for _ in 0..3 {
            assert_eq!(run.next(), None);
            assert_eq!(run.size_hint(), (0, Some(0)));
        }
        assert_eq!(origin(&run), Some((Some(0), None)));
    });
}

#[test]
fn when_the_panic_surfaces_all_threads_are_back() {
    hush();
    for config in tight_and_default() {
        deadline(move || {
            let pool = Pool::new();
            let config = config.pool(pool.clone());
            let scans = [panic_at(30, "expected"), echo(), repeat(9)];
            let mut run = (0..).fan_out().with(&config).distribute(scans);
            until_panic(&mut run);
            assert_eq!((pool.in_use(), pool.idle()), (0, 3));
        });
    }
}

#[test]
fn a_panic_in_a_flush_surfaces_after_what_the_flush_emitted() {
    hush();
    for config in tight_and_default() {
        deadline(move || {
            let scans = [repeat(1), Touchy { at_flush: true, at_drop: false }.boxed()];
            let mut run = (0..3_u64).fan_out().with(&config).distribute(scans);
            let (outputs, message) = until_panic(&mut run);
            assert_eq!(message, "expected: flush");
            assert_eq!(by_scan(2, outputs)[1], [0, 1, 2, 77]);
            assert_eq!(origin(&run), Some((Some(1), None)));
        });
    }
}

#[test]
fn a_panic_in_the_drop_of_a_scan_surfaces_after_its_outputs() {
    hush();
    for config in tight_and_default() {
        deadline(move || {
            let scans = [repeat(1), Touchy { at_flush: false, at_drop: true }.boxed()];
            let mut run = (0..3_u64).fan_out().with(&config).distribute(scans);
            let (outputs, message) = until_panic(&mut run);
            assert_eq!(message, "expected: drop of a scan");
            assert_eq!(by_scan(2, outputs)[1], [0, 1, 2, 77]);
            assert_eq!(origin(&run), Some((Some(1), None)));
        });
    }
}

#[test]
fn of_a_panic_in_a_flush_and_one_in_the_drop_behind_it_the_first_surfaces() {
    hush();
    deadline(|| {
        let mut run = (0..3_u64).par_distribute([Touchy { at_flush: true, at_drop: true }]);
        assert_eq!(until_panic(&mut run).1, "expected: flush");
    });
}

#[test]
fn a_panic_in_the_drop_of_an_item_surfaces_and_all_other_items_are_dropped_once() {
    hush();
    for config in tight_and_default() {
        for bombs in [&[7][..], &[7, 8, 9], &[0], &[99]] {
            let config = config.clone();
            deadline(move || {
                let tally = Tally::default();
                let items: Vec<_> =
                    (0..100).map(|n| (tally.make(n), Bomb(bombs.contains(&n)))).collect();
                let count = || scan::count::<(support::Tallied<i32>, Bomb)>();
                let mut run =
                    items.into_iter().fan_out().with(&config).distribute([count(), count()]);
                assert_eq!(until_panic(&mut run).1, "expected: bomb");
                assert_eq!(run.panicked(), Some(PanicOrigin::Item));
                assert_eq!(run.next(), None);
                drop(run);
                tally.assert_settled();
            });
        }
    }
}

#[test]
fn an_item_whose_drop_panics_while_a_step_unwinds_does_not_abort_the_process() {
    hush();
    deadline(|| {
        let scan = scan::map(|_: &Bomb| -> () { panic_any("expected: step") });
        let mut run = [Bomb(true), Bomb(true)].into_iter().par_distribute([scan]);
        // Which of the two is first depends on who lets go of the batch.
        let (_, message) = until_panic(&mut run);
        assert!(["expected: step", "expected: bomb"].contains(&message));
    });
}

/// An item with a payload, which its drop panics with.
struct Armed(Option<&'static str>);

impl Drop for Armed {
    fn drop(&mut self) {
        if let Some(payload) = self.0.take() {
            panic_any(payload);
        }
    }
}

#[test]
fn of_panics_in_the_drops_of_two_items_the_first_surfaces() {
    hush();
    deadline(|| {
        let [sent, seen] = [(); 2].map(|()| Gate::default());
        let all_sent = sent.clone();
        // The scan has the first item, and the others are in its channel, when the input ends.
        let items = [None, Some("expected: first"), Some("expected: second")].map(Armed);
        let input = items.into_iter().chain(iter::from_fn(move || {
            all_sent.open();
            None
        }));
        let go_on = seen.clone();
        let scan = scan::map(
            move |item: &Armed| {
                if item.0.is_none() { sent.pass() } else { go_on.pass() }
            },
        );
        let config = Config::new().batch(1).input_capacity(2);
        let mut run = input.fan_out().with(&config).distribute([scan]);
        assert!(run.next().is_some());
        // Both panic before the consumer looks, or while it does.
        seen.open();
        assert_eq!(until_panic(&mut run).1, "expected: first");
        assert_eq!(run.panicked(), Some(PanicOrigin::Item));
    });
}

#[test]
fn a_panic_in_the_drop_of_an_item_that_no_scan_took_is_not_one_of_the_input() {
    hush();
    deadline(|| {
        let [begun, queued] = [(); 2].map(|()| Gate::default());
        let (in_step, ends, pool) = (begun.clone(), queued.clone(), Pool::new());
        // The second item is in a batch of its own, which grows until the scan has gone.
        let first = iter::once(Armed(None));
        let second = iter::once_with(move || {
            begun.pass();
            Armed(Some("expected: item"))
        });
        let threads = pool.clone();
        let input = first.chain(second).chain(iter::from_fn(move || {
            queued.open();
            while threads.in_use() > 1 {
                thread::yield_now();
            }
            None
        }));
        let scan = scan::from_fn(move |_: &Armed, _: &mut Emitter<'_, ()>| {
            in_step.open();
            ends.pass();
            ControlFlow::Break(())
        });
        let config = Config::new().batch(2).pool(pool);
        let mut run = input.fan_out().with(&config).read_ahead().distribute([scan]);
        assert_eq!(until_panic(&mut run).1, "expected: item");
        assert_eq!(run.panicked(), Some(PanicOrigin::Item));
    });
}

#[test]
fn a_panic_in_the_input_surfaces_and_the_scans_are_not_flushed() {
    hush();
    for config in tight_and_default() {
        deadline(move || {
            let pool = Pool::new();
            let config = config.pool(pool.clone());
            let input = (0..).inspect(|n| {
                if *n == 1_000 {
                    panic_any("expected: input");
                }
            });
            let mut run = input.fan_out().with(&config).distribute([echo(), sum()]);
            let (outputs, message) = until_panic(&mut run);
            assert_eq!(message, "expected: input");
            assert_eq!(run.panicked(), Some(PanicOrigin::Input));
            assert!(outputs.iter().all(|(id, output)| id.index() == 0 && *output < 1_000));
            assert_eq!(pool.in_use(), 0);
            assert_eq!(run.next(), None);
        });
    }
}

#[test]
fn a_panic_in_the_drop_of_the_input_surfaces() {
    struct Input(std::ops::Range<u64>, #[allow(dead_code, reason = "dropped")] Bomb);
    impl Iterator for Input {
        type Item = u64;
        fn next(&mut self) -> Option<u64> {
            self.0.next()
        }
    }
    hush();
    for config in tight_and_default() {
        deadline(move || {
            let mut run = Input(0..10, Bomb(true)).fan_out().with(&config).distribute([sum()]);
            assert_eq!(until_panic(&mut run).1, "expected: bomb");
            assert_eq!(run.panicked(), Some(PanicOrigin::Input));
        });
    }
}

#[test]
fn a_payload_of_any_type_arrives_as_it_was_thrown() {
    hush();
    deadline(|| {
        let scan = scan::map(|_: &u64| -> u64 { std::panic::resume_unwind(Box::new(42_u8)) });
        let mut run = (0..10_u64).par_distribute([scan]);
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run.next()));
        assert_eq!(caught.unwrap_err().downcast_ref(), Some(&42_u8));
    });
}

#[test]
fn of_many_panics_exactly_one_surfaces() {
    hush();
    for config in tight_and_default() {
        deadline(move || {
            for _ in 0..200 {
                let scans: Vec<_> = (0..8).map(|_| panic_at(5, "expected: all")).collect();
                let mut run = (0..100_u64).fan_out().with(&config).distribute(scans);
                assert_eq!(until_panic(&mut run).1, "expected: all");
                assert_eq!(run.next(), None);
            }
        });
    }
}

#[test]
fn a_drop_never_panics_whatever_panics_in_it() {
    struct TouchyInput(#[allow(dead_code, reason = "dropped")] Bomb);
    impl Iterator for TouchyInput {
        type Item = (u64, Bomb);
        fn next(&mut self) -> Option<(u64, Bomb)> {
            Some((1, Bomb(true)))
        }
    }
    /// Emits bombs, and is one.
    struct All(#[allow(dead_code, reason = "dropped")] Bomb);
    impl Scan<(u64, Bomb)> for All {
        type Output = Bomb;
        fn step(&mut self, _: &(u64, Bomb), out: &mut Emitter<'_, Bomb>) -> ControlFlow<()> {
            out.emit(Bomb(true));
            ControlFlow::Continue(())
        }
    }
    hush();
    for config in tight_and_default() {
        for taken in 0..4 {
            let config = config.clone();
            deadline(move || {
                let scans = [All(Bomb(true)), All(Bomb(true)), All(Bomb(true))];
                let mut run = TouchyInput(Bomb(true)).fan_out().with(&config).distribute(scans);
                for _ in 0..taken {
                    // Items are being dropped already, so the run may be over.
                    let next = std::panic::AssertUnwindSafe(|| run.next().map(std::mem::forget));
                    let _over = std::panic::catch_unwind(next);
                }
                drop(run);
            });
        }
    }
}

#[test]
fn a_payload_whose_drop_panics_is_contained_when_nobody_takes_it() {
    hush();
    deadline(|| {
        let touchy = || -> BoxScan<'static, u64, u64> {
            scan::map(|_: &u64| -> u64 { panic_any(Bomb(true)) }).boxed()
        };
        for _ in 0..50 {
            let mut run = (0..10_u64).fan_out().with(&Config::new().batch(1)).distribute([
                scan::take(1).boxed(),
                touchy(),
                touchy(),
            ]);
            // Whether or not the panics came in time to surface here.
            let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run.next()));
            std::mem::forget(caught);
            drop(run);
        }
    });
}

#[test]
fn a_pool_thread_survives_the_panics_of_its_scans() {
    hush();
    deadline(|| {
        let pool = Pool::with_max_threads(1);
        let config = Config::new().pool(pool.clone());
        for _ in 0..100 {
            let mut run = (0..9_u64).fan_out().with(&config).distribute([panic_at(3, "expected")]);
            until_panic(&mut run);
            assert_eq!((pool.in_use(), pool.idle()), (0, 1));
        }
        let sums = (0..9_u64).fan_out().with(&config).distribute([sum()]);
        assert_eq!(sums.map(|(_, sum)| sum).collect::<Vec<_>>(), [36]);
    });
}

#[test]
fn a_panic_takes_the_place_of_an_error_of_the_input() {
    hush();
    for config in tight_and_default() {
        deadline(move || {
            let input = [Ok(1), Err("the input's")].into_iter();
            let scans = [panic_at(1, "expected: step")];
            let mut run = input.fan_out().with(&config).until_error().distribute(scans);
            assert_eq!(until_panic(&mut run).1, "expected: step");
            assert!(run.next().is_none());
        });
    }
}
