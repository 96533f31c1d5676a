//! Batches of items and of outputs: vectors whose drop never panics.
//!
//! The last owner of a batch may be any thread, in the middle of anything, a channel's own drop
//! included. So a panic in the drop of a value of the batch is caught here and never reaches that
//! thread.

use std::fmt;
use std::mem;
use std::vec;

use super::contain::{discard, drop_each};
use super::growing::Growing;
use super::run::Run;
use crate::sync::{Arc, OnceLock, Sender};

/// Items on their way to every scan, shared and never cloned.
pub(crate) struct Batch<T> {
    items: Items<T>,
    run: Arc<Run>,
}

/// The near end of a scan's input channel.
pub(super) type BatchSender<T> = Sender<Arc<Batch<T>>>;

enum Items<T> {
    Whole(Vec<T>),
    /// `taken` holds the items that were there when the first scan came.
    Growing {
        growing: Arc<Growing<T>>,
        taken: OnceLock<Vec<T>>,
    },
}

impl<T> Batch<T> {
    pub(super) fn new(items: Vec<T>, run: &Arc<Run>) -> Arc<Self> {
        Arc::new(Self { items: Items::Whole(items), run: Arc::clone(run) })
    }

    /// Returns a batch that grows until its items are asked for, and the end at which it grows.
    pub(super) fn growing(items: Vec<T>, run: &Arc<Run>) -> (Arc<Self>, Arc<Growing<T>>) {
        let mut batch = Self { items: Items::Whole(Vec::new()), run: Arc::clone(run) };
        let growing = batch.grow(items);
        (Arc::new(batch), growing)
    }

    /// Returns whether nobody has asked for the items of a growing batch yet.
    pub(super) fn is_growing(&self) -> bool {
        matches!(&self.items, Items::Growing { taken, .. } if taken.get().is_none())
    }

    /// Returns the items. A growing batch stops growing.
    #[inline]
    pub(crate) fn items(&self) -> &[T] {
        match &self.items {
            Items::Whole(items) => items,
            Items::Growing { growing, taken } => match taken.get() {
                Some(items) => items,
                None => take(growing, taken),
            },
        }
    }
}

#[cold]
fn take<'b, T>(growing: &Growing<T>, taken: &'b OnceLock<Vec<T>>) -> &'b [T] {
    growing.take(|items| taken.get_or_init(|| mem::take(items)))
}

impl<T> Batch<T> {
    /// Puts other items in the place of those that were taken.
    pub(super) fn load(&mut self, items: Vec<T>) {
        self.items = Items::Whole(items);
    }

    /// Puts items that may become more in the place of those that were taken, and returns the end
    /// at which they grow.
    pub(super) fn grow(&mut self, items: Vec<T>) -> Arc<Growing<T>> {
        if let Items::Growing { growing, .. } = &mut self.items {
            if let Some(alone) = Arc::get_mut(growing) {
                alone.restart(items);
                return Arc::clone(growing);
            }
        }
        let growing = Arc::new(Growing::new(items));
        self.items = Items::Growing { growing: Arc::clone(&growing), taken: OnceLock::new() };
        growing
    }

    /// Takes all items.
    pub(super) fn take_items(&mut self) -> Vec<T> {
        match &mut self.items {
            Items::Whole(items) => mem::take(items),
            Items::Growing { growing, taken } => taken.take().unwrap_or_else(|| growing.empty()),
        }
    }
}

impl<T> Drop for Batch<T> {
    fn drop(&mut self) {
        let items = self.take_items();
        if let Some(payload) = drop_each(items) {
            self.run.item_panicked(payload);
        }
    }
}

impl<T> fmt::Debug for Batch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").finish_non_exhaustive()
    }
}

/// Outputs of one scan on their way to the consumer.
///
/// Outputs that are dropped here were emitted into a run that is being aborted. Either nobody takes
/// outputs any more or there is an earlier panic to report, so panics of their drops are discarded.
pub(crate) struct Outputs<O> {
    values: vec::IntoIter<O>,
}

impl<O> Outputs<O> {
    pub(crate) fn new(values: Vec<O>) -> Self {
        Self { values: values.into_iter() }
    }

    #[inline]
    pub(crate) fn next(&mut self) -> Option<O> {
        self.values.next()
    }

    /// Folds the values. Those behind one for which `f` panics are left.
    #[inline]
    pub(super) fn fold<B>(&mut self, initial: B, f: impl FnMut(B, O) -> B) -> B {
        self.values.by_ref().fold(initial, f)
    }

    /// Returns the next value without taking it.
    pub(crate) fn peek(&self) -> Option<&O> {
        self.values.as_slice().first()
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }
}

impl<O> Drop for Outputs<O> {
    fn drop(&mut self) {
        if let Some(payload) = drop_each(self.values.by_ref()) {
            discard(payload);
        }
    }
}

impl<O> fmt::Debug for Outputs<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outputs").field("values", &self.len()).finish()
    }
}
