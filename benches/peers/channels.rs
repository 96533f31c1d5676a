//! A bounded channel for each scan, and each item sent into each of them.

use std::sync::mpsc;

use crate::support::{Consumer, Step, crew, seed};

/// How many items wait at a scan, and how many outputs at the caller.
const CAPACITY: usize = 1024;

/// A kind of bounded channel.
pub(crate) trait Channel<T> {
    type Sender: Send + 'static;
    type Receiver: IntoIterator<Item = T> + Send + 'static;

    fn bounded() -> (Self::Sender, Self::Receiver);
    fn send(sender: &Self::Sender, item: T);
}

/// Those of crossbeam.
pub(crate) struct Crossbeam;

impl<T: Send + 'static> Channel<T> for Crossbeam {
    type Sender = crossbeam_channel::Sender<T>;
    type Receiver = crossbeam_channel::Receiver<T>;

    fn bounded() -> (Self::Sender, Self::Receiver) {
        crossbeam_channel::bounded(CAPACITY)
    }

    fn send(sender: &Self::Sender, item: T) {
        sender.send(item).expect("every scan takes all items");
    }
}

/// Those of the standard library.
pub(crate) struct Std;

impl<T: Send + 'static> Channel<T> for Std {
    type Sender = mpsc::SyncSender<T>;
    type Receiver = mpsc::Receiver<T>;

    fn bounded() -> (Self::Sender, Self::Receiver) {
        mpsc::sync_channel(CAPACITY)
    }

    fn send(sender: &Self::Sender, item: T) {
        sender.send(item).expect("every scan takes all items");
    }
}

pub(crate) fn fold<C, T, S>(source: impl Iterator<Item = T>, scans: &[S]) -> Vec<u64>
where
    C: Channel<T>,
    T: Clone + 'static,
    S: Step<T>,
{
    let mut senders = Vec::new();
    let mut pending = Vec::new();
    for (index, &scan) in scans.iter().enumerate() {
        let (sender, items) = C::bounded();
        senders.push(sender);
        pending.push(crew::spawn(move || {
            items.into_iter().fold(seed(index), |state, item| scan.step(state, &item))
        }));
    }
    feed::<C, T>(source, &senders);
    drop(senders);
    crew::join_all(pending)
}

/// Outputs come back over one channel of crossbeam's that all scans share. The
/// input has a thread: if the caller fed the scans it could not take outputs
/// meanwhile, and with both sides full all would wait for ever.
pub(crate) fn outputs<C, T, S>(
    source: impl Iterator<Item = T> + Send + 'static,
    scans: &[S],
    consumer: &mut Consumer,
) where
    C: Channel<T>,
    T: Clone + 'static,
    S: Step<T>,
{
    let (results, outputs) = crossbeam_channel::bounded(CAPACITY);
    let mut senders = Vec::new();
    let mut pending = Vec::new();
    for (index, &scan) in scans.iter().enumerate() {
        let (sender, items) = C::bounded();
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
    pending.push(crew::spawn(move || feed::<C, T>(source, &senders)));
    for (index, value) in outputs {
        consumer.take(index, value);
    }
    crew::join_all(pending);
}

fn feed<C: Channel<T>, T: Clone>(source: impl Iterator<Item = T>, senders: &[C::Sender]) {
    for item in source {
        if let [others @ .., last] = senders {
            others.iter().for_each(|sender| C::send(sender, item.clone()));
            C::send(last, item);
        }
    }
}
