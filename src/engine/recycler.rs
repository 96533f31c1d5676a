//! Batches whose allocation is filled again.

use std::collections::VecDeque;
use std::fmt;
use std::mem;

use super::batch::Batch;
use super::growing::Growing;
use super::run::Run;
use super::stock::Stock;
use crate::sync::Arc;

/// How many batches are remembered beyond those that fit into a queue: the ones that are being sent
/// and worked on, and a few that branches keep.
#[cfg(not(any(loom, shuttle)))]
const BEYOND: usize = 8;
/// Small, so that models have more.
#[cfg(any(loom, shuttle))]
const BEYOND: usize = 1;

/// Remembers the batches in flight, and takes back the memory of those that every scan is done with.
/// So in a steady state no memory is allocated, and none goes from the cache of one processor to
/// another.
///
/// Only for items whose drop does nothing, and for those that the input fills again: others are
/// dropped by the last scan that uses them, as early as can be. What an item holds, a permit for
/// example, may be what the input waits for.
pub(super) struct Recycler<T> {
    /// The batches, the oldest first.
    flying: VecDeque<Arc<Batch<T>>>,
    /// A batch that has landed: nobody else has it, and its items were taken.
    landed: Option<Arc<Batch<T>>>,
    /// Where old items go, if the input fills them again.
    stock: Option<Arc<Stock<T>>>,
    /// How many batches are remembered.
    most: usize,
}

impl<T> Recycler<T> {
    /// Creates a recycler for queues of so many batches.
    pub(super) fn new(input_capacity: usize) -> Self {
        let most = input_capacity.saturating_add(BEYOND);
        Self { flying: VecDeque::new(), landed: None, stock: None, most }
    }

    /// Gives old items to an input that fills them again.
    pub(super) fn return_to(&mut self, stock: Arc<Stock<T>>) {
        self.stock = Some(stock);
    }

    /// Forgets the batches, and lets go of the stock: before the run ends, so that a panic in the drop
    /// of an old item is reported.
    // MODEL: loom-tests/tests/refill.rs::panics_in_the_drops_of_old_items
    pub(super) fn retire(&mut self) {
        self.flying.clear();
        self.landed = None;
        self.stock = None;
    }

    /// Returns an empty vector for the items of the next batch.
    // MODEL: loom-tests/tests/refill.rs::items_of_two_scans
    pub(super) fn vector(&mut self, capacity: usize) -> Vec<T> {
        // The oldest may be kept by a branch.
        let landed = self.flying.iter_mut().position(|batch| Arc::get_mut(batch).is_some());
        self.landed = landed.and_then(|index| self.flying.remove(index));
        let landed = self.landed.as_mut().and_then(Arc::get_mut);
        let Some(batch) = landed else { return Vec::with_capacity(capacity) };
        let mut items = batch.take_items();
        match &self.stock {
            Some(stock) => stock.put(&mut items),
            None => items.clear(),
        }
        items
    }

    /// Returns a batch of these items, and remembers it.
    pub(super) fn batch(&mut self, items: Vec<T>, run: &Arc<Run>) -> Arc<Batch<T>> {
        let batch = match self.landed.take() {
            Some(mut landed) => {
                alone(&mut landed).load(items);
                landed
            }
            None => Batch::new(items, run),
        };
        self.remember(&batch);
        batch
    }

    /// Returns a batch that grows, with this item, and remembers it.
    // MODEL: loom-tests/tests/refill.rs::items_read_ahead
    pub(super) fn growing(&mut self, first: T, run: &Arc<Run>) -> (Arc<Batch<T>>, Arc<Growing<T>>) {
        let mut items = self.vector(1);
        items.push(first);
        let (batch, growing) = match self.landed.take() {
            Some(mut landed) => {
                let growing = alone(&mut landed).grow(items);
                (landed, growing)
            }
            None => Batch::growing(items, run),
        };
        self.remember(&batch);
        (batch, growing)
    }

    fn remember(&mut self, batch: &Arc<Batch<T>>) {
        if mem::needs_drop::<T>() && self.stock.is_none() {
            return;
        }
        if self.flying.len() == self.most {
            self.flying.pop_front();
        }
        self.flying.push_back(Arc::clone(batch));
    }
}

/// The batch, of which nobody else has a handle.
fn alone<T>(landed: &mut Arc<Batch<T>>) -> &mut Batch<T> {
    Arc::get_mut(landed).expect("nobody else has a batch that has landed")
}

impl<T> fmt::Debug for Recycler<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recycler").field("flying", &self.flying.len()).finish_non_exhaustive()
    }
}
