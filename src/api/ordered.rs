//! `ordered`: the outputs of several scans, in the order of the sequential run.

use std::fmt;
use std::iter::FusedIterator;
use std::mem;

use super::distribute::at_the_end;
use super::fan_out::FanOut;
use super::lists::Scans;
use super::source::{Input, Pulled, Source};
use super::until_error::Ending;
use crate::engine::{Kept, Manager, Outputs, PanicOrigin, ScanId};
use crate::scan::{Driven, InParts, Part};
use crate::threads::Threads;

impl<I, Th> FanOut<I, Th> {
    /// Does the same as [`distribute`](Self::distribute), with the outputs in the order of the
    /// sequential run: item by item, scan by scan for each item, and those of the flushes last.
    ///
    /// | it | when |
    /// |---|---|
    /// | emits | the next output in that order is ready: the same sequence on every run |
    /// | holds back | any live scan's input is full, or a scan is ahead of the slowest by its output capacity |
    /// | completes | the input has ended and every scan was flushed and has exited, or every scan has ended by itself |
    /// | cancels | the iterator is dropped; a scan or the input panics; [`Control`](crate::Control) |
    ///
    /// # Shape
    ///
    /// As [`distribute`](Self::distribute), except that the consumer holds a batch of outputs of
    /// each scan. After a panic, the delivered outputs are a prefix of the sequential run. After
    /// [`Control::abort`](crate::Control::abort), the order skips scans that have exited. A scan
    /// that is [stopped](crate::Control::stop_scan) is flushed after its last item, in the middle
    /// of the others' outputs. Scans cannot be added.
    ///
    /// # Blocking
    ///
    /// As [`distribute`](Self::distribute); `next` also blocks while the scan whose turn it is has
    /// not processed the item, even if others have outputs ready.
    ///
    /// # Panics
    ///
    /// As [`distribute`](Self::distribute).
    ///
    /// # Examples
    ///
    /// ```
    /// use anabranch::prelude::*;
    ///
    /// let even = scan::filter(|x: &i32| x % 2 == 0);
    /// let outputs = (1..=4).fan_out().ordered((scan::cloned(), even));
    /// let outputs: Vec<_> = outputs.map(|(id, x)| (x, id.index())).collect();
    /// assert_eq!(outputs, [(1, 0), (2, 0), (2, 1), (3, 0), (4, 0), (4, 1)]);
    /// ```
    #[track_caller]
    pub fn ordered<'a, L, O>(self, scans: L) -> Ordered<I, O>
    where
        I: Input<'a>,
        Th: Threads<'a>,
        L: Scans<'a, <I as Source>::Item, Output = O>,
        O: Send + 'a,
    {
        let scans = scans.into_list().into_iter().map(|scan| Driven(InParts::new(scan)));
        let scans: Vec<_> = scans.collect();
        let turn = |index| Turn { index, parts: Outputs::new(Vec::new()) };
        let turns = (0..scans.len()).map(turn).collect();
        let (manager, ending) = self.start(scans, Kept::Marked);
        Ordered { manager: manager.in_turns(), turns, current: 0, ending }
    }
}

/// An iterator over the outputs of several scans in the order of the sequential run, returned by
/// [`FanOut::ordered`].
///
/// It visits the scans in turn, taking all outputs of one scan for an item, then those of the next
/// scan. A scan that has ended is skipped from then on, and so is one that leaves without marking
/// its end because the run was aborted on request. After a panic, the sequence ends there.
#[must_use = "a run is driven by its consumer: without calls of `next` it stands still"]
pub struct Ordered<I: Source, O> {
    manager: Manager<Pulled<I>, Part<O>>,
    /// The scans that have not ended, in order.
    turns: Vec<Turn<O>>,
    /// Whose turn it is.
    current: usize,
    ending: I::Ending,
}

struct Turn<O> {
    index: usize,
    parts: Outputs<Part<O>>,
}

impl<I: Source, O> Ordered<I, O> {
    /// Returns the name of scan `id`, if it was [named](crate::Scan::named).
    #[must_use]
    pub fn name(&self, id: ScanId) -> Option<&str> {
        self.manager.name(id)
    }

    /// Returns the origin of the panic that ended the run, if there was one.
    #[must_use]
    pub fn panicked(&self) -> Option<PanicOrigin> {
        self.manager.panicked().copied()
    }

    /// Returns the next output in the order.
    fn advance(&mut self) -> Option<(ScanId, O)> {
        loop {
            let Some(turn) = self.turns.get_mut(self.current) else {
                if self.turns.is_empty() {
                    self.manager.finish();
                    return None;
                }
                self.current = 0;
                continue;
            };
            let id = ScanId::new(turn.index);
            match turn.parts.next() {
                Some(Part::More(output)) => return Some((id, output)),
                Some(Part::Last(output)) => {
                    self.current += 1;
                    if let Some(output) = output {
                        return Some((id, output));
                    }
                }
                Some(Part::End) => {
                    self.manager.pass(turn.index);
                    drop(self.turns.remove(self.current));
                }
                None => match self.manager.next_of(turn.index) {
                    Some(parts) => turn.parts = parts,
                    None if self.manager.panicked().is_some() => drop(mem::take(&mut self.turns)),
                    None => drop(self.turns.remove(self.current)),
                },
            }
        }
    }
}

impl<I: Source, O> Iterator for Ordered<I, O> {
    type Item = I::Yield<(ScanId, O)>;

    /// Returns the next output in the order of the sequential run.
    ///
    /// # Blocking
    ///
    /// Blocks while the output is not ready, and inside the input's `next`.
    ///
    /// # Panics
    ///
    /// Resumes a panic of a scan, of the input, or of the drop of an item, with the original
    /// payload, once all scans have exited and every output before it has been delivered.
    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self.advance() {
            Some(output) => Some(I::yields(output)),
            None => at_the_end::<I, _>(self.panicked(), &mut self.ending),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.manager.size_hint()
    }
}

impl<I: Source, O> FusedIterator for Ordered<I, O> {}

impl<I: Source, O> Drop for Ordered<I, O> {
    fn drop(&mut self) {
        self.ending.discard();
    }
}

impl<I: Source, O> fmt::Debug for Ordered<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ordered")
            .field("manager", &self.manager)
            .field("current", &self.current)
            .finish_non_exhaustive()
    }
}
