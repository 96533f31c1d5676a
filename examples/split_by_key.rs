//! Splits a text by the first word of each line, into one compressed file for each word.
//!
//! ```text
//! $ printf 'web GET /\ndb SELECT 1\nweb GET /a\n' | cargo run --release --example split_by_key -- --to logs
//!        1  logs/db.gz
//!        2  logs/web.gz
//! ```
//!
//! Reads a file or standard input, and prints the number of lines in each file. Blank
//! lines are left out. A line whose first word cannot be a file name is an error. The
//! files get their names at the end, so that an error leaves none behind.
//!
//! What to see here: as many scans as the text has keys, on as many threads as there are
//! processors. To compress a line takes microseconds, so the threads pay; to count it
//! would not. Scans that may fail, and an input that may fail too.

mod support;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::iter;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anabranch::{Control, prelude::*};
use clap::Parser;
use flate2::{Compression, write::GzEncoder};
use support::{complain, exit, printed};
use tempfile::NamedTempFile;

/// Splits a text by the first word of each line, into compressed files.
#[derive(Parser)]
struct Args {
    /// The text; `-` is standard input
    #[arg(default_value = "-")]
    file: PathBuf,
    /// The folder for the files
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    /// Use so many threads; by default, as many as there are processors
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Print statistics of the run at the end
    #[arg(long)]
    stats: bool,
}

/// A file that is being written. It has a temporary name, and is removed when dropped.
struct Part {
    lines: u64,
    encoder: GzEncoder<NamedTempFile<File>>,
}

impl Part {
    fn create(folder: &Path) -> io::Result<Self> {
        let file = tempfile::Builder::new().make_in(folder, |path| File::create_new(path))?;
        Ok(Self { lines: 0, encoder: GzEncoder::new(file, Compression::default()) })
    }

    fn push(&mut self, line: &str) -> io::Result<()> {
        self.lines += 1;
        self.encoder.write_all(line.as_bytes())?;
        self.encoder.write_all(b"\n")
    }

    fn finish(self) -> io::Result<(u64, NamedTempFile<File>)> {
        Ok((self.lines, self.encoder.finish()?))
    }
}

fn key(line: &str) -> &str {
    line.split_whitespace().next().unwrap_or_default()
}

/// Returns the lines that are not blank. An error says which line is wrong, and how.
fn lines(input: impl BufRead) -> impl Iterator<Item = Result<String, String>> {
    iter::zip(1.., input.lines()).filter_map(|(number, line)| match line {
        Ok(line) if line.trim().is_empty() => None,
        Ok(line) if key(&line).starts_with('.') || key(&line).contains(['/', '\\', '\0']) => {
            Some(Err(format!("line {number}: {:?} cannot be a file name", key(&line))))
        }
        Ok(line) => Some(Ok(line)),
        Err(error) => Some(Err(format!("line {number}: {error}"))),
    })
}

/// Writes the files, and returns the number of lines in each, with its path.
fn split(args: &Args, control: &Control) -> Result<Vec<(PathBuf, u64)>, String> {
    let Args { file, to, threads, .. } = args;
    let of_input = |what: String| format!("{}: {what}", file.display());
    let input: Box<dyn BufRead> = if file.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(file).map_err(|error| of_input(error.to_string()))?;
        Box::new(BufReader::new(file))
    };
    let folder = to.clone();
    let part = move |_: &String| {
        let folder = folder.clone();
        let push = move |part: Option<Part>, line: &String| {
            let mut part = part.map_or_else(|| Part::create(&folder), Ok)?;
            part.push(line)?;
            Ok(Some(part))
        };
        // On the same thread: to finish is to compress what is left.
        scan::try_fold(None, push).map(|part: io::Result<_>| part?.map(Part::finish).transpose())
    };
    let run = lines(input).fan_out().until_error().control(control);
    let key = |line: &String| key(line).to_owned();
    let parts = match threads {
        Some(threads) => run.demux_over((*threads).into(), key, part),
        None => run.demux(key, part),
    };
    let mut finished = Vec::new();
    for part in parts {
        let (key, part) = part.map_err(of_input)?;
        let path = to.join(format!("{key}.gz"));
        match part {
            Ok(Some((lines, file))) => finished.push((path, lines, file)),
            Ok(None) => {}
            // Leaving the loop ends the run.
            Err(error) => return Err(format!("{}: {error}", path.display())),
        }
    }
    finished.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    let named = finished.into_iter().map(|(path, lines, file)| match file.persist(&path) {
        Ok(_) => Ok((path, lines)),
        Err(error) => Err(format!("{}: {}", path.display(), error.error)),
    });
    named.collect()
}

fn print(counts: &[(PathBuf, u64)]) -> Result<(), String> {
    let mut out = io::stdout().lock();
    for (path, lines) in counts {
        if !printed(writeln!(out, "{lines:>8}  {}", path.display()))? {
            break;
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let args = Args::parse();
    let control = Control::new();
    let counts = split(&args, &control);
    if args.stats {
        complain(control.stats());
    }
    exit("split_by_key", counts.and_then(|counts| print(&counts)))
}
