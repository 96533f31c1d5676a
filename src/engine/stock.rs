//! Items that every scan is done with, on the way back to an input that fills them again.

use std::fmt;
use std::mem;

use super::contain::drop_each;
use super::run::Run;
use crate::sync::{Arc, Mutex};

/// Where such an input finds old items. Both sides are used by the thread that pulls, so the lock
/// is never contended.
pub(crate) struct Stock<T> {
    items: Mutex<Vec<T>>,
    run: Arc<Run>,
}

impl<T> Stock<T> {
    pub(crate) fn new(run: &Arc<Run>) -> Self {
        Self { items: Mutex::new(Vec::new()), run: Arc::clone(run) }
    }

    /// Moves all of `items` here, and leaves a vector with some capacity.
    pub(crate) fn put(&self, items: &mut Vec<T>) {
        let mut stock = self.items.lock();
        if stock.is_empty() {
            mem::swap(&mut *stock, items);
        } else {
            stock.append(items);
        }
    }

    /// Moves what is here to `items`, which is empty.
    pub(crate) fn take(&self, items: &mut Vec<T>) {
        mem::swap(&mut *self.items.lock(), items);
    }
}

impl<T> Drop for Stock<T> {
    fn drop(&mut self) {
        let items = mem::take(&mut *self.items.lock());
        if let Some(payload) = drop_each(items) {
            self.run.item_panicked(payload);
        }
    }
}

impl<T> fmt::Debug for Stock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stock").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_was_put_is_taken() {
        let stock = Stock::new(&Arc::new(Run::new(false)));
        stock.put(&mut vec![1, 2]);
        let mut further = vec![3];
        stock.put(&mut further);
        let mut taken = Vec::new();
        stock.take(&mut taken);
        assert_eq!((taken, further), (vec![1, 2, 3], vec![]));
        let mut taken = vec![];
        stock.take(&mut taken);
        assert!(taken.is_empty());
    }
}
