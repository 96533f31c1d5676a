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
//! # Old items
//!
//! An item is not dropped or cleared between two fillings. Whatever it holds, memory or a permit, it
//! holds until it is overwritten. So what fills an item must not wait for what others hold: it may
//! wait for ever. Each item keeps the memory of the longest value that it has had.
//!
//! At most [`input_capacity`](crate::FanOut::input_capacity) + 3 batches of items are made, and one
//! for each batch of which a branch keeps a handle: a handle keeps its whole batch from being filled
//! again, unless [`batch(1)`](crate::FanOut::batch) makes that one item. A branch that keeps handles
//! to more than a few batches at a time has new items made. All are dropped when the run ends, but
//! for those that somebody keeps. An input that is read ahead, and still blocks then, drops its own
//! when it returns.
//!
//! A batch grows as long as it is filled fast, up to 128 KiB of the shallow size of its items. Where
//! they are big behind a pointer, [`item_bytes`](crate::FanOut::item_bytes) bounds it; [`blocks`]
//! sets that.

use std::fmt;
use std::io::{self, BufRead, ErrorKind, Read};
use std::marker::PhantomData;
use std::mem;

use super::fan_out::FanOut;
use super::options::MAX_BYTES;
use super::refilled::{Fill, Filled, Refilled};
use super::source::{OnConsumer, Open, Opened, Source};
use crate::engine::{Run, Stock};
use crate::sync::Arc;

/// An input that fills its items again, returned by [`lines`], [`blocks`] and [`from_fn`].
#[must_use = "nothing is filled before a run is started"]
#[derive(Clone)]
pub struct Refill<F>(pub(super) F);

/// Returns an input of items that `fill` overwrites.
///
/// `fill` is given an item that `make` has made, or one from before, as it was left. It returns
/// whether it has filled it: `false` is the end of the input, and nobody sees what it wrote to that
/// item. If it returns a `Result`, the first error ends the run, and is what the run returns, as
/// after [`until_error`](crate::FanOut::until_error).
///
/// Both are called where an input is pulled: on the consumer's thread, unless it is [read
/// ahead](crate::FanOut::read_ahead). They may block, and a panic of theirs is one of the input.
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
/// The run returns `Result`s, without [`until_error`](crate::FanOut::until_error): the first error
/// of the reader ends it. A line that is not UTF-8 is an error, of kind
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
/// [`read`](Read::read) returns, at most `length` bytes and at least one. A read of zero bytes is
/// the end.
///
/// An input that is [read ahead](crate::FanOut::read_ahead) must be `Send`: `io::stdin()` is, its
/// lock is not.
///
/// # Errors
///
/// The run returns `Result`s: the first error of the reader ends it. An interrupted call is
/// repeated.
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
    Refill(Blocks { reader, length, buffer: Vec::new() })
}

impl<F: Fill> Refill<F> {
    /// Begins a run over the items; see [`IteratorExt::fan_out`](crate::IteratorExt::fan_out).
    pub fn fan_out(self) -> FanOut<Self> {
        let bytes = self.0.item_bytes();
        FanOut::new(self).item_bytes(bytes)
    }
}

impl<F: Fill> Open for Refill<F> {
    type Given = F::Item;
    type Items = Refilled<F>;
    type Ending = <F::Filled as Filled>::Ending;
    type Mode = OnConsumer;
    const BYTES: usize = if size_of::<Refilled<F>>() > size_of::<F::Item>() {
        size_of::<Refilled<F>>()
    } else {
        size_of::<F::Item>()
    };

    fn open(self, run: &Arc<Run>) -> Opened<Refilled<F>, Self::Ending, F::Item> {
        let stock = Arc::new(Stock::new(run));
        let (sink, ending) = F::Filled::open(run);
        let items = Refilled::new(self.0, Arc::clone(&stock), sink);
        Opened { items, ending, stock: Some(stock) }
    }
}

impl<F: Fill> Source for Refill<F> {
    type Item = F::Item;
    type Yield<X> = <F::Filled as Filled>::Yield<X>;

    #[inline]
    fn yields<X>(output: X) -> Self::Yield<X> {
        F::Filled::yields(output)
    }

    fn ends<X>(ending: &mut Self::Ending) -> Option<Self::Yield<X>> {
        F::Filled::ends(ending)
    }
}

/// What [`from_fn`] fills its items with.
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
    /// Read into, and then exchanged for the item if it is full. So its bytes are zeroed once.
    buffer: Vec<u8>,
}

impl<R: Read> Fill for Blocks<R> {
    type Item = Vec<u8>;
    type Filled = io::Result<bool>;

    fn make(&mut self) -> Vec<u8> {
        Vec::new()
    }

    fn fill(&mut self, block: &mut Vec<u8>) -> io::Result<bool> {
        let Self { reader, length, buffer } = self;
        buffer.resize(*length, 0);
        let read = loop {
            match reader.read(buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        if read == *length {
            mem::swap(buffer, block);
        } else {
            block.clear();
            block.extend_from_slice(&buffer[..read]);
        }
        Ok(read > 0)
    }

    fn item_bytes(&self) -> usize {
        self.length.min(MAX_BYTES)
    }
}

impl<T, R, M: Clone, F: Clone> Clone for FromFn<T, R, M, F> {
    fn clone(&self) -> Self {
        Self { make: self.make.clone(), fill: self.fill.clone(), types: PhantomData }
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
