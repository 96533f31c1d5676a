//! A loop written by hand, the next thing that one thinks of where a channel of items is slow:
//! each branch is sent its own clones, in batches. It has no early end, handles no panic, and
//! cannot be dropped.

use crossbeam_channel::{Sender, bounded};

use super::{Folds, Outputs, Peer};
use crate::support::{Consumer, Step, crew, seed};

/// The length of batches, and how many of them wait at a branch: as many items as in
/// [`CrossbeamItems`](super::CrossbeamItems).
const BATCH: usize = 256;
const CAPACITY: usize = 4;

/// With the channels of crossbeam.
pub(crate) struct ClonedBatches;

impl Peer for ClonedBatches {
    fn name(&self) -> &'static str {
        "cloned_batches_256x4"
    }
}

impl<T: Clone + Send + 'static> Folds<T> for ClonedBatches {
    fn fold<S: Step<T>>(&self, mut source: impl Iterator<Item = T>, scans: &[S]) -> Vec<u64> {
        let mut senders = Vec::new();
        let mut pending = Vec::new();
        for (index, &scan) in scans.iter().enumerate() {
            let (sender, batches) = bounded::<Vec<T>>(CAPACITY);
            senders.push(sender);
            pending.push(crew::spawn(move || {
                batches
                    .into_iter()
                    .flatten()
                    .fold(seed(index), |state, item| scan.step(state, &item))
            }));
        }
        while let Some(batch) = next_batch(&mut source) {
            send_clones(&senders, batch);
        }
        drop(senders);
        crew::join_all(pending)
    }
}

/// The caller takes outputs between two batches, as in [`BareBatches`](super::BareBatches).
impl<T: Clone + Send + 'static> Outputs<T> for ClonedBatches {
    fn outputs<S: Step<T>, C: Consumer>(
        &self,
        mut source: impl Iterator<Item = T>,
        scans: &[S],
        mut consumer: C,
    ) -> C {
        let under_way = scans.len() * (CAPACITY + 2);
        let (results, outputs) = bounded::<(usize, Vec<u64>)>(under_way);
        let mut senders = Vec::new();
        let mut pending = Vec::new();
        for (index, &scan) in scans.iter().enumerate() {
            let (sender, batches) = bounded::<Vec<T>>(CAPACITY);
            senders.push(sender);
            let results = results.clone();
            pending.push(crew::spawn(move || {
                let mut state = seed(index);
                for batch in batches {
                    let values = batch.into_iter().map(|item| {
                        state = scan.step(state, &item);
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
        while let Some(batch) = next_batch(&mut source) {
            send_clones(&senders, batch);
            outputs.try_iter().for_each(&mut take);
        }
        drop(senders);
        outputs.iter().for_each(take);
        crew::join_all(pending);
        consumer
    }
}

fn next_batch<T>(source: &mut impl Iterator<Item = T>) -> Option<Vec<T>> {
    let mut batch = Vec::with_capacity(BATCH);
    batch.extend(source.take(BATCH));
    (!batch.is_empty()).then_some(batch)
}

/// Sends clones, and to the last one the batch itself.
fn send_clones<T: Clone>(senders: &[Sender<Vec<T>>], batch: Vec<T>) {
    let Some((last, others)) = senders.split_last() else { return };
    let sent = others.iter().all(|sender| sender.send(batch.clone()).is_ok());
    assert!(sent && last.send(batch).is_ok(), "every branch takes all batches");
}
