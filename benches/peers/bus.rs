//! The `bus` crate: one ring, every item read by every scan.

use bus::Bus;

use super::{Folds, Peer};
use crate::support::{Step, crew, seed};

/// The number of items that wait, as many as in the channels.
const SLOTS: usize = 1024;

/// A bus.
pub(crate) struct BusRing;

impl Peer for BusRing {
    fn name(&self) -> &'static str {
        "bus"
    }
}

impl<T: Clone + Send + Sync + 'static> Folds<T> for BusRing {
    fn fold<S: Step<T>>(&self, source: impl Iterator<Item = T>, scans: &[S]) -> Vec<u64> {
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
}
