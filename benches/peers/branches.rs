//! The branches of this crate, with no setting touched: the same steps in ordinary code over
//! iterators.

use anabranch::branch::Items;
use anabranch::prelude::*;

use super::{Folds, Outputs, Peer};
use crate::support::{Consumer, Step, seed};

/// `join` and `merge`, where each branch gets handles.
pub(crate) struct Branches;

impl Peer for Branches {
    fn name(&self) -> &'static str {
        "anabranch_branches"
    }
}

impl<T: Send + Sync + 'static> Folds<T> for Branches {
    fn fold<S: Step<T>>(&self, source: impl Iterator<Item = T>, scans: &[S]) -> Vec<u64> {
        let branches = scans.iter().enumerate().map(|(index, &scan)| {
            move |items: Items<'_, T>| {
                items.fold(seed(index), |state, item| scan.step(state, &item))
            }
        });
        source.fan_out().branches(branches).join()
    }
}

impl<T: Send + Sync + 'static> Outputs<T> for Branches {
    fn outputs<S: Step<T>, C: Consumer>(
        &self,
        source: impl Iterator<Item = T>,
        scans: &[S],
        consumer: C,
    ) -> C {
        let branches = scans.iter().enumerate().map(|(index, &scan)| {
            move |items: Items<'static, T>| {
                items.scan(seed(index), move |state, item| {
                    *state = scan.step(*state, &item);
                    Some(*state)
                })
            }
        });
        consumer.take_all(source.fan_out().branches(branches).merge())
    }
}

/// The same, where each branch gets clones of the items.
pub(crate) struct BranchesCloned;

impl Peer for BranchesCloned {
    fn name(&self) -> &'static str {
        "anabranch_branches_cloned"
    }
}

impl<T: Clone + Send + Sync + 'static> Folds<T> for BranchesCloned {
    fn fold<S: Step<T>>(&self, source: impl Iterator<Item = T>, scans: &[S]) -> Vec<u64> {
        let branches = scans.iter().enumerate().map(|(index, &scan)| {
            move |items: Items<'_, T>| {
                items.cloned().fold(seed(index), |state, item| scan.step(state, &item))
            }
        });
        source.fan_out().branches(branches).join()
    }
}

impl<T: Clone + Send + Sync + 'static> Outputs<T> for BranchesCloned {
    fn outputs<S: Step<T>, C: Consumer>(
        &self,
        source: impl Iterator<Item = T>,
        scans: &[S],
        consumer: C,
    ) -> C {
        let branches = scans.iter().enumerate().map(|(index, &scan)| {
            move |items: Items<'static, T>| {
                items.cloned().scan(seed(index), move |state, item| {
                    *state = scan.step(*state, &item);
                    Some(*state)
                })
            }
        });
        consumer.take_all(source.fan_out().branches(branches).merge())
    }
}

/// `join`, where each branch gets slices.
pub(crate) struct BranchesSlices;

impl Peer for BranchesSlices {
    fn name(&self) -> &'static str {
        "anabranch_branches_slices"
    }
}

impl<T: Send + Sync + 'static> Folds<T> for BranchesSlices {
    fn fold<S: Step<T>>(&self, source: impl Iterator<Item = T>, scans: &[S]) -> Vec<u64> {
        let branches = scans.iter().enumerate().map(|(index, &scan)| {
            move |mut items: Items<'_, T>| {
                let mut state = seed(index);
                while let Some(slice) = items.next_slice() {
                    state = slice.iter().fold(state, |state, item| scan.step(state, item));
                }
                state
            }
        });
        source.fan_out().branches(branches).join()
    }
}
