//! A live tail: what is looked for in a growing file, as its lines arrive.
//!
//! ```text
//! $ cargo run --example tail -- --follow --find error --find warning server.log
//!        3  error     disk is full: error 28
//!       17  warning   3 retries
//! ```
//!
//! Without `--follow` it ends with the file; without a file it reads standard input.
//! What to see here: an input that is read ahead on a thread of its own, so that a match
//! is printed while the file is waited for, and the program can end while it is; one
//! scan for each word; and an input that may fail. A line that is no text ends the run
//! with its number.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::iter;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anabranch::scan::{self, BoxScan, Scan};
use anabranch::{Config, Control, IteratorExt, TryIteratorExt};
use clap::Parser;

/// How often a file that is followed is looked at.
const PAUSE: Duration = Duration::from_millis(20);

/// Prints the lines of a growing file in which a word is found.
#[derive(Parser)]
struct Args {
    /// The file; without one, standard input
    file: Option<PathBuf>,
    /// When the file ends, wait for more
    #[arg(short, long)]
    follow: bool,
    /// What to look for; can be given more than once. Without, every line is printed
    #[arg(long = "find", value_name = "WORD")]
    words: Vec<String>,
    /// End after so many matches
    #[arg(short, long, value_name = "N")]
    max: Option<usize>,
    /// Say at the end what took how long
    #[arg(long)]
    stats: bool,
}

/// A line with its number.
type Line = (u64, String);

/// The lines of `source`, each when it is complete. When the source ends they do, or
/// they wait for it to go on.
fn lines(mut source: impl BufRead, follow: bool) -> impl Iterator<Item = Result<Line, String>> {
    iter::zip(1.., iter::from_fn(move || next_line(&mut source, follow).transpose())).map(
        |(number, line)| match line.map(String::from_utf8) {
            Ok(Ok(line)) => Ok((number, line)),
            Ok(Err(_)) => Err(format!("line {number}: not UTF-8")),
            Err(error) => Err(format!("line {number}: {error}")),
        },
    )
}

/// The next line without its end. The last one needs none, unless more may come.
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

fn print_matches(args: &Args, config: &Config, out: &mut impl Write) -> Result<(), String> {
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
    let run = lines(source, args.follow)
        .fan_out()
        .with(config)
        .read_ahead()
        .until_error()
        .distribute(scans);
    // Leaving the loop drops the run, though the file may be waited for.
    for found in run.take(args.max.unwrap_or(usize::MAX)) {
        let (id, (number, line)) = found?;
        let word = args.words.get(id.index()).map_or("", |word| word);
        let printed = match word {
            "" => writeln!(out, "{number:>8}  {line}"),
            _ => writeln!(out, "{number:>8}  {word:<8}  {line}"),
        };
        match printed {
            // That nobody wants more is no failure.
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
    let config = Config::new().control(&control);
    let result = print_matches(&args, &config, &mut io::stdout().lock());
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
