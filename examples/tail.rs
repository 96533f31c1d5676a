//! A live tail: finds words in the lines of a growing file, as they arrive.
//!
//! ```text
//! $ cargo run --example tail -- --follow --find error --find warning server.log
//!        3  error     disk is full: error 28
//!       17  warning   3 retries
//! ```
//!
//! Without `--follow` it ends with the file; without a file, or for `-`, it reads
//! standard input. With `--follow` it goes on as `tail -F` does: when the file has been
//! replaced, with the new one; when it has been cut short, from its beginning. A line
//! that is not UTF-8 ends the run; the error has its number.
//!
//! What to see here: an input that is read ahead, on a thread of its own. A match is
//! printed while the input blocks, and the program can end while it does. Each word
//! has a scan, and the input may fail.

mod support;

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Seek, Write};
use std::iter;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anabranch::{Control, prelude::*};
use clap::Parser;
use same_file::Handle;
use support::{complain, exit, printed};

/// The time between two looks at a file that is followed. A file that is replaced twice in this
/// time, or cut short and then longer than before, is missed.
const PAUSE: Duration = Duration::from_millis(20);

/// Prints the lines of a growing file in which a word is found.
#[derive(Parser)]
struct Args {
    /// The file; `-` is standard input
    #[arg(default_value = "-")]
    file: PathBuf,
    /// When the file ends, wait for more, also when it is replaced or cut short
    #[arg(short, long)]
    follow: bool,
    /// A word to look for; can be given more than once. Without one, every line is printed
    #[arg(long = "find", value_name = "WORD")]
    words: Vec<String>,
    /// End after so many matches
    #[arg(short, long, value_name = "N")]
    max: Option<usize>,
    /// Print statistics of the run at the end
    #[arg(long)]
    stats: bool,
}

/// A line with its number.
type Line = (u64, String);

/// Numbers the lines. An error says which line cannot be read.
fn numbered(
    lines: impl Iterator<Item = io::Result<Vec<u8>>>,
) -> impl Iterator<Item = Result<Line, String>> {
    iter::zip(1.., lines).map(|(number, line)| match line.map(String::from_utf8) {
        Ok(Ok(mut line)) => {
            if line.ends_with('\r') {
                line.pop();
            }
            Ok((number, line))
        }
        Ok(Err(_)) => Err(format!("line {number}: not UTF-8")),
        Err(error) => Err(format!("line {number}: {error}")),
    })
}

/// A file that grows, by its path.
struct Followed {
    path: PathBuf,
    file: BufReader<File>,
    /// The file that has the path now, if it is another one.
    next: Option<File>,
}

impl Followed {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), file: BufReader::new(File::open(path)?), next: None })
    }

    /// Waits for the next line.
    fn next_line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        loop {
            let read = self.file.read_until(b'\n', &mut line)?;
            if line.ends_with(b"\n") {
                line.pop();
                return Ok(line);
            }
            if read > 0 {
                continue;
            }
            // This is the end of the file, for now.
            if let Some(next) = self.next.take() {
                // It was replaced a pause ago: by now its writer has left it.
                self.file = BufReader::new(next);
                if !line.is_empty() {
                    return Ok(line);
                }
            } else if self.file.get_ref().metadata()?.len() < self.file.stream_position()? {
                self.file.rewind()?;
                // The rest of this line will never come.
                line.clear();
            } else {
                self.next = self.replacement()?;
                thread::sleep(PAUSE);
            }
        }
    }

    /// Opens the file that has the path now, unless it is still the same.
    fn replacement(&self) -> io::Result<Option<File>> {
        let file = match File::open(&self.path) {
            // It was moved away, and the next one is not there yet.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let same = Handle::from_file(file.try_clone()?)?
            == Handle::from_file(self.file.get_ref().try_clone()?)?;
        Ok((!same).then_some(file))
    }
}

/// Opens the file, and returns its lines.
fn lines(args: &Args) -> io::Result<Box<dyn Iterator<Item = io::Result<Vec<u8>>> + Send>> {
    if args.file.as_os_str() == "-" {
        Ok(Box::new(BufReader::new(io::stdin()).split(b'\n')))
    } else if args.follow {
        let mut file = Followed::open(&args.file)?;
        Ok(Box::new(iter::repeat_with(move || file.next_line())))
    } else {
        Ok(Box::new(BufReader::new(File::open(&args.file)?).split(b'\n')))
    }
}

/// Emits the lines that contain `word`.
fn find(word: &str) -> BoxScan<'static, Line, Line> {
    let wanted = word.to_owned();
    scan::filter(move |(_, line): &Line| line.contains(&wanted)).named(word.to_owned()).boxed()
}

fn print_matches(args: &Args, control: &Control) -> Result<(), String> {
    let of_file = |what: String| format!("{}: {what}", args.file.display());
    let lines = lines(args).map_err(|error| of_file(error.to_string()))?;
    let scans = match &args.words[..] {
        [] => vec![find("")],
        words => words.iter().map(|word| find(word)).collect(),
    };
    let run =
        numbered(lines).fan_out().read_ahead().until_error().control(control).distribute(scans);
    let mut out = io::stdout().lock();
    // Leaving the loop drops the run, even while the input blocks.
    for found in run.take(args.max.unwrap_or(usize::MAX)) {
        let (id, (number, line)) = found.map_err(of_file)?;
        let line = match args.words.get(id.index()) {
            Some(word) => format!("{number:>8}  {word:<8}  {line}"),
            None => format!("{number:>8}  {line}"),
        };
        if !printed(writeln!(out, "{line}"))? {
            break;
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let args = Args::parse();
    let control = Control::new();
    let result = print_matches(&args, &control);
    if args.stats {
        complain(control.stats());
    }
    exit("tail", result)
}
