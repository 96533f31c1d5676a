//! A rolling dashboard of timed readings: their number, a moving average, their rate.
//!
//! ```text
//! $ printf '1 10\n1 20\n1 60\n2 40\n' | cargo run --example dashboard -- --every 2
//! count           2
//! count           4
//! average    30.000
//! average    40.000
//! rate            3
//! rate            1
//! ```
//!
//! Reads lines of two words from standard input: a whole second, and a number. Prints
//! the count at every N readings, the average of every three consecutive ones, and how
//! many there were in each second. The lines of each kind come in order, and as soon as
//! the reading that makes them. A line in another form ends the run; the error has its
//! number.
//!
//! What to see here: each figure is a branch, a chain of iterator adaptors, and the
//! windows are those of itertools. The input is read ahead, on a thread of its own, so
//! a figure is printed while the input blocks.

mod support;

use std::io::{self, BufRead, BufReader, Write};
use std::iter;
use std::num::NonZeroUsize;
use std::process::ExitCode;

use anabranch::prelude::*;
use clap::Parser;
use itertools::Itertools;
use support::{exit, printed};

/// Prints figures about the readings on standard input, as they come.
#[derive(Parser)]
struct Args {
    /// Print the count once for so many readings
    #[arg(long, value_name = "N", default_value = "1000")]
    every: NonZeroUsize,
}

#[derive(Clone, Copy)]
struct Reading {
    second: u64,
    value: f64,
}

/// Parses `second value`.
fn reading(line: io::Result<String>) -> Result<Reading, String> {
    let line = line.map_err(|error| error.to_string())?;
    let words = line.split_whitespace().collect_tuple();
    let reading = words.and_then(|(second, value)| {
        let value = value.parse().ok().filter(|value: &f64| value.is_finite())?;
        Some(Reading { second: second.parse().ok()?, value })
    });
    reading.ok_or_else(|| format!("{line:?} is not a second and a number"))
}

fn print_figures(
    readings: impl Iterator<Item = Result<Reading, String>> + Send + 'static,
    every: usize,
) -> Result<(), String> {
    let figures = readings
        .fan_out()
        .read_ahead()
        .until_error()
        .branch(move |readings| {
            let counts = iter::zip(1_u64.., readings).map(|(count, _)| count);
            counts.skip(every - 1).step_by(every).map(|count| format!("count {count:>11}"))
        })
        .branch(|readings| {
            let triples = readings.map(|reading| reading.value).tuple_windows();
            triples.map(|(a, b, c)| format!("average {:>9.3}", (a + b + c) / 3.0))
        })
        .branch(|readings| {
            let seconds = readings.map(|reading| reading.second).dedup_with_count();
            seconds.map(|(count, _)| format!("rate {count:>12}"))
        })
        .merge();
    let mut out = io::stdout().lock();
    for figure in figures {
        let (_, figure) = figure?;
        if !printed(writeln!(out, "{figure}"))? {
            break;
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let Args { every } = Args::parse();
    let lines = BufReader::new(io::stdin()).lines();
    let readings = iter::zip(1.., lines)
        .map(|(place, line)| reading(line).map_err(|what| format!("line {place}: {what}")));
    exit("dashboard", print_figures(readings, every.get()))
}
