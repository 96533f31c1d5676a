//! The iterator behind `par_tee`.

use std::fmt;
use std::iter::FusedIterator;

use crate::config::Config;
use crate::engine::{Kept, Manager, Outputs, Ready, discard};
use crate::error::{PanicOrigin, StartError};
use crate::input::Input;
use crate::scan::{Cell, CloneEach, Latest, ScanSet};
use crate::threads::ThreadSource;

/// The latest outputs of several scans, item by item; made by
/// [`par_tee`](crate::IteratorExt::par_tee).
#[must_use = "a run is driven by its consumer: without calls of `next` it stands still"]
pub struct ParTee<I: Input, L: Latest> {
    manager: Manager<I::Feeder, Cell<L::Output>>,
    /// Of each scan, what it emitted for the items to come: once for each.
    lanes: Vec<Outputs<Cell<L::Output>>>,
    /// Whose turn it is.
    current: usize,
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
        let ready = match Ready::new::<I::Item, Cell<L::Output>>(threads, config, scans.count()) {
            Ok(ready) => ready,
            Err(kind) => return Err(StartError::new(kind, input, scans)),
        };
        let latest = scans.nothing();
        let lanes = (0..scans.count()).map(|_| Outputs::new(Vec::new())).collect();
        let manager = ready.start(input, scans.per_item(), Kept::Marked).in_turns();
        Ok(Self { manager, lanes, current: 0, latest })
    }

    /// Where the panic came from that ended the run, once there was one. Scans
    /// are numbered in their order.
    #[must_use]
    pub fn panicked(&self) -> Option<PanicOrigin> {
        self.manager.panicked().copied()
    }

    /// Goes on by one item, and says whether there was one and no scan had ended.
    ///
    /// The drop of an output may panic on the way. The turn has passed on by then, so the
    /// next call goes on from there.
    fn advance(&mut self) -> bool {
        while let Some(lane) = self.lanes.get_mut(self.current) {
            match lane.next() {
                Some(Cell::Item(output)) => {
                    let index = self.current;
                    self.current += 1;
                    if let Some(output) = output {
                        self.latest.place(index, output);
                    }
                }
                Some(Cell::Flushed) => {
                    // All others are, too; one that was stopped by itself stops them.
                    self.manager.stop();
                    return false;
                }
                None => {
                    // Whoever has no more than this, or less, ends the run: nobody need be
                    // waited for.
                    let behind = &self.lanes[self.current..];
                    if behind.iter().any(|lane| lane.peek().is_some_and(Cell::is_flushed)) {
                        self.manager.stop();
                        return false;
                    }
                    if self.manager.next_of_any(&mut self.lanes, self.current).is_none() {
                        self.manager.abort_unless_severed();
                        return false;
                    }
                }
            }
        }
        self.current = 0;
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
        self.lanes.clear();
        self.manager.finish();
        None
    }
}

impl<I: Input, L: CloneEach> FusedIterator for ParTee<I, L> {}

/// Drops the latest outputs one by one; what that panics with is not told.
impl<I: Input, L: Latest> Drop for ParTee<I, L> {
    fn drop(&mut self) {
        self.latest.clear().into_iter().for_each(discard);
    }
}

impl<I: Input, L: Latest> fmt::Debug for ParTee<I, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParTee").field("manager", &self.manager).finish_non_exhaustive()
    }
}
