//! Leases: the one place where threads can be refused.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use anabranch::{LeaseError, Pool, prelude::*};
use support::{Gate, deadline};

fn said(body: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(body)).expect_err("it panics");
    *payload.downcast::<String>().unwrap()
}

#[test]
fn a_lease_is_refused_with_all_numbers() {
    let pool = Pool::with_max_threads(3);
    let first = pool.lease(2).unwrap();
    assert_eq!((first.size(), pool.in_use(), pool.idle()), (2, 2, 0));
    let error = pool.lease(2).unwrap_err();
    assert!(matches!(error, LeaseError::Full { wanted: 2, in_use: 2, max: 3 }));
    assert!(error.is_full() && error.source().is_none());
    let words = "the pool cannot give 2 threads: its maximum is 3, and 2 are in use";
    assert_eq!(error.to_string(), words);
    drop(first);
    assert_eq!((pool.in_use(), pool.idle()), (0, 2));
    assert_eq!(pool.lease(3).unwrap().size(), 3);
    assert_eq!((pool.in_use(), pool.idle()), (0, 3));
}

#[test]
fn threads_come_back_when_the_run_is_dropped() {
    deadline(|| {
        let pool = Pool::with_max_threads(2);
        for _ in 0..100 {
            let lease = pool.lease(2).unwrap();
            let mut run = (0..).fan_out().on(lease).distribute([scan::cloned(), scan::cloned()]);
            assert!(run.next().is_some());
            assert!(pool.lease(1).is_err());
            drop(run);
            assert_eq!((pool.in_use(), pool.idle()), (0, 2));
        }
        let lease = pool.lease(2).unwrap();
        assert_eq!((0..9).fan_out().on(lease).fold((scan::count(), scan::max())), (9, Some(8)));
        assert_eq!((pool.in_use(), pool.idle()), (0, 2));
    });
}

#[test]
fn a_lease_that_is_too_small_says_how_many_threads_are_needed() {
    let pool = Pool::new();
    let message = said(|| {
        let lease = pool.lease(2).unwrap();
        let scans = [scan::count(), scan::count()];
        drop((0..3).fan_out().on(lease).read_ahead().distribute(scans));
    });
    assert_eq!(message, "a run that needs 3 threads cannot start on a lease of 2");
    assert_eq!(pool.in_use(), 0);
    let small = Pool::with_max_threads(1);
    let message = said(|| {
        drop((0..3).fan_out().on(&small).distribute([scan::count(), scan::count()]));
    });
    assert!(
        message.starts_with("a run that needs 2 threads cannot start: the pool cannot give 2 ")
    );
    assert!(message.contains("`Pool::lease`"));
    assert_eq!((small.in_use(), small.idle()), (0, 0));
}

#[test]
fn a_lease_says_over_how_many_shards_keys_are_spread() {
    deadline(|| {
        let pool = Pool::new();
        for threads in [1, 2, 5] {
            for read_ahead in [false, true] {
                let lease = pool.lease(threads + usize::from(read_ahead)).unwrap();
                let run = (0..1_000_u64).fan_out().on(lease);
                let on = |_: &u64| scan::map(|_: &u64| thread::current().id()).take(1);
                let ids: Vec<_> = match read_ahead {
                    false => run.demux(|x| *x, on).map(|(_, id)| id).collect(),
                    true => run.read_ahead().demux(|x| *x, on).map(|(_, id)| id).collect(),
                };
                let distinct: std::collections::HashSet<_> = ids.into_iter().collect();
                assert_eq!(distinct.len(), threads);
            }
        }
    });
}

#[test]
fn a_demux_has_a_shard_for_each_processor_up_to_the_maximum_of_its_pool() {
    deadline(|| {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        for max in [None, Some(1), Some(10_000)] {
            let pool = max.map_or_else(Pool::new, Pool::with_max_threads);
            let run = (0..9).fan_out().on(&pool).demux(|x| x % 3, |_| scan::count());
            assert_eq!(pool.in_use(), processors.min(max.unwrap_or(1024)));
            assert_eq!(run.map(|(_, count)| count).sum::<usize>(), 9);
        }
    });
}

