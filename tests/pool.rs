//! Threads: reused, a live scan's own, refused rather than waited for.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::collections::HashSet;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use anabranch::scan::{self, BoxScan, Scan};
use anabranch::{FanOut, IteratorExt, LeaseError, Pool};
use support::config::{Config, With as _};
use support::{Gate, Tally, deadline, distribute, sum};

/// The message of the panic of `f`.
#[track_caller]
fn panics<R>(f: impl FnOnce() -> R) -> String {
    let payload = catch_unwind(AssertUnwindSafe(|| drop(f()))).expect_err("a panic");
    *payload.downcast::<String>().expect("a message")
}

/// Emits the thread that it runs on, at every item.
fn whereabouts() -> BoxScan<'static, u64, (ThreadId, Option<String>)> {
    scan::map(|_: &u64| (thread::current().id(), thread::current().name().map(str::to_owned)))
        .boxed()
}

fn threads_of_a_run(config: &Config, scans: usize) -> Vec<HashSet<ThreadId>> {
    let outputs = distribute(config, 0..50, (0..scans).map(|_| whereabouts()).collect());
    outputs.into_iter().map(|outputs| outputs.into_iter().map(|(id, _)| id).collect()).collect()
}

#[test]
fn every_scan_has_one_thread_to_itself_and_it_is_not_the_consumers() {
    deadline(|| {
        let config = Config::new().pool(Pool::new());
        let threads = threads_of_a_run(&config, 8);
        assert!(threads.iter().all(|threads| threads.len() == 1));
        let distinct: HashSet<_> = threads.into_iter().flatten().collect();
        assert_eq!(distinct.len(), 8);
        assert!(!distinct.contains(&thread::current().id()));
    });
}

#[test]
fn threads_are_reused_by_the_next_run() {
    deadline(|| {
        let config = Config::new().pool(Pool::new());
        let mut seen = HashSet::new();
        for _ in 0..100 {
            seen.extend(threads_of_a_run(&config, 3).into_iter().flatten());
        }
        assert_eq!(seen.len(), 3, "a hundred runs of three scans on three threads");
    });
}

#[test]
fn a_run_that_has_ended_has_given_its_threads_back() {
    deadline(|| {
        let pool = Pool::with_max_threads(3);
        let config = Config::new().pool(pool.clone());
        for _ in 0..2_000 {
            let run = (0..3).fan_out().with(&config).distribute([sum(), sum(), sum()]);
            assert_eq!(run.count(), 3);
        }
        assert_eq!((pool.in_use(), pool.idle()), (0, 3));
    });
}

#[test]
fn a_lease_that_does_not_fit_is_refused_at_once_and_one_that_fits_is_given() {
    deadline(|| {
        let pool = Pool::with_max_threads(3);
        let config = Config::new().pool(pool.clone());
        let gate = Gate::default();
        let waiting = gate.clone();
        let holder = scan::map(move |_: &u64| waiting.pass());
        let holding = (0..1_u64).fan_out().with(&config).distribute([holder]);

        let error = pool.lease(3).unwrap_err();
        assert!(error.is_full());
        assert!(matches!(error, LeaseError::Full { wanted: 3, in_use: 1, max: 3 }));
        assert_eq!(
            error.to_string(),
            "the pool cannot give 3 threads: its maximum is 3, and 1 is in use"
        );
        assert!(std::error::Error::source(&error).is_none());
        assert_eq!(pool.in_use(), 1);

        // One that is not used gives its threads back.
        let lease = pool.lease(2).unwrap();
        assert_eq!((lease.size(), pool.in_use()), (2, 3));
        drop(lease);
        assert_eq!((pool.in_use(), pool.idle()), (1, 2));

        gate.open();
        assert_eq!(holding.count(), 1);
        let lease = pool.lease(3).unwrap();
        let run = (5..7_u64).fan_out().on(lease).distribute([sum(), sum(), sum()]);
        assert_eq!(run.map(|(_, x)| x).collect::<Vec<_>>(), [11; 3]);
        assert_eq!((pool.in_use(), pool.idle()), (0, 3));
    });
}

