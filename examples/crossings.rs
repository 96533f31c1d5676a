//! Where two moving averages of a price cross.
//!
//! ```text
//! $ printf '9\n8\n7\n8\n9\n10\n' | cargo run --example crossings -- 1 4
//!        4  up            8.000        7.976
//! ```
//!
//! One number a line on standard input, in columns out: the line, the direction,
//! the fast average and the slow one. What to see here: two scans that the consumer
//! gets aligned, item by item, though each runs on a thread of its own; so does the
//! input, so that a crossing is printed while the next price is waited for. A line that
//! is no number ends the run, and is told with its own number.

use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::iter;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use anabranch::IteratorExt;
use anabranch::scan::{self, Scan};
use clap::Parser;

/// Prints where two moving averages of the numbers on standard input cross.
#[derive(Parser)]
struct Args {
    /// Over how many numbers the fast average goes, about
    #[arg(default_value = "12", value_parser = clap::value_parser!(u32).range(1..))]
    fast: u32,
    /// Over how many numbers the slow average goes, about
    #[arg(default_value = "26", value_parser = clap::value_parser!(u32).range(1..))]
    slow: u32,
}

/// The exponential moving average over about `span` numbers.
fn average(span: u32) -> impl Scan<f64, Output = f64> + Send {
    let weight = 2.0 / (f64::from(span) + 1.0);
    scan::scan(None, move |average: &mut Option<f64>, x: &f64| {
        *average = Some(average.map_or(*x, |before| before + weight * (x - before)));
        *average
    })
}

fn print_crossings(
    numbers: impl Iterator<Item = f64> + Send + 'static,
    Args { fast, slow }: &Args,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut was_above = None;
    let averages = numbers.fan_out().read_ahead().zip_latest((average(*fast), average(*slow)));
    for (line, (fast, slow)) in iter::zip(1.., averages) {
        // While they are equal neither is above the other.
        let above = if fast == slow { continue } else { fast > slow };
        if was_above.replace(above).is_some_and(|was| was != above) {
            let direction = if above { "up" } else { "down" };
            writeln!(out, "{line:>8}  {direction:<6} {fast:>12.3} {slow:>12.3}")?;
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let args = Args::parse();
    // Bad input ends the numbers; what came before it still counts.
    let failure = Arc::new(OnceLock::new());
    let failed = Arc::clone(&failure);
    let lines = BufReader::new(io::stdin()).lines();
    let numbers = iter::zip(1.., lines).map_while(move |(place, line)| {
        let number = line.map_err(|error| error.to_string()).and_then(|line| {
            let number = line.trim().parse().ok().filter(|number: &f64| number.is_finite());
            number.ok_or_else(|| format!("{line:?} is not a number"))
        });
        number.map_err(|what| drop(failed.set(format!("line {place}: {what}")))).ok()
    });
    let printed = print_crossings(numbers, &args, &mut io::stdout().lock());
    // That nobody wants more is no failure.
    let printed = printed.or_else(|error| match error.kind() {
        ErrorKind::BrokenPipe => Ok(()),
        _ => Err(error.to_string()),
    });
    match printed.err().as_ref().or(failure.get()) {
        None => ExitCode::SUCCESS,
        Some(what) => {
            eprintln!("crossings: {what}");
            ExitCode::FAILURE
        }
    }
}
