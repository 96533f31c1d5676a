//! Other processes of a run: this test program, started again.

#![allow(unreachable_pub, reason = "this is a module of a test")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use super::LIMIT;

/// What a process is to do, in its environment.
pub const JOB: &str = "ANABRANCH_TEST_JOB";
pub const ARGS: &str = "ANABRANCH_TEST_ARGS";
/// What the lines begin with that a process says to its test.
pub const MARK: &str = "@ ";

/// A process, which is killed and reaped when it is dropped.
pub struct Process {
    child: Child,
    lines: Receiver<String>,
}

impl Process {
    /// Starts this program with the one test `child`, to do `job` with the arguments of a set-up.
    pub fn start(job: &str, args: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture", "--test-threads", "1"])
            .env(JOB, job)
            .env(ARGS, args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let (send, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let Ok(line) = line else { break };
                if let Some((_, said)) = line.split_once(MARK) {
                    drop(send.send(said.to_owned()));
                }
            }
        });
        Self { child, lines }
    }

    /// Returns the next line that the process says.
    pub fn line(&self) -> String {
        match self.lines.recv_timeout(LIMIT) {
            Ok(line) => line,
            Err(error) => panic!("process {}: no line: {error}", self.child.id()),
        }
    }

    /// Waits for a line.
    pub fn says(&self, expected: &str) {
        let line = self.line();
        assert_eq!(line, expected, "process {}", self.child.id());
    }

    /// Returns whether the process says nothing for this long.
    pub fn is_silent(&self, how_long: Duration) -> bool {
        self.lines.recv_timeout(how_long).is_err()
    }

    /// Waits for the process to end by itself, and returns the lines that it still said.
    pub fn end(mut self) -> Vec<String> {
        let deadline = Instant::now() + LIMIT;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "process {} does not end", self.child.id());
            thread::sleep(Duration::from_millis(5));
        };
        // An abort is a signal.
        assert_eq!(status.code(), Some(0), "process {}: {status}", self.child.id());
        self.lines.iter().collect()
    }

    /// Sends a signal, by its name.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail for a process that was reaped.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Returns free ports of this machine, as addresses. They are found by listening on all of them
/// before any is given up, and none is returned twice.
pub fn free_addresses(count: usize) -> Vec<String> {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let mut given = GIVEN.lock().unwrap();
    let mut listeners = Vec::new();
    while listeners.len() < count {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        if given.insert(listener.local_addr().unwrap().port()) {
            listeners.push(listener);
        }
    }
    listeners.iter().map(|listener| listener.local_addr().unwrap().to_string()).collect()
}
