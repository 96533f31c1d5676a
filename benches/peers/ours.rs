//! This crate, with no setting touched, except for what is in the name.

use anabranch::scan::Fold;
use anabranch::{Control, prelude::*};

use super::{Folds, Outputs, Peer};
use crate::support::{Consumer, Step, seed};

/// `fold` and `distribute`, with the default settings.
pub(crate) struct Anabranch;

impl Peer for Anabranch {
    fn name(&self) -> &'static str {
        "anabranch"
    }
}

impl<T: Send + Sync + 'static> Folds<T> for Anabranch {
    fn fold<S: Step<T>>(&self, source: impl Iterator<Item = T>, scans: &[S]) -> Vec<u64> {
        source.fan_out().fold(folds(scans))
    }
}

impl<T: Send + Sync + 'static> Outputs<T> for Anabranch {
    fn outputs<S: Step<T>, C: Consumer>(
        &self,
        source: impl Iterator<Item = T>,
        scans: &[S],
        consumer: C,
    ) -> C {
        consumer.take_all(source.fan_out().distribute(running(scans)))
    }
}

/// `fold`, in a run with a control.
pub(crate) struct AnabranchControlled;

impl Peer for AnabranchControlled {
    fn name(&self) -> &'static str {
        "anabranch_controlled"
    }
}

impl<T: Send + Sync + 'static> Folds<T> for AnabranchControlled {
    fn fold<S: Step<T>>(&self, source: impl Iterator<Item = T>, scans: &[S]) -> Vec<u64> {
        source.fan_out().control(&Control::new()).fold(folds(scans))
    }
}

/// `fold`, with an input that is read ahead.
pub(crate) struct AnabranchAhead;

impl Peer for AnabranchAhead {
    fn name(&self) -> &'static str {
        "anabranch_read_ahead"
    }
}

impl<T: Send + Sync + 'static> Folds<T> for AnabranchAhead {
    fn fold<S: Step<T>>(
        &self,
        source: impl Iterator<Item = T> + Send + 'static,
        scans: &[S],
    ) -> Vec<u64> {
        source.fan_out().read_ahead().fold(folds(scans))
    }
}

/// `ordered`.
pub(crate) struct AnabranchOrdered;

impl Peer for AnabranchOrdered {
    fn name(&self) -> &'static str {
        "anabranch_ordered"
    }
}

impl<T: Send + Sync + 'static> Outputs<T> for AnabranchOrdered {
    fn outputs<S: Step<T>, C: Consumer>(
        &self,
        source: impl Iterator<Item = T>,
        scans: &[S],
        consumer: C,
    ) -> C {
        consumer.take_all(source.fan_out().ordered(running(scans)))
    }
}

/// `zip_latest`, over two or four scans.
pub(crate) struct AnabranchZipLatest;

impl Peer for AnabranchZipLatest {
    fn name(&self) -> &'static str {
        "anabranch_zip_latest"
    }
}

impl<T: Send + Sync + 'static> Outputs<T> for AnabranchZipLatest {
    fn outputs<S: Step<T>, C: Consumer>(
        &self,
        source: impl Iterator<Item = T>,
        scans: &[S],
        consumer: C,
    ) -> C {
        let scans = running(scans);
        match scans.len() {
            2 => zip_latest::<_, _, _, 2>(source, array_of(scans), consumer),
            4 => zip_latest::<_, _, _, 4>(source, array_of(scans), consumer),
            other => unreachable!("{other} scans"),
        }
    }
}

fn zip_latest<T: Send + Sync + 'static, S, C: Consumer, const N: usize>(
    source: impl Iterator<Item = T>,
    scans: [S; N],
    mut consumer: C,
) -> C
where
    S: Scan<T, Output = u64> + Send + 'static,
{
    for row in source.fan_out().zip_latest(scans) {
        for (index, output) in row.into_iter().enumerate() {
            consumer.take(index, output);
        }
    }
    consumer
}

fn array_of<S, const N: usize>(scans: Vec<S>) -> [S; N] {
    scans.try_into().unwrap_or_else(|_| unreachable!("the length is N"))
}

/// Makes totals of the state that each scan ends with.
fn folds<T, S: Step<T>>(
    scans: &[S],
) -> Vec<Fold<u64, impl FnMut(u64, &T) -> u64 + Send + use<T, S>>> {
    let fold = |(index, &scan): (usize, &S)| {
        scan::fold(seed(index), move |state, item: &T| scan.step(state, item))
    };
    scans.iter().enumerate().map(fold).collect()
}

/// Makes scans that emit every state they come to.
fn running<T, S: Step<T>>(scans: &[S]) -> Vec<impl Scan<T, Output = u64> + Send + use<T, S>> {
    let running = |(index, &scan): (usize, &S)| {
        scan::scan(seed(index), move |state, item: &T| {
            *state = scan.step(*state, item);
            Some(*state)
        })
    };
    scans.iter().enumerate().map(running).collect()
}
