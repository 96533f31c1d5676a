//! A report on a web server's log, in one pass: each figure is a total on a thread
//! of its own.
//!
//! ```text
//! $ cargo run --release --example log_report -- access.log
//! requests        2
//! bytes           4711
//! hosts           2
//! errors          1
//! largest         4096 bytes: GET /index.html HTTP/1.1
//! busiest hour    12/Mar/2026:07 (2 requests)
//! ```
//!
//! Reads the Common Log Format, which most servers write. Without a file it makes up
//! a log and reports on that. A line in another format ends the run; the error has
//! its number.
//!
//! What to see here: totals of different types in one tuple, and an input that may
//! fail.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::iter;
use std::path::PathBuf;
use std::process::ExitCode;

use anabranch::{Control, prelude::*};
use clap::Parser;

/// Reports on a web server's log.
#[derive(Parser)]
struct Args {
    /// A log in the Common Log Format; without one, a log is made up
    file: Option<PathBuf>,
    /// Print statistics of the run at the end
    #[arg(long)]
    stats: bool,
}

/// One line of the log.
#[derive(Clone, Debug)]
struct Entry {
    host: String,
    /// The date up to the hour.
    hour: String,
    request: String,
    status: u16,
    bytes: u64,
}

/// Parses `host ident user [date] "request" status bytes`.
fn parse(line: &str) -> Option<Entry> {
    let (host, rest) = line.split_once(' ')?;
    let (_, rest) = rest.split_once('[')?;
    let (date, rest) = rest.split_once("] \"")?;
    let (request, rest) = rest.rsplit_once("\" ")?;
    let (status, bytes) = rest.split_once(' ')?;
    let hour: Vec<_> = date.splitn(3, ':').take(2).collect();
    Some(Entry {
        host: host.to_owned(),
        hour: hour.join(":"),
        request: request.to_owned(),
        status: status.parse().ok()?,
        // A dash stands for no body.
        bytes: if bytes.trim() == "-" { 0 } else { bytes.trim().parse().ok()? },
    })
}

/// Parses the lines of the log. An error says which line is wrong, and how.
fn entries(
    lines: impl Iterator<Item = io::Result<String>>,
) -> impl Iterator<Item = Result<Entry, String>> {
    iter::zip(1.., lines).map(|(number, line)| {
        let line = line.map_err(|error| format!("line {number}: {error}"))?;
        parse(&line).ok_or_else(|| format!("line {number}: not in the Common Log Format: {line:?}"))
    })
}

fn report(
    control: &Control,
    lines: impl Iterator<Item = io::Result<String>>,
) -> Result<(), String> {
    let totals = (
        scan::count().named("requests"),
        scan::sum_by(|entry: &Entry| entry.bytes).named("bytes"),
        scan::fold(HashSet::new(), |mut hosts, entry: &Entry| {
            if !hosts.contains(&entry.host) {
                hosts.insert(entry.host.clone());
            }
            hosts
        })
        .named("hosts"),
        scan::count().filter_input(|entry: &Entry| entry.status >= 400).named("errors"),
        scan::max_by_key(|entry: &Entry| entry.bytes).named("largest"),
        scan::fold(HashMap::new(), |mut hours: HashMap<String, u64>, entry: &Entry| {
            match hours.get_mut(&entry.hour) {
                Some(requests) => *requests += 1,
                None => drop(hours.insert(entry.hour.clone(), 1)),
            }
            hours
        })
        .named("hours"),
    );
    let (requests, bytes, hosts, errors, largest, hours) =
        entries(lines).fan_out().until_error().control(control).fold(totals)?;
    println!("requests        {requests}");
    println!("bytes           {bytes}");
    println!("hosts           {}", hosts.len());
    println!("errors          {errors}");
    if let Some(entry) = largest {
        println!("largest         {} bytes: {}", entry.bytes, entry.request);
    }
    // Of equally busy hours, the first.
    let busiest = hours.into_iter().max_by(|a, b| (a.1, &b.0).cmp(&(b.1, &a.0)));
    if let Some((hour, requests)) = busiest {
        println!("busiest hour    {hour} ({requests} requests)");
    }
    Ok(())
}

/// Makes up a day of a small server.
fn made_up() -> impl Iterator<Item = io::Result<String>> {
    (0..200_000_u64).map(|second| {
        let noise = second.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        let (hour, minute, second) = (second / 8640 % 24, second / 144 % 60, second % 60);
        let status = if noise % 50 == 0 { 404 } else { 200 };
        Ok(format!(
            "10.0.{}.{} - - [20/Nov/2026:{hour:02}:{minute:02}:{second:02} +0000] \
             \"GET /page/{} HTTP/1.1\" {status} {}",
            noise % 4,
            noise / 4 % 250,
            noise % 1000,
            noise % 100_000,
        ))
    })
}

fn main() -> ExitCode {
    let Args { file, stats } = Args::parse();
    let control = Control::new();
    let (name, result) = match &file {
        None => ("made up".into(), report(&control, made_up())),
        Some(path) => {
            let report = |file| report(&control, BufReader::new(file).lines());
            let result = File::open(path).map_err(|error| error.to_string()).and_then(report);
            (path.to_string_lossy(), result)
        }
    };
    if stats {
        eprintln!("{}", control.stats());
    }
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            eprintln!("log_report: {name}: {what}");
            ExitCode::FAILURE
        }
    }
}
