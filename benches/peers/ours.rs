//! This crate, with no setting touched.

use anabranch::{IteratorExt, scan};

use super::{Folds, Outputs, Peer};
use crate::support::{Consumer, Step, seed};

/// `par_distribute`, and its default configuration.
pub(crate) struct Anabranch;

impl Peer for Anabranch {
    fn name(&self) -> &'static str {
        "anabranch"
    }
}

impl<T: Send + Sync + 'static> Folds<T> for Anabranch {
    fn fold<S: Step<T>>(&self, source: impl Iterator<Item = T>, scans: &[S]) -> Vec<u64> {
        let mut results = vec![0; scans.len()];
        let folds = scans.iter().enumerate().map(|(index, &scan)| {
            scan::fold(seed(index), move |state, item: &T| scan.step(state, item))
        });
        for (id, result) in source.par_distribute(folds) {
            results[id.index()] = result;
        }
        results
    }
}

impl<T: Send + Sync + 'static> Outputs<T> for Anabranch {
    fn outputs<S: Step<T>, C: Consumer>(
        &self,
        source: impl Iterator<Item = T>,
        scans: &[S],
        mut consumer: C,
    ) -> C {
        let scans = scans.iter().enumerate().map(|(index, &scan)| {
            scan::scan(seed(index), move |state, item: &T| {
                *state = scan.step(*state, item);
                Some(*state)
            })
        });
        for (id, output) in source.par_distribute(scans) {
            consumer.take(id.index(), output);
        }
        consumer
    }
}
