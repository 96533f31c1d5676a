//! What several examples share: a file in blocks, and the end of a program.
#![allow(dead_code, reason = "each example uses its own part of this")]

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};

/// A piece of a file.
pub(crate) type Block = Vec<u8>;

/// The length of a block, in bytes. Most digests take hundreds of microseconds for
/// it; handing it over takes a few.
pub(crate) const BLOCK: usize = 256 << 10;

/// Opens the file of that name, or standard input for `-`. While it is read, a
/// terminal shows a progress bar.
pub(crate) fn open(name: &Path) -> io::Result<Box<dyn Read>> {
    let style = ProgressStyle::with_template("{wide_bar} {bytes} {bytes_per_sec} {eta}");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::no_length().with_style(style);
    if name.as_os_str() == "-" {
        return Ok(Box::new(bar.wrap_read(io::stdin().lock())));
    }
    let file = File::open(name)?;
    bar.set_length(file.metadata()?.len());
    Ok(Box::new(bar.wrap_read(file)))
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
