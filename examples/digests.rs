//! Several digests of a file, each on a thread of its own, the file read once.
//!
//! ```text
//! $ printf anabranch | cargo run --release --example digests -- --only sha256,blake3
//! SHA256 (-) = 3c7a164ef00a280f4e2d0aec15192bcdd676c8136ff44bf98443aa1fe3cc8314
//! BLAKE3 (-) = 57f19408f5a8ccdf80c6e1f2e5b0c4e65565f7a00a239f39d5b631266f1d6489
//! ```
//!
//! Without `--only` it computes every digest it knows; without a FILE, or for `-`,
//! it reads standard input. Each line is what `sha256sum --tag` prints or, for a
//! single digest, what `sha256sum` prints. In either form `sha256sum --check`
//! checks its own lines; so do `md5sum`, `sha1sum` and `sha512sum`.
//!
//! With `--stats` it shows how busy each digest is: in a terminal, while the file is
//! read; then on standard error. Built with `--features tracing`, `--trace` writes what
//! each thread did when, to a file for <https://ui.perfetto.dev> or `chrome://tracing`.
//!
//! What to see here: scans made with [`scan::fold`], scans of different kinds in
//! one list, outputs told apart by their `ScanId`, an input that is read ahead and
//! may fail, and statistics of a run that goes on.

mod support;

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind, Write};
use std::iter;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anabranch::{Control, prelude::*};
use clap::{Parser, ValueEnum};
use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use support::trace::traced;
use support::{BLOCK, Block, open};

/// Prints several digests of each FILE, and reads it once.
#[derive(Parser)]
struct Args {
    /// The digests to compute
    #[arg(long, value_enum, value_name = "LIST", value_delimiter = ',')]
    #[arg(default_values_t = Algorithm::value_variants().to_vec())]
    only: Vec<Algorithm>,

    /// Name the algorithm in every line, even if there is only one
    #[arg(long)]
    tag: bool,

    /// Show statistics of each run, as it goes on and at its end
    #[arg(long)]
    stats: bool,

    /// Write a trace of all threads to this file
    #[arg(long, value_name = "JSON")]
    trace: Option<PathBuf>,

    /// The files to read; `-` is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    files: Vec<OsString>,
}

/// The digests, in the order in which they are printed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Algorithm {
    Md5,
    Sha1,
    Sha256,
    Sha512,
    Blake3,
    Crc32,
}

impl Algorithm {
    /// Returns its name in a line.
    fn tag(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
            Self::Blake3 => "BLAKE3",
            Self::Crc32 => "CRC32",
        }
    }

    /// Makes the scan that emits this digest of all blocks, at the end.
    fn scan(self) -> BoxScan<'static, Block, String> {
        match self {
            Self::Md5 => digest::<Md5>(),
            Self::Sha1 => digest::<Sha1>(),
            Self::Sha256 => digest::<Sha256>(),
            Self::Sha512 => digest::<Sha512>(),
            Self::Blake3 => hash(
                blake3::Hasher::new(),
                |blake3, bytes| {
                    blake3.update(bytes);
                },
                |blake3| blake3.finalize().to_string(),
            ),
            Self::Crc32 => hash(
                crc32fast::Hasher::new(),
                |crc32, bytes| crc32.update(bytes),
                |crc32| format!("{:08x}", crc32.finalize()),
            ),
        }
    }
}

/// Makes the scan for a hasher of the RustCrypto crates.
fn digest<D: Digest + Send + 'static>() -> BoxScan<'static, Block, String> {
    hash(
        D::new(),
        |digest, bytes| digest.update(bytes),
        |digest| digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect(),
    )
}

/// Makes the scan for any hasher: a fold over the blocks, and then `finish`.
fn hash<H: Send + 'static>(
    hasher: H,
    update: fn(&mut H, &[u8]),
    finish: fn(H) -> String,
) -> BoxScan<'static, Block, String> {
    let hashed = scan::fold(hasher, move |mut hasher, block: &Block| {
        update(&mut hasher, block);
        hasher
    });
    hashed.map(finish).boxed()
}

/// Computes the digests of all that a file has, in the order of `algorithms`.
fn digests(name: &Path, algorithms: &[Algorithm], stats: bool) -> io::Result<Vec<String>> {
    let control = Control::new();
    let input = open(name, stats.then_some(&control))?;
    let named = |algorithm: &Algorithm| algorithm.scan().named(algorithm.tag());
    let scans: Vec<_> = algorithms.iter().map(named).collect();
    // A block is a batch of bytes already, so a batch is one block. Scans have names of
    // their own, so the name is that of the thread which reads.
    let run = refill::blocks(input, BLOCK).fan_out().read_ahead().batch(1);
    let outputs = run.thread_name("input").control(&control).distribute(scans);
    let mut digests = vec![String::new(); algorithms.len()];
    for output in outputs {
        // An error comes last, behind the digests of what was read before it.
        let (id, digest) = output?;
        digests[id.index()] = digest;
    }
    if stats {
        support::complain(control.stats());
    }
    Ok(digests)
}

/// Makes the line for one digest, as coreutils print it. Backslashes and line ends
/// in a name are escaped; a backslash in front says so.
fn line(name: &OsStr, tag: Option<&str>, digest: &str) -> Vec<u8> {
    let mut escaped = Vec::new();
    for byte in name.as_encoded_bytes() {
        match byte {
            b'\\' => escaped.extend(b"\\\\"),
            b'\n' => escaped.extend(b"\\n"),
            b'\r' => escaped.extend(b"\\r"),
            _ => escaped.push(*byte),
        }
    }
    let mark = if escaped.len() > name.len() { "\\" } else { "" };
    let (before, after) = match tag {
        Some(tag) => (format!("{mark}{tag} ("), format!(") = {digest}\n")),
        None => (format!("{mark}{digest}  "), "\n".to_owned()),
    };
    [before.as_bytes(), &escaped, after.as_bytes()].concat()
}

/// Reports an error about `name` on standard error.
fn complain(name: &OsStr, error: &io::Error) {
    let message =
        [b"digests: ", name.as_encoded_bytes(), format!(": {error}\n").as_bytes()].concat();
    // If this fails too, the exit status remains.
    io::stderr().write_all(&message).unwrap_or_default();
}

/// Prints the digests of all files, and returns whether that went well.
fn print_digests(args: &Args) -> bool {
    let mut algorithms = args.only.clone();
    algorithms.sort_unstable();
    algorithms.dedup();
    let tagged = args.tag || algorithms.len() > 1;
    let mut well = true;
    for name in &args.files {
        let digests = match digests(name.as_ref(), &algorithms, args.stats) {
            Ok(digests) => digests,
            Err(error) => {
                complain(name, &error);
                well = false;
                continue;
            }
        };
        let lines: Vec<_> = iter::zip(&algorithms, digests)
            .flat_map(|(algorithm, digest)| line(name, tagged.then_some(algorithm.tag()), &digest))
            .collect();
        if let Err(error) = io::stdout().write_all(&lines) {
            // A reader that has gone away is no failure.
            if error.kind() != ErrorKind::BrokenPipe {
                complain("standard output".as_ref(), &error);
                well = false;
            }
            break;
        }
    }
    well
}

fn main() -> ExitCode {
    let args = Args::parse();
    match traced(args.trace.as_deref(), || print_digests(&args)) {
        Ok(well) => ExitCode::from(u8::from(!well)),
        Err(error) => support::exit("digests", Err(error)),
    }
}
