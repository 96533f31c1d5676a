//! What one would write by hand for speed alone: shared batches over one bounded
//! channel for each thread, and nothing of what makes a run safe.

use std::sync::Arc;

use crossbeam_channel::{Sender, bounded};

use crate::support::{Consumer, Step, crew, seed};

/// How long batches are, and how many of them wait at a scan.
#[derive(Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    batch: usize,
    capacity: usize,
}

/// Two settings, either of which is the best one somewhere.
pub(crate) const SETTINGS: [Setting; 2] = [
    Setting { name: "bare_batches_1024x16", batch: 1024, capacity: 16 },
    Setting { name: "bare_batches_8192x4", batch: 8192, capacity: 4 },
];

pub(crate) fn fold<T, S>(
    setting: Setting,
    mut source: impl Iterator<Item = T>,
    scans: &[S],
) -> Vec<u64>
where
    T: Send + Sync + 'static,
    S: Step<T>,
{
    let mut senders = Vec::new();
    let mut pending = Vec::new();
    for (index, &scan) in scans.iter().enumerate() {
        let (sender, batches) = bounded::<Arc<Vec<T>>>(setting.capacity);
        senders.push(sender);
        pending.push(crew::spawn(move || {
            let mut state = seed(index);
            for batch in batches {
                state = batch.iter().fold(state, |state, item| scan.step(state, item));
            }
            state
        }));
    }
    while let Some(batch) = next_batch(setting, &mut source) {
        send_to_all(&senders, &batch);
    }
    drop(senders);
    crew::join_all(pending)
}

/// The caller feeds the scans and, between two batches, takes what outputs there
/// are. That cannot deadlock here, because as many batches come out as go in and
/// the channel for outputs has room for all that can be under way.
pub(crate) fn outputs<T, S>(
    setting: Setting,
    mut source: impl Iterator<Item = T>,
    scans: &[S],
    consumer: &mut Consumer,
) where
    T: Send + Sync + 'static,
    S: Step<T>,
{
    let (results, outputs) = bounded::<(usize, Vec<u64>)>(scans.len() * (setting.capacity + 2));
    let mut senders = Vec::new();
    let mut pending = Vec::new();
    for (index, &scan) in scans.iter().enumerate() {
        let (sender, batches) = bounded::<Arc<Vec<T>>>(setting.capacity);
        senders.push(sender);
        let results = results.clone();
        pending.push(crew::spawn(move || {
            let mut state = seed(index);
            for batch in batches {
                let mut values = Vec::with_capacity(batch.len());
                values.extend(batch.iter().map(|item| {
                    state = scan.step(state, item);
                    state
                }));
                results.send((index, values)).expect("the caller takes all outputs");
            }
        }));
    }
    drop(results);
    let mut deliver = |(index, values): (usize, Vec<u64>)| {
        for value in values {
            consumer.take(index, value);
        }
    };
    while let Some(batch) = next_batch(setting, &mut source) {
        send_to_all(&senders, &batch);
        drop(batch);
        while let Ok(ready) = outputs.try_recv() {
            deliver(ready);
        }
    }
    drop(senders);
    outputs.into_iter().for_each(deliver);
    crew::join_all(pending);
}

fn next_batch<T>(setting: Setting, source: &mut impl Iterator<Item = T>) -> Option<Arc<Vec<T>>> {
    let mut batch = Vec::with_capacity(setting.batch);
    batch.extend(source.take(setting.batch));
    (!batch.is_empty()).then(|| Arc::new(batch))
}

fn send_to_all<T>(senders: &[Sender<Arc<Vec<T>>>], batch: &Arc<Vec<T>>) {
    for sender in senders {
        sender.send(Arc::clone(batch)).expect("every scan takes all batches");
    }
}
