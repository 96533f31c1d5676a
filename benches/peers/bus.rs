//! The `bus` crate: one ring, every item read by every scan.

use bus::Bus;

use crate::support::{Step, crew, seed};

const SLOTS: usize = 1024;

pub(crate) fn fold<T, S>(source: impl Iterator<Item = T>, scans: &[S]) -> Vec<u64>
where
    T: Clone + Send + Sync + 'static,
    S: Step<T>,
{
    let mut bus = Bus::new(SLOTS);
    let mut pending = Vec::new();
    for (index, &scan) in scans.iter().enumerate() {
        let items = bus.add_rx();
        pending.push(crew::spawn(move || {
            items.into_iter().fold(seed(index), |state, item| scan.step(state, &item))
        }));
    }
    for item in source {
        bus.broadcast(item);
    }
    drop(bus);
    crew::join_all(pending)
}
