//! The conformance suite of the sync facade, against the side that ships. The
//! model checkers run the same cases against the other side, in
//! `loom-tests/conformance`.

#![cfg(not(any(loom, shuttle)))]

use std::panic::resume_unwind;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

mod cases;
#[path = "../../src/sync/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the cases do not need all of the facade")]
mod sync;

/// How often each case runs, to meet different schedules.
const ROUNDS: usize = 200;

/// How long a case may take for all of its rounds. It takes far less, or it
/// hangs.
const DEADLINE: Duration = Duration::from_secs(30);

/// Runs `case` on a thread of its own, so that one that hangs fails and names
/// itself.
fn check(name: &str, case: fn()) {
    let (done, is_done) = mpsc::channel();
    let body = move || {
        for _ in 0..ROUNDS {
            case();
        }
        assert!(done.send(()).is_ok(), "the deadline has passed");
    };
    let thread = thread::Builder::new().name(name.to_owned()).spawn(body).expect("a thread starts");
    if is_done.recv_timeout(DEADLINE) == Err(RecvTimeoutError::Timeout) {
        panic!("{name} has not come to its end in {DEADLINE:?}");
    }
    if let Err(panic) = thread.join() {
        resume_unwind(panic);
    }
}

macro_rules! native {
    ($module:ident $kind:ident $($case:ident)*) => {$(
        #[test]
        fn $case() {
            check(stringify!($case), cases::$module::$case);
        }
    )*};
}
cases::each_case!(native);
