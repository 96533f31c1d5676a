//! The iterator behind `par_tee`.

use std::fmt;
use std::iter::FusedIterator;

use crate::config::Config;
use crate::engine::{Kept, Manager, Outputs, Ready};
use crate::error::{PanicOrigin, StartError};
use crate::input::Input;
use crate::scan::{CloneEach, Latest, ScanSet};
use crate::threads::ThreadSource;

/// The latest outputs of several scans, item by item; made by
/// [`par_tee`](crate::IteratorExt::par_tee).
#[must_use = "a run is driven by its consumer: without calls of `next` it stands still"]
pub struct ParTee<I: Input, L: Latest> {
    manager: Manager<I::Feeder, Option<L::Output>>,
    /// Of each scan, what it emitted for the items to come: once for each.
    lanes: Vec<Outputs<Option<L::Output>>>,
    latest: L,
}

impl<I: Input, L: Latest> ParTee<I, L> {
    pub(crate) fn start<'a, S>(
        threads: impl ThreadSource<'a>,
        config: &Config,
        input: I,
        scans: S,
    ) -> Result<Self, StartError<I, S>>
    where
        I::Item: Send + Sync + 'a,
        S: ScanSet<'a, I::Item, Latest = L>,
        L::Output: Send + 'a,
    {
        let ready = match Ready::new::<I::Item>(threads, config, scans.count()) {
            Ok(ready) => ready,
            Err(kind) => return Err(StartError::new(kind, input, scans)),
        };
        let latest = scans.nothing();
        let lanes = (0..scans.count()).map(|_| Outputs::new(Vec::new())).collect();
        let manager = ready.start(input, scans.per_item(), Kept::Every);
        Ok(Self { manager, lanes, latest })
    }

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
                self.latest.place(index, output);
            }
        }
        !self.lanes.is_empty()
    }
}

impl<I: Input, L: CloneEach> Iterator for ParTee<I, L> {
    type Item = L::Each;

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
        if !self.lanes.is_empty() {
            self.lanes.clear();
            self.manager.abort();
        }
        self.manager.finish();
        None
    }
}

impl<I: Input, L: CloneEach> FusedIterator for ParTee<I, L> {}

impl<I: Input, L: Latest> fmt::Debug for ParTee<I, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParTee").field("manager", &self.manager).finish_non_exhaustive()
    }
}
