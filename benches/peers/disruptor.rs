//! The `disruptor` crate: one ring, events read in place by every scan.
//!
//! The scans poll from warm threads, which do what the threads do that the crate
//! would start. Whoever has to wait yields: with more threads than processors the
//! crate's spinning strategies keep out whoever is waited for, and were measured
//! to be a thousand times slower by item and a hundred times by batch; its
//! sleeping one ten times slower by item, and no faster by batch.

use std::thread;

use disruptor::{BusySpin, Polling, Producer, build_single_producer};

use crate::support::{Step, crew, seed};

/// How many slots the ring has, and how many items are published as one.
#[derive(Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    slots: usize,
    pub(crate) batch: usize,
}

/// The settings: by item, with as much room as the channels have; in batches; and
/// in batches that are longer than usual for a ring, as long as those of others.
pub(crate) const SETTINGS: [Setting; 3] = [
    Setting { name: "disruptor_items", slots: 1024, batch: 1 },
    Setting { name: "disruptor_256", slots: 1 << 16, batch: 256 },
    Setting { name: "disruptor_4096", slots: 1 << 16, batch: 4096 },
];

pub(crate) fn fold<T, S>(
    setting: Setting,
    mut source: impl ExactSizeIterator<Item = T>,
    scans: &[S],
) -> Vec<u64>
where
    T: Default + Send + Sync + 'static,
    S: Step<T>,
{
    // Nobody waits with the strategy that is named here: pollers do not.
    let mut builder =
        build_single_producer(setting.slots, T::default, BusySpin).with_multi_consumer();
    let mut pending = Vec::new();
    for (index, &scan) in scans.iter().enumerate() {
        let (mut poller, next) = builder.new_event_poller();
        builder = next;
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
    let mut producer = builder.build();
    while source.len() > 0 {
        let batch = source.len().min(setting.batch);
        publish_when_there_is_room(&mut producer, batch, &mut source);
    }
    drop(producer);
    crew::join_all(pending)
}

fn publish_when_there_is_room<T>(
    producer: &mut impl Producer<T>,
    batch: usize,
    source: &mut impl Iterator<Item = T>,
) {
    loop {
        let published = producer.try_batch_publish(batch, |slots| {
            for (slot, item) in slots.zip(&mut *source) {
                *slot = item;
            }
        });
        if published.is_ok() {
            return;
        }
        thread::yield_now();
    }
}
