//! Programs are run in a process of their own, which is watched: one that hangs or that
//! takes the process down is named, and the next process goes on behind it.

use std::collections::{BTreeMap, VecDeque};
use std::env;
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::board::lock;
use super::check::{Failure, check};
use super::draw::draw;
use super::execute::execute;
use super::layer::Threads;

/// Says to a process that it is to run programs, and which.
const WORK: &str = "ANABRANCH_WORK";

/// Which programs are run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    pub(crate) first: u64,
    pub(crate) programs: u64,
    /// How often each is run.
    pub(crate) times: u64,
    pub(crate) seconds: u64,
}

impl Work {
    /// What this process is to do, if it is one that runs programs.
    pub(crate) fn of_this_process() -> Option<Self> {
        let work = env::var(WORK).ok()?;
        let numbers: Vec<_> = work.split(',').map(|number| number.parse().expect(WORK)).collect();
        let [first, programs, times, seconds] = numbers[..] else { panic!("{WORK}={work}") };
        Some(Self { first, programs, times, seconds })
    }

    /// Runs the programs, and says how it goes.
    pub(crate) fn run(self) {
        let (began, threads) = (Instant::now(), Threads::new());
        for seed in (self.first..).take(self.programs as usize) {
            for _ in 0..self.times {
                say(&format!("@begin {seed}"));
                let (board, outcome) = execute(draw(seed), &threads);
                for Failure { class, detail } in check(&board, &outcome) {
                    let detail = format!("{detail}; {:?}", outcome.end).replace('\n', " ");
                    say(&format!("@fail {class}\t{detail}"));
                }
            }
            if began.elapsed().as_secs() >= self.seconds {
                break;
            }
        }
        say("@done");
    }
}

/// Writes a line past what captures the output of tests.
fn say(line: &str) {
    let mut out = io::stdout().lock();
    // On a line of its own: what runs the tests may have begun one. The one who listens is
    // gone only if it has failed itself.
    let _said = write!(out, "\n{line}\n").and_then(|()| out.flush());
}

/// What was found.
#[derive(Default)]
pub(crate) struct Findings {
    pub(crate) programs: u64,
    classes: BTreeMap<String, Class>,
}

struct Class {
    count: u64,
    seeds: Vec<u64>,
    detail: String,
}

impl Findings {
    fn note(&mut self, seed: u64, class: &str, detail: &str) {
        let class = self.classes.entry(class.to_owned()).or_insert_with(|| Class {
            count: 0,
            seeds: Vec::new(),
            detail: detail.to_owned(),
        });
        class.count += 1;
        if class.seeds.len() < 5 && !class.seeds.contains(&seed) {
            class.seeds.push(seed);
        }
    }

    pub(crate) fn are_none(&self) -> bool {
        self.classes.is_empty()
    }

    pub(crate) fn first_seed(&self) -> Option<u64> {
        self.classes.values().find_map(|class| class.seeds.first().copied())
    }

    /// All classes, the most frequent first.
    pub(crate) fn table(&self) -> String {
        let mut classes: Vec<_> = self.classes.iter().collect();
        classes.sort_by_key(|(_, class)| std::cmp::Reverse(class.count));
        let mut table = String::new();
        for (name, Class { count, seeds, detail }) in classes {
            let _infallible =
                writeln!(table, "{count:7}  {name}\n         seeds {seeds:?}, the first: {detail}");
        }
        table
    }
}

/// Watches processes that run programs.
pub(crate) struct Watch {
    pub(crate) test: &'static str,
    /// How long a program may take until it counts as one that hangs.
    pub(crate) patience: Duration,
    /// Whether to go on behind a failure.
    pub(crate) keep_going: bool,
}

