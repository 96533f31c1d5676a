//! A bounded channel for each scan, and each item sent into each of them.

use std::sync::mpsc;

use super::{Folds, Outputs, Peer};
use crate::support::{Consumer, Step, crew, seed};

/// The number of items that wait at a scan, and of outputs that wait for the caller.
const CAPACITY: usize = 1024;

/// With the channels of crossbeam.
pub(crate) struct CrossbeamItems;

impl Peer for CrossbeamItems {
    fn name(&self) -> &'static str {
        "crossbeam_items"
    }
}

impl<T: Clone + Send + 'static> Folds<T> for CrossbeamItems {
    fn fold<S: Step<T>>(&self, source: impl Iterator<Item = T>, scans: &[S]) -> Vec<u64> {
        let channel = crossbeam_channel::bounded;
        fold_over(channel, |sender, item| sender.send(item).is_ok(), source, scans)
    }
}

/// Outputs come back over one channel that all scans share. The input has a thread of its
/// own: a caller that feeds the scans takes no outputs meanwhile, and with both sides
/// full everything would wait for ever.
impl<T: Clone + Send + 'static> Outputs<T> for CrossbeamItems {
    fn outputs<S: Step<T>, C: Consumer>(
        &self,
        source: impl Iterator<Item = T> + Send + 'static,
        scans: &[S],
        mut consumer: C,
    ) -> C {
        let (results, outputs) = crossbeam_channel::bounded(CAPACITY);
        let mut senders = Vec::new();
        let mut pending = Vec::new();
        for (index, &scan) in scans.iter().enumerate() {
            let (sender, items) = crossbeam_channel::bounded(CAPACITY);
            senders.push(sender);
            let results = results.clone();
            pending.push(crew::spawn(move || {
                let mut state = seed(index);
                for item in items {
                    state = scan.step(state, &item);
                    results.send((index, state)).expect("the caller takes all outputs");
                }
            }));
        }
        drop(results);
        pending.push(crew::spawn(move || {
            send_each(source, &senders, |sender, item| sender.send(item).is_ok());
        }));
        for (scan, output) in outputs {
            consumer.take(scan, output);
        }
        crew::join_all(pending);
        consumer
    }
}

/// With those of the standard library.
pub(crate) struct StdItems;

impl Peer for StdItems {
    fn name(&self) -> &'static str {
        "std_items"
    }
}

impl<T: Clone + Send + 'static> Folds<T> for StdItems {
    fn fold<S: Step<T>>(&self, source: impl Iterator<Item = T>, scans: &[S]) -> Vec<u64> {
        let channel = mpsc::sync_channel;
        fold_over(channel, |sender, item| sender.send(item).is_ok(), source, scans)
    }
}

fn fold_over<T, S, Sender, Receiver>(
    bounded: impl Fn(usize) -> (Sender, Receiver),
    send: impl Fn(&Sender, T) -> bool,
    source: impl Iterator<Item = T>,
    scans: &[S],
) -> Vec<u64>
where
    T: Clone + Send + 'static,
    S: Step<T>,
    Receiver: IntoIterator<Item = T> + Send + 'static,
{
    let mut senders = Vec::new();
    let mut pending = Vec::new();
    for (index, &scan) in scans.iter().enumerate() {
        let (sender, items) = bounded(CAPACITY);
        senders.push(sender);
        pending.push(crew::spawn(move || {
            items.into_iter().fold(seed(index), |state, item| scan.step(state, &item))
        }));
    }
    send_each(source, &senders, send);
    drop(senders);
    crew::join_all(pending)
}

/// Sends each item to all: clones, and to the last one the item itself.
fn send_each<T: Clone, S>(
    source: impl Iterator<Item = T>,
    senders: &[S],
    send: impl Fn(&S, T) -> bool,
) {
    let Some((last, others)) = senders.split_last() else { return };
    for item in source {
        let sent = others.iter().all(|sender| send(sender, item.clone())) && send(last, item);
        assert!(sent, "every scan takes all items");
    }
}