/// Asserts that a verb panics for want of `wanted` threads, having pulled, stepped over and
/// flushed nothing, and that everything is dropped once.
#[track_caller]
fn does_not_start<I, R>(
    wanted: usize,
    verb: impl FnOnce(FanOut<I, &Pool>, Vec<BoxScan<'static, u64, u64>>) -> R,
    source: impl FnOnce(FanOut<Box<dyn Iterator<Item = u64> + Send>>) -> FanOut<I>,
) {
    let pool = Pool::with_max_threads(2);
    let lease = pool.lease(1).unwrap();
    let (calls, tally) = (Arc::new(AtomicUsize::new(0)), Tally::default());
    let called = |calls: &Arc<AtomicUsize>| {
        let (calls, counted) = (Arc::clone(calls), tally.make(()));
        move || {
            let () = counted.get();
            calls.fetch_add(1, SeqCst);
        }
    };
    let pulled = called(&calls);
    let input: Box<dyn Iterator<Item = u64> + Send> = Box::new((0..10).inspect(move |_| pulled()));
    let scan = |_| {
        let (stepped, flushed) = (called(&calls), called(&calls));
        let total = sum().map(move |sum| {
            flushed();
            sum
        });
        scan::inspect(move |_: &u64| stepped()).then(total).boxed()
    };
    let scans = (0..2).map(scan).collect();
    let message = panics(|| verb(source(input.fan_out()).on(&pool), scans));
    let why = format!("the pool cannot give {wanted} threads: its maximum is 2, and 1 is in use");
    assert_eq!(
        message,
        format!(
            "a run that needs {wanted} threads cannot start: {why} (`Pool::lease` returns this \
             as an error)"
        )
    );
    assert_eq!(calls.load(SeqCst), 0);
    tally.assert_settled();
    assert_eq!(pool.in_use(), 1);
    drop(lease);
    assert_eq!((0..3_u64).fan_out().on(&pool).fold([scan::count(), scan::count()]), [3, 3]);
}

#[test]
fn a_verb_on_a_pool_that_is_full_panics_and_drops_everything_once() {
    deadline(|| {
        does_not_start(2, |run, scans| run.distribute(scans), |run| run);
        does_not_start(2, |run, scans| run.ordered(scans), |run| run);
        does_not_start(2, |run, scans| run.zip_latest(scans), |run| run);
        does_not_start(
            2,
            |run, mut scans| run.dynamic(move || std::mem::take(&mut scans)),
            |run| run,
        );
        let totals = |scans: Vec<_>| scans.into_iter().map(Scan::last).collect::<Vec<_>>();
        does_not_start(2, |run, scans| run.fold(totals(scans)), |run| run);
        does_not_start(
            2,
            |run, scans| {
                let scans = Mutex::new(scans);
                run.demux_over(2, |x| *x, move |_| scans.lock().unwrap().pop())
            },
            |run| run,
        );
        // An input that is read ahead needs a thread, too.
        does_not_start(3, |run, scans| run.distribute(scans), |run| run.read_ahead());
    });
}

#[test]
fn a_lease_with_too_few_threads_for_a_run_makes_the_verb_panic() {
    deadline(|| {
        let pool = Pool::new();
        let lease = pool.lease(1).unwrap();
        let message = panics(|| (0..9).fan_out().on(lease).distribute([sum(), sum()]));
        assert!(message.starts_with("a run that needs 2 threads cannot start"), "{message}");
        let lease = pool.lease(1).unwrap();
        let message = panics(|| (0..9).fan_out().read_ahead().on(lease).distribute([sum()]));
        assert!(message.starts_with("a run that needs 2 threads cannot start"), "{message}");
        assert_eq!(pool.in_use(), 0);
    });
}

#[test]
fn a_run_that_fits_beside_another_is_taken() {
    deadline(|| {
        let pool = Pool::with_max_threads(3);
        let config = Config::new().pool(pool.clone());
        let first = (0..9).fan_out().with(&config).distribute([sum()]);
        let second = (0..9).fan_out().with(&config).distribute([sum(), sum()]);
        assert_eq!(pool.in_use(), 3);
        assert_eq!((second.count(), first.count()), (2, 1));
        assert_eq!(pool.in_use(), 0);
    });
}

#[test]
fn a_pool_of_no_threads_takes_only_runs_without_scans() {
    deadline(|| {
        let pool = Pool::with_max_threads(0);
        assert!(pool.lease(1).is_err());
        let message = panics(|| (0..9).fan_out().on(&pool).distribute([sum()]));
        assert!(message.contains("the pool cannot give a thread"), "{message}");
        let none: [BoxScan<'static, u64, u64>; 0] = [];
        assert_eq!((0..9).fan_out().on(&pool).distribute(none).count(), 0);
        let lease = pool.lease(0).unwrap();
        let none: [BoxScan<'static, u64, u64>; 0] = [];
        assert_eq!((0..9).fan_out().on(lease).distribute(none).count(), 0);
    });
}

#[test]
fn the_names_and_stacks_of_threads_are_as_asked_and_kinds_are_not_mixed() {
    fn deep(n: u64) -> u64 {
        let frame = std::hint::black_box([n; 128]);
        if n == 0 { 0 } else { deep(n - 1) + frame[0] - n + 1 }
    }
    deadline(|| {
        let pool = Pool::with_max_threads(2);
        for name in ["digest", "tally", "digest", "anabranch"] {
            let config = Config::new().pool(pool.clone()).thread_name(name);
            for outputs in distribute(&config, 0..3, vec![whereabouts(), whereabouts()]) {
                assert!(outputs.iter().all(|(_, found)| found.as_deref() == Some(name)));
            }
            assert_eq!(pool.idle(), 2, "threads of another kind made room");
        }
        // Deeper than the standard stack of two mebibytes.
        let config = Config::new().pool(pool).stack_size(64 << 20);
        let scan = scan::map(|n: &u64| deep(*n)).boxed();
        assert_eq!(distribute(&config, [20_000], vec![scan]), [[20_000]]);
    });
}

#[test]
fn a_thread_has_the_name_of_its_scan_and_one_of_a_lease_keeps_its_own() {
    fn names(outputs: impl Iterator<Item = (ThreadId, Option<String>)>) -> HashSet<String> {
        outputs.map(|(_, name)| name.unwrap()).collect()
    }
    deadline(|| {
        let pool = Pool::new();
        let named = || whereabouts().named("digest");
        let outputs = |(_, output)| output;
        let run = (0..3).fan_out().on(&pool).thread_name("other").distribute([named()]);
        assert_eq!(names(run.map(outputs)), HashSet::from(["digest".to_owned()]));
        thread::scope(|scope| {
            let run = (0..3).fan_out().on(scope).distribute([named()]);
            assert_eq!(names(run.map(outputs)), HashSet::from(["digest".to_owned()]));
        });
        let run = (0..3).fan_out().on(pool.lease(1).unwrap()).distribute([named()]);
        assert_eq!(names(run.map(outputs)), HashSet::from(["anabranch".to_owned()]));
        // It is started anew only if the run asks for another.
        let run = (0..3).fan_out().thread_name("other").on(pool.lease(1).unwrap());
        assert_eq!(
            names(run.distribute([named()]).map(outputs)),
            HashSet::from(["other".to_owned()])
        );
    });
}

#[test]
fn by_default_threads_are_named_after_the_crate() {
    deadline(|| {
        let outputs = distribute(&Config::new(), 0..1, vec![whereabouts()]);
        assert_eq!(outputs[0][0].1.as_deref(), Some("anabranch"));
    });
}

type Run = FanOut<Range<u64>>;

#[test]
fn setters_panic_on_what_is_out_of_range_with_the_reason() {
    type Setter = fn(Run, usize) -> Run;
    let setters: [(&str, Setter, usize); 4] = [
        ("input_capacity", FanOut::input_capacity, 1 << 16),
        ("output_capacity", FanOut::output_capacity, 1 << 16),
        ("batch", FanOut::batch, 1 << 20),
        ("stack_size", FanOut::stack_size, 1 << 30),
    ];
    for (name, set, most) in setters {
        let refused = |asked| panics(|| set((0..9).fan_out(), asked));
        assert_eq!(refused(0), format!("`{name}` must be at least 1, and is 0"));
        for asked in [usize::MAX, usize::MAX / 2, most + 1] {
            assert_eq!(refused(asked), format!("`{name}` must be at most {most}, and is {asked}"));
        }
        drop(set(set((0..9).fan_out(), most), 1));
    }
    let message = panics(|| (0..9).fan_out().thread_name("a\0b"));
    assert!(message.starts_with("`thread_name` contains a NUL byte"), "{message}");
    for (asked, limit) in [(0, "least 1"), (1025, "most 1024")] {
        let message = panics(|| (0..9_u64).fan_out().demux_over(asked, |x| *x, |_| sum()));
        assert_eq!(message, format!("`shards` must be at {limit}, and is {asked}"));
    }
}

#[test]
fn a_long_batch_of_very_large_items_takes_no_memory_before_they_come() {
    deadline(|| {
        // Eight gibibytes, were they all there.
        let items = (0..3).map(|n| [n; 1 << 10]);
        let run = items.fan_out().batch(1 << 20);
        assert_eq!(run.fold([scan::count::<[u64; 1 << 10]>()]), [3]);
    });
}

#[test]
#[should_panic(expected = "`batch` must be at least 1, and is 0")]
fn a_setting_panics_in_its_setter() {
    drop((0..9_u64).fan_out().batch(0));
}

#[test]
fn the_largest_settings_that_are_granted_work() {
    deadline(|| {
        let config = Config::new().input_capacity(1 << 16).output_capacity(1 << 16).batch(1 << 20);
        assert_eq!(distribute(&config, 0..100, vec![sum()]), [[4950]]);
    });
}

#[test]
fn of_idle_threads_of_several_kinds_the_oldest_make_room() {
    deadline(|| {
        let pool = Pool::with_max_idle(2);
        let thread_of = |name: &str| {
            let config = Config::new().pool(pool.clone()).thread_name(name);
            threads_of_a_run(&config, 1).remove(0)
        };
        thread_of("first");
        let second = thread_of("second");
        let third = thread_of("third");
        assert_eq!(pool.idle(), 2);
        assert_eq!((thread_of("second"), thread_of("third")), (second, third));
    });
}
