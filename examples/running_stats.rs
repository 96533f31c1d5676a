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
//! thread of its own, so a row is printed while the next line is waited for.

use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::iter;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use anabranch::IteratorExt;
use anabranch::scan::{self, BoxScan, Scan};
use clap::Parser;

/// Prints running statistics of a column of numbers on standard input.
#[derive(Parser)]
struct Args {
    /// Which column to take, counting from one; white space separates them
    #[arg(default_value = "1")]
    column: NonZeroUsize,
}

/// What to compute: the columns of the table.
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

/// Emits the first number, and from there on `f(output before, number)`.
fn running(f: fn(f64, f64) -> f64) -> impl Scan<f64, Output = f64> + Send {
    scan::scan(None, move |output: &mut Option<f64>, x: &f64| {
        *output = Some(output.map_or(*x, |before| f(before, *x)));
        *output
    })
}

/// Prints a row for each number.
fn print_table(
    numbers: impl Iterator<Item = f64> + Send + 'static,
    out: &mut impl Write,
) -> io::Result<()> {
    let scans = scans();
    for scan in &scans {
        write!(out, "{:>12}", scan.name().unwrap_or_default())?;
    }
    writeln!(out)?;
    for row in numbers.fan_out().read_ahead().zip_latest(scans) {
        for cell in row {
            write!(out, "{cell:>12.3}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// The number in that column of a line, or what is wrong.
fn number(line: io::Result<String>, column: NonZeroUsize) -> Result<f64, String> {
    let line = line.map_err(|error| error.to_string())?;
    let word = line.split_whitespace().nth(column.get() - 1);
    let word = word.ok_or_else(|| format!("there is no column {column}"))?;
    let number = word.parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| format!("{word:?} is not a number"))
}

fn main() -> ExitCode {
    let Args { column } = Args::parse();
    // Bad input ends the numbers; what came before it still makes its rows.
    let failure = Arc::new(OnceLock::new());
    let failed = Arc::clone(&failure);
    let numbers =
        iter::zip(1.., BufReader::new(io::stdin()).lines()).map_while(move |(place, line)| {
            let keep = |what| drop(failed.set(format!("line {place}: {what}")));
            number(line, column).map_err(keep).ok()
        });
    let printed = print_table(numbers, &mut io::stdout().lock());
    // That nobody wants more rows is no failure.
    let printed = printed.or_else(|error| match error.kind() {
        ErrorKind::BrokenPipe => Ok(()),
        _ => Err(error.to_string()),
    });
    match printed.err().as_ref().or(failure.get()) {
        None => ExitCode::SUCCESS,
        Some(what) => {
            eprintln!("running_stats: {what}");
            ExitCode::FAILURE
        }
    }
}
