//! How often each word occurs in large text files, counted by several processes.
//!
//! Each process reads files of its own, and has the scans of a share of the words; process 0 prints
//! the totals of all. `--local` starts all processes on this machine, and deals the files to them:
//!
//! ```text
//! $ cargo run --release --example totals -- --local 2 --check --top 2 README.md CHANGELOG.md
//! ```
//!
//! By hand, with `hosts` a file of two addresses, one in each line:
//!
//! ```text
//! $ totals -n 2 -p 0 -h hosts README.md
//! $ totals -n 2 -p 1 -h hosts CHANGELOG.md
//! ```
//!
//! It shows a count for each word, on any number of machines; an input that may fail; and progress,
//! on a terminal.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::error::Error;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, IsTerminal, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anabranch::prelude::*;
use anabranch_timely::{Deliver, Order, RunError, Scans, Setup, SetupError, outputs, spawn};
use clap::Parser;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Counts the words in text files, on as many processes as are started.
///
/// Before these options come timely's: -w WORKERS -n PROCESSES -p PROCESS -h HOSTFILE.
#[derive(Parser, Clone)]
struct Args {
    /// The files that this process reads
    files: Vec<PathBuf>,
    /// How many of the most frequent words to print
    #[arg(long, default_value = "10")]
    top: usize,
    /// Leave out words with fewer letters
    #[arg(long, default_value = "1")]
    min_letters: usize,
    /// Start this many processes on this machine, and deal the files to them
    #[arg(long, value_name = "PROCESSES")]
    local: Option<usize>,
    /// Compare the totals with those of one thread (needs all files here)
    #[arg(long)]
    check: bool,
    /// Only count on one thread
    #[arg(long)]
    sequential: bool,
    /// Print statistics of this process at the end
    #[arg(long)]
    stats: bool,
}