impl Watch {
    /// Has all the programs run.
    pub(crate) fn run(&self, work: Work) -> Findings {
        let (began, mut findings) = (Instant::now(), Findings::default());
        let mut told = Instant::now();
        let mut left = work;
        while left.programs > 0 && began.elapsed().as_secs() < work.seconds {
            left.seconds = work.seconds - began.elapsed().as_secs();
            let mut process = Process::start(self.test, left);
            let mut seed = left.first;
            let failed = loop {
                match process.lines.recv_timeout(self.patience) {
                    Ok(line) => match line.split_once(' ').unwrap_or((&line, "")) {
                        ("@begin", number) => {
                            seed = number.parse().expect("a seed");
                            findings.programs += 1;
                        }
                        ("@fail", failure) => {
                            let (class, detail) = failure.split_once('\t').unwrap_or((failure, ""));
                            findings.note(seed, class, detail);
                        }
                        ("@done", _) => {
                            if let Some(said) = process.end() {
                                findings.note(seed, "complains at its end", &said);
                            }
                            break false;
                        }
                        _ => {}
                    },
                    Err(RecvTimeoutError::Timeout) => {
                        let program = draw(seed);
                        let class = format!("hangs ({}, {:?})", program.profile, program.member);
                        findings.note(seed, &class, &format!("{} scans", program.scans.len()));
                        break true;
                    }
                    Err(RecvTimeoutError::Disconnected) => {
                        let (program, said) = (draw(seed), process.last_words());
                        let (member, panics) = (program.member, program.panics().join(", "));
                        let class = format!("takes the process down ({member:?}: {panics})");
                        findings.note(seed, &class, &said);
                        break true;
                    }
                }
                if !self.keep_going && !findings.are_none() {
                    return findings;
                }
                if told.elapsed() > Duration::from_secs(30) {
                    told = Instant::now();
                    let seconds = began.elapsed().as_secs();
                    let (programs, classes) = (findings.programs, findings.classes.len());
                    tell(&format!(
                        "{programs} programs, {seconds} s, {classes} classes of failures"
                    ));
                }
            };
            if !failed || !self.keep_going {
                return findings;
            }
            left.programs -= (seed - left.first + 1).min(left.programs);
            left.first = seed + 1;
        }
        findings
    }
}

/// Writes a line past what captures the output of tests.
pub(crate) fn tell(line: &str) {
    let _said = writeln!(io::stderr().lock(), "{line}");
}

struct Process {
    child: Child,
    /// What it says, line by line.
    lines: mpsc::Receiver<String>,
    /// The end of what it complains of.
    complaints: Arc<Mutex<VecDeque<String>>>,
}

impl Process {
    fn start(test: &str, work: Work) -> Self {
        let Work { first, programs, times, seconds } = work;
        let mut child = Command::new(env::current_exe().expect("the path of this test"))
            .args([test, "--exact", "--nocapture", "--test-threads", "1"])
            .env(WORK, format!("{first},{programs},{times},{seconds}"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a process");
        let (said, lines) = mpsc::channel();
        let out = child.stdout.take().expect("a pipe");
        thread::spawn(move || {
            let mut rest = BufReader::new(out).lines().map_while(Result::ok);
            while let Some(line) = rest.next().filter(|line| said.send(line.clone()).is_ok()) {
                drop(line);
            }
        });
        let complaints = Arc::new(Mutex::new(VecDeque::new()));
        let (kept, complained) = (Arc::clone(&complaints), child.stderr.take().expect("a pipe"));
        thread::spawn(move || {
            for line in BufReader::new(complained).lines().map_while(Result::ok) {
                let mut kept = lock(&kept);
                if kept.len() > 400 {
                    kept.pop_front();
                }
                kept.push_back(line);
            }
        });
        Self { child, lines, complaints }
    }

    /// Why it is no more: where it was in this crate, and what it said.
    fn last_words(&mut self) -> String {
        let status = self.child.wait().expect("a status");
        // What was written is read a moment later.
        thread::sleep(Duration::from_millis(100));
        let complaints = lock(&self.complaints);
        let is_ours = |line: &&String| {
            ["anabranch::", "panicked at", "ERROR", "WARNING"]
                .iter()
                .any(|word| line.contains(word))
        };
        let said: Vec<_> =
            complaints.iter().filter(is_ours).take(5).map(|line| line.trim()).collect();
        format!("{status}: {}", said.join(" | "))
    }

    /// What it complains of when it has done all it was told to.
    fn end(&mut self) -> Option<String> {
        let ended = self.child.wait().expect("a status").success();
        (!ended).then(|| self.last_words())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _killed = self.child.kill();
        let _status = self.child.wait();
    }
}
