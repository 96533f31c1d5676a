//! After very many runs, threads and memory are back where they were.
//!
//! One test, alone in its process, as it counts what the whole process has.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::fs;
use std::time::{Duration, Instant};

use anabranch::scan::{self, Scan};
use anabranch::{IteratorExt, Pool};
use support::config::{Config, With as _};
use support::{Tally, deadline, hush, panic_at, repeat, sum, tight};

fn threads() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}

fn resident_bytes() -> usize {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    pages.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// A small generator of its own, so that a failure can be replayed.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// One run of a random shape, dropped at a random point.
fn run(pool: &Pool, random: &mut Random) {
    let tally = Tally::default();
    let tallied = tally.clone();
    let config = match random.below(3) {
        0 => tight(),
        1 => Config::new(),
        _ => Config::new().batch(7).output_capacity(2),
    };
    let width = 1 + random.below(4);
    let draw = |_| {
        let inner = match random.below(5) {
            0 => sum(),
            1 => repeat(5),
            2 => scan::take(3).boxed(),
            3 => repeat(0),
            _ => panic_at(40, "expected: hygiene"),
        };
        let tallied = tallied.clone();
        inner.map_input(|text: &String| text.len() as u64).map(move |x| tallied.make(x))
    };
    let scans: Vec<_> = (0..width).map(draw).collect();
    let items = (0..random.below(200)).map(|n| "x".repeat(n as usize));
    let mut run = items.fan_out().with(&config.pool(pool.clone())).distribute(scans);
    let taken = random.below(100) as usize;
    let taking = std::panic::AssertUnwindSafe(|| run.by_ref().take(taken).count());
    let panicked = std::panic::catch_unwind(taking).is_err();
    assert_eq!(panicked, run.panicked().is_some() && panicked);
    drop(run);
    tally.assert_settled();
    assert_eq!(pool.in_use(), 0);
}

/// Waits until there are `wanted` threads: those that end need a moment after
/// they were let go.
fn settle_at(wanted: usize) {
    let patience = Instant::now() + Duration::from_secs(20);
    while threads() != wanted {
        assert!(Instant::now() < patience, "{} threads and not {wanted}", threads());
        std::thread::yield_now();
    }
}

#[test]
fn ten_thousand_runs_leave_no_thread_and_no_memory_behind() {
    hush();
    deadline(|| {
        let before = threads();
        let mut random = Random(0x5eed_0000_0000_0001);
        let pool = Pool::new();
        for _ in 0..1_000 {
            run(&pool, &mut random);
        }
        let idle = pool.idle();
        assert!(idle <= 4, "no run had more than four scans, and {idle} threads are idle");
        assert_eq!(threads(), before + idle);
        let warm = resident_bytes();
        for _ in 0..10_000 {
            run(&pool, &mut random);
        }
        assert_eq!(threads(), before + 4);
        let grown = resident_bytes().saturating_sub(warm);
        assert!(grown < 8 << 20, "{grown} bytes more than after the first thousand runs");
        drop(pool);
        settle_at(before);

        // A pool keeps a bounded number of idle threads, however many it had.
        let pool = Pool::new();
        let config = Config::new().pool(pool.clone());
        let scans: Vec<_> = (0..1_100).map(|_| sum()).collect();
        assert_eq!((0..10).fan_out().with(&config).distribute(scans).count(), 1_100);
        assert_eq!((pool.in_use(), pool.idle()), (0, 1_024));
        settle_at(before + 1_024);
        drop((pool, config));
        settle_at(before);
    });
}
