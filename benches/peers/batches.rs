//! A loop written by hand, for speed alone: batches over one bounded channel for each thread. It
//! has no early end, handles no panic, and cannot be dropped.

use std::marker::PhantomData;
use std::sync::Arc;

use crossbeam_channel::{Sender, bounded};

use super::{Folds, Outputs, Peer};
use crate::support::{Consumer, Step, crew, seed};

/// The length of batches, and how many of them wait at a scan.
pub(crate) struct Batches<D> {
    name: &'static str,
    batch: usize,
    capacity: usize,
    deal: PhantomData<D>,
}

/// The scans share each batch.
pub(crate) type BareBatches = Batches<Shared>;

/// Each scan gets a batch of clones: the next thing that one thinks of where a channel of items
/// is slow.
pub(crate) type ClonedBatches = Batches<Cloned>;

pub(crate) struct Shared;
pub(crate) struct Cloned;

impl BareBatches {
    /// Both settings: each is the best somewhere.
    pub(crate) const BOTH: [Self; 2] =
        [Self::new("bare_batches_1024x16", 1024, 16), Self::new("bare_batches_8192x4", 8192, 4)];
}

impl ClonedBatches {
    /// As many items wait at a scan as in [`CrossbeamItems`](super::CrossbeamItems).
    pub(crate) const ONE: Self = Self::new("cloned_batches_256x4", 256, 4);
}

impl<D> Batches<D> {
    const fn new(name: &'static str, batch: usize, capacity: usize) -> Self {
        Self { name, batch, capacity, deal: PhantomData }
    }

    fn next_batch<T>(&self, source: &mut impl Iterator<Item = T>) -> Option<Vec<T>> {
        let mut batch = Vec::with_capacity(self.batch);
        batch.extend(source.take(self.batch));
        (!batch.is_empty()).then_some(batch)
    }
}

/// How the scans get the items of a batch.
pub(crate) trait Deal<T> {
    /// What a scan is sent.
    type Batch: Send + 'static;

    fn deal(batch: Vec<T>, senders: &[Sender<Self::Batch>]);

    fn fold(batch: Self::Batch, state: u64, step: impl FnMut(u64, &T) -> u64) -> u64;

    fn map(batch: Self::Batch, f: impl FnMut(&T) -> u64) -> Vec<u64>;
}

impl<T: Send + Sync + 'static> Deal<T> for Shared {
    type Batch = Arc<Vec<T>>;

    fn deal(batch: Vec<T>, senders: &[Sender<Arc<Vec<T>>>]) {
        let batch = Arc::new(batch);
        let sent = senders.iter().all(|sender| sender.send(Arc::clone(&batch)).is_ok());
        assert!(sent, "every scan takes all batches");
    }

    fn fold(batch: Arc<Vec<T>>, state: u64, step: impl FnMut(u64, &T) -> u64) -> u64 {
        batch.iter().fold(state, step)
    }

    fn map(batch: Arc<Vec<T>>, f: impl FnMut(&T) -> u64) -> Vec<u64> {
        batch.iter().map(f).collect()
    }
}

impl<T: Clone + Send + 'static> Deal<T> for Cloned {
    type Batch = Vec<T>;

    /// The last one gets the batch itself.
    fn deal(batch: Vec<T>, senders: &[Sender<Vec<T>>]) {
        let Some((last, others)) = senders.split_last() else { return };
        let sent = others.iter().all(|sender| sender.send(batch.clone()).is_ok());
        assert!(sent && last.send(batch).is_ok(), "every scan takes all batches");
    }

    fn fold(batch: Vec<T>, state: u64, mut step: impl FnMut(u64, &T) -> u64) -> u64 {
        batch.into_iter().fold(state, |state, item| step(state, &item))
    }

    fn map(batch: Vec<T>, mut f: impl FnMut(&T) -> u64) -> Vec<u64> {
        batch.into_iter().map(|item| f(&item)).collect()
    }
}

impl<D> Peer for Batches<D> {
    fn name(&self) -> &'static str {
        self.name
    }
}

impl<T, D: Deal<T>> Folds<T> for Batches<D> {
    fn fold<S: Step<T>>(&self, mut source: impl Iterator<Item = T>, scans: &[S]) -> Vec<u64> {
        let mut senders = Vec::new();
        let mut pending = Vec::new();
        for (index, &scan) in scans.iter().enumerate() {
            let (sender, batches) = bounded::<D::Batch>(self.capacity);
            senders.push(sender);
            pending.push(crew::spawn(move || {
                let step = |state, item: &T| scan.step(state, item);
                batches.into_iter().fold(seed(index), |state, batch| D::fold(batch, state, step))
            }));
        }
        while let Some(batch) = self.next_batch(&mut source) {
            D::deal(batch, &senders);
        }
        drop(senders);
        crew::join_all(pending)
    }
}

/// The caller feeds the scans and takes outputs between two batches. This cannot
/// deadlock: as many batches come out as go in, and the channel for outputs has room for
/// all that are under way. It was measured to be faster than a thread for the input.
impl<T, D: Deal<T>> Outputs<T> for Batches<D> {
    fn outputs<S: Step<T>, C: Consumer>(
        &self,
        mut source: impl Iterator<Item = T>,
        scans: &[S],
        mut consumer: C,
    ) -> C {
        let under_way = scans.len() * (self.capacity + 2);
        let (results, outputs) = bounded::<(usize, Vec<u64>)>(under_way);
        let mut senders = Vec::new();
        let mut pending = Vec::new();
        for (index, &scan) in scans.iter().enumerate() {
            let (sender, batches) = bounded::<D::Batch>(self.capacity);
            senders.push(sender);
            let results = results.clone();
            pending.push(crew::spawn(move || {
                let mut state = seed(index);
                for batch in batches {
                    let values = D::map(batch, |item| {
                        state = scan.step(state, item);
                        state
                    });
                    results.send((index, values)).expect("the caller takes all outputs");
                }
            }));
        }
        drop(results);
        let mut take = |(scan, values): (usize, Vec<u64>)| {
            values.into_iter().for_each(|value| consumer.take(scan, value));
        };
        while let Some(batch) = self.next_batch(&mut source) {
            D::deal(batch, &senders);
            outputs.try_iter().for_each(&mut take);
        }
        drop(senders);
        outputs.iter().for_each(take);
        crew::join_all(pending);
        consumer
    }
}
