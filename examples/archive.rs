//! Archives a file in one pass: compresses it, digests it, counts its lines and words,
//! and checks that it is UTF-8.
//!
//! ```text
//! $ printf 'to be or\nnot to be\n' | cargo run --release --example archive -- --to be.gz
//! SHA256   680db75f15bf9fb7446d300d2f7b58f836e71f3f292c338507976568d1690c61
//! lines    2
//! words    6
//! bytes    19
//! gzip     36
//! UTF-8    yes
//! ```
//!
//! Without a FILE, or for `-`, it reads standard input. With `--strict`, input that is
//! not UTF-8 is an error. With `--stats` and `--trace` it shows how busy each branch is,
//! as the example `digests` does. The archive gets its name at the end, when all went well: an
//! error before that leaves no file behind, and an older archive as it was.
//!
//! What to see here: branches are ordinary code, each on a thread of its own, and the
//! file is read once. The first branch that fails, on a full disk for example, ends
//! the run at once.

mod support;

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anabranch::branch::Items;
use anabranch::{Control, prelude::*};
use clap::Parser;
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use support::trace::traced;
use support::{BLOCK, Block, complain, exit, open, printed};
use tempfile::NamedTempFile;

/// Compresses a file, and reports on it.
#[derive(Parser)]
struct Args {
    /// The file to read; `-` is standard input
    #[arg(default_value = "-")]
    file: PathBuf,
    /// The gzip file to write
    #[arg(long, value_name = "ARCHIVE")]
    to: PathBuf,
    /// Fail if the input is not UTF-8
    #[arg(long)]
    strict: bool,
    /// Show statistics of the run, as it goes on and at its end
    #[arg(long)]
    stats: bool,
    /// Write a trace of all threads to this file
    #[arg(long, value_name = "JSON")]
    trace: Option<PathBuf>,
}

/// An archive that still has a temporary name. Dropping it removes the file.
type Unfinished = NamedTempFile<File>;

/// Creates the file beside `archive`, so that it can be renamed at the end.
fn create(archive: &Path) -> io::Result<Unfinished> {
    if fs::metadata(archive).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(io::Error::other("not a regular file"));
    }
    let folder = archive.parent().unwrap_or(Path::new(""));
    tempfile::Builder::new().make_in(folder, |path| File::create_new(path))
}

fn compress(blocks: Items<'_, Block>, archive: Unfinished) -> io::Result<Unfinished> {
    let mut encoder = GzEncoder::new(archive, Compression::default());
    for block in blocks {
        encoder.write_all(&block)?;
    }
    encoder.finish()
}

fn sha256(blocks: Items<'_, Block>) -> String {
    let mut digest = Sha256::new();
    for block in blocks {
        digest.update(&*block);
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Counts the line ends.
fn lines(blocks: Items<'_, Block>) -> usize {
    blocks.map(|block| block.iter().filter(|byte| **byte == b'\n').count()).sum()
}

/// Counts what white space separates, across blocks.
fn words(blocks: Items<'_, Block>) -> usize {
    let mut words = 0;
    let mut in_word = false;
    for block in blocks {
        for byte in block.iter() {
            let was_in_word = in_word;
            in_word = !matches!(byte, b' ' | b'\t'..=b'\r');
            words += usize::from(in_word && !was_in_word);
        }
    }
    words
}

/// Returns the offset of the first byte that is not UTF-8.
fn first_bad_byte(blocks: Items<'_, Block>) -> Option<usize> {
    let mut offset = 0;
    // A character may begin in one block and end in the next.
    let mut text = Vec::new();
    for block in blocks {
        text.extend_from_slice(&block);
        let good = match std::str::from_utf8(&text) {
            Ok(text) => text.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(error) => return Some(offset + error.valid_up_to()),
        };
        offset += good;
        text.drain(..good);
    }
    (!text.is_empty()).then_some(offset)
}

/// Writes the archive, and returns the report.
fn archive(args: &Args, control: &Control) -> Result<String, String> {
    let Args { file, to, strict, stats, .. } = args;
    let of_input = |what: &dyn Display| format!("{}: {what}", file.display());
    let of_archive = |error: io::Error| format!("{}: {error}", to.display());

    let input = open(file, stats.then_some(control)).map_err(|error| of_input(&error))?;
    let unfinished = create(to).map_err(of_archive)?;
    let (finished, sha256, lines, words, bytes, bad) = refill::blocks(input, BLOCK)
        .fan_out()
        .read_ahead()
        // A block is a batch of bytes already, so a batch is one block.
        .batch(1)
        // Branches have names of their own, so this is the thread that reads.
        .thread_name("input")
        .control(control)
        .scoped()
        .branch_named("gzip", |blocks| compress(blocks, unfinished).map_err(of_archive))
        .branch_named("SHA256", |blocks| Ok(sha256(blocks)))
        .branch_named("lines", |blocks| Ok(lines(blocks)))
        .branch_named("words", |blocks| Ok(words(blocks)))
        .branch_named("bytes", |blocks| Ok(blocks.map(|block| block.len()).sum::<usize>()))
        .branch_named("UTF-8", |blocks| match first_bad_byte(blocks) {
            Some(at) if *strict => Err(of_input(&format_args!("byte {at} is not UTF-8"))),
            bad => Ok(bad),
        })
        .try_join()
        .map_err(|error| of_input(&error))??;

    // A branch cannot know whether the others went well, so the name comes last.
    let finished = finished.persist(to).map_err(|error| of_archive(error.error))?;
    let gzip = finished.metadata().map_err(of_archive)?.len();
    let utf8 = bad.map_or("yes".to_owned(), |at| format!("no, byte {at} is wrong"));
    Ok(format!(
        "SHA256   {sha256}\nlines    {lines}\nwords    {words}\nbytes    {bytes}\n\
         gzip     {gzip}\nUTF-8    {utf8}\n"
    ))
}

fn main() -> ExitCode {
    let args = Args::parse();
    let control = Control::new();
    let report =
        traced(args.trace.as_deref(), || archive(&args, &control)).and_then(|report| report);
    if args.stats {
        complain(control.stats());
    }
    let result = report.and_then(|report| printed(io::stdout().write_all(report.as_bytes())));
    exit("archive", result.map(drop))
}
