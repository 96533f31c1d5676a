//! Running the body of a test in a process of its own: for what would take the whole test
//! binary with it if it went wrong, and for figures that belong to a process.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may panic, as it may itself")]
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::any::type_name;
use std::env;
use std::process::Command;

use crate::support::deadline;

/// Names the test whose body the process is to run.
const BODY_OF: &str = "ANABRANCH_TEST_BODY_OF";

/// What a process says whose body has come to its end: one that found no such test, or
/// left on the way, does not.
const DONE: &str = "the body has come to its end";

/// Runs `body` in a process of its own, under a deadline, and fails if it does not come
/// to its end there. To be called by the test itself, once, with a closure: its type
/// tells the name of the test.
#[track_caller]
pub(crate) fn in_own_process<F: FnOnce() + Send + 'static>(body: F) {
    in_own_process_with(&[], body);
}

/// The same, with `variables` in the environment of the process.
#[track_caller]
pub(crate) fn in_own_process_with<F: FnOnce() + Send + 'static>(
    variables: &[(&str, &str)],
    body: F,
) {
    let test = name_of::<F>();
    if env::var(BODY_OF).is_ok_and(|name| name == test) {
        deadline(body);
        println!("{DONE}");
        return;
    }
    let mut child = Command::new(env::current_exe().unwrap());
    child.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(BODY_OF, test);
    // What it would say of stacks is not what a user has.
    child.env_remove("RUST_MIN_STACK").envs(variables.iter().copied());
    let ended = child.output().unwrap();
    let [stdout, stderr] =
        [ended.stdout, ended.stderr].map(|said| String::from_utf8(said).unwrap());
    assert!(
        ended.status.success() && stdout.contains(DONE),
        "the process of {test} has ended with {}\n{stdout}\n{stderr}",
        ended.status
    );
}

/// What the test is called that the closure is in: its path without the crate.
#[track_caller]
fn name_of<F>() -> &'static str {
    let path =
        type_name::<F>().split_once("::").and_then(|(_, path)| path.strip_suffix("::{{closure}}"));
    path.expect("a closure in a test")
}
