//! Threads: handed back before the end is seen, reused, refused at the maximum; a lease comes
//! back, whatever became of it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use anabranch::scan::{BoxScan, Scan};
use anabranch::{IteratorExt, Pool};
use anabranch_models::Bound::{Preemptions, Unbounded};
use anabranch_models::config::{Config, With as _};
use anabranch_models::runs::{Blocking, Gate, Seen, Witness, count, each, first, outputs, tight};
use anabranch_models::{NO_THREADS, models};

#[cfg(loom)]
use loom as checker;
#[cfg(shuttle)]
use shuttle as checker;

/// Asserts that a run of these scans has no threads, and drops them without a call.
fn refused<const N: usize>(config: &Config, scans: [BoxScan<'static, u8, u8>; N]) {
    let untouched = (0..1).inspect(|_| panic!("pulled"));
    is_refused(|| drop(untouched.fan_out().with(config).distribute(scans)));
}

/// Asserts that `start` panics for want of threads.
fn is_refused(start: impl FnOnce()) {
    let payload = catch_unwind(AssertUnwindSafe(start)).expect_err("there are no threads");
    let message = payload.downcast::<String>().expect("a message");
    assert!(message.starts_with(NO_THREADS), "{message}");
}

/// The maximum of the pools that are leased as a whole. There are no more threads for two
/// leases of new ones.
const MAX: usize = 2;

/// Asserts that nobody uses this pool, which has so many idle threads.
fn can_be_leased_as_a_whole(pool: &Pool, idle: usize) {
    assert_eq!((pool.in_use(), pool.idle()), (0, idle));
    assert_eq!(pool.lease(MAX).map(|lease| lease.size()).ok(), Some(MAX));
}

models! {
    /// Two runs one after the other have one thread.
    threads_are_handed_back_and_reused(Preemptions(4)) {
        let pool = Pool::new();
        let config = tight().pool(pool.clone());
        for _ in 0..2 {
            assert_eq!(outputs((0..1).fan_out().with(&config).distribute([count()])), [[1]]);
            assert_eq!((pool.in_use(), pool.idle()), (0, 1));
        }
    }

    /// A pool that had room for no other run has it when the run has ended.
    a_full_pool_is_free_again_when_the_run_has_ended(Preemptions(4)) {
        let config = tight().pool(Pool::with_max_threads(1));
        for _ in 0..2 {
            assert_eq!((0..1).fan_out().with(&config).distribute([first(0)]).next(), None);
        }
    }

    /// The same when the run was dropped.
    a_full_pool_is_free_again_when_the_run_was_dropped(Preemptions(4)) {
        let config = tight().pool(Pool::with_max_threads(1));
        for _ in 0..2 {
            drop((0..1).fan_out().with(&config).distribute([each()]));
        }
    }

    /// Who has the one thread there is and asks for another is told at once.
    a_full_pool_refuses_who_fills_it(Preemptions(4)) {
        let pool = Pool::with_max_threads(1);
        let config = tight().pool(pool.clone());
        let run = (0..1).fan_out().with(&config).distribute([each()]);
        assert!(pool.lease(1).expect_err("no thread is free").is_full());
        let seen = Seen::default();
        refused(&config, [Witness::new(&seen).boxed()]);
        assert_eq!((seen.flushes(), seen.drops()), (0, 1));
        assert_eq!(outputs(run), [[0]]);
    }

    /// Two runs want the one thread there is: each has it or is told at once that
    /// it has not.
    a_maximum_refuses_and_never_waits(Preemptions(2)) {
        let pool = Pool::with_max_threads(1);
        let rival = pool.clone();
        let run = |pool: Pool| match pool.lease(1) {
            Ok(lease) => {
                let run = tight().set((0..1).fan_out()).on(lease);
                assert_eq!(run.distribute([first(0)]).count(), 0);
                true
            }
            Err(error) => {
                assert!(error.is_full());
                false
            }
        };
        let elsewhere = checker::thread::spawn(move || run(rival));
        let here = run(pool.clone());
        let there = elsewhere.join().expect("no panic");
        assert!(here || there, "nobody had it");
        assert_eq!(pool.in_use(), 0);
    }

    /// The system refuses the second of two threads: the run drops what it was given, and the
    /// first is idle.
    threads_that_are_refused_do_not_count(Preemptions(4)) {
        let pool = Pool::new();
        let config = tight().pool(pool.clone());
        anabranch::allow_threads(1);
        let seen = Seen::default();
        refused(&config, [Witness::new(&seen).boxed(), Witness::new(&seen).boxed()]);
        assert_eq!((seen.steps(), seen.flushes(), seen.drops()), (0, 0, 2));
        assert_eq!((pool.in_use(), pool.idle()), (0, 1));
        assert_eq!(outputs((0..1).fan_out().with(&config).distribute([count()])), [[1]]);
    }

    /// A lease is in use until its run has ended; then the whole pool can be leased again.
    a_lease_comes_back_with_the_run(Preemptions(2)) {
        let pool = Pool::with_max_threads(MAX);
        let lease = pool.lease(MAX).expect("the pool is free");
        assert!(pool.lease(1).expect_err("no thread is free").is_full());
        let run = tight().set((0..1).fan_out()).on(lease).distribute([count(), first(1)]);
        assert_eq!(pool.in_use(), 2);
        assert_eq!(outputs(run), [[1], [0]]);
        can_be_leased_as_a_whole(&pool, 2);
    }

    /// The same when the run was dropped.
    a_lease_comes_back_with_a_run_that_is_dropped(Preemptions(2)) {
        let pool = Pool::with_max_threads(MAX);
        let lease = pool.lease(MAX).expect("the pool is free");
        let run = tight().set((0..1).fan_out()).on(lease).distribute([each(), each()]);
        drop(run);
        can_be_leased_as_a_whole(&pool, 2);
    }

    /// So does a lease on which no run was started, and one that another thread drops.
    a_lease_that_is_not_used_comes_back(Unbounded) {
        let pool = Pool::with_max_threads(MAX);
        drop(pool.lease(1).expect("the pool is free"));
        let lease = pool.lease(MAX).expect("the pool is free");
        let elsewhere = checker::thread::spawn(move || drop(lease));
        elsewhere.join().expect("a drop does not panic");
        can_be_leased_as_a_whole(&pool, 2);
    }

    /// The system refuses a thread of a lease: the pool is as it was, and the thread that was
    /// started is idle.
    a_lease_that_is_refused_does_not_count(Preemptions(4)) {
        let pool = Pool::with_max_threads(MAX);
        anabranch::allow_threads(1);
        assert!(!pool.lease(MAX).expect_err("there is one thread").is_full());
        anabranch::allow_threads(usize::MAX);
        can_be_leased_as_a_whole(&pool, 1);
    }

    /// A run gives up the threads of its lease for others, which the system refuses: their
    /// places come back.
    a_lease_whose_threads_are_gone_comes_back(Preemptions(4)) {
        let pool = Pool::with_max_threads(MAX);
        let lease = pool.lease(MAX).expect("the pool is free");
        anabranch::allow_threads(0);
        let run = tight().thread_name("other").set((0..1).fan_out()).on(lease);
        is_refused(|| drop(run.distribute([count(), count()])));
        anabranch::allow_threads(usize::MAX);
        can_be_leased_as_a_whole(&pool, 0);
    }

    /// The lease of a run that was dropped is over, though somebody can still ask for scans to
    /// be added.
    a_lease_comes_back_though_an_adder_is_kept(Preemptions(2)) {
        let pool = Pool::with_max_threads(MAX);
        let lease = pool.lease(MAX).expect("the pool is free");
        let mut run = tight().set((0..1).fan_out()).on(lease).distribute([count()]);
        let adder = run.adder();
        drop(run);
        can_be_leased_as_a_whole(&pool, 2);
        assert!(adder.add(count()).is_err());
    }

    /// So it is when a scan is being added meanwhile.
    a_lease_comes_back_though_a_scan_is_being_added(Preemptions(2)) {
        let pool = Pool::with_max_threads(MAX);
        let lease = pool.lease(MAX).expect("the pool is free");
        let mut run = tight().set((0..0).fan_out()).on(lease).distribute([count()]);
        let adder = run.adder();
        let adding = checker::thread::spawn(move || drop(adder.add(count())));
        drop(run);
        adding.join().expect("adding does not panic");
        assert_eq!(pool.in_use(), 0);
        assert_eq!(pool.lease(MAX).map(|lease| lease.size()).ok(), Some(MAX));
    }

    /// A thread that is inside an input that blocks keeps its own place alone, and gives that
    /// back when the input does.
    a_lease_comes_back_while_a_thread_of_it_is_detached(Preemptions(1)) {
        let pool = Pool::with_max_threads(MAX);
        let lease = pool.lease(MAX).expect("the pool is free");
        let gate = Gate::default();
        let passed = gate.clone();
        let input = Blocking { items: 0..1, blocks_at: 0, gate: passed, dropped: Default::default() };
        let run = tight().set(input.fan_out()).on(lease).read_ahead().distribute([count()]);
        drop(run);
        assert!(pool.in_use() <= 1);
        gate.open();
    }

    /// Threads that another run cannot use make room for those that it needs, and no idle
    /// thread is kept beyond the maximum.
    idle_threads_of_another_kind_make_room(Preemptions(2)) {
        let pool = Pool::with_max_threads(1);
        for name in ["one", "other"] {
            let config = tight().pool(pool.clone()).thread_name(name);
            let run = (0..0).fan_out().with(&config).distribute([count()]);
            // In this order: meanwhile the thread may be handed back.
            assert!(pool.idle() + pool.in_use() <= 1);
            assert_eq!(outputs(run), [[0]]);
            assert_eq!((pool.in_use(), pool.idle()), (0, 1));
        }
    }

    /// No more idle threads are kept than was said.
    idle_threads_are_kept_up_to_the_limit(Preemptions(2)) {
        let pool = Pool::with_max_idle(1);
        let config = tight().pool(pool.clone());
        let run = (0..0).fan_out().with(&config).distribute([count(), count()]);
        assert_eq!(outputs(run), [[0], [0]]);
        assert_eq!((pool.in_use(), pool.idle()), (0, 1));
    }

    /// An idle thread ends when the pool is gone, and so does one that is at work
    /// when that happens.
    threads_end_with_the_pool(Unbounded) {
        let config = tight().pool(Pool::new());
        let run = (0..0).fan_out().with(&config).distribute([first(0)]);
        drop(config);
        assert_eq!(run.count(), 0);
    }
}
