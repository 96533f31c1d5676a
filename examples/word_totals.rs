//! How often each word occurs in a text, with one scan per word.
//!
//! ```text
//! $ echo 'the cat and the dog and the bird' | cargo run --example word_totals -- --top 2
//!        3  the
//!        2  and
//! ```
//!
//! Reads standard input. What to see here: as many scans as the text has words, on
//! as many threads as there are processors; a factory that makes no scan for words
//! shorter than `--min-letters`; and an input that may fail.

use std::cmp::Reverse;
use std::io::{self, ErrorKind, Write};
use std::iter;
use std::process::ExitCode;

use anabranch::{Control, prelude::*};
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
    /// Print statistics of the run at the end
    #[arg(long)]
    stats: bool,
}

/// Returns the words of the lines, in lower case. An error says which line cannot be
/// read.
fn words(
    lines: impl Iterator<Item = io::Result<String>>,
) -> impl Iterator<Item = Result<String, String>> {
    iter::zip(1.., lines).flat_map(|(number, line)| match line {
        Ok(line) => {
            let words = line.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
            words.map(|word| Ok(word.to_lowercase())).collect()
        }
        Err(error) => vec![Err(format!("line {number}: {error}"))],
    })
}

fn main() -> ExitCode {
    let Args { top, min_letters, stats } = Args::parse();
    let control = Control::new();
    let count = move |word: &String| (word.chars().count() >= min_letters).then(scan::count);
    let words = words(io::stdin().lines()).fan_out().until_error().control(&control);
    let totals: Result<Vec<_>, _> = words.demux(String::clone, count).collect();
    if stats {
        eprintln!("{}", control.stats());
    }
    let mut totals = match totals {
        Ok(totals) => totals,
        Err(what) => {
            eprintln!("word_totals: {what}");
            return ExitCode::FAILURE;
        }
    };
    totals.sort_unstable_by_key(|(word, total)| (Reverse(*total), word.clone()));
    let mut out = io::stdout().lock();
    for (word, total) in totals.into_iter().take(top) {
        match writeln!(out, "{total:>8}  {word}") {
            Ok(()) => {}
            // A reader that has gone away is no failure.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => break,
            Err(error) => {
                eprintln!("word_totals: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
