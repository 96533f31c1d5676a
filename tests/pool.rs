//! Threads: reused, a live scan's own, refused rather than waited for.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::collections::HashSet;
use std::thread::{self, ThreadId};

use anabranch::scan::{self, BoxScan, Scan};
use anabranch::{IteratorExt, Pool};
use support::config::{Config, With as _};
use support::{Gate, deadline, distribute, sum};

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
        assert_eq!((pool.live(), pool.idle()), (0, 3));
    });
}

#[test]
fn a_run_that_does_not_fit_is_refused_at_once_and_everything_is_handed_back() {
    deadline(|| {
        let pool = Pool::with_max_threads(3);
        let config = Config::new().pool(pool.clone());
        let gate = Gate::default();
        let waiting = gate.clone();
        let holder = scan::map(move |_: &u64| waiting.pass());
        let holding = (0..1_u64).fan_out().with(&config).distribute([holder]);

        let named = || sum().named("kept").boxed();
        let scans = vec![named(), named(), named()];
        let error = (5..7_u64).try_par_distribute_with(&config, scans).unwrap_err();
        assert!(error.is_pool_full());
        assert!(matches!(
            error.kind(),
            StartErrorKind::PoolFull { wanted: 3, live: 1, max: 3, .. }
        ));
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(source, "3 scans do not fit into a pool of 3 threads with 1 in use");
        let (input, scans) = error.into_inner();
        assert_eq!(scans.iter().map(|scan| scan.name()).collect::<Vec<_>>(), [Some("kept"); 3]);

        gate.open();
        assert_eq!(holding.count(), 1);
        let outputs: Vec<_> =
            input.fan_out().with(&config).distribute(scans).map(|(_, x)| x).collect();
        assert_eq!(outputs, [11; 3]);
    });
}

#[test]
fn a_run_that_fits_beside_another_is_taken() {
    deadline(|| {
        let pool = Pool::with_max_threads(3);
        let config = Config::new().pool(pool.clone());
        let first = (0..9).fan_out().with(&config).distribute([sum()]);
        let second = (0..9).fan_out().with(&config).distribute([sum(), sum()]);
        assert_eq!(pool.live(), 3);
        assert_eq!((second.count(), first.count()), (2, 1));
        assert_eq!(pool.live(), 0);
    });
}

#[test]
fn a_pool_of_no_threads_takes_only_runs_without_scans() {
    deadline(|| {
        let config = Config::new().pool(Pool::with_max_threads(0));
        assert!((0..9).try_par_distribute_with(&config, [sum()]).is_err());
        let none: [BoxScan<'static, u64, u64>; 0] = [];
        assert_eq!((0..9).try_par_distribute_with(&config, none).unwrap().count(), 0);
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
fn by_default_threads_are_named_after_the_crate() {
    deadline(|| {
        let outputs = distribute(&Config::new(), 0..1, vec![whereabouts()]);
        assert_eq!(outputs[0][0].1.as_deref(), Some("anabranch"));
    });
}

#[test]
fn settings_that_cannot_be_granted_are_refused_with_an_error() {
    let start = |config: Config| {
        let error = (0..9_u64).try_par_distribute_with(&config, [sum()]).unwrap_err();
        match error.into_kind() {
            StartErrorKind::Config(error) => error,
            other => panic!("{other:?}"),
        }
    };
    type Setter = fn(Config, usize) -> Config;
    let setters: [(&str, Setter); 4] = [
        ("input_capacity", Config::input_capacity),
        ("output_capacity", Config::output_capacity),
        ("batch", Config::batch),
        ("stack_size", Config::stack_size),
    ];
    for (name, set) in setters {
        assert_eq!(start(set(Config::new(), 0)), ConfigError::Zero { setting: name });
        for asked in [usize::MAX, usize::MAX / 2, (1 << 30) + 1] {
            let error = start(set(Config::new(), asked));
            assert!(
                matches!(error, ConfigError::TooLarge { setting, asked: a, .. } if setting == name && a == asked),
                "{error:?}"
            );
        }
    }
    assert_eq!(start(Config::new().thread_name("a\0b")), ConfigError::ThreadName);
    assert_eq!(start(Config::new().batch(0)).to_string(), "batch must be at least 1");
}

#[test]
fn a_batch_of_very_large_items_is_refused_by_its_bytes() {
    let config = Config::new().batch(1 << 20);
    let scan = scan::count::<[u64; 1 << 10]>();
    let error = std::iter::empty().try_par_distribute_with(&config, [scan]).unwrap_err();
    assert!(matches!(
        error.kind(),
        StartErrorKind::Config(ConfigError::TooLarge { setting: "batch", max: 131_072, .. })
    ));
}

#[test]
#[should_panic(
    expected = "the run could not start: the configuration is not valid: batch must be at least 1"
)]
fn the_short_form_panics_with_the_whole_reason() {
    drop((0..9_u64).fan_out().with(&Config::new().batch(0)).distribute([sum()]));
}

#[test]
fn the_largest_settings_that_are_granted_work() {
    deadline(|| {
        let config = Config::new().input_capacity(1 << 16).output_capacity(1 << 16).batch(1 << 20);
        assert_eq!(distribute(&config, 0..100, vec![sum()]), [[4950]]);
    });
}
