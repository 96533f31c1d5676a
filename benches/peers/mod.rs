//! The implementations that are compared, a file each.
//!
//! Each peer is used as well as we can: warm threads where it does not bring its
//! own, waits that suit a machine with fewer processors than threads, and settings
//! that were chosen by measurement.

mod bare_batches;
mod bus;
mod channels;
mod disruptor;
mod ours;
mod rayon;
mod sequential;

use crate::support::{Consumer, Step};

pub(crate) use self::bare_batches::BareBatches;
pub(crate) use self::bus::BusRing;
pub(crate) use self::channels::{CrossbeamItems, StdItems};
pub(crate) use self::disruptor::Disruptor;
pub(crate) use self::ours::{
    Anabranch, AnabranchAhead, AnabranchControlled, AnabranchOrdered, AnabranchTee,
};
pub(crate) use self::rayon::RayonChunks;
pub(crate) use self::sequential::Sequential;

/// An implementation.
pub(crate) trait Peer {
    /// What it is called in the ids.
    fn name(&self) -> &'static str;
}

/// An implementation that brings scans to their results.
pub(crate) trait Folds<T>: Peer {
    /// Gives every item to every scan, and returns what each of them ends with.
    fn fold<S: Step<T>>(
        &self,
        source: impl ExactSizeIterator<Item = T> + Send + 'static,
        scans: &[S],
    ) -> Vec<u64>;
}

/// An implementation that brings outputs to a consumer.
pub(crate) trait Outputs<T>: Peer {
    /// Gives every item to every scan, and every state that any scan comes to
    /// the consumer, on the caller's thread, one by one, and per scan in order.
    fn outputs<S: Step<T>, C: Consumer>(
        &self,
        source: impl ExactSizeIterator<Item = T> + Send + 'static,
        scans: &[S],
        consumer: C,
    ) -> C;
}
