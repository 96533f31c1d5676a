//! The `disruptor` crate: one ring, events read in place by every scan.
//!
//! The scans poll from warm threads, as the threads do that the crate would start. A
//! thread that has to wait yields. With more threads than processors, the crate's
//! spinning strategies take the processor from the thread that is waited for. They were
//! measured to be a thousand times slower by item and a hundred times by batch. Its
//! sleeping strategy was ten times slower by item, and no faster by batch.

use std::thread;

use disruptor::{BusySpin, Polling, Producer, build_single_producer};

use super::{Folds, Peer};
use crate::support::{Step, crew, seed};

/// The number of slots in the ring, and of items that are published at once.
pub(crate) struct Disruptor {
    name: &'static str,
    slots: usize,
    batch: usize,
}

impl Disruptor {
    /// Item by item, with as much room as the channels have.
    pub(crate) const BY_ITEM: Self = Self { name: "disruptor_items", slots: 1024, batch: 1 };

    /// In batches, short and long. More slots were not faster.
    pub(crate) const BY_BATCH: [Self; 2] = [
        Self { name: "disruptor_256", slots: 1 << 16, batch: 256 },
        Self { name: "disruptor_4096", slots: 1 << 16, batch: 4096 },
    ];
}

impl Peer for Disruptor {
    fn name(&self) -> &'static str {
        self.name
    }
}

impl<T: Default + Send + Sync + 'static> Folds<T> for Disruptor {
    fn fold<S: Step<T>>(
        &self,
        mut source: impl ExactSizeIterator<Item = T>,
        scans: &[S],
    ) -> Vec<u64> {
        // Pollers do not use the strategy that is named here.
        let ring = build_single_producer(self.slots, T::default, BusySpin);
        let mut ring = ring.with_multi_consumer();
        let mut pending = Vec::new();
        for (index, &scan) in scans.iter().enumerate() {
            let (mut poller, rest) = ring.new_event_poller();
            ring = rest;
            pending.push(crew::spawn(move || {
                let mut state = seed(index);
                loop {
                    match poller.poll() {
                        Ok(mut events) => {
                            state = (&mut events).fold(state, |state, item| scan.step(state, item));
                        }
                        Err(Polling::NoEvents) => thread::yield_now(),
                        Err(Polling::Shutdown) => return state,
                    }
                }
            }));
        }
        let mut producer = ring.build();
        while source.len() > 0 {
            let batch = source.len().min(self.batch);
            let mut publish = || {
                producer.try_batch_publish(batch, |slots| {
                    slots.zip(&mut source).for_each(|(slot, item)| *slot = item);
                })
            };
            while publish().is_err() {
                thread::yield_now();
            }
        }
        drop(producer);
        crew::join_all(pending)
    }
}
