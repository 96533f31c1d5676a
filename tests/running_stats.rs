//! The example `running_stats`: its table, and what it says of bad input.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may panic, as it may itself")]

use std::env;
use std::io::{self, BufRead, BufReader, Seek, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

/// How long a process may take before it counts as hung.
const DEADLINE: Duration = Duration::from_secs(60);
const BUILD_DEADLINE: Duration = Duration::from_secs(600);

/// A run of the example that has ended.
#[derive(Debug)]
struct Ended {
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

/// Runs the example to its end, with the other ends of its pipes on threads.
#[track_caller]
fn run_between(
    arguments: &[&str],
    write: impl FnOnce(ChildStdin) + Send,
    read: impl FnOnce(ChildStdout) -> String + Send,
) -> Ended {
    let mut stderr = tempfile::tempfile().unwrap();
    let mut command = Command::new(&*EXAMPLE);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(stderr.try_clone().unwrap()).spawn().unwrap();
    let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (status, stdout) = thread::scope(|threads| {
        threads.spawn(|| write(stdin));
        let stdout = threads.spawn(|| read(stdout));
        (wait(&mut child, DEADLINE), stdout.join().unwrap())
    });
    let Some(status) = status else { panic!("hung for {DEADLINE:?}: {command:?}") };
    stderr.rewind().unwrap();
    Ended { status, stdout, stderr: io::read_to_string(stderr).unwrap() }
}

/// Runs the example to its end, with `input` for its standard input.
#[track_caller]
fn run(arguments: &[&str], input: &[u8]) -> Ended {
    run_between(
        arguments,
        // An example that ends early does not want all of it.
        |mut stdin| stdin.write_all(input).unwrap_or_default(),
        |stdout| io::read_to_string(stdout).unwrap(),
    )
}

/// Waits until `child` has ended. If it has not in time, kills it.
fn wait(child: &mut Child, deadline: Duration) -> Option<ExitStatus> {
    let began = Instant::now();
    while began.elapsed() < deadline {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    None
}

/// The example, which cargo has built along with all tests, or now.
static EXAMPLE: LazyLock<PathBuf> = LazyLock::new(|| {
    let test = env::current_exe().unwrap();
    let [profile, target] = [2, 3].map(|up| test.ancestors().nth(up).unwrap());
    let name = format!("running_stats{}", env::consts::EXE_SUFFIX);
    let example = profile.join("examples").join(name);
    if !example.exists() {
        let name = profile.file_name().filter(|name| *name != "debug");
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--example", "running_stats", "--target-dir"]).arg(target);
        build.arg("--profile").arg(name.unwrap_or("dev".as_ref()));
        let status = wait(&mut build.spawn().unwrap(), BUILD_DEADLINE);
        assert!(status.is_some_and(|status| status.success()), "{build:?}: {status:?}");
    }
    example
});

#[track_caller]
fn assert_prints(arguments: &[&str], input: &str, table: &[&str]) {
    let ended = run(arguments, input.as_bytes());
    assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
    assert_eq!(ended.stdout.lines().collect::<Vec<_>>(), table);
}

const HEAD: &str = "      number        mean         min         max        ewma";
const ROWS: [&str; 3] = [
    "       2.000       2.000       2.000       2.000       2.000",
    "       1.000       1.500       1.000       2.000       1.900",
    "       6.000       3.000       1.000       6.000       2.310",
];

#[test]
fn every_number_makes_a_row() {
    assert_prints(&[], "2\n1\n6\n", &[HEAD, ROWS[0], ROWS[1], ROWS[2]]);
}

#[test]
fn a_column_can_be_picked() {
    assert_prints(&["3"], "a b 2 c\n\t -  -\t1\nx y 6", &[HEAD, ROWS[0], ROWS[1], ROWS[2]]);
}

#[test]
fn no_input_makes_no_row() {
    assert_prints(&[], "", &[HEAD]);
}

#[test]
fn rows_stay_in_step_over_many_batches() {
    let count = 100_000;
    let input: String = (1..=count).map(|n| format!("{n}\n")).collect();
    let ended = run(&[], input.as_bytes());
    assert!(ended.status.success(), "{ended:?}");
    let mut rows = ended.stdout.lines().skip(1);
    for n in 1..=count {
        let row: Vec<_> = rows.next().unwrap().split_whitespace().take(4).collect();
        let [number, mean] = [f64::from(n), f64::from(n + 1) / 2.0].map(|x| format!("{x:.3}"));
        assert_eq!(row, [&number, &mean, "1.000", &number]);
    }
    assert_eq!(rows.next(), None);
}

#[test]
fn bad_input_is_named_with_its_line_after_the_rows_before_it() {
    for (arguments, input, message) in [
        (&[][..], &b"2\n1\nsix\n4\n"[..], "line 3: \"six\" is not a number"),
        (&[], b"2\n1\n1e999\n", "line 3: \"1e999\" is not a number"),
        (&[], b"2\n1\n\n", "line 3: there is no column 1"),
        (&["2"], b"- 2\n- 1\n6\n", "line 3: there is no column 2"),
        (&[], b"2\n1\n\xff\n", "line 3: stream did not contain valid UTF-8"),
    ] {
        let ended = run(arguments, input);
        assert_eq!(ended.status.code(), Some(1));
        assert_eq!(ended.stderr.trim_end(), format!("running_stats: {message}"));
        assert_eq!(ended.stdout.lines().collect::<Vec<_>>(), [HEAD, ROWS[0], ROWS[1]]);
    }
}

#[test]
fn a_column_that_is_none_is_refused() {
    for column in ["0", "-1", "two"] {
        let ended = run(&["--", column], b"1\n");
        assert_eq!(ended.status.code(), Some(2), "{ended:?}");
        assert!(ended.stdout.is_empty() && ended.stderr.contains(column), "{ended:?}");
    }
}

#[test]
fn a_closed_pipe_ends_it_quietly_though_the_input_is_endless() {
    let ended = run_between(
        &[],
        |mut stdin| while stdin.write_all(b"2\n").is_ok() {},
        |stdout| BufReader::new(stdout).lines().take(3).map(Result::unwrap).collect(),
    );
    assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
    assert_eq!(ended.stdout, [HEAD, ROWS[0], ROWS[0]].concat());
}
