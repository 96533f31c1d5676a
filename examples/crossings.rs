//! Where two moving averages of a price cross.
//!
//! ```text
//! $ printf '9\n8\n7\n8\n9\n10\n' | cargo run --example crossings -- 1 4
//!        4  up            8.000        7.976
//! ```
//!
//! Reads one number a line from standard input. Prints the line, the direction, the
//! fast average and the slow one. A line that is not a number ends the run; the error
//! has its number.
//!
//! What to see here: the outputs of two scans aligned item by item, though each scan
//! runs on a thread of its own. So does the input: a crossing is printed while the
//! input blocks.

mod support;

use std::io::{self, BufRead, BufReader, Write};
use std::iter;
use std::process::ExitCode;

use anabranch::prelude::*;
use clap::Parser;
use support::{exit, printed};

/// Prints where two moving averages of the numbers on standard input cross.
#[derive(Parser)]
struct Args {
    /// The span of the fast average, in numbers
    #[arg(default_value = "12", value_parser = clap::value_parser!(u32).range(1..))]
    fast: u32,
    /// The span of the slow average, in numbers
    #[arg(default_value = "26", value_parser = clap::value_parser!(u32).range(1..))]
    slow: u32,
}

/// Makes a scan that emits the exponential moving average over about `span` numbers.
fn average(span: u32) -> impl Scan<f64, Output = f64> + Send {
    let weight = 2.0 / (f64::from(span) + 1.0);
    scan::scan(None, move |average: &mut Option<f64>, x: &f64| {
        *average = Some(average.map_or(*x, |before| before + weight * (x - before)));
        *average
    })
}

fn print_crossings(
    numbers: impl Iterator<Item = Result<f64, String>> + Send + 'static,
    Args { fast, slow }: &Args,
) -> Result<(), String> {
    let mut out = io::stdout().lock();
    let mut was_above = None;
    let averages = (average(*fast), average(*slow));
    let rows = numbers.fan_out().read_ahead().until_error().zip_latest(averages);
    for (line, row) in iter::zip(1.., rows) {
        let (fast, slow) = row?;
        // While they are equal neither is above the other.
        let above = if fast == slow { continue } else { fast > slow };
        if was_above.replace(above).is_some_and(|was| was != above) {
            let direction = if above { "up" } else { "down" };
            if !printed(writeln!(out, "{line:>8}  {direction:<6} {fast:>12.3} {slow:>12.3}"))? {
                break;
            }
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let args = Args::parse();
    let lines = BufReader::new(io::stdin()).lines();
    let numbers = iter::zip(1.., lines)
        .map(|(place, line)| number(line).map_err(|what| format!("line {place}: {what}")));
    exit("crossings", print_crossings(numbers, &args))
}

/// Parses the number in a line.
fn number(line: io::Result<String>) -> Result<f64, String> {
    let line = line.map_err(|error| error.to_string())?;
    let number = line.trim().parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| format!("{line:?} is not a number"))
}
