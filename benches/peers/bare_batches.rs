//! A loop written by hand, for speed alone: shared batches over one bounded channel for
//! each thread. It has no early end, handles no panic, and cannot be dropped.

use std::sync::Arc;

use crossbeam_channel::{Sender, bounded};

use super::{Folds, Outputs, Peer};
use crate::support::{Consumer, Step, crew, seed};

/// The length of batches, and how many of them wait at a scan.
pub(crate) struct BareBatches {
    name: &'static str,
    batch: usize,
    capacity: usize,
}

impl BareBatches {
    /// Both settings: each is the best somewhere.
    pub(crate) const BOTH: [Self; 2] = [
        Self { name: "bare_batches_1024x16", batch: 1024, capacity: 16 },
        Self { name: "bare_batches_8192x4", batch: 8192, capacity: 4 },
    ];

    fn next_batch<T>(&self, source: &mut impl Iterator<Item = T>) -> Option<Arc<Vec<T>>> {
        let mut batch = Vec::with_capacity(self.batch);
        batch.extend(source.take(self.batch));
        (!batch.is_empty()).then(|| Arc::new(batch))
    }
}

impl Peer for BareBatches {
    fn name(&self) -> &'static str {
        self.name
    }
}

impl<T: Send + Sync + 'static> Folds<T> for BareBatches {
    fn fold<S: Step<T>>(&self, mut source: impl Iterator<Item = T>, scans: &[S]) -> Vec<u64> {
        let mut senders = Vec::new();
        let mut pending = Vec::new();
        for (index, &scan) in scans.iter().enumerate() {
            let (sender, batches) = bounded::<Arc<Vec<T>>>(self.capacity);
            senders.push(sender);
            pending.push(crew::spawn(move || {
                let mut state = seed(index);
                for batch in batches {
                    state = batch.iter().fold(state, |state, item| scan.step(state, item));
                }
                state
            }));
        }
        while let Some(batch) = self.next_batch(&mut source) {
            send_to_all(&senders, &batch);
        }
        drop(senders);
        crew::join_all(pending)
    }
}

/// The caller feeds the scans and takes outputs between two batches. This cannot
/// deadlock: as many batches come out as go in, and the channel for outputs has room for
/// all that are under way. It was measured to be faster than a thread for the input.
impl<T: Send + Sync + 'static> Outputs<T> for BareBatches {
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
            let (sender, batches) = bounded::<Arc<Vec<T>>>(self.capacity);
            senders.push(sender);
            let results = results.clone();
            pending.push(crew::spawn(move || {
                let mut state = seed(index);
                for batch in batches {
                    let values = batch.iter().map(|item| {
                        state = scan.step(state, item);
                        state
                    });
                    results.send((index, values.collect())).expect("the caller takes all outputs");
                }
            }));
        }
        drop(results);
        let mut take = |(scan, values): (usize, Vec<u64>)| {
            values.into_iter().for_each(|value| consumer.take(scan, value));
        };
        while let Some(batch) = self.next_batch(&mut source) {
            send_to_all(&senders, &batch);
            outputs.try_iter().for_each(&mut take);
        }
        drop(senders);
        outputs.iter().for_each(take);
        crew::join_all(pending);
        consumer
    }
}

fn send_to_all<T>(senders: &[Sender<Arc<Vec<T>>>], batch: &Arc<Vec<T>>) {
    for sender in senders {
        sender.send(Arc::clone(batch)).expect("every scan takes all batches");
    }
}
