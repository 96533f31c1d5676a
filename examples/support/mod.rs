//! What several examples share: a file in blocks, a trace, and the end of a program.
#![allow(dead_code, reason = "each example uses its own part of this")]

pub(crate) mod trace;

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anabranch::Control;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};

/// A piece of a file.
pub(crate) type Block = Vec<u8>;

/// The length of a block, in bytes. Most digests take hundreds of microseconds for
/// it; handing it over takes a few.
pub(crate) const BLOCK: usize = 256 << 10;

/// Opens the file of that name, or standard input for `-`. While it is read, a
/// terminal shows a progress bar and, under it, the statistics of a run.
pub(crate) fn open(name: &Path, stats: Option<&Control>) -> io::Result<Box<dyn Read + Send>> {
    let bar = ProgressBar::no_length().with_style(style(stats));
    if stats.is_some() {
        // Goes on while the input blocks.
        bar.enable_steady_tick(Duration::from_millis(100));
    }
    if name.as_os_str() == "-" {
        return Ok(Box::new(bar.wrap_read(io::stdin())));
    }
    let file = File::open(name)?;
    bar.set_length(file.metadata()?.len());
    Ok(Box::new(bar.wrap_read(file)))
}

fn style(stats: Option<&Control>) -> ProgressStyle {
    let bar = "{wide_bar} {bytes} {bytes_per_sec} {eta}";
    let style = |template: &str| {
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
    };
    let Some(control) = stats.cloned() else { return style(bar) };
    let table = move |_: &ProgressState, to: &mut dyn fmt::Write| {
        // What is lost here is shown a moment later.
        write!(to, "{}", control.stats()).unwrap_or_default();
    };
    style(&format!("{bar}\n{{stats}}")).with_key("stats", table)
}

/// Returns whether standard output takes more. A reader that has gone away is no
/// failure.
pub(crate) fn printed(result: io::Result<()>) -> Result<bool, String> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(format!("standard output: {error}")),
    }
}

/// Writes a line to standard error.
pub(crate) fn complain(message: impl std::fmt::Display) {
    // If this fails too, the exit code remains.
    writeln!(io::stderr(), "{message}").unwrap_or_default();
}

/// Ends the program of that name, with an error message if it failed.
pub(crate) fn exit(program: &str, result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(format_args!("{program}: {error}"));
            ExitCode::FAILURE
        }
    }
}
