//! `zip_latest`: the latest outputs of several scans, item by item.

use std::fmt;
use std::iter::FusedIterator;

use super::distribute::at_the_end;
use super::fan_out::FanOut;
use super::rows::{Latest, Rows};
use super::source::{Input, Pulled, Source};
use super::until_error::Ending;
use crate::engine::{Kept, Manager, Outputs, PanicOrigin, discard};
use crate::scan::{Cell, Driven};
use crate::threads::Threads;

impl<I, Th> FanOut<I, Th> {
    /// Gives every item to each of `scans`, each scan on its own thread, and yields their latest
    /// outputs together, item by item. Elsewhere this is called *combine latest*, or a *tee* of
    /// Mealy machines.
    ///
    /// A scan that emits only at the flush (a count, a sum) has no output for any item, and with
    /// it there are no rows. Its [`running`](crate::scan::Fold::running) form emits the state after
    /// each item; [`fold`](Self::fold) returns the results at the end.
    ///
    /// The scans are a tuple of up to twelve, of different types, or an array or a vector of one
    /// type; each row has the same shape. If a scan emits nothing for an item, the row has its
    /// previous output; if it emits several, the row has the last. The sequence is the same on
    /// every run.
    ///
    /// | it | when |
    /// |---|---|
    /// | emits | after each item, starting with the first after which every scan has emitted: the latest output of each |
    /// | holds back | any live scan's input is full, or a scan is ahead of the slowest by its output capacity |
    /// | completes | the input has ended and every scan was flushed, or any scan has ended by itself |
    /// | cancels | the iterator is dropped; a scan or the input panics; [`Control`](crate::Control) |
    ///
    /// # Shape
    ///
    /// If a scan ends, its last item gets a row only if the scan emits an output for it. Then the
    /// run ends, and the other scans are aborted. At the end of the input, all scans are flushed
    /// before the final `None`; what they emit then belongs to no item and is dropped. The input is
    /// pulled as by [`distribute`](Self::distribute), and the memory bounds are the same, except
    /// that the consumer holds a batch of each scan. The scans do not run in lockstep: each works
    /// ahead of the consumer, batch by batch.
    ///
    /// # Blocking
    ///
    /// `next` blocks while some scan has not processed the next item, and while the input blocks.
    /// Dropping the iterator aborts the run and waits until every scan thread has left it.
    ///
    /// # Panics
    ///
    /// Panics if the threads are not available. For panics of scans and of the input see
    /// [`ZipLatest::next`](ZipLatest#method.next); a panic of a scan that is ahead of the others
    /// surfaces after the rows before its item.
    ///
    /// # Examples
    ///
    /// ```
    /// use anabranch::prelude::*;
    ///
    /// let sum = scan::sum::<i32, i32>().running();
    /// let even = scan::filter(|x: &i32| x % 2 == 0);
    /// let rows: Vec<_> = (1..=5).fan_out().zip_latest((sum, even)).collect();
    /// assert_eq!(rows, [(3, 2), (6, 2), (10, 4), (15, 4)]);
    /// ```
    #[track_caller]
    pub fn zip_latest<'a, L, R>(self, scans: L) -> ZipLatest<I, R>
    where
        I: Input<'a>,
        Th: Threads<'a>,
        L: Rows<'a, <I as Source>::Item, Latest = R>,
        R: Latest<Output: Send + 'a>,
    {
        let scans: Vec<_> = scans.per_item().into_iter().map(Driven).collect();
        let latest = R::empty(scans.len());
        let lanes = scans.iter().map(|_| Outputs::new(Vec::new())).collect();
        let (manager, ending) = self.start(scans, Kept::Marked);
        ZipLatest { manager: manager.in_turns(), lanes, current: 0, latest, ending }
    }
}

/// An iterator over the latest outputs of several scans, item by item, returned by
/// [`FanOut::zip_latest`].
#[must_use = "a run is driven by its consumer: without calls of `next` it stands still"]
pub struct ZipLatest<I: Source, L: Latest> {
    manager: Manager<Pulled<I>, Cell<L::Output>>,
    /// For each scan, its outputs for the next items, one per item.
    lanes: Vec<Outputs<Cell<L::Output>>>,
    /// Whose turn it is.
    current: usize,
    latest: L,
    ending: I::Ending,
}

impl<I: Source, L: Latest> ZipLatest<I, L> {
    /// Returns the origin of the panic that ended the run, if there was one. Scans are numbered in
    /// the order of the list.
    #[must_use]
    pub fn panicked(&self) -> Option<PanicOrigin> {
        self.manager.panicked().copied()
    }

    /// Advances by one item. Returns whether there was one and no scan had ended.
    ///
    /// The drop of an output may panic on the way. The turn has already passed on, so the next call
    /// continues with the next scan.
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
                    // All others are too; a scan that was stopped individually stops them.
                    self.manager.stop();
                    return false;
                }
                None => {
                    // A scan that was flushed before this item ends the run, so there is no need to
                    // wait for the others.
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

impl<I: Source, L: Latest> Iterator for ZipLatest<I, L> {
    type Item = I::Yield<L::Row>;

    /// Returns the latest output of each scan after the next item.
    ///
    /// # Blocking
    ///
    /// Blocks inside the input's `next`, and while some scan has not processed the item.
    ///
    /// # Panics
    ///
    /// Resumes a panic of a scan, of the input, or of the drop of an item, with the original
    /// payload, once all scans have exited.
    fn next(&mut self) -> Option<Self::Item> {
        while self.advance() {
            if let Some(row) = self.latest.row() {
                return Some(I::yields(row));
            }
        }
        self.lanes.clear();
        self.manager.finish();
        at_the_end::<I, _>(self.panicked(), &mut self.ending)
    }
}

impl<I: Source, L: Latest> FusedIterator for ZipLatest<I, L> {}

/// Drops the latest outputs one by one, discarding panics of the drops.
impl<I: Source, L: Latest> Drop for ZipLatest<I, L> {
    fn drop(&mut self) {
        self.latest.clear().into_iter().for_each(discard);
        self.ending.discard();
    }
}

impl<I: Source, L: Latest> fmt::Debug for ZipLatest<I, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZipLatest").field("manager", &self.manager).finish_non_exhaustive()
    }
}
