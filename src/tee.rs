//! The iterator behind `par_tee`.

use std::fmt;
use std::iter::FusedIterator;

use crate::config::Config;
use crate::engine::{Kept, Manager, Outputs, Ready};
use crate::error::{PanicOrigin, StartError};
use crate::scan::{CloneEach, ScanSet};

/// The latest outputs of several scans, item by item; made by
/// [`par_tee`](crate::IteratorExt::par_tee).
#[must_use = "a run is driven by its consumer: without calls of `next` it stands still"]
pub struct ParTee<I: Iterator, S: ScanSet<I::Item>> {
    manager: Manager<I, Option<S::Output>>,
    /// Of each scan, what it emitted for the items to come: once for each.
    lanes: Vec<Outputs<Option<S::Output>>>,
    latest: S::Latest,
}

impl<I, S> ParTee<I, S>
where
    I: Iterator<Item: Send + Sync + 'static>,
    S: ScanSet<I::Item>,
{
    pub(crate) fn start(config: &Config, input: I, scans: S) -> Result<Self, StartError<I, S>> {
        let ready = match Ready::new::<I::Item>(config, scans.count()) {
            Ok(ready) => ready,
            Err(kind) => return Err(StartError::new(kind, input, scans)),
        };
        let latest = scans.nothing();
        let lanes = (0..scans.count()).map(|_| Outputs::new(Vec::new())).collect();
        let manager = ready.start(input, scans.per_item(), Kept::Every);
        Ok(Self { manager, lanes, latest })
    }
}

impl<I: Iterator, S: ScanSet<I::Item>> ParTee<I, S> {
    /// Where the panic came from that ended the run, once there was one. Scans
    /// are numbered in their order.
    #[must_use]
    pub fn panicked(&self) -> Option<PanicOrigin> {
        self.manager.panicked().copied()
    }

    /// Goes on by one item, and says whether there was one and no scan had ended.
    fn advance(&mut self) -> bool {
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            let emitted = loop {
                match lane.next() {
                    Some(emitted) => break emitted,
                    None => match self.manager.next_of(index) {
                        Some(outputs) => *lane = outputs,
                        None => return false,
                    },
                }
            };
            if let Some(output) = emitted {
                S::place(&mut self.latest, index, output);
            }
        }
        !self.lanes.is_empty()
    }
}

impl<I, S> Iterator for ParTee<I, S>
where
    I: Iterator,
    S: ScanSet<I::Item, Latest: CloneEach>,
{
    type Item = <S::Latest as CloneEach>::Each;

    /// Gives the latest output of each scan after the next item.
    ///
    /// # Blocking
    ///
    /// Blocks inside the input's `next`, and while some scan is still to step
    /// over the item.
    ///
    /// # Panics
    ///
    /// Resumes a panic of a scan, of the input, or of the drop of an item, with
    /// the original payload, once all scans have exited.
    fn next(&mut self) -> Option<Self::Item> {
        while self.advance() {
            if let Some(each) = self.latest.clone_each() {
                return Some(each);
            }
        }
        self.lanes.clear();
        self.manager.abort();
        self.manager.finish();
        None
    }
}

impl<I, S> FusedIterator for ParTee<I, S>
where
    I: Iterator,
    S: ScanSet<I::Item, Latest: CloneEach>,
{
}

impl<I: Iterator, S: ScanSet<I::Item>> fmt::Debug for ParTee<I, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParTee").field("manager", &self.manager).finish_non_exhaustive()
    }
}
