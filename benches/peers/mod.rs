//! The implementations that are compared, a file each.
//!
//! Each peer is used at its best: warm threads where it has none of its own, waits that
//! suit a machine with fewer processors than threads, and settings chosen by measurement.

mod batches;
mod branches;
mod bus;
mod channels;
mod disruptor;
mod ours;
mod rayon;
mod sequential;

use crate::support::{Consumer, Step};

pub(crate) use self::batches::{BareBatches, ClonedBatches};
pub(crate) use self::branches::{Branches, BranchesCloned, BranchesSlices};
pub(crate) use self::bus::BusRing;
pub(crate) use self::channels::{CrossbeamItems, StdItems};
pub(crate) use self::disruptor::Disruptor;
pub(crate) use self::ours::{
    Anabranch, AnabranchAhead, AnabranchControlled, AnabranchOrdered, AnabranchZipLatest,
};
pub(crate) use self::rayon::RayonChunks;
pub(crate) use self::sequential::Sequential;

/// An implementation.
pub(crate) trait Peer {
    /// Returns its name in the ids.
    fn name(&self) -> &'static str;
}

/// An implementation that brings scans to their results.
pub(crate) trait Folds<T>: Peer {
    /// Gives every item to every scan, and returns the state that each ends with.
    fn fold<S: Step<T>>(
        &self,
        source: impl ExactSizeIterator<Item = T> + Send + 'static,
        scans: &[S],
    ) -> Vec<u64>;
}

/// An implementation that brings outputs to a consumer.
pub(crate) trait Outputs<T>: Peer {
    /// Gives every item to every scan. The consumer gets every state of every scan, one
    /// by one, on the caller's thread, and per scan in order.
    fn outputs<S: Step<T>, C: Consumer>(
        &self,
        source: impl ExactSizeIterator<Item = T> + Send + 'static,
        scans: &[S],
        consumer: C,
    ) -> C;
}
