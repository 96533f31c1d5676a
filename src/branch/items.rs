//! The iterator that a branch gets.

use std::fmt;
use std::iter::FusedIterator;
use std::mem;
use std::ops::Range;
use std::rc::Rc;

use super::feed::{Lend, Piece};
use super::handle::Lent;
use super::{Handle, Reader};
use crate::engine::Run;
use crate::sync::Arc;

/// The items of a run, as one branch gets them: a blocking iterator of [handles](Handle).
///
/// `next` blocks until the input has more items. It returns `None` at the end of the input, after a
/// [stop](crate::Control::stop), and when the run is aborted, and from then on always. Dropping the
/// iterator tells the run that this branch needs no more items.
///
/// It stays on the thread of its branch.
pub struct Items<'a, T> {
    /// Dropped first: when the items in hand are dropped, no more are sent.
    feed: Wanted<'a, T>,
    batch: Option<Rc<Lent<T>>>,
    /// The items to hand out next, by their places in the batch.
    ready: Range<usize>,
    run: Arc<Run>,
}

impl<'a, T> Items<'a, T> {
    pub(super) fn new(feed: Rc<dyn Lend<T> + 'a>, run: Arc<Run>) -> Self {
        Self { batch: None, ready: 0..0, feed: Wanted(feed), run }
    }

    /// Returns an iterator of clones of the items. For items that are cheap to clone, it is faster
    /// than handles.
    ///
    /// ```
    /// use anabranch::prelude::*;
    ///
    /// let (sum,) = (1..=100).fan_out().branch(|items| items.cloned().sum::<i32>()).join();
    /// assert_eq!(sum, 5050);
    /// ```
    pub fn cloned(self) -> Cloned<'a, T>
    where
        T: Clone,
    {
        Cloned { items: self }
    }

    /// Returns the next items: the rest of a batch, or fewer of it if the branch is slow, but at
    /// least one. Returns `None` when there are no more. Blocks as `next` does.
    ///
    /// ```
    /// use anabranch::prelude::*;
    ///
    /// let (largest,) = (1..=100)
    ///     .fan_out()
    ///     .branch(|mut items| {
    ///         let mut largest = None;
    ///         while let Some(slice) = items.next_slice() {
    ///             largest = largest.max(slice.iter().max().copied());
    ///         }
    ///         largest
    ///     })
    ///     .join();
    /// assert_eq!(largest, Some(100));
    /// ```
    pub fn next_slice(&mut self) -> Option<&[T]> {
        if !self.is_ready() {
            return None;
        }
        let ready = mem::take(&mut self.ready);
        Some(&self.batch.as_ref()?.items()[ready])
    }

    /// Returns a reader of all bytes of the items, one item after the other. Then whatever reads
    /// can be a branch: a decoder, `io::copy`, a parser.
    ///
    /// ```
    /// use std::io::{BufRead, Read};
    /// use anabranch::prelude::*;
    ///
    /// let blocks = ["to be\nor ", "not\nto", " be\n"].map(Vec::from).into_iter();
    /// let (lines, text) = blocks
    ///     .fan_out()
    ///     .branch(|blocks| blocks.reader().lines().count())
    ///     .branch(|blocks| {
    ///         let mut text = String::new();
    ///         blocks.reader().read_to_string(&mut text).map(|_| text)
    ///     })
    ///     .join();
    /// assert_eq!((lines, text?.len()), (3, 19));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn reader(self) -> Reader<'a, T>
    where
        T: AsRef<[u8]>,
    {
        Reader::new(self)
    }

    /// Returns a token that says whether items are missing. It can be kept when the iterator has
    /// gone into an adaptor.
    ///
    /// ```
    /// use anabranch::{Control, prelude::*};
    ///
    /// let control = Control::new();
    /// control.abort();
    /// let (whole,) = (0..)
    ///     .fan_out()
    ///     .control(&control)
    ///     .branch(|items| {
    ///         let token = items.abort_token();
    ///         items.for_each(drop);
    ///         !token.is_aborted()
    ///     })
    ///     .join();
    /// assert!(!whole);
    /// ```
    #[must_use]
    pub fn abort_token(&self) -> AbortToken {
        AbortToken { run: Arc::clone(&self.run) }
    }

    /// Returns whether there is an item. Blocks until there is one, or there are no more.
    #[inline]
    fn is_ready(&mut self) -> bool {
        // MODEL: loom-tests/tests/branches.rs::abort_inside_the_items
        !self.ready.is_empty() && !self.run.is_aborted() || self.is_ready_again()
    }

    #[cold]
    fn is_ready_again(&mut self) -> bool {
        match self.feed.0.lend(self.batch.take()) {
            Some(Piece { batch, items }) => (self.batch, self.ready) = (Some(batch), items),
            None => self.ready = 0..0,
        }
        self.batch.is_some()
    }