/// Returns the words of a line, in lower case.
fn words(line: &str) -> impl Iterator<Item = String> {
    line.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

/// Makes the scan of a word; none for a word that is too short.
fn count(min_letters: usize, word: &str) -> Option<impl Scan<String, Output = usize> + use<>> {
    (word.chars().count() >= min_letters).then(scan::count)
}

/// Returns the words of files, and counts the bytes that were read. An error says which line cannot
/// be read.
fn words_of(
    files: Vec<(PathBuf, File)>,
    read: Arc<AtomicU64>,
) -> impl Iterator<Item = Result<String, String>> {
    files.into_iter().flat_map(move |(path, file)| {
        let read = Arc::clone(&read);
        let lines = std::iter::zip(1.., BufReader::with_capacity(1 << 16, file).lines());
        lines.flat_map(move |(number, line)| match line {
            Ok(line) => {
                read.fetch_add(line.len() as u64 + 1, Ordering::Relaxed);
                words(&line).map(Ok).collect::<Vec<_>>()
            }
            Err(error) => vec![Err(format!("{}, line {number}: {error}", path.display()))],
        })
    })
}

/// Ends the run with what is wrong: as a panic of the input, without a panic's message on the
/// terminal.
fn give_up(what: String) -> ! {
    std::panic::resume_unwind(Box::new(what))
}

fn open(files: &[PathBuf]) -> Result<Vec<(PathBuf, File)>, String> {
    let open = |path: &PathBuf| match File::open(path) {
        Ok(file) => Ok((path.clone(), file)),
        Err(error) => Err(format!("{}: {error}", path.display())),
    };
    files.iter().map(open).collect()
}

type Totals = Vec<(String, usize)>;

/// Counts on this thread: the same scans, stepped by hand.
fn count_here(args: &Args) -> Result<Totals, String> {
    let mut scans = HashMap::new();
    let mut totals = Vec::new();
    for word in words_of(open(&args.files)?, Arc::default()) {
        let scan = scans.entry(word?).or_insert_with_key(|word| count(args.min_letters, word));
        if let Some(scan) = scan {
            // A count does not look at its item.
            if scan.step(&String::new(), &mut Emitter::from(&mut totals)).is_break() {
                break;
            }
        }
    }
    let mut counted = Vec::new();
    for (word, scan) in scans {
        if let Some(mut scan) = scan {
            scan.flush(&mut Emitter::from(&mut totals));
            counted.extend(totals.drain(..).map(|total| (word.clone(), total)));
        }
    }
    Ok(counted)
}

/// Counts together with the other processes. Process 0 gets the totals.
fn count_together(args: &Args, setup: &Setup) -> Result<Totals, Box<dyn Error>> {
    let workers = setup.peers() / setup.processes();
    let first = setup.process() * workers;
    let read: Vec<Arc<AtomicU64>> = (0..workers).map(|_| Arc::default()).collect();
    let bar = progress(&args.files);
    let counters = read.clone();
    let (files, min_letters) = (args.files.clone(), args.min_letters);
    // What cannot be opened is found here, before the others wait for this process.
    open(&files)?;
    let (sink, outputs) = outputs(16);
    let run = spawn(setup, move |job| {
        let local = job.index() - first;
        let files: Vec<_> = files.iter().skip(local).step_by(workers).cloned().collect();
        let counter = Arc::clone(&counters[local]);
        let input = move || match open(&files) {
            Ok(files) => {
                words_of(files, counter).map(|word| word.unwrap_or_else(|what| give_up(what)))
            }
            Err(what) => give_up(what),
        };
        let count = move |word: &String| count(min_letters, word);
        let totals = job.source(input).stream().demux(job, Order::Arrival, String::clone, count);
        totals.gather(job, 0).deliver(job, &sink);
    })?;
    let ticker = {
        let (bar, read) = (bar.clone(), read.clone());
        std::thread::spawn(move || {
            while !bar.is_finished() {
                bar.set_position(read.iter().map(|bytes| bytes.load(Ordering::Relaxed)).sum());
                std::thread::sleep(Duration::from_millis(100));
            }
        })
    };
    let totals = outputs.collect();
    let result = run.join();
    bar.finish_and_clear();
    // It ends by itself, and has nothing to say.
    drop(ticker.join());
    let stats = result?;
    if args.stats {
        let mut text = format!("process {}\n{stats}\n", setup.process());
        for (worker, bytes) in (first..).zip(&read) {
            text += &format!("worker {worker} read {} bytes\n", bytes.load(Ordering::Relaxed));
        }
        // At once, as other processes may write too.
        eprint!("{text}");
    }
    Ok(totals)
}

fn progress(files: &[PathBuf]) -> ProgressBar {
    let sizes = files.iter().filter_map(|path| path.metadata().ok()).map(|meta| meta.len());
    let target = match io::stderr().is_terminal() {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    let bar = ProgressBar::with_draw_target(Some(sizes.sum()), target);
    let style =
        ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {binary_bytes_per_sec}");
    style.map_or_else(|_| bar.clone(), |style| bar.clone().with_style(style))
}

/// Processes that were started here. They are ended and waited for when this is dropped.
struct Children(Vec<Child>);

impl Children {
    /// Waits for all of them, and returns whether all have succeeded.
    fn wait(mut self) -> io::Result<bool> {
        let mut good = true;
        for child in &mut self.0 {
            good &= child.wait()?.success();
        }
        Ok(good)
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // Both fail for one that was waited for.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// Starts the other processes on this machine, and deals the files to all.
fn count_locally(args: &Args, setup: &Setup, processes: usize) -> Result<Totals, Box<dyn Error>> {
    let listeners: Vec<_> =
        (0..processes).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<io::Result<_>>()?;
    let hosts: Vec<_> = listeners
        .iter()
        .map(|listener| listener.local_addr().map(|address| address.to_string()))
        .collect::<io::Result<_>>()?;
    drop(listeners);
    let hostfile = std::env::temp_dir().join(format!("totals-{}", std::process::id()));
    std::fs::write(&hostfile, hosts.join("\n"))?;
    let dealt = |process| args.files.iter().skip(process).step_by(processes);
    let workers = setup.peers().to_string();
    let mut children = Children(Vec::new());
    for process in 1..processes {
        let mut child = Command::new(std::env::current_exe()?);
        child.args(["-w", &workers, "-n", &processes.to_string(), "-p", &process.to_string()]);
        child.arg("-h").arg(&hostfile).arg(format!("--min-letters={}", args.min_letters));
        if args.stats {
            child.arg("--stats");
        }
        let child = child.arg("--").args(dealt(process)).stdin(Stdio::null()).spawn();
        children.0.push(child?);
    }
    let mine = Args { files: dealt(0).cloned().collect(), ..args.clone() };
    let totals = count_together(&mine, &setup.clone().cluster(0, hosts));
    drop(std::fs::remove_file(hostfile));
    let totals = totals?;
    match children.wait()? {
        true => Ok(totals),
        false => Err("another process has failed".into()),
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let (setup, rest) = match Setup::from_args(std::env::args()) {
        // Alone, it asks for help, as in other programs.
        Err(SetupError::Argument { argument, value: None }) if argument == "-h" => {
            (Setup::new(), vec!["totals".to_owned(), "--help".to_owned()])
        }
        result => result?,
    };
    let args = Args::parse_from(rest);
    let mut totals = match args.local {
        _ if args.sequential => count_here(&args)?,
        Some(processes) => count_locally(&args, &setup, processes.max(1))?,
        None => count_together(&args, &setup)?,
    };
    totals.sort_unstable_by(|(a, m), (b, n)| (Reverse(m), a).cmp(&(Reverse(n), b)));
    if args.check && setup.process() == 0 {
        let mut expected = count_here(&args)?;
        expected.sort_unstable_by(|(a, m), (b, n)| (Reverse(m), a).cmp(&(Reverse(n), b)));
        if totals != expected {
            return Err("the totals differ from those of one thread".into());
        }
        eprintln!("the totals of {} words equal those of one thread", totals.len());
    }
    let mut out = io::stdout().lock();
    for (word, total) in totals.into_iter().take(args.top) {
        match writeln!(out, "{total:>8}  {word}") {
            // A reader that has gone away is no failure.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => break,
            result => result?,
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let Err(error) = run() else { return ExitCode::SUCCESS };
    let what = match error.downcast_ref() {
        Some(RunError::Panicked(panicked)) => panicked.message(),
        _ => None,
    };
    eprint!("totals: {}", what.unwrap_or_else(|| error.to_string()));
    let mut cause = error.source();
    while let Some(error) = cause {
        eprint!(": {error}");
        cause = error.source();
    }
    eprintln!();
    ExitCode::FAILURE
}
