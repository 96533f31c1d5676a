//! A branch that reads bytes.

use std::fmt;
use std::io::{self, BufRead, Read};

use super::{Handle, Items};

/// The bytes of the items, one item after the other; returned by [`Items::reader`].
///
/// Reads never fail. The end of the items is the end of the file, even where items are missing:
/// [`Items::abort_token`] says whether they are.
pub struct Reader<'a, T> {
    items: Items<'a, T>,
    current: Option<Handle<T>>,
    /// How many bytes of the current item were read.
    at: usize,
}

impl<'a, T: AsRef<[u8]>> Reader<'a, T> {
    pub(super) fn new(items: Items<'a, T>) -> Self {
        Self { items, current: None, at: 0 }
    }

    fn rest(&self) -> &[u8] {
        self.current.as_ref().map_or(&[], |item| &T::as_ref(item)[self.at..])
    }
}

impl<T: AsRef<[u8]>> BufRead for Reader<'_, T> {
    /// Returns the unread bytes of the current item, or of the next one. Blocks as
    /// [`Items::next`](Items#method.next).
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.rest().is_empty() {
            self.at = 0;
            // Nothing is held while this waits.
            self.current = None;
            self.current = self.items.next();
            if self.current.is_none() {
                break;
            }
        }
        Ok(self.rest())
    }

    fn consume(&mut self, amount: usize) {
        self.at += amount;
    }
}

impl<T: AsRef<[u8]>> Read for Reader<'_, T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl<T> fmt::Debug for Reader<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("items", &self.items).finish_non_exhaustive()
    }
}
