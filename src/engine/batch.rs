//! Batches of items and of outputs: vectors whose drop never panics.
//!
//! The last owner of a batch may be any thread, in the middle of anything, a
//! channel's own drop included. A panic in the drop of what a batch holds is
//! therefore caught here and never reaches that thread.

use std::fmt;
use std::mem;
use std::vec;

use super::contain::{discard, drop_each};
use super::run::Run;
use crate::sync::Arc;

/// Items on their way to every scan, shared and never cloned.
pub(super) struct Batch<T> {
    items: Vec<T>,
    run: Arc<Run>,
}

impl<T> Batch<T> {
    pub(super) fn new(items: Vec<T>, run: &Arc<Run>) -> Arc<Self> {
        Arc::new(Self { items, run: Arc::clone(run) })
    }

    pub(super) fn items(&self) -> &[T] {
        &self.items
    }
}

impl<T> Drop for Batch<T> {
    fn drop(&mut self) {
        if let Some(payload) = drop_each(mem::take(&mut self.items)) {
            self.run.item_panicked(payload);
        }
    }
}

impl<T> fmt::Debug for Batch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("items", &self.items.len()).finish_non_exhaustive()
    }
}

/// Outputs of one scan on their way to the consumer.
///
/// Outputs that are dropped here were emitted into a run that is being aborted:
/// either nobody looks any more or there is an earlier panic to report, so what
/// their drops panic with is discarded.
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
