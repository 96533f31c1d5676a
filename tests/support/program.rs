//! Running an example as a process, under a deadline.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may panic, as it may itself")]
#![allow(dead_code, reason = "each test uses its own part of this")]

use std::env;
use std::io::{self, Seek, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How long a process may take before it counts as hung.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
const BUILD_DEADLINE: Duration = Duration::from_secs(600);

/// A run of the example that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// An example, which cargo has built along with all tests, or now.
pub(crate) struct Example {
    program: PathBuf,
    /// What a shell does before it becomes the example.
    before: Option<String>,
}

impl Example {
    pub(crate) fn new(name: &str) -> Self {
        Self { program: built(name), before: None }
    }

    /// Returns the example as cargo builds it now, with the feature `tracing` if this test has it.
    pub(crate) fn with_features_of_the_test(name: &str) -> Self {
        let features =
            if cfg!(feature = "tracing") { ["--features", "tracing"].as_slice() } else { &[] };
        Self { program: build(name, features), before: None }
    }

    /// Returns the example as a shell starts it that has run `script`.
    #[cfg(unix)]
    pub(crate) fn under(&self, script: &str) -> Self {
        Self { program: self.program.clone(), before: Some(script.to_owned()) }
    }

    fn command(&self) -> Command {
        let Some(before) = &self.before else { return Command::new(&self.program) };
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("{before}\nexec \"$0\" \"$@\"")).arg(&self.program);
        shell
    }

    /// Runs the example to its end, with the other ends of its pipes on threads.
    #[track_caller]
    pub(crate) fn run_between(
        &self,
        arguments: &[&str],
        write: impl FnOnce(ChildStdin) + Send,
        read: impl FnOnce(ChildStdout) -> String + Send,
    ) -> Ended {
        let mut stderr = tempfile::tempfile().unwrap();
        let mut command = self.command();
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
    pub(crate) fn run(&self, arguments: &[&str], input: &[u8]) -> Ended {
        self.run_between(
            arguments,
            // An example that ends early does not want all of it.
            |mut stdin| stdin.write_all(input).unwrap_or_default(),
            |stdout| io::read_to_string(stdout).unwrap(),
        )
    }
}

impl Example {
    /// Runs the example with nobody at the other end of its standard output.
    #[track_caller]
    pub(crate) fn run_into_closed(&self, arguments: &[&str], input: &[u8]) -> Ended {
        let (closed, wait) = mpsc::channel();
        self.run_between(
            arguments,
            move |mut stdin| {
                wait.recv().unwrap();
                stdin.write_all(input).unwrap_or_default();
            },
            move |stdout| {
                drop(stdout);
                closed.send(()).unwrap();
                String::new()
            },
        )
    }
}

/// Returns where the example is.
pub(crate) fn built(name: &str) -> PathBuf {
    let (_, example) = target_and_example(name);
    if example.exists() { example } else { build(name, &[]) }
}

/// Returns the folder of this build, with its profile, and where the example is in it.
fn target_and_example(name: &str) -> (PathBuf, PathBuf) {
    let test = env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    let program = format!("{name}{}", env::consts::EXE_SUFFIX);
    (profile.to_owned(), profile.join("examples").join(program))
}

/// Builds the example, and returns where it is.
fn build(name: &str, flags: &[&str]) -> PathBuf {
    let (profile, example) = target_and_example(name);
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--example", name]).args(flags);
    build.arg("--target-dir").arg(profile.parent().unwrap());
    let profile = profile.file_name().filter(|name| *name != "debug");
    build.arg("--profile").arg(profile.unwrap_or("dev".as_ref()));
    let status = wait(&mut build.spawn().unwrap(), BUILD_DEADLINE);
    assert!(status.is_some_and(|status| status.success()), "{build:?}: {status:?}");
    example
}

/// Waits until `child` has ended. If it has not in time, kills it.
pub(crate) fn wait(child: &mut Child, deadline: Duration) -> Option<ExitStatus> {
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
