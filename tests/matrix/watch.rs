//! Watches a worker: names the cell that hangs or that aborts the process, starts another
//! worker behind it, and puts together what is wrong.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::cell::Cell;
use crate::sample::Choice;
use crate::worker::{Word, work};

/// Tells a process that it is a worker, and how often to run each cell.
const WORKER: &str = "ANABRANCH_MATRIX_WORKER";

/// How long a cell may take. It takes milliseconds, but on a crowded machine every hand-over
/// between threads may take a time slice.
const DEADLINE: Duration = Duration::from_secs(30);

/// How many examples are told of each class.
const EXAMPLES: usize = 3;

/// Runs the cells that the environment asks for. `test` is the name of the test that
/// calls this: a worker is a process that runs that test alone.
pub(crate) fn run(test: &str) {
    if let Ok(times) = env::var(WORKER) {
        return work(times.parse().expect("how often"));
    }
    let choice = Choice::from_environment();
    let began = Instant::now();
    println!("seed {}, {} cells", choice.seed, choice.cells.len());
    let found = watch(test, &choice);
    println!("{} cells in {:.1?}", choice.cells.len(), began.elapsed());
    assert!(found.is_empty(), "{}", report(&choice, &found));
}

/// All that is wrong, each with its cell.
type Found = Vec<(Cell, String)>;

fn watch(test: &str, choice: &Choice) -> Found {
    let (mut found, mut rest) = (Vec::new(), choice.cells.clone());
    while !rest.is_empty() {
        let mut worker = start(test, &rest, choice.times);
        let words = listen(&mut worker);
        let mut now = 0;
        let hangs = loop {
            match words.recv_timeout(DEADLINE) {
                Ok(Word::Begin(place)) => now = place,
                Ok(Word::Red(what)) => found.push((rest[now], what)),
                Ok(Word::Done) => {
                    worker.wait().expect("a worker can be waited for");
                    return found;
                }
                Err(RecvTimeoutError::Timeout) => {
                    worker.kill().expect("a worker that hangs is there");
                    break true;
                }
                Err(RecvTimeoutError::Disconnected) => break false,
            }
        };
        let status = worker.wait().expect("a worker can be waited for");
        let cell = rest[now];
        rest.drain(..=now);
        let what = if hangs {
            // Nobody waits for others of the kind.
            let all = rest.len();
            rest.retain(|other| (other.site, other.member) != (cell.site, cell.member));
            format!("hangs for {DEADLINE:?}, so {} others were left out", all - rest.len())
        } else {
            format!("ends the process: {status}")
        };
        found.push((cell, what));
    }
    found
}

/// Starts a worker, and gives it the cells.
fn start(test: &str, cells: &[Cell], times: usize) -> Child {
    let program = env::current_exe().expect("the test knows where it is");
    let mut command = Command::new(program);
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]);
    command.env(WORKER, times.to_string());
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut worker = command.spawn().expect("a worker starts");
    let mut wants = worker.stdin.take().expect("it is piped");
    let numbers: Vec<_> = cells.iter().map(|cell| cell.number).collect();
    // It may be gone before it has read all.
    thread::spawn(move || numbers.iter().all(|number| writeln!(wants, "{number}").is_ok()));
    worker
}

/// Gives what a worker says, as it comes.
fn listen(worker: &mut Child) -> Receiver<Word> {
    let (words, heard) = mpsc::channel();
    let out = BufReader::new(worker.stdout.take().expect("it is piped"));
    thread::spawn(move || {
        let lines = out.lines().map_while(Result::ok);
        // Nobody may listen any more.
        lines.filter_map(|line| Word::read(&line)).all(|word| words.send(word).is_ok());
    });
    heard
}

/// What is wrong, by classes.
fn report(choice: &Choice, found: &Found) -> String {
    let mut classes: BTreeMap<String, Vec<&(Cell, String)>> = BTreeMap::new();
    for wrong in found {
        let (Cell { site, member, .. }, what) = wrong;
        classes
            .entry(format!("{site:?} × {member:?}: {}", class_of(what)))
            .or_default()
            .push(wrong);
    }
    let mut cells: Vec<_> = found.iter().map(|(cell, _)| cell.number).collect();
    cells.dedup();
    let mut text = String::new();
    let counts = format!("{} cells of {} are red", cells.len(), choice.cells.len());
    writeln!(text, "{counts}, seed {}", choice.seed).expect("a string takes all");
    for (class, wrongs) in &classes {
        writeln!(text, "{:5} {class}", wrongs.len()).expect("a string takes all");
        for (cell, what) in wrongs.iter().take(EXAMPLES) {
            let Cell { number, .. } = cell;
            writeln!(text, "      ANABRANCH_CELL={number}: {cell}\n          {what}")
                .expect("a string takes all");
        }
    }
    text
}

/// The same for all that differ in numbers alone, or in what follows a colon.
fn class_of(what: &str) -> String {
    let (what, _) = what.split_once(": ").unwrap_or((what, ""));
    let words = what
        .split(' ')
        .map(|word| if word.chars().any(|c| c.is_ascii_digit()) { "#" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn what_differs_in_numbers_is_of_one_class() {
    assert_eq!(class_of("scan 3 gave 17: this"), class_of("scan 40 gave 1: that"));
    assert_ne!(class_of("scan 3 gave 17"), class_of("scan 3 took 17"));
}
