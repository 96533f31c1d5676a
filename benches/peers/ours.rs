//! This crate, with no setting touched but for what is in the name.

use anabranch::scan::{self, Scan};
use anabranch::{Config, Control, Input, IteratorExt};

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
        fold(&Config::new(), source, scans)
    }
}

/// The same in a run that is held by a control.
pub(crate) struct AnabranchControlled;

impl Peer for AnabranchControlled {
    fn name(&self) -> &'static str {
        "anabranch_controlled"
    }
}

impl<T: Send + Sync + 'static> Folds<T> for AnabranchControlled {
    fn fold<S: Step<T>>(&self, source: impl Iterator<Item = T>, scans: &[S]) -> Vec<u64> {
        fold(&Config::new().control(&Control::new()), source, scans)
    }
}

/// The same with an input that is read ahead.
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
        fold(&Config::new(), source.read_ahead(), scans)
    }
}

fn fold<I: Input<Item: Send + Sync + 'static>, S: Step<I::Item>>(
    config: &Config,
    input: I,
    scans: &[S],
) -> Vec<u64> {
    let mut results = vec![0; scans.len()];
    let folds = scans.iter().enumerate().map(|(index, &scan)| {
        scan::fold(seed(index), move |state, item: &I::Item| scan.step(state, item))
    });
    for (id, result) in input.fan_out().with(config).distribute(folds) {
        results[id.index()] = result;
    }
    results
}

impl<T: Send + Sync + 'static> Outputs<T> for Anabranch {
    fn outputs<S: Step<T>, C: Consumer>(
        &self,
        source: impl Iterator<Item = T>,
        scans: &[S],
        consumer: C,
    ) -> C {
        distribute(&Config::new(), source, scans, consumer)
    }
}

/// `par_distribute` in the order of the sequential run.
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
        distribute(&Config::new().ordered(true), source, scans, consumer)
    }
}

fn distribute<T: Send + Sync + 'static, S: Step<T>, C: Consumer>(
    config: &Config,
    source: impl Iterator<Item = T>,
    scans: &[S],
    mut consumer: C,
) -> C {
    for (id, output) in source.fan_out().with(config).distribute(running(scans)) {
        consumer.take(id.index(), output);
    }
    consumer
}

/// `par_tee`, over two or four scans.
pub(crate) struct AnabranchTee;

impl Peer for AnabranchTee {
    fn name(&self) -> &'static str {
        "anabranch_tee"
    }
}

impl<T: Send + Sync + 'static> Outputs<T> for AnabranchTee {
    fn outputs<S: Step<T>, C: Consumer>(
        &self,
        source: impl Iterator<Item = T>,
        scans: &[S],
        consumer: C,
    ) -> C {
        let scans: Vec<_> = running(scans).collect();
        match scans.len() {
            2 => tee::<_, _, _, 2>(source, array_of(scans), consumer),
            4 => tee::<_, _, _, 4>(source, array_of(scans), consumer),
            other => unreachable!("{other} scans"),
        }
    }
}

fn tee<T: Send + Sync + 'static, S, C: Consumer, const N: usize>(
    source: impl Iterator<Item = T>,
    scans: [S; N],
    mut consumer: C,
) -> C
where
    S: Scan<T, Output = u64> + Send + 'static,
{
    for each in source.par_zip_latest(scans) {
        for (index, output) in each.into_iter().enumerate() {
            consumer.take(index, output);
        }
    }
    consumer
}

fn array_of<S, const N: usize>(scans: Vec<S>) -> [S; N] {
    scans.try_into().unwrap_or_else(|_| unreachable!("the length was looked at"))
}

/// Scans that emit every state they come to.
fn running<T, S: Step<T>>(
    scans: &[S],
) -> impl ExactSizeIterator<Item = impl Scan<T, Output = u64> + Send + use<T, S>> {
    scans.iter().enumerate().map(|(index, &scan)| {
        scan::scan(seed(index), move |state, item: &T| {
            *state = scan.step(*state, item);
            Some(*state)
        })
    })
}
