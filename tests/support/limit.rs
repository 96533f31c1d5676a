//! Deadlines of tests.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// How long anything here may take before it counts as a deadlock. On a machine
/// that is free it takes seconds at most; on a crowded one each hand-over between
/// threads may take a time slice.
const DEADLINE: Duration = Duration::from_secs(240);

/// How long a test may take that is over in a second or two, unless it hangs.
pub const SOON: Duration = Duration::from_secs(60);

/// Runs `body`, and fails if it does not return in time: a deadlock fails with
/// the name of its test and does not hang the suite. The stuck thread is left
/// behind.
#[track_caller]
pub fn deadline<R: Send + 'static>(body: impl FnOnce() -> R + Send + 'static) -> R {
    deadline_of(DEADLINE, body)
}

/// Does the same for tests that are quick or hang, and so need not have the patience that
/// the slowest test needs.
#[track_caller]
pub fn deadline_of<R: Send + 'static>(
    limit: Duration,
    body: impl FnOnce() -> R + Send + 'static,
) -> R {
    let (done, result) = mpsc::channel();
    let test = thread::current().name().unwrap_or("test").to_owned();
    thread::Builder::new()
        .name(test.clone())
        .spawn(move || done.send(catch_unwind(AssertUnwindSafe(body))))
        .unwrap();
    match result.recv_timeout(limit) {
        Ok(Ok(value)) => value,
        Ok(Err(payload)) => resume_unwind(payload),
        Err(RecvTimeoutError::Timeout) => panic!("deadlock: {test} did not end in {limit:?}"),
        Err(RecvTimeoutError::Disconnected) => unreachable!("the thread sends or unwinds"),
    }
}
