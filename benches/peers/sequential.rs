//! The obvious loop: item by item, scan by scan.

use std::array;
use std::iter::zip;

use super::{Folds, Outputs, Peer};
use crate::support::{Consumer, Step, seed};

/// The sequential loop.
pub(crate) struct Sequential;

impl Peer for Sequential {
    fn name(&self) -> &'static str {
        "sequential"
    }
}

impl<T> Folds<T> for Sequential {
    fn fold<S: Step<T>>(&self, source: impl Iterator<Item = T>, scans: &[S]) -> Vec<u64> {
        go_through(source, scans, &mut |_, _| {})
    }
}

impl<T> Outputs<T> for Sequential {
    fn outputs<S: Step<T>, C: Consumer>(
        &self,
        source: impl Iterator<Item = T>,
        scans: &[S],
        mut consumer: C,
    ) -> C {
        go_through(source, scans, &mut |scan, output| consumer.take(scan, output));
        consumer
    }
}

/// Steps over all items. For the usual numbers of scans the states are an array, which the
/// compiler can keep in registers.
fn go_through<T, S: Step<T>>(
    source: impl Iterator<Item = T>,
    scans: &[S],
    emit: &mut impl FnMut(usize, u64),
) -> Vec<u64> {
    fn array_of<T, S: Step<T>, const N: usize>(
        source: impl Iterator<Item = T>,
        scans: &[S; N],
        emit: &mut impl FnMut(usize, u64),
    ) -> Vec<u64> {
        let mut states: [u64; N] = array::from_fn(seed);
        step_all(source, scans, &mut states, emit);
        states.to_vec()
    }
    if let Ok(one) = scans.try_into() {
        array_of::<T, S, 1>(source, one, emit)
    } else if let Ok(two) = scans.try_into() {
        array_of::<T, S, 2>(source, two, emit)
    } else if let Ok(four) = scans.try_into() {
        array_of::<T, S, 4>(source, four, emit)
    } else if let Ok(eight) = scans.try_into() {
        array_of::<T, S, 8>(source, eight, emit)
    } else {
        let mut states: Vec<_> = (0..scans.len()).map(seed).collect();
        step_all(source, scans, &mut states, emit);
        states
    }
}

#[inline]
fn step_all<T, S: Step<T>>(
    source: impl Iterator<Item = T>,
    scans: &[S],
    states: &mut [u64],
    emit: &mut impl FnMut(usize, u64),
) {
    for item in source {
        for (index, (state, scan)) in zip(&mut *states, scans).enumerate() {
            *state = scan.step(*state, &item);
            emit(index, *state);
        }
    }
}
