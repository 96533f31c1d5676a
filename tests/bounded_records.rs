//! What a run keeps of those who have left, and of what was asked for, does not grow with
//! their number.
//!
//! Each test has a process to itself, as it measures what the whole process has.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "support/child.rs"]
mod child;
mod support;

use std::fs;

use anabranch::scan::{self, Scan};
use anabranch::{Control, IteratorExt, ScanId};
use support::config::{Config, With as _};
use support::{by_scan, echo};

/// How many bytes more there may be afterwards.
const BOUND: usize = 1 << 20;

/// Runs the body of a test in a process in which what is not in use any more goes back to
/// the system, so that the memory that it has is that which it needs.
#[track_caller]
fn in_frugal_process<F: FnOnce() + Send + 'static>(body: F) {
    let frugal = [
        ("MALLOC_ARENA_MAX", "1"),
        ("MALLOC_TRIM_THRESHOLD_", "65536"),
        ("MALLOC_TOP_PAD_", "0"),
        ("MALLOC_MMAP_THRESHOLD_", "65536"),
    ];
    child::in_own_process_with(&frugal, body);
}

/// How many bytes the process has that no file stands for.
fn resident_bytes() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let anonymous = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    anonymous.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() * 1024
}

/// Runs `body`, after which there may not be much more than before.
#[track_caller]
fn assert_bounded<R>(body: impl FnOnce() -> R) -> R {
    let before = resident_bytes();
    let result = body();
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < BOUND, "{grown} bytes more than before");
    result
}

mod scans_that_were_added {
    use super::*;

    /// Adds so many scans, one after the other; each ends at once.
    fn add(config: &Config) {
        let silent = scan::filter(|_: &u64| false).boxed();
        let mut run = (0..).fan_out().with(config).distribute([silent]);
        let adder = run.adder();
        let mut add = |nth: usize| {
            let name = format!("a scan with a name of its own, the {nth}th of them all");
            let id = adder.add(scan::take(1).named(name).boxed()).unwrap();
            assert_eq!(run.next().unwrap().0, id);
        };
        (0..1_000).for_each(&mut add);
        assert_bounded(|| (1_000..21_000).for_each(&mut add));
    }

    #[test]
    fn and_have_ended_are_kept_by_no_run() {
        in_frugal_process(|| add(&Config::new().batch(1)));
    }

    #[test]
    fn and_have_ended_are_kept_by_no_control() {
        in_frugal_process(|| {
            let control = Control::new();
            add(&Config::new().batch(1).control(&control));
        });
    }
}

mod requests {
    use super::*;

    /// How many there are.
    const MANY: usize = 1_000_000;

    /// Asks for what was asked for already, and for what nobody can do.
    fn ask(control: &Control) {
        control.stop_scan(ScanId::new(0));
        for nth in 0..MANY {
            control.stop_scan(ScanId::new(0));
            control.stop_scan(ScanId::new(2 + nth));
        }
    }

    #[test]
    fn are_not_heaped_up_in_a_run_that_nobody_polls() {
        in_frugal_process(|| {
            let control = Control::new();
            let config = Config::new().control(&control);
            let run = (0..10).fan_out().with(&config).distribute([echo(), echo()]);
            assert_bounded(|| ask(&control));
            // They have their effect, and no other.
            let outputs = by_scan(2, run);
            assert_eq!(outputs, [vec![u64::MAX], (0..10).chain([u64::MAX]).collect()]);
        });
    }

    #[test]
    fn are_not_heaped_up_in_a_run_that_nobody_polls_and_that_is_read_ahead() {
        in_frugal_process(|| {
            let control = Control::new();
            let config = Config::new().control(&control);
            let input = (0..10).fan_out().with(&config).read_ahead();
            let run = input.distribute([echo(), echo()]);
            assert_bounded(|| ask(&control));
            let [stopped, other] = by_scan(2, run).try_into().unwrap();
            // Some items may have been on their way when the first request came.
            let items = stopped.len() as u64 - 1;
            assert!(stopped.into_iter().eq((0..items).chain([u64::MAX])));
            assert!(other.into_iter().eq((0..10).chain([u64::MAX])));
        });
    }

    #[test]
    fn are_not_heaped_up_in_a_run_that_has_ended() {
        in_frugal_process(|| {
            let control = Control::new();
            let config = Config::new().control(&control);
            let mut run = (0..10).fan_out().with(&config).distribute([echo(), echo()]);
            assert_eq!(run.by_ref().count(), 22);
            assert_bounded(|| ask(&control));
            drop(run);
            assert_bounded(|| ask(&control));
        });
    }

    #[test]
    fn for_the_end_are_not_heaped_up() {
        in_frugal_process(|| {
            for ask in [Control::stop, Control::abort] {
                let control = Control::new();
                let config = Config::new().control(&control);
                let run = (0..10).fan_out().with(&config).distribute([echo(), echo()]);
                assert_bounded(|| (0..MANY).for_each(|_| ask(&control)));
                assert!(run.count() <= 2, "nobody has pulled anything");
                assert_bounded(|| (0..MANY).for_each(|_| ask(&control)));
            }
        });
    }
}
