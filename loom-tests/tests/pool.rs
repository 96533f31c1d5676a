//! Threads: leased, handed back, reused, refused.

use anabranch::{IteratorExt, Pool};
use anabranch_models::Bound::{Preemptions, Unbounded};
use anabranch_models::models;
use anabranch_models::runs::{count, each, first, outputs, tight};
use anabranch_models::config::{Config, With as _};

#[cfg(loom)]
use loom as checker;
#[cfg(shuttle)]
use shuttle as checker;

models! {
    /// Two runs one after the other have one thread.
    threads_are_handed_back_and_reused(Preemptions(4)) {
        let pool = Pool::new();
        let config = tight().pool(pool.clone());
        for _ in 0..2 {
            assert_eq!(outputs((0..1).fan_out().with(&config).distribute([count()])), [[1]]);
            assert_eq!((pool.live(), pool.idle()), (0, 1));
        }
    }

    /// A pool that had room for no other run has it when the run has ended.
    a_full_pool_is_free_again_when_the_run_has_ended(Preemptions(4)) {
        let config = tight().pool(Pool::with_max_threads(1));
        for _ in 0..2 {
            let run = (0..1).try_par_distribute_with(&config, [first(0)]);
            assert_eq!(run.expect("a free thread").next(), None);
        }
    }

    /// The same when the run was dropped.
    a_full_pool_is_free_again_when_the_run_was_dropped(Preemptions(4)) {
        let config = tight().pool(Pool::with_max_threads(1));
        for _ in 0..2 {
            let run = (0..1).try_par_distribute_with(&config, [each()]);
            drop(run.expect("a free thread"));
        }
    }

    /// Whoever has the one thread there is and asks for another is told at once.
    a_full_pool_refuses_who_fills_it(Preemptions(4)) {
        let config = tight().pool(Pool::with_max_threads(1));
        let run = (0..1).fan_out().with(&config).distribute([each()]);
        let refused = (0..1).try_par_distribute_with(&config, [each()]);
        assert!(refused.expect_err("no thread is free").is_pool_full());
        assert_eq!(outputs(run), [[0]]);
    }

    /// Two runs want the one thread there is: each has it or is told at once that
    /// it has not.
    a_maximum_refuses_and_never_waits(Preemptions(2)) {
        let pool = Pool::with_max_threads(1);
        let rival = pool.clone();
        let run = |pool: Pool| {
            match (0..1).try_par_distribute_with(&tight().pool(pool), [first(0)]) {
                Ok(run) => {
                    assert_eq!(run.count(), 0);
                    true
                }
                Err(error) => {
                    assert!(error.is_pool_full());
                    false
                }
            }
        };
        let elsewhere = checker::thread::spawn(move || run(rival));
        let here = run(pool.clone());
        let there = elsewhere.join().expect("no panic");
        assert!(here || there, "nobody had it");
        assert_eq!(pool.live(), 0);
    }

    /// The system refuses the second of two threads: the run gives back what it was given,
    /// and the first is idle.
    threads_that_are_refused_do_not_count(Preemptions(4)) {
        let pool = Pool::new();
        let config = tight().pool(pool.clone());
        anabranch::allow_threads(1);
        let refused = (0..1).try_par_distribute_with(&config, [count(), count()]);
        let (items, scans) = refused.expect_err("there is one thread").into_inner();
        assert_eq!((items, scans.len()), (0..1, 2));
        assert_eq!((pool.live(), pool.idle()), (0, 1));
        assert_eq!(outputs((0..1).fan_out().with(&config).distribute([count()])), [[1]]);
    }

    /// Threads that another run cannot use make room for those that it needs, and no idle
    /// thread is kept beyond the maximum.
    idle_threads_of_another_kind_make_room(Preemptions(2)) {
        let pool = Pool::with_max_threads(1);
        for name in ["one", "other"] {
            let config = tight().pool(pool.clone()).thread_name(name);
            let run = (0..0).fan_out().with(&config).distribute([count()]);
            // In this order: meanwhile the thread may be handed back.
            assert!(pool.idle() + pool.live() <= 1);
            assert_eq!(outputs(run), [[0]]);
            assert_eq!((pool.live(), pool.idle()), (0, 1));
        }
    }

    /// No more idle threads are kept than was said.
    idle_threads_are_kept_up_to_the_limit(Preemptions(2)) {
        let pool = Pool::with_max_idle(1);
        let config = tight().pool(pool.clone());
        assert_eq!(outputs((0..0).fan_out().with(&config).distribute([count(), count()])), [[0], [0]]);
        assert_eq!((pool.live(), pool.idle()), (0, 1));
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
