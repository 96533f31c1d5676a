//! Very many outputs, over changing members, widths and settings: what arrives is what the
//! sequential run gives, and neither threads nor memory pile up.
//!
//! ```sh
//! cargo test --release --test soak                                  # some seconds
//! ANABRANCH_OUTPUTS=1000000000 cargo test --release --test soak     # as many outputs
//! ```
//!
//! One test, alone in its process, as it counts what the whole process has. The seed is
//! printed; `ANABRANCH_SEED` replays it.
//!
//! Memory is what is allocated and not freed. What is in residence is told beside it: the
//! allocator keeps more than that for itself, and the more, the more threads there are.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

#[path = "fuzz/layer.rs"]
#[allow(dead_code, reason = "it is shared with a test that needs all of it")]
mod layer;
#[path = "fuzz/random.rs"]
#[allow(dead_code, reason = "it is shared with a test that needs all of it")]
mod random;
#[path = "soak/runs.rs"]
mod runs;

use std::alloc::System;
use std::env;
use std::fs;
use std::io::{self, Write};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use layer::Threads;
use random::Random;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use support::{deadline, hush};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many outputs there are if nothing else is said.
const OUTPUTS: u64 = 3_000_000;

/// How long threads may take to come back.
const PATIENCE: Duration = Duration::from_secs(30);

/// The runs of a round.
const RUNS: usize = 12;

/// How many bytes more there may be than after the first rounds: what threads keep for
/// themselves, a few kB each.
const SLACK: usize = 1 << 20;

fn threads_of_this_process() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}

fn allocated_bytes() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated.wrapping_sub(stats.bytes_deallocated)
}

fn resident_bytes() -> usize {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    pages.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

fn from_environment(name: &str) -> Option<u64> {
    env::var(name).ok().map(|value| value.parse().expect(name))
}

/// Writes a line past what captures the output of tests.
fn tell(line: &str) {
    writeln!(io::stderr().lock(), "{line}").unwrap_or_default();
}

/// Waits until there are `wanted` threads: those that end need a moment after they were
/// let go.
fn settle_at(wanted: usize) {
    let patience = Instant::now() + PATIENCE;
    while threads_of_this_process() != wanted {
        let threads = threads_of_this_process();
        assert!(Instant::now() < patience, "{threads} threads and not {wanted}");
        thread::yield_now();
    }
}

/// One round of runs; gives how many outputs there were.
fn round(threads: &Threads, seed: u64) -> u64 {
    let threads = threads.clone();
    deadline(move || {
        let random = &mut Random::new(seed);
        (0..RUNS).map(|_| runs::any(&threads, random)).sum()
    })
}

#[test]
fn outputs_without_end_are_those_of_the_sequential_run_and_nothing_piles_up() {
    hush();
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    let seed = from_environment("ANABRANCH_SEED").unwrap_or_else(clock);
    let wanted = from_environment("ANABRANCH_OUTPUTS").unwrap_or(OUTPUTS);
    tell(&format!("{wanted} outputs from seed {seed}"));

    let (before, threads) = (threads_of_this_process(), Threads::new());
    // From now on there are as many threads as the widest run needs.
    let widest = threads.clone();
    let mut outputs = deadline(move || runs::widest(&widest));
    let mut random = Random::new(seed);
    for _ in 0..3 {
        outputs += round(&threads, random.next());
    }
    let idle = runs::THREADS;
    settle_at(before + idle);
    let (warm, resident) = (allocated_bytes(), resident_bytes());
    let (mut told, mut most) = (Instant::now(), warm);
    let in_residence = || resident_bytes().saturating_sub(resident) >> 20;
    while outputs < wanted {
        let seed = random.next();
        outputs += round(&threads, seed);
        settle_at(before + idle);
        let patience = Instant::now() + PATIENCE;
        while threads.in_use() > 0 {
            assert!(Instant::now() < patience, "in use after the round with seed {seed}");
            thread::yield_now();
        }
        most = most.max(allocated_bytes());
        let grown = most.saturating_sub(warm);
        assert!(grown < SLACK, "{grown} bytes more after {outputs} outputs");
        if told.elapsed() > Duration::from_secs(5) {
            told = Instant::now();
            let resident = in_residence();
            tell(&format!("{outputs} outputs, {grown} bytes more, {resident} MiB in residence"));
        }
    }
    let (grown, resident) = (most.saturating_sub(warm), in_residence());
    tell(&format!("{outputs} outputs, {grown} bytes more at most, {resident} MiB in residence"));

    // In one run, too.
    let (comes_and_goes, asked) = (threads.clone(), threads.clone());
    let adds = (wanted / 100).min(40_000);
    let grown = deadline(move || runs::scans_come_and_go(&comes_and_goes, adds, allocated_bytes));
    assert!(grown < SLACK, "{grown} bytes more in a run to which {adds} scans were added");
    let grown = deadline(move || runs::asks_in_vain(&asked, 500_000, allocated_bytes));
    assert!(grown < SLACK, "{grown} bytes more for requests to a run that has ended");

    drop(threads);
    settle_at(before);
}
