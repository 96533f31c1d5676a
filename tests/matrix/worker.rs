//! Runs cells one after the other, and says on standard output how each went. It has a
//! process to itself, so that a cell that hangs or aborts takes nothing else along.

use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::cell::Cell;
use crate::layer::{REFUSAL, Threads};
use crate::ledger::LATE_PULL;
use crate::play::play;
use crate::values::origin_of;

/// What every line begins with that is meant for the watch.
pub(crate) const PREFIX: &str = "matrix> ";

/// What a worker says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// It has begun with a cell, or begins anew: the first that it was given is zero.
    Begin(usize),
    /// Something is wrong with that cell.
    Red(String),
    /// It has come to the end.
    Done,
}

impl Word {
    fn line(&self) -> String {
        match self {
            Self::Begin(place) => format!("{PREFIX}begin {place}"),
            Self::Red(what) => format!("{PREFIX}red {}", what.replace('\n', " ")),
            Self::Done => format!("{PREFIX}done"),
        }
    }

    /// What a line says, if it is one of these.
    pub(crate) fn read(line: &str) -> Option<Self> {
        // Something else may be before it on the same line.
        let (_, word) = line.split_once(PREFIX)?;
        let (word, rest) = word.split_once(' ').unwrap_or((word, ""));
        match word {
            "begin" => rest.parse().ok().map(Self::Begin),
            "red" => Some(Self::Red(rest.to_owned())),
            "done" => Some(Self::Done),
            _ => None,
        }
    }
}

/// The cell that is being run, for who aborts.
static NOW: AtomicUsize = AtomicUsize::new(0);

/// Runs the cells whose numbers come on standard input, each so many times.
pub(crate) fn work(times: usize) {
    panic::set_hook(Box::new(|info| {
        // A run that finds too few threads panics.
        let text = info.payload().downcast_ref::<String>();
        if !text.is_some_and(|text| text.starts_with(REFUSAL)) {
            eprintln!("cell {}: {info}", NOW.load(Relaxed));
        }
    }));
    let mut threads = Threads::new();
    for (place, line) in io::stdin().lines().map_while(Result::ok).enumerate() {
        let cell = Cell::new(line.parse().expect("the number of a cell"));
        NOW.store(cell.number, Relaxed);
        for _ in 0..times {
            say(&Word::Begin(place));
            let wrongs = played_again(cell, &threads);
            if !wrongs.is_empty() {
                // The next cell is not to suffer from what this one has left.
                threads = Threads::new();
                wrongs.into_iter().for_each(|wrong| say(&Word::Red(wrong)));
                break;
            }
        }
    }
    say(&Word::Done);
}

/// Plays a cell, and plays it again if nothing was wrong but that the input was pulled too
/// late. Who looks from outside cannot tell a thread that is inside the input from one that
/// was about to call it when it lost the processor. So that counts only if it is no
/// accident.
fn played_again(cell: Cell, threads: &Threads) -> Vec<String> {
    const AGAIN: usize = 20;
    const ACCIDENTS: usize = 2;
    let mut late = 0;
    for _ in 0..AGAIN {
        let wrongs = played(cell, threads);
        if wrongs.iter().any(|wrong| wrong != LATE_PULL) {
            return wrongs;
        }
        late += wrongs.len();
        if late == 0 || late > ACCIDENTS {
            return wrongs;
        }
    }
    Vec::new()
}

fn played(cell: Cell, threads: &Threads) -> Vec<String> {
    let played = catch_unwind(AssertUnwindSafe(|| play(cell, threads)));
    played.unwrap_or_else(|payload| {
        vec![format!("a panic outside of the run: {:?}", origin_of(payload))]
    })
}

fn say(word: &Word) {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", word.line()).and_then(|()| out.flush()).expect("the watch listens");
}

#[test]
fn what_a_worker_says_is_understood() {
    for word in [Word::Begin(17), Word::Red("a b c".to_owned()), Word::Done] {
        let line = word.line();
        assert_eq!(Word::read(&format!("test something ... {line}")), Some(word));
    }
    assert_eq!(Word::read("running 1 test"), None);
}
