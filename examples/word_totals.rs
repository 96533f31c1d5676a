//! How often each word comes in a text, with one scan per word.
//!
//! ```text
//! $ echo 'the cat and the dog and the bird' | cargo run --example word_totals -- --top 2
//!        3  the
//!        2  and
//! ```
//!
//! Reads standard input. What to see here: as many scans as the text has words, on
//! as many threads as there are processors, and a factory that says no. Words
//! shorter than `--min-letters` are discarded before they cost a scan.

use std::cmp::Reverse;
use std::io::{self, ErrorKind, Write};
use std::iter;
use std::process::ExitCode;

use anabranch::{Config, Control, IteratorExt, scan};
use clap::Parser;

/// Counts the words on standard input.
#[derive(Parser)]
struct Args {
    /// How many of the most frequent words to print
    #[arg(long, default_value = "10")]
    top: usize,
    /// Leave out words with fewer letters
    #[arg(long, default_value = "1")]
    min_letters: usize,
    /// Say at the end what took how long
    #[arg(long)]
    stats: bool,
}

/// The words of the lines, in lower case; ends at a line that cannot be read and
/// puts aside what is wrong.
fn words<'a>(
    lines: impl Iterator<Item = io::Result<String>> + 'a,
    failure: &'a mut Option<String>,
) -> impl Iterator<Item = String> + 'a {
    let lines = iter::zip(1.., lines).map_while(move |(number, line)| {
        line.map_err(|error| *failure = Some(format!("line {number}: {error}"))).ok()
    });
    lines.flat_map(|line| {
        let words = line.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_lowercase).collect::<Vec<_>>()
    })
}

fn main() -> ExitCode {
    let Args { top, min_letters, stats } = Args::parse();
    let control = Control::new();
    let config = Config::new().control(&control);
    let mut failure = None;
    let words = words(io::stdin().lines(), &mut failure);
    let count = move |word: &String| (word.chars().count() >= min_letters).then(scan::count);
    let totals = words.fan_out().with(&config).demux(String::clone, count);
    let mut totals: Vec<_> = totals.collect();
    if stats {
        eprintln!("{}", control.stats());
    }
    if let Some(what) = failure {
        eprintln!("word_totals: {what}");
        return ExitCode::FAILURE;
    }
    totals.sort_unstable_by_key(|(word, total)| (Reverse(*total), word.clone()));
    let mut out = io::stdout().lock();
    for (word, total) in totals.into_iter().take(top) {
        match writeln!(out, "{total:>8}  {word}") {
            Ok(()) => {}
            // That nobody wants more is no failure.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => break,
            Err(error) => {
                eprintln!("word_totals: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
