//! Running statistics of a column of numbers, each on a thread of its own.
//!
//! ```text
//! $ printf 'a 2\nb 1\nc 6\n' | cargo run --example running_stats -- 2
//!       number        mean         min         max        ewma
//!        2.000       2.000       2.000       2.000       2.000
//!        1.000       1.500       1.000       2.000       1.900
//!        6.000       3.000       1.000       6.000       2.310
//! ```
//!
//! What to see here: scans made from closures, with names; a row of their outputs
//! for each item; and an input that may fail or never end. It is read ahead, on a
//! thread of its own, so a row is printed while the input blocks.

mod support;

use std::io::{self, BufRead, BufReader, Write};
use std::iter;
use std::num::NonZeroUsize;
use std::process::ExitCode;

use anabranch::prelude::*;
use clap::Parser;
use support::{exit, printed};

/// Prints running statistics of a column of numbers on standard input.
#[derive(Parser)]
struct Args {
    /// The column to take, counting from one; white space separates them
    #[arg(default_value = "1")]
    column: NonZeroUsize,
}

/// Makes the scans: the columns of the table.
fn scans() -> [BoxScan<'static, f64, f64>; 5] {
    let mean = scan::scan((0.0, 0.0), |(count, mean), x: &f64| {
        *count += 1.0;
        *mean += (x - *mean) / *count;
        Some(*mean)
    });
    [
        scan::cloned().named("number").boxed(),
        mean.named("mean").boxed(),
        running(f64::min).named("min").boxed(),
        running(f64::max).named("max").boxed(),
        running(|average, x| 0.9 * average + 0.1 * x).named("ewma").boxed(),
    ]
}

/// Makes a scan that emits the first number, and then `f(previous output, number)`.
fn running(f: fn(f64, f64) -> f64) -> impl Scan<f64, Output = f64> + Send {
    scan::scan(None, move |output: &mut Option<f64>, x: &f64| {
        *output = Some(output.map_or(*x, |before| f(before, *x)));
        *output
    })
}

/// Prints a row for each number, up to the first error.
fn print_table(
    numbers: impl Iterator<Item = Result<f64, String>> + Send + 'static,
) -> Result<(), String> {
    let mut out = io::stdout().lock();
    let scans = scans();
    let head: String =
        scans.iter().map(|scan| format!("{:>12}", scan.name().unwrap_or_default())).collect();
    if !printed(writeln!(out, "{head}"))? {
        return Ok(());
    }
    for row in numbers.fan_out().read_ahead().until_error().zip_latest(scans) {
        let row: String = row?.map(|cell| format!("{cell:>12.3}")).concat();
        if !printed(writeln!(out, "{row}"))? {
            break;
        }
    }
    Ok(())
}

/// Parses the number in that column of a line.
fn number(line: io::Result<String>, column: NonZeroUsize) -> Result<f64, String> {
    let line = line.map_err(|error| error.to_string())?;
    let word = line.split_whitespace().nth(column.get() - 1);
    let word = word.ok_or_else(|| format!("there is no column {column}"))?;
    let number = word.parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| format!("{word:?} is not a number"))
}

fn main() -> ExitCode {
    let Args { column } = Args::parse();
    let lines = BufReader::new(io::stdin()).lines();
    let numbers = iter::zip(1.., lines).map(move |(place, line)| {
        number(line, column).map_err(|what| format!("line {place}: {what}"))
    });
    exit("running_stats", print_table(numbers))
}
