//! Inputs that fill their items again: no allocation for an item, nor for a batch.
//!
//! A line that is read into a new `String` is allocated on the thread that pulls, and freed on
//! another: for short items that is most of the work. A refilled input is lent the items that every
//! scan is done with, to overwrite them: [`lines`] and [`blocks`] of any reader, and [`from_fn`] for
//! everything else, a record of a parser for example.
//!
//! ```
//! use anabranch::prelude::*;
//!
//! let text = "the quick\nbrown fox\n";
//! let (lines, letters) = refill::lines(text.as_bytes())
//!     .fan_out()
//!     .fold((scan::count(), scan::sum_by(|line: &String| line.len())))?;
//! assert_eq!((lines, letters), (2, 18));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Memory
//!
//! As many items are made as are in flight: as many as fit into the batches that wait or are worked
//! on. They are dropped when the run ends, so each keeps the memory of the longest value that it has
//! had. An item that a branch keeps is not filled again; another is made in its place.

use std::fmt;
use std::io::{self, BufRead, ErrorKind, Read};
use std::marker::PhantomData;

use super::fan_out::FanOut;
use super::refilled::{Fill, Filled};

/// An input that fills its items again, returned by [`lines`], [`blocks`] and [`from_fn`].
#[must_use = "nothing is filled before a run is started"]
#[derive(Clone)]
pub struct Refill<F>(pub(super) F);

/// Returns an input of items that `fill` overwrites.
///
/// `fill` is given an item that `make` has made, or one from before, as it was left. It returns
/// whether it has filled it: `false` is the end of the input. If it returns a `Result`, the first
/// error ends the run, and is what the run returns, as after
/// [`until_error`](crate::FanOut::until_error).
///
/// # Examples
///
/// ```
/// use anabranch::prelude::*;
///
/// let mut numbers = 1..=3_u8;
/// let rows = refill::from_fn(Vec::new, move |row: &mut Vec<u8>| {
///     row.clear();
///     numbers.next().is_some_and(|n| {
///         row.extend((0..n).map(|_| n));
///         true
///     })
/// });
/// let (rows,) = rows.fan_out().branch(|rows| rows.map(|row| row.len()).collect::<Vec<_>>()).join();
/// assert_eq!(rows, [1, 2, 3]);
/// ```
pub fn from_fn<T, R, M, F>(make: M, fill: F) -> Refill<FromFn<T, R, M, F>>
where
    M: FnMut() -> T,
    F: FnMut(&mut T) -> R,
    R: Filled,
{
    Refill(FromFn { make, fill, types: PhantomData })
}

/// Returns an input of the lines of a reader, without their ends, as
/// [`BufRead::lines`] has them.
///
/// # Errors
///
/// The run returns the first error of the reader. A line that is not UTF-8 is an error, of kind
/// [`InvalidData`](io::ErrorKind::InvalidData).
///
/// # Examples
///
/// ```
/// use anabranch::prelude::*;
///
/// let run = refill::lines("to be\r\nor not".as_bytes()).fan_out();
/// let (longest,) = run.fold((scan::max_by_key(|line: &String| line.len()),))?;
/// assert_eq!(longest.as_deref(), Some("or not"));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn lines<R: BufRead>(reader: R) -> Refill<Lines<R>> {
    Refill(Lines(reader))
}

/// Returns an input of the blocks of a reader: each is what one call of
/// [`read`](Read::read) returns, at most `length` bytes and at least one.
///
/// # Errors
///
/// The run returns the first error of the reader. An interrupted call is repeated.
///
/// # Panics
///
/// Panics if `length` is zero.
///
/// # Examples
///
/// ```
/// use std::io::{self, Read};
/// use anabranch::prelude::*;
///
/// let (bytes, copied) = refill::blocks(io::repeat(7).take(1000), 64)
///     .fan_out()
///     .branch(|blocks| blocks.map(|block| block.len()).sum::<usize>())
///     .branch(|blocks| io::copy(&mut blocks.reader(), &mut io::sink()))
///     .join()?;
/// assert_eq!((bytes, copied?), (1000, 1000));
/// # Ok::<(), io::Error>(())
/// ```
pub fn blocks<R: Read>(reader: R, length: usize) -> Refill<Blocks<R>> {
    assert!(length > 0, "a block has at least one byte");
    Refill(Blocks { reader, length })
}

impl<F: Fill> Refill<F> {
    /// Begins a run over the items; see [`IteratorExt::fan_out`](crate::IteratorExt::fan_out).
    pub fn fan_out(self) -> FanOut<Self> {
        FanOut::new(self)
    }
}

/// What [`from_fn`] fills its items with.
#[derive(Clone)]
pub struct FromFn<T, R, M, F> {
    make: M,
    fill: F,
    types: PhantomData<fn(T) -> R>,
}

impl<T, R, M, F> Fill for FromFn<T, R, M, F>
where
    M: FnMut() -> T,
    F: FnMut(&mut T) -> R,
    R: Filled,
{
    type Item = T;
    type Filled = R;

    #[inline]
    fn make(&mut self) -> T {
        (self.make)()
    }

    #[inline]
    fn fill(&mut self, item: &mut T) -> R {
        (self.fill)(item)
    }
}

/// What [`lines`] fills its items with.
#[derive(Clone)]
pub struct Lines<R>(R);

impl<R: BufRead> Fill for Lines<R> {
    type Item = String;
    type Filled = io::Result<bool>;

    fn make(&mut self) -> String {
        String::new()
    }

    #[inline]
    fn fill(&mut self, line: &mut String) -> io::Result<bool> {
        line.clear();
        if self.0.read_line(line)? == 0 {
            return Ok(false);
        }
        if line.ends_with('\n') {
            line.pop();
            if line.ends_with('\r') {
                line.pop();
            }
        }
        Ok(true)
    }
}

/// What [`blocks`] fills its items with.
#[derive(Clone)]
pub struct Blocks<R> {
    reader: R,
    length: usize,
}

impl<R: Read> Fill for Blocks<R> {
    type Item = Vec<u8>;
    type Filled = io::Result<bool>;

    fn make(&mut self) -> Vec<u8> {
        Vec::new()
    }

    fn fill(&mut self, block: &mut Vec<u8>) -> io::Result<bool> {
        block.resize(self.length, 0);
        let read = loop {
            match self.reader.read(block) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        block.truncate(read);
        Ok(read > 0)
    }
}

impl<F> fmt::Debug for Refill<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refill").finish_non_exhaustive()
    }
}

impl<T, R, M, F> fmt::Debug for FromFn<T, R, M, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromFn").finish_non_exhaustive()
    }
}

impl<R> fmt::Debug for Lines<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").finish_non_exhaustive()
    }
}

impl<R> fmt::Debug for Blocks<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocks").field("length", &self.length).finish_non_exhaustive()
    }
}
