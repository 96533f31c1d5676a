//! The two ends of a branch's channels, shared by its items and its outputs.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use super::handle::Lent;
use crate::engine::{Inlet, Message, Outlet};
use crate::sync::Instant;

/// The channel ends of a branch. Its thread owns them; [`Items`](super::Items) share them, because
/// outputs are published before the thread waits for items.
///
/// The thread takes the ends back when the branch has returned, so `Items` that are leaked or
/// hidden hold nobody up.
// MODEL: loom-tests/tests/branches.rs::leaked_items_do_not_hold_up_the_end
pub(super) struct Feed<T, O> {
    /// `None` after the branch. No user code runs while this is borrowed, except drops of outputs
    /// that nobody takes.
    ends: RefCell<Option<Ends<T, O>>>,
}

struct Ends<T, O> {
    /// `None` when there are no more items, or when no more are wanted.
    inlet: Option<Inlet<T>>,
    outlet: Outlet<O>,
    /// The piece that the branch is at, by the places of its items in their batch, and when it
    /// began.
    piece: (Range<usize>, Instant),
    /// Whether the items ended because the run was aborted or its input panicked.
    cut_short: bool,
}

/// Consecutive items of one batch, which are handed out without a look at the channels.
///
/// Passed by value, so that a loop over the items keeps it in registers.
pub(super) struct Piece<T> {
    pub(super) batch: Rc<Lent<T>>,
    pub(super) items: Range<usize>,
}

/// What gives pieces to [`Items`](super::Items), whatever the type of output.
pub(super) trait Lend<T> {
    /// Returns the next items, `last` being what it returned before, or `None` if there are no
    /// more. Blocks until a batch is sent, or the channel is closed.
    fn lend(&self, last: Option<Rc<Lent<T>>>) -> Option<Piece<T>>;

    /// Records that no more items are wanted.
    fn close(&self);
}

impl<T, O> Feed<T, O> {
    pub(super) fn new(inlet: Inlet<T>, outlet: Outlet<O>) -> Self {
        let piece = (0..0, Instant::now());
        let ends = Ends { inlet: Some(inlet), outlet, piece, cut_short: false };
        Self { ends: RefCell::new(Some(ends)) }
    }

    /// Emits an output, or returns it if it is no longer wanted: what a branch yields after its
    /// items were cut short is no output of the whole input. Blocks while there is no room.
    // MODEL: loom-tests/tests/branches.rs::abort_of_a_merge
    #[inline]
    pub(super) fn emit(&self, output: O) -> Result<(), O> {
        match &mut *self.ends.borrow_mut() {
            Some(ends) if ends.is_wanted() => {
                ends.outlet.emit(output);
                Ok(())
            }
            _ => Err(output),
        }
    }

    /// Leaves, emits the result of the branch, publishes what is gathered, and drops both ends. The
    /// queue, which leaked items have left, does not wait for room for outputs.
    // MODEL: loom-tests/tests/branches.rs::queue_of_leaked_items
    pub(super) fn finish(&self, result: Option<O>) {
        let Some(ends) = self.ends.take() else { return };
        let Ends { inlet, mut outlet, .. } = ends;
        drop(inlet);
        if let Some(result) = result {
            outlet.emit(result);
        }
        outlet.publish();
    }
}

impl<T, O> Ends<T, O> {
    /// Returns whether outputs are wanted: not in an aborted run, and when the input has panicked,
    /// only while there may be items from before.
    #[inline]
    fn is_wanted(&self) -> bool {
        !self.outlet.is_severed() || self.is_still_wanted()
    }

    #[cold]
    fn is_still_wanted(&self) -> bool {
        !self.cut_short && self.inlet.is_some() && !self.outlet.is_closed()
    }

    /// Returns whether the run goes on. If it does not, the items are cut short.
    fn goes_on(&mut self) -> bool {
        self.cut_short |= self.outlet.is_closed();
        !self.cut_short
    }
}

impl<T, O> Lend<T> for Feed<T, O> {
    #[cold]
    fn lend(&self, last: Option<Rc<Lent<T>>>) -> Option<Piece<T>> {
        let piece = self.end_piece().then(|| self.begin_piece(last)).flatten();
        // The run may have been aborted during the wait, before these items were pulled.
        let piece = piece.filter(|_| self.goes_on());
        if piece.is_none() {
            self.close();
        }
        piece
    }

    fn close(&self) {
        let inlet = self.ends.borrow_mut().as_mut().and_then(|ends| ends.inlet.take());
        inlet.into_iter().for_each(Inlet::close);
    }
}

impl<T, O> Feed<T, O> {
    /// Publishes what the branch has emitted, so that it does not wait for the next items. Returns
    /// whether the run goes on.
    // MODEL: loom-tests/tests/branches.rs::output_while_the_input_blocks
    fn end_piece(&self) -> bool {
        let Some(ends) = &mut *self.ends.borrow_mut() else { return false };
        let Ends { outlet, piece: (items, began), .. } = ends;
        outlet.end_piece(items.len(), *began);
        outlet.publish();
        ends.goes_on()
    }

    /// Returns whether the run goes on.
    fn goes_on(&self) -> bool {
        self.ends.borrow_mut().as_mut().is_some_and(Ends::goes_on)
    }

    /// Returns the rest of the last batch, as much as the branch is fast enough for, or else the
    /// next batch.
    fn begin_piece(&self, last: Option<Rc<Lent<T>>>) -> Option<Piece<T>> {
        let from = self.ends.borrow().as_ref().map_or(0, |ends| ends.piece.0.end);
        let rest = last.filter(|last| from < last.items().len());
        // Where there is no rest, the last batch has been dropped here, outside the borrow.
        let mut borrowed = self.ends.borrow_mut();
        let Ends { inlet: Some(inlet), outlet, piece, cut_short } = borrowed.as_mut()? else {
            return None;
        };
        let (batch, from) = match rest {
            Some(rest) => (rest, from),
            None => match inlet.next() {
                Some(Message::Batch(batch)) => (Rc::new(Lent(batch)), 0),
                Some(Message::Stop) => return None,
                None => {
                    *cut_short = true;
                    return None;
                }
            },
        };
        let items = from..batch.items().len().min(from.saturating_add(outlet.piece()));
        let began = Instant::now();
        outlet.begin_piece(began);
        *piece = (items.clone(), began);
        Some(Piece { batch, items })
    }
}
