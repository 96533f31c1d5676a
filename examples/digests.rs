//! Several digests of a file, each on a thread of its own, the file read once.
//!
//! ```text
//! $ printf anabranch | cargo run --release --example digests -- --only sha256,blake3
//! SHA256 (-) = 3c7a164ef00a280f4e2d0aec15192bcdd676c8136ff44bf98443aa1fe3cc8314
//! BLAKE3 (-) = 57f19408f5a8ccdf80c6e1f2e5b0c4e65565f7a00a239f39d5b631266f1d6489
//! ```
//!
//! Without `--only` it computes all it knows; without a FILE, or for `-`, it
//! reads standard input. Each line is what `sha256sum --tag` or its like prints
//! or, if only one digest is asked for, what `sha256sum` prints. In either form
//! `sha256sum --check` and its like read the lines that are for them.
//!
//! What to see here: scans made with [`scan::fold`], scans of different kinds in
//! one list, outputs told apart by their `ScanId`, and an input that may fail.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::iter;
use std::process::ExitCode;

use anabranch::scan::{self, BoxScan, Scan};
use anabranch::{Config, IteratorExt};
use clap::{Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

/// Prints several digests of each FILE, and reads it once.
#[derive(Parser)]
struct Args {
    /// The digests to compute
    #[arg(long, value_enum, value_name = "LIST", value_delimiter = ',')]
    #[arg(default_values_t = Algorithm::value_variants().to_vec())]
    only: Vec<Algorithm>,

    /// Name the algorithm in every line, even if there is but one
    #[arg(long)]
    tag: bool,

    /// The files to read; `-` is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    files: Vec<OsString>,
}

/// What can be computed, in the order in which it is printed.
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
    /// Its name in a line.
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

    /// The scan that emits this digest of all blocks when they have ended.
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

/// The scan for a hasher that has the trait of the RustCrypto crates.
fn digest<D: Digest + Send + 'static>() -> BoxScan<'static, Block, String> {
    hash(
        D::new(),
        |digest, bytes| digest.update(bytes),
        |digest| digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect(),
    )
}

/// The scan for any hasher: a fold over the blocks, and what is made of its end.
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

/// A piece of a file: the item that the scans are given.
type Block = Vec<u8>;

/// The length of a block, in bytes: most digests take hundreds of microseconds for
/// so many, beside which handing them over is nothing.
const BLOCK: usize = 256 << 10;

/// The next block, which is shorter than the others at the end of the input, or
/// `None` after it.
fn read_block(input: &mut impl Read) -> io::Result<Option<Block>> {
    let mut block = Vec::with_capacity(BLOCK);
    input.take(BLOCK as u64).read_to_end(&mut block)?;
    Ok(Some(block).filter(|block| !block.is_empty()))
}

/// The digests of all that `input` has, in the order of `algorithms`.
fn digests(mut input: impl Read, algorithms: &[Algorithm]) -> io::Result<Vec<String>> {
    // An error ends the blocks, which to the scans is the end of the input: they
    // emit digests all the same, and nobody gets to see them.
    let mut outcome = Ok(());
    let blocks = iter::from_fn(|| read_block(&mut input).transpose())
        .map_while(|block| block.map_err(|error| outcome = Err(error)).ok());
    // No batches of blocks: a block is a batch of bytes already.
    let config = Config::new().batch(1);
    let scans = algorithms.iter().map(|algorithm| algorithm.scan());
    let mut digests = vec![String::new(); algorithms.len()];
    for (id, digest) in blocks.fan_out().with(&config).distribute(scans) {
        digests[id.index()] = digest;
    }
    outcome.map(|()| digests)
}

/// The digests of the file of that name. If standard error is a terminal, it
/// shows a progress bar meanwhile.
fn digests_of(name: &OsStr, algorithms: &[Algorithm]) -> io::Result<Vec<String>> {
    let style = ProgressStyle::with_template("{wide_bar} {bytes} {bytes_per_sec} {eta}");
    let bar = ProgressBar::no_length().with_style(style.expect("the template is well formed"));
    if name == "-" {
        return digests(bar.wrap_read(io::stdin().lock()), algorithms);
    }
    let file = File::open(name)?;
    bar.set_length(file.metadata()?.len());
    digests(bar.wrap_read(file), algorithms)
}

/// The line for one digest, as coreutils print it: what would break a name's line
/// is escaped, and a backslash in front says so.
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

/// Says on standard error what is the matter with `name`.
fn complain(name: &OsStr, error: &io::Error) {
    let message =
        [b"digests: ", name.as_encoded_bytes(), format!(": {error}\n").as_bytes()].concat();
    // If that fails too, the exit status has to do.
    io::stderr().write_all(&message).unwrap_or_default();
}

fn main() -> ExitCode {
    let Args { only: mut algorithms, tag, files } = Args::parse();
    algorithms.sort_unstable();
    algorithms.dedup();
    let tagged = tag || algorithms.len() > 1;
    let mut failed = false;
    for name in &files {
        let digests = match digests_of(name, &algorithms) {
            Ok(digests) => digests,
            Err(error) => {
                complain(name, &error);
                failed = true;
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
                failed = true;
            }
            break;
        }
    }
    ExitCode::from(u8::from(failed))
}
