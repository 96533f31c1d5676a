//! What the scans compute: each folds its items into a `u64`.

use std::sync::Arc;

const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

/// One step of a scan. A value of the type is one scan.
pub(crate) trait Step<T>: Copy + Send + Sync + 'static {
    /// Folds `item` into `state`.
    fn step(&self, state: u64, item: &T) -> u64;
}

/// Returns the first state of the scan with this index; no two are equal.
pub(crate) fn seed(index: usize) -> u64 {
    (index as u64 + 1).wrapping_mul(ODD)
}

/// Next to no work: one exclusive or and one multiplication.
#[derive(Clone, Copy)]
pub(crate) struct Mix;

impl Step<u64> for Mix {
    #[inline]
    fn step(&self, state: u64, item: &u64) -> u64 {
        (state ^ item).wrapping_mul(ODD)
    }
}

/// A sum of numbers, or of the lengths of lines: what a branch is often written for.
#[derive(Clone, Copy)]
pub(crate) struct Sum;

impl Step<u64> for Sum {
    #[inline]
    fn step(&self, state: u64, item: &u64) -> u64 {
        state.wrapping_add(*item)
    }
}

impl Step<String> for Sum {
    #[inline]
    fn step(&self, state: u64, item: &String) -> u64 {
        state.wrapping_add(item.len() as u64)
    }
}

/// A given amount of work: rounds of exclusive ors and multiplications.
#[derive(Clone, Copy)]
pub(crate) struct Spin {
    /// The number of rounds in a step.
    pub(crate) rounds: u32,
}

/// The number of chains of multiplications in a round: enough to keep the multipliers
/// busy. With fewer, the processor works on several scans of the sequential loop at once.
/// A second scan then costs next to nothing.
const LANES: usize = 12;

impl Step<u64> for Spin {
    // Kept out of line, so that it is the same code for all implementations.
    #[inline(never)]
    fn step(&self, state: u64, item: &u64) -> u64 {
        let mut lanes = [state ^ item; LANES];
        for (turn, lane) in (0..).zip(&mut lanes) {
            *lane = lane.rotate_left(turn);
        }
        for _ in 0..self.rounds {
            for lane in &mut lanes {
                *lane = (*lane ^ item).wrapping_mul(ODD);
            }
        }
        lanes.into_iter().fold(state, |state, lane| state ^ lane)
    }
}

/// Folds the length, the first and the last byte of an item.
#[derive(Clone, Copy)]
pub(crate) struct Glance;

impl Step<String> for Glance {
    #[inline]
    fn step(&self, state: u64, item: &String) -> u64 {
        glance(state, item.as_bytes())
    }
}

impl Step<Arc<str>> for Glance {
    #[inline]
    fn step(&self, state: u64, item: &Arc<str>) -> u64 {
        glance(state, item.as_bytes())
    }
}

impl<const N: usize> Step<[u8; N]> for Glance {
    #[inline]
    fn step(&self, state: u64, item: &[u8; N]) -> u64 {
        glance(state, item)
    }
}

#[inline]
fn glance(state: u64, bytes: &[u8]) -> u64 {
    let look = |byte: Option<&u8>| u64::from(byte.copied().unwrap_or_default());
    let seen = bytes.len() as u64 ^ look(bytes.first()) << 16 ^ look(bytes.last()) << 24;
    (state ^ seen).wrapping_mul(ODD)
}
