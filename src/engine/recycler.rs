//! Batches whose allocation is filled again.

use std::collections::VecDeque;
use std::fmt;
use std::mem;

use super::batch::Batch;
use super::run::Run;
use crate::sync::Arc;

/// How many batches are remembered: more than are in flight at the default capacities.
const MOST: usize = 16;

/// Remembers the batches in flight, and takes back the memory of those that every scan is done with.
/// So in a steady state no memory is allocated, and none goes from the cache of one processor to
/// another.
///
/// Only for items whose drop does nothing: others are dropped by the last scan that uses them, as
/// early as can be. What an item holds, a permit for example, may be what the input waits for.
pub(super) struct Recycler<T> {
    /// The batches, the oldest first.
    flying: VecDeque<Arc<Batch<T>>>,
    /// A batch that has landed: nobody else has it, and its items were taken.
    landed: Option<Arc<Batch<T>>>,
}

impl<T> Recycler<T> {
    pub(super) fn new() -> Self {
        Self { flying: VecDeque::new(), landed: None }
    }

    /// Returns a vector for the items of the next batch.
    pub(super) fn vector(&mut self, capacity: usize) -> Vec<T> {
        // The oldest may be kept by a branch.
        let landed = self.flying.iter_mut().position(|batch| Arc::get_mut(batch).is_some());
        self.landed = landed.and_then(|index| self.flying.remove(index));
        let landed = self.landed.as_mut().and_then(Arc::get_mut);
        let Some(batch) = landed else { return Vec::with_capacity(capacity) };
        let mut items = batch.take_items();
        items.clear();
        items
    }

    /// Returns a batch of these items, and remembers it.
    pub(super) fn batch(&mut self, items: Vec<T>, run: &Arc<Run>) -> Arc<Batch<T>> {
        let batch = match self.landed.take() {
            Some(mut landed) => {
                let batch = Arc::get_mut(&mut landed);
                batch.expect("nobody else has a batch that has landed").load(items);
                landed
            }
            None => Batch::new(items, run),
        };
        if !mem::needs_drop::<T>() {
            if self.flying.len() == MOST {
                self.flying.pop_front();
            }
            self.flying.push_back(Arc::clone(&batch));
        }
        batch
    }
}

impl<T> fmt::Debug for Recycler<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recycler").field("flying", &self.flying.len()).finish_non_exhaustive()
    }
}
