//! This crate, with no setting touched.

use anabranch::{IteratorExt, scan};

use crate::support::{Consumer, Step, seed};

pub(crate) fn fold<T, S>(source: impl Iterator<Item = T>, scans: &[S]) -> Vec<u64>
where
    T: Send + Sync + 'static,
    S: Step<T>,
{
    let mut results = vec![0; scans.len()];
    let folds = scans.iter().enumerate().map(|(index, &scan)| {
        scan::fold(seed(index), move |state, item: &T| scan.step(state, item))
    });
    for (id, result) in source.par_distribute(folds) {
        results[id.index()] = result;
    }
    results
}

pub(crate) fn outputs<T, S>(source: impl Iterator<Item = T>, scans: &[S], consumer: &mut Consumer)
where
    T: Send + Sync + 'static,
    S: Step<T>,
{
    let scans = scans.iter().enumerate().map(|(index, &scan)| {
        scan::scan(seed(index), move |state, item: &T| {
            *state = scan.step(*state, item);
            Some(*state)
        })
    });
    for (id, output) in source.par_distribute(scans) {
        consumer.take(id.index(), output);
    }
}