#[test]
fn a_demux_has_no_more_shards_than_its_pool_has_threads() {
    deadline(|| {
        for max in [1, 2, 3] {
            let pool = Pool::with_max_threads(max);
            let counts = (0..9).fan_out().on(&pool).demux(|x| x % 3, |_| scan::count());
            assert_eq!(counts.map(|(_, count)| count).sum::<usize>(), 9);
            let pool = Pool::with_max_threads(max + 1);
            let run = (0..9).fan_out().on(pool).read_ahead();
            let counts = run.demux(|x| x % 3, |_| scan::count());
            assert_eq!(counts.map(|(_, count)| count).sum::<usize>(), 9);
        }
    });
}

#[test]
fn what_a_lease_has_left_is_for_scans_that_are_added() {
    deadline(|| {
        let pool = Pool::with_max_threads(2);
        let mut run = (0..).fan_out().on(pool.lease(2).unwrap()).distribute([scan::cloned()]);
        let adder = run.adder();
        let added = adder.add(scan::cloned()).unwrap();
        let error = adder.add(scan::cloned()).unwrap_err();
        assert!(!error.is_ended());
        assert!(run.any(|(id, _)| id == added));
    });
}

#[test]
fn a_lease_is_over_when_its_run_is_dropped_whatever_is_left_of_that() {
    deadline(|| {
        let pool = Pool::with_max_threads(3);
        let gate = Gate::default();
        let inside = Gate::default();
        let (blocks, entered) = (gate.clone(), inside.clone());
        let input = std::iter::from_fn(move || {
            entered.open();
            blocks.pass();
            None::<i32>
        });
        let run = input.fan_out().on(pool.lease(3).unwrap()).read_ahead();
        let mut run = run.distribute([scan::count()]);
        let adder = run.adder();
        inside.pass();
        drop(run);
        // The thread that is inside the input has its own place alone.
        assert_eq!(pool.in_use(), 1);
        assert!(adder.add(scan::count()).is_err_and(|error| error.is_ended()));
        drop(pool.lease(2).unwrap());
        gate.open();
        while pool.in_use() > 0 {
            thread::yield_now();
        }
        assert_eq!(pool.idle(), 3);
        drop(adder);
        assert_eq!((pool.in_use(), pool.idle()), (0, 3));
    });
}

#[test]
fn threads_of_another_kind_are_started_in_the_lease() {
    deadline(|| {
        let pool = Pool::with_max_threads(1);
        let lease = pool.lease(1).unwrap();
        let name = scan::map(|_: &i32| thread::current().name().map(str::to_owned)).last();
        let run = (0..1).fan_out().on(lease).thread_name("other");
        assert_eq!(run.fold((name,)).0.flatten().as_deref(), Some("other"));
        assert_eq!((pool.in_use(), pool.idle()), (0, 1));
    });
}

#[test]
fn a_thread_is_called_as_its_scan_is() {
    let name = || scan::map(|_: &i32| thread::current().name().map(str::to_owned)).last();
    let names = (0..1).fan_out().thread_name("usual").fold((name().named("rows"), name()));
    assert_eq!(names.0.flatten().as_deref(), Some("rows"));
    assert_eq!(names.1.flatten().as_deref(), Some("usual"));
    // A name that no system takes is the scan's alone.
    let odd = (0..1).fan_out().fold((name().named("ro\0ws"),));
    assert_eq!(odd.0.flatten().as_deref(), Some("anabranch"));
}

#[test]
fn settings_out_of_range_are_refused_by_their_setters() {
    let run = || (0..3).fan_out();
    let message = said(|| drop(run().batch((1 << 20) + 1)));
    assert_eq!(message, "`batch` must be at most 1048576, and is 1048577");
    for (setting, message) in [
        ("batch", said(|| drop(run().batch(0)))),
        ("input_capacity", said(|| drop(run().input_capacity(0)))),
        ("output_capacity", said(|| drop(run().output_capacity(0)))),
        ("item_bytes", said(|| drop(run().item_bytes(0)))),
        ("output_bytes", said(|| drop(run().output_bytes(0)))),
        ("stack_size", said(|| drop(run().stack_size(0)))),
        ("shards", said(|| drop(run().demux_over(0, |x| *x, |_| scan::count())))),
    ] {
        assert_eq!(message, format!("`{setting}` must be at least 1, and is 0"));
    }
    assert!(said(|| drop(run().thread_name("a\0b"))).starts_with("`thread_name` contains a NUL"));
}
