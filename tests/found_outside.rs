//! What programs from outside have shown: each would end the process, never end, or be refused
//! with the wrong words.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "support/bombs.rs"]
mod bombs;
mod support;

use anabranch::{Control, LeaseError, Pool, prelude::*};
use bombs::{BOMB, Bomb, caught};
use support::{Tally, deadline};

#[test]
fn verbs_to_which_no_scans_are_added_do_not_go_on_without() {
    deadline(|| {
        let endless = || (0_u64..).fan_out().discard_without_scans();
        assert_eq!(endless().fold([scan::take(1).then(scan::count())]), [1]);
        assert_eq!(endless().ordered([scan::take(1)]).count(), 1);
        assert_eq!(endless().zip_latest([scan::take(1)]).count(), 1);
        let none: Vec<BoxScan<'_, u64, u64>> = Vec::new();
        assert_eq!(endless().ordered(none).count(), 0);
    });
}

#[test]
fn a_lease_of_more_threads_than_there_can_be_is_an_error() {
    for pool in [Pool::with_max_threads(1), Pool::new()] {
        for size in [1 << 21, 1 << 40, usize::MAX] {
            let error = pool.lease(size).unwrap_err();
            assert!(matches!(error, LeaseError::Full { wanted, in_use: 0, .. } if wanted == size));
        }
        assert_eq!((pool.in_use(), pool.idle()), (0, 0));
    }
}

#[test]
fn scans_that_are_asked_for_and_not_added_are_dropped_one_by_one() {
    deadline(|| {
        let pool = Pool::new();
        let tally = Tally::default();
        let armed = tally.clone();
        let mut first = true;
        let run = (0_u64..).fan_out().batch(1).on(pool.lease(1).unwrap()).dynamic(move || {
            let armed_now = !std::mem::take(&mut first);
            let count = if armed_now { 3 } else { 1 };
            (0..count).map(|_| endless(Bomb::new(&armed, armed_now))).collect::<Vec<_>>()
        });
        let message = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run.for_each(drop)))
            .unwrap_err();
        let message = message.downcast::<String>().unwrap();
        assert!(message.starts_with("a scan was not added: "), "{message}");
        tally.assert_settled();
    });
}

/// Emits every item, holding a value.
fn endless(bomb: Bomb) -> impl Scan<u64, Output = u64> + Send {
    scan::scan(bomb, |_, item: &u64| Some(*item))
}

#[test]
fn scans_that_come_behind_a_stop_are_dropped_one_by_one() {
    deadline(|| {
        let control = Control::new();
        let tally = Tally::default();
        let (stops, armed) = (control.clone(), tally.clone());
        let run = (0_u64..).fan_out().batch(1).control(&control).discard_without_scans();
        let run = run.dynamic(move || {
            let mut scans = Vec::new();
            if stops.stats().pulling > std::time::Duration::ZERO {
                stops.stop();
                scans.extend((0..3).map(|_| endless(Bomb::new(&armed, true))));
            }
            scans
        });
        assert_eq!(caught(|| run.for_each(drop)), Err(BOMB));
        tally.assert_settled();
    });
}

#[test]
fn the_drop_of_who_is_asked_is_contained() {
    deadline(|| {
        let tally = Tally::default();
        // It panics, and so does its drop.
        let bomb = Bomb::new(&tally, true);
        let mut asked = 0;
        let run = (0_u64..).fan_out().batch(1).dynamic(move || {
            let _held = &bomb;
            asked += 1;
            assert!(asked < 3, "expected: ask");
            Some(scan::cloned())
        });
        assert_eq!(caught(|| run.for_each(drop)), Err("expected: ask"));
        tally.assert_settled();
        // The verb is refused, and its drop panics.
        let bomb = Bomb::new(&tally, true);
        let pool = Pool::with_max_threads(0);
        let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let ask = move || {
                let _held = &bomb;
                Some(scan::cloned::<u64>())
            };
            drop((0_u64..).fan_out().on(&pool).dynamic(ask));
        }));
        assert!(refused.unwrap_err().is::<String>());
        tally.assert_settled();
    });
}

#[test]
fn an_output_is_dropped_though_the_clone_of_its_key_panics() {
    #[derive(Debug, PartialEq, Eq, Hash)]
    struct Key;
    impl Clone for Key {
        fn clone(&self) -> Self {
            std::panic::panic_any("expected: clone")
        }
    }
    deadline(|| {
        let tally = Tally::default();
        let made = tally.clone();
        let run = (0_u64..3).fan_out().demux_over(
            1,
            |_| Key,
            move |_| {
                let made = made.clone();
                scan::map(move |_: &u64| Bomb::new(&made, true))
            },
        );
        assert_eq!(caught(|| run.for_each(drop)), Err("expected: clone"));
        tally.assert_settled();
    });
}

#[test]
#[allow(clippy::result_large_err, reason = "that is what this is about")]
fn big_errors_have_stack_enough_on_the_thread_that_reads_ahead() {
    let consume = || {
        let input = (0..3).map(|n| match n {
            2 => Err([1_u8; 1 << 20]),
            n => Ok(n),
        });
        input.fan_out().until_error().read_ahead().fold((scan::count(),)).is_err()
    };
    // The consumer has to look after its own stack.
    let consumer = std::thread::Builder::new().stack_size(512 << 20).spawn(consume).unwrap();
    assert!(consumer.join().unwrap());
}

#[test]
fn a_pool_forgets_kinds_of_threads_that_are_out_of_use() {
    deadline(|| {
        let pool = Pool::with_max_idle(2);
        for name in ["one", "two", "three", "four", "four"] {
            let run = (0..1).fan_out().on(&pool).thread_name(name);
            let id = scan::map(|_: &i32| std::thread::current().id()).last();
            run.fold((id,));
        }
        let kept = |name: &str| {
            let run = (0..1).fan_out().on(&pool).thread_name(name);
            run.fold((scan::map(|_: &i32| std::thread::current().id()).last(),)).0.unwrap()
        };
        // The last one that was used is there still.
        assert_eq!(kept("four"), kept("four"));
        assert_eq!((pool.in_use(), pool.idle()), (0, 2));
    });
}
