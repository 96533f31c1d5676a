//! A live tail: finds words in the lines of a growing file, as they arrive.
//!
//! ```text
//! $ cargo run --example tail -- --follow --find error --find warning server.log
//!        3  error     disk is full: error 28
//!       17  warning   3 retries
//! ```
//!
//! Without `--follow` it ends with the file; without a file it reads standard input.
//! A line that is not UTF-8 ends the run; the error has its number.
//!
//! What to see here: an input that is read ahead, on a thread of its own. A match is
//! printed while the input blocks, and the program can end while it does. Each word
//! has a scan, and the input may fail.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::iter;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anabranch::{Control, prelude::*};
use clap::Parser;

/// The time between two looks at a file that is followed.
const PAUSE: Duration = Duration::from_millis(20);

/// Prints the lines of a growing file in which a word is found.
#[derive(Parser)]
struct Args {
    /// The file; without one, standard input
    file: Option<PathBuf>,
    /// When the file ends, wait for more
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

/// Returns the lines of `source`, each when it is complete. With `follow` they wait
/// for more at its end.
fn lines(mut source: impl BufRead, follow: bool) -> impl Iterator<Item = Result<Line, String>> {
    iter::zip(1.., iter::from_fn(move || next_line(&mut source, follow).transpose())).map(
        |(number, line)| match line.map(String::from_utf8) {
            Ok(Ok(line)) => Ok((number, line)),
            Ok(Err(_)) => Err(format!("line {number}: not UTF-8")),
            Err(error) => Err(format!("line {number}: {error}")),
        },
    )
}

/// Reads the next line, without its line end. Only the last line may lack one, and
/// not with `follow`.
fn next_line(source: &mut impl BufRead, follow: bool) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    loop {
        source.read_until(b'\n', &mut line)?;
        if let Some(whole) = line.strip_suffix(b"\n") {
            return Ok(Some(whole.strip_suffix(b"\r").unwrap_or(whole).to_vec()));
        }
        if !follow {
            return Ok((!line.is_empty()).then_some(line));
        }
        thread::sleep(PAUSE);
    }
}

/// Emits the lines that contain `word`.
fn find(word: &str) -> BoxScan<'static, Line, Line> {
    let wanted = word.to_owned();
    scan::filter(move |(_, line): &Line| line.contains(&wanted)).named(word.to_owned()).boxed()
}

fn print_matches(args: &Args, control: &Control, out: &mut impl Write) -> Result<(), String> {
    let source: Box<dyn BufRead + Send> = match &args.file {
        Some(path) => {
            Box::new(BufReader::new(File::open(path).map_err(|error| error.to_string())?))
        }
        None => Box::new(BufReader::new(io::stdin())),
    };
    let scans = match &args.words[..] {
        [] => vec![find("")],
        words => words.iter().map(|word| find(word)).collect(),
    };
    let lines = lines(source, args.follow);
    let run = lines.fan_out().read_ahead().until_error().control(control).distribute(scans);
    // Leaving the loop drops the run, even while the input blocks.
    for found in run.take(args.max.unwrap_or(usize::MAX)) {
        let (id, (number, line)) = found?;
        let word = args.words.get(id.index()).map_or("", |word| word);
        let printed = match word {
            "" => writeln!(out, "{number:>8}  {line}"),
            _ => writeln!(out, "{number:>8}  {word:<8}  {line}"),
        };
        match printed {
            // A reader that has gone away is no failure.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => break,
            Err(error) => return Err(error.to_string()),
            Ok(()) => {}
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let args = Args::parse();
    let control = Control::new();
    let result = print_matches(&args, &control, &mut io::stdout().lock());
    if args.stats {
        eprintln!("{}", control.stats());
    }
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            let name = args.file.map(|path| format!("{}: ", path.display())).unwrap_or_default();
            eprintln!("tail: {name}{what}");
            ExitCode::FAILURE
        }
    }
}
