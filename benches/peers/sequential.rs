//! The loop that everybody would write first: item by item, scan by scan.

use std::array;
use std::iter::zip;

use crate::support::{Consumer, Step, seed};

pub(crate) fn fold<T, S: Step<T>>(source: impl Iterator<Item = T>, scans: &[S]) -> Vec<u64> {
    run(source, scans, &mut |_, _| {})
}

pub(crate) fn outputs<T, S: Step<T>>(
    source: impl Iterator<Item = T>,
    scans: &[S],
    consumer: &mut Consumer,
) {
    run(source, scans, &mut |scan, output| consumer.take(scan, output));
}

/// For the usual numbers of scans the states are an array, which the compiler
/// keeps in registers.
fn run<T, S: Step<T>>(
    source: impl Iterator<Item = T>,
    scans: &[S],
    emit: &mut impl FnMut(usize, u64),
) -> Vec<u64> {
    fn of<T, S: Step<T>, const N: usize>(
        source: impl Iterator<Item = T>,
        scans: &[S; N],
        emit: &mut impl FnMut(usize, u64),
    ) -> Vec<u64> {
        let mut states: [u64; N] = array::from_fn(seed);
        all(source, scans, &mut states, emit);
        states.to_vec()
    }
    if let Ok(one) = scans.try_into() {
        of::<T, S, 1>(source, one, emit)
    } else if let Ok(two) = scans.try_into() {
        of::<T, S, 2>(source, two, emit)
    } else if let Ok(four) = scans.try_into() {
        of::<T, S, 4>(source, four, emit)
    } else if let Ok(eight) = scans.try_into() {
        of::<T, S, 8>(source, eight, emit)
    } else {
        let mut states: Vec<_> = (0..scans.len()).map(seed).collect();
        all(source, scans, &mut states, emit);
        states
    }
}

#[inline]
fn all<T, S: Step<T>>(
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
