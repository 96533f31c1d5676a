//! What the tests share.

#![allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anabranch_timely::{Job, RunError, Setup, Sink, Stats, outputs, spawn};

/// Runs `body` on a thread of its own, and fails if it takes longer than `limit`.
pub fn within<R: Send + 'static>(
    limit: Duration,
    what: &str,
    body: impl FnOnce() -> R + Send + 'static,
) -> R {
    let (done, waiting) = mpsc::channel();
    let thread = thread::spawn(move || {
        let result = body();
        done.send(()).unwrap();
        result
    });
    match waiting.recv_timeout(limit) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("{what}: not done within {limit:?}"),
        // A panic of the body disconnects, and is passed on.
        _ => thread.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload)),
    }
}

pub const LIMIT: Duration = Duration::from_secs(60);

/// Runs a job, and returns what it delivers and how it ends.
pub fn run<T: Send + 'static>(
    setup: &Setup,
    build: impl Fn(&Job<'_>, &Sink<T>) + Send + Sync + 'static,
) -> (Vec<T>, Result<Stats, RunError>) {
    let setup = setup.clone();
    within(LIMIT, "run", move || {
        let (sink, outputs) = outputs(2);
        let run = spawn(&setup, move |job| build(job, &sink)).unwrap();
        let outputs = outputs.collect();
        (outputs, run.join())
    })
}
