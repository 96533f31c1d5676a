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
//! Reads the two formats that most servers write, Common and Combined; `-` is standard
//! input, and blank lines are left out. Without a file it makes up a log and reports on
//! that. A line in another format ends the run; the error has its number.
//!
//! What to see here: branches with iterator adaptors, std's and those of itertools, each
//! on a thread of its own, and an input that may fail.

mod support;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::iter;
use std::path::PathBuf;
use std::process::ExitCode;

use anabranch::{Control, prelude::*};
use clap::Parser;
use itertools::Itertools;
use support::{complain, exit, printed};

/// Reports on a web server's log.
#[derive(Parser)]
struct Args {
    /// A log in the Common or the Combined Log Format, `-` for standard input; without
    /// one, a log is made up
    file: Option<PathBuf>,
    /// Print statistics of the run at the end
    #[arg(long)]
    stats: bool,
}

/// One line of the log.
struct Entry {
    host: String,
    /// The date up to the hour.
    hour: String,
    request: String,
    status: u16,
    bytes: u64,
}

/// Parses `host ident user [date] "request" status bytes`, which is the Common format. In
/// the Combined format `"referrer" "agent"` follow.
fn parse(line: &str) -> Option<Entry> {
    let (host, rest) = line.split_once(' ')?;
    let (_, rest) = rest.split_once('[')?;
    let (date, rest) = rest.split_once("] ")?;
    let (request, rest) = quoted(rest)?;
    let (status, rest) = rest.strip_prefix(' ')?.split_once(' ')?;
    let (bytes, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    if !rest.is_empty() {
        let (_referrer, rest) = quoted(rest)?;
        let (_agent, rest) = quoted(rest.strip_prefix(' ')?)?;
        if !rest.is_empty() {
            return None;
        }
    }
    Some(Entry {
        host: host.to_owned(),
        hour: date.splitn(3, ':').take(2).join(":"),
        request: request.to_owned(),
        status: status.parse().ok()?,
        // A dash stands for no body.
        bytes: if bytes == "-" { 0 } else { bytes.parse().ok()? },
    })
}

/// Splits `"field"` from the front. A quote inside the field has a backslash before it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('"')?;
    let mut escaped = false;
    let end = text.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    Some((&text[..end], &text[end + 1..]))
}

/// Parses the lines of the log. An error says which line is wrong, and how.
fn entries(
    lines: impl Iterator<Item = io::Result<String>>,
) -> impl Iterator<Item = Result<Entry, String>> {
    iter::zip(1.., lines).filter_map(|(number, line)| match line {
        Ok(line) if line.trim().is_empty() => None,
        Ok(line) => Some(parse(line.trim_end()).ok_or_else(|| {
            format!("line {number}: not in the Common or Combined Log Format: {line:?}")
        })),
        Err(error) => Some(Err(format!("line {number}: {error}"))),
    })
}

/// Returns the report on the lines.
fn report(
    control: &Control,
    lines: impl Iterator<Item = io::Result<String>>,
) -> Result<String, String> {
    let (requests, bytes, hosts, errors, largest, hours) = entries(lines)
        .fan_out()
        .until_error()
        .control(control)
        .branch_named("requests", |entries| entries.count())
        // So wide that no log overflows it.
        .branch_named("bytes", |entries| entries.map(|entry| u128::from(entry.bytes)).sum::<u128>())
        .branch_named("hosts", |entries| entries.map(|entry| entry.host.clone()).unique().count())
        .branch_named("errors", |entries| entries.filter(|entry| entry.status >= 400).count())
        .branch_named("largest", |entries| {
            let largest = entries.max_by_key(|entry| entry.bytes)?;
            Some((largest.bytes, largest.request.clone()))
        })
        .branch_named("hours", |entries| entries.map(|entry| entry.hour.clone()).counts())
        .join()?;
    let mut report = format!(
        "requests        {requests}\nbytes           {bytes}\n\
         hosts           {hosts}\nerrors          {errors}\n"
    );
    if let Some((bytes, request)) = largest {
        report += &format!("largest         {bytes} bytes: {request}\n");
    }
    // Of equally busy hours, the first.
    let busiest = hours.into_iter().max_by(|a, b| (a.1, &b.0).cmp(&(b.1, &a.0)));
    if let Some((hour, requests)) = busiest {
        report += &format!("busiest hour    {hour} ({requests} requests)\n");
    }
    Ok(report)
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

/// Returns the report on the file of that name.
fn report_on(control: &Control, file: Option<PathBuf>) -> Result<String, String> {
    let Some(path) = file else { return report(control, made_up()) };
    let result = if path.as_os_str() == "-" {
        report(control, io::stdin().lines())
    } else {
        let file = File::open(&path).map_err(|error| error.to_string());
        file.and_then(|file| report(control, BufReader::new(file).lines()))
    };
    result.map_err(|error| format!("{}: {error}", path.display()))
}

fn main() -> ExitCode {
    let Args { file, stats } = Args::parse();
    let control = Control::new();
    let report = report_on(&control, file);
    if stats {
        complain(control.stats());
    }
    let result = report.and_then(|report| printed(io::stdout().write_all(report.as_bytes())));
    exit("log_report", result.map(drop))
}