    /// Returns the next item, with its batch.
    #[inline]
    fn pull(&mut self) -> Option<(&Rc<Lent<T>>, usize)> {
        if !self.is_ready() {
            return None;
        }
        let index = self.ready.next()?;
        Some((self.batch.as_ref()?, index))
    }
}

impl<T> Iterator for Items<'_, T> {
    type Item = Handle<T>;

    /// Returns the next item.
    ///
    /// # Blocking
    ///
    /// Blocks while the input has no more items, and while there is no room for what the branch has
    /// emitted.
    #[inline]
    fn next(&mut self) -> Option<Handle<T>> {
        let (batch, index) = self.pull()?;
        Some(Handle::new(batch, index))
    }

    /// Returns no bounds: the run may be aborted before the next item.
    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, None)
    }

    fn fold<B, F: FnMut(B, Handle<T>) -> B>(mut self, initial: B, mut f: F) -> B {
        let mut folded = initial;
        while self.is_ready() {
            let Some(batch) = &self.batch else { break };
            for index in mem::take(&mut self.ready) {
                if self.run.is_aborted() {
                    break;
                }
                folded = f(folded, Handle::new(batch, index));
            }
        }
        folded
    }

    fn count(mut self) -> usize {
        let mut count = 0;
        while let Some(slice) = self.next_slice() {
            count += slice.len();
        }
        count
    }

    fn nth(&mut self, mut n: usize) -> Option<Handle<T>> {
        while self.is_ready() {
            if n < self.ready.len() {
                self.ready.start += n;
                return self.next();
            }
            n -= mem::take(&mut self.ready).len();
        }
        None
    }
}

impl<T> FusedIterator for Items<'_, T> {}

/// The channel ends of the branch; dropped when it needs no more items.
struct Wanted<'a, T>(Rc<dyn Lend<T> + 'a>);

impl<T> Drop for Wanted<'_, T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<T> fmt::Debug for Items<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items").field("ready", &self.ready.len()).finish_non_exhaustive()
    }
}

/// An iterator of clones of the items, returned by [`Items::cloned`].
#[derive(Debug)]
pub struct Cloned<'a, T> {
    items: Items<'a, T>,
}

impl<T: Clone> Iterator for Cloned<'_, T> {
    type Item = T;

    /// Returns a clone of the next item. Blocks as [`Items::next`](Items#method.next).
    #[inline]
    fn next(&mut self) -> Option<T> {
        let (batch, index) = self.items.pull()?;
        Some(batch.items()[index].clone())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }

    fn count(self) -> usize {
        self.items.count()
    }

    fn nth(&mut self, n: usize) -> Option<T> {
        self.items.nth(n).map(|item| T::clone(&item))
    }

    fn fold<B, F: FnMut(B, T) -> B>(mut self, initial: B, mut f: F) -> B {
        let run = Arc::clone(&self.items.run);
        let mut folded = initial;
        while let Some(slice) = self.items.next_slice() {
            for item in slice {
                if run.is_aborted() {
                    break;
                }
                folded = f(folded, item.clone());
            }
        }
        folded
    }
}

impl<T: Clone> FusedIterator for Cloned<'_, T> {}

/// Says whether items of a branch are missing, returned by [`Items::abort_token`].
#[derive(Clone, Debug)]
pub struct AbortToken {
    run: Arc<Run>,
}

impl AbortToken {
    /// Returns whether the run was aborted by [`Control::abort`](crate::Control::abort), by a panic,
    /// by an error of another branch, or because its consumer has left. Then outputs are no longer
    /// wanted.
    #[must_use]
    pub fn is_aborted(&self) -> bool {
        self.run.is_severed()
    }

    /// Returns whether items may be missing: the run was [aborted](Self::is_aborted), or its input
    /// ended with an [error](crate::FanOut::until_error). A [stop](crate::Control::stop) is an
    /// ordinary end.
    ///
    /// ```
    /// use anabranch::prelude::*;
    ///
    /// let blocks = [Ok("to be"), Err("the disk is gone"), Ok("not to be")].into_iter();
    /// let written = blocks.fan_out().until_error().branch(|blocks| {
    ///     let token = blocks.abort_token();
    ///     let text: String = blocks.cloned().collect();
    ///     // A file would get its name here, or be removed.
    ///     assert!(token.is_cut_short() && text == "to be");
    /// });
    /// assert_eq!(written.join(), Err("the disk is gone"));
    /// ```
    #[must_use]
    pub fn is_cut_short(&self) -> bool {
        self.run.is_cut_short()
    }
}
