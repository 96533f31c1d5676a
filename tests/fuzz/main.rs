//! Random programs over the whole crate: any member of the family, any width, threads of a pool,
//! a lease or a scope, scans that emit, end, ask and panic, inputs that do and that fail,
//! consumers that dawdle and drop, with requests from everywhere. What arrives is compared with the sequential run.
//!
//! ```sh
//! cargo test --release --test fuzz                                 # some 15 s, a new seed
//! ANABRANCH_PROGRAMS=100000 cargo test --release --test fuzz       # long
//! ANABRANCH_SEED=17 cargo test --release --test fuzz               # that one, over and over
//! ANABRANCH_KEEP_GOING=1 cargo test --release --test fuzz          # all failures, by class
//! ```
//!
//! A program follows from its seed; what the threads make of it does not. A replay runs
//! it `ANABRANCH_TIMES` times, 100 unless that is set. `ANABRANCH_PATIENCE` says after how
//! many seconds a program counts as one that hangs, 60 unless that is set;
//! `ANABRANCH_PROFILE=waves` draws programs of one profile only (see `draw.rs`).
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::backtrace::Backtrace;
use std::env;
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anabranch::prelude::*;

mod board;
mod check;
mod draw;
mod execute;
mod input;
#[path = "../support/kinds.rs"]
#[allow(dead_code, unreachable_pub, reason = "it is shared with tests that need more of it")]
mod kinds;
mod layer;
mod log;
mod oracle;
mod program;
mod random;
mod scans;
mod values;
mod workers;

use values::Payload;
use workers::{Watch, Work, tell};

/// How long it takes if nothing else is said.
const SECONDS: u64 = 15;

#[test]
fn random_programs_give_what_the_sequential_run_gives() {
    if let Some(work) = Work::of_this_process() {
        hush();
        return work.run();
    }
    let seed = from_environment("ANABRANCH_SEED");
    let programs = from_environment("ANABRANCH_PROGRAMS");
    let times = from_environment("ANABRANCH_TIMES");
    let first = seed.unwrap_or_else(clock);
    let work = match (seed, programs) {
        (_, Some(programs)) => Work { first, programs, times: 1, seconds: u64::MAX },
        (Some(_), None) => Work { first, programs: 1, times: 100, seconds: u64::MAX },
        (None, None) => Work { first, programs: u64::MAX, times: 1, seconds: SECONDS },
    };
    let work = Work { times: times.unwrap_or(work.times), ..work };
    if from_environment("ANABRANCH_SHOW").is_some() {
        panic!("ANABRANCH_SEED={first}, {:#?}", draw::draw(first));
    }
    let watch = Watch {
        test: "random_programs_give_what_the_sequential_run_gives",
        patience: Duration::from_secs(from_environment("ANABRANCH_PATIENCE").unwrap_or(60)),
        keep_going: from_environment("ANABRANCH_KEEP_GOING").is_some_and(|on| on != 0),
    };
    tell(&format!("random programs from seed {first}"));
    let findings = watch.run(work);
    tell(&format!("{} programs", findings.programs));
    if !findings.are_none() {
        let replay = match findings.first_seed() {
            Some(seed) => format!("ANABRANCH_SEED={seed}, {:#?}", draw::draw(seed)),
            None => String::new(),
        };
        let replay = if watch.keep_going { String::new() } else { replay };
        panic!("of {} programs fail\n{}\n{replay}", findings.programs, findings.table());
    }
}

fn from_environment(name: &str) -> Option<u64> {
    env::var(name).ok().map(|value| value.parse().expect(name))
}

/// A seed that is another at each run, and short enough to be typed.
fn clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64)
        % 10_000_000_000
}

/// Keeps the panics of the programs from the output, and tells of all others where they
/// come from.
fn hush() {
    panic::set_hook(Box::new(|info| {
        let payload = info.payload();
        let expected = payload.is::<Payload>()
            || payload.downcast_ref::<&str>().is_some_and(|said| said.starts_with("expected"));
        if !expected {
            tell(&format!("{info}\n{}", Backtrace::force_capture()));
        }
    }));
}

/// The drops of clones that nobody is given may panic together, which ends the process: see the
/// seed 5290064958.
#[test]
fn a_row_that_is_not_whole_clones_nothing() {
    let clones = Arc::new(AtomicUsize::new(0));
    let each = |scan| {
        let counted = Counted(Arc::clone(&clones));
        // The last one is silent.
        scan::filter_map(move |_: &u64| (scan < 2).then(|| Counted(Arc::clone(&counted.0)))).boxed()
    };
    let scans: Vec<_> = (0..3).map(each).collect();
    assert_eq!((0..10).fan_out().zip_latest(scans).count(), 0);
    assert_eq!(clones.load(SeqCst), 0);
}

/// Counts its clones.
struct Counted(Arc<AtomicUsize>);

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.fetch_add(1, SeqCst);
        Self(Arc::clone(&self.0))
    }
}
