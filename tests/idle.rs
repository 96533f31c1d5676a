//! A run that can do nothing uses no processor time.
//!
//! One test, alone in its process, as it reads the clock of the whole process.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::fs;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use anabranch::IteratorExt;
use anabranch::scan::{self, Scan};
use support::config::{Config, With as _};
use support::{Gate, deadline, repeat, sum};

/// The processor time that all threads of this process have had.
fn processor_time() -> Duration {
    // Nanoseconds on a processor are the first number of each thread's file.
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let spent = tasks.filter_map(|task| {
        let stat = fs::read_to_string(task.unwrap().path().join("schedstat")).ok()?;
        stat.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(spent.sum::<u64>())
}

/// How much processor time passes in a while in which the test itself does
/// nothing. `None` if a thread has ended meanwhile, whose time no longer counts.
fn processor_time_of_a_while() -> Option<Duration> {
    let (nobody, never) = mpsc::channel::<()>();
    let before = processor_time();
    let waited = never.recv_timeout(Duration::from_millis(400));
    assert_eq!(waited, Err(RecvTimeoutError::Timeout));
    drop(nobody);
    processor_time().checked_sub(before)
}

#[track_caller]
fn assert_idle() {
    // Threads that are on their way to sleep get a while to arrive there.
    let spent =
        (0..20).filter_map(|_| processor_time_of_a_while()).find(|spent| spent.as_millis() < 4);
    assert!(spent.is_some(), "the process is never idle");
}

#[test]
fn blocked_and_unpolled_runs_use_no_processor_time() {
    deadline(|| {
        // Not polled: both scans wait for input.
        let fresh = (0_u64..).par_distribute([sum(), repeat(1)]);
        assert_idle();

        // Not polled any more: everything is full.
        let mut full = (0_u64..).par_distribute([repeat(3), repeat(1)]);
        assert!(full.next().is_some());
        assert_idle();

        // The same with an input that has its own thread, which waits for room; and with
        // one that waits for items, while the consumer waits for outputs.
        let ahead = (0_u64..).fan_out().read_ahead().distribute([repeat(3), repeat(1)]);
        let (send, input) = mpsc::channel::<u64>();
        let live = std::thread::spawn(move || {
            input.into_iter().fan_out().read_ahead().distribute([repeat(3), sum()]).count()
        });
        assert_idle();
        drop(send);
        assert_eq!(live.join().unwrap(), 1);

        // Polled: the manager waits for room at a scan that does not move.
        let (gate, arrived) = (Gate::default(), Gate::default());
        let (closed, here) = (gate.clone(), arrived.clone());
        let stuck = scan::map(move |item: &u64| {
            here.open();
            closed.pass();
            *item
        });
        let config = Config::new().batch(1).input_capacity(1);
        let waiting = std::thread::spawn(move || {
            (0..100_u64).fan_out().with(&config).distribute([stuck.boxed(), sum()]).count()
        });
        arrived.pass();
        assert_idle();
        gate.open();
        assert_eq!(waiting.join().unwrap(), 101);
        drop((fresh, full, ahead));
        assert_idle();
    });
}
