//! Inputs that may fail.

use std::mem;

use crate::engine::{Run, contain_drop, discard};
use crate::sync::{Arc, Mutex};

/// An item of an input that may fail: a [`Result`].
///
/// This trait is sealed.
#[diagnostic::on_unimplemented(
    message = "`until_error` needs items that are `Result`s, and `{Self}` is not one",
    label = "`until_error` ends a run at the first `Err` of its input"
)]
pub trait TryItem {
    /// The type inside an `Ok`.
    type Ok;
    /// The type inside an `Err`.
    type Err;

    #[doc(hidden)]
    fn into_result(self) -> Result<Self::Ok, Self::Err>;
}

impl<T, E> TryItem for Result<T, E> {
    type Ok = T;
    type Err = E;

    #[inline]
    fn into_result(self) -> Self {
        self
    }
}

/// What an input leaves for the end of its run.
#[allow(unnameable_types, reason = "only passes through what is public")]
pub trait Ending {
    /// Drops it, discarding a panic of the drop.
    fn discard(&mut self);
}

/// An input that cannot fail leaves nothing.
#[allow(unnameable_types, reason = "only passes through what is public")]
#[derive(Clone, Copy, Debug)]
pub struct NoError;

impl Ending for NoError {
    fn discard(&mut self) {}
}

/// The items of `input` up to its first error, which goes to a slot.
#[allow(unnameable_types, reason = "only passes through what is public")]
#[derive(Debug)]
pub struct UpToError<I, E> {
    input: I,
    error: ErrorSink<E>,
}

/// Where an input leaves its error.
#[allow(unnameable_types, reason = "only passes through what is public")]
#[derive(Debug)]
pub struct ErrorSink<E> {
    slot: Arc<Mutex<Slot<E>>>,
    run: Arc<Run>,
}

/// The slot that keeps the error of an input until the outputs for its items are delivered.
///
/// INVARIANT: written by the input, inside its `next`; read by the consumer when the run has ended.
/// An error that a detached input writes after that is dropped. No value of the user's is dropped
/// under the lock.
#[allow(unnameable_types, reason = "only passes through what is public")]
#[derive(Debug)]
pub struct ErrorSlot<E>(Arc<Mutex<Slot<E>>>);

#[derive(Debug)]
#[allow(unnameable_types, reason = "only passes through what is public")]
enum Slot<E> {
    Open,
    Filled(E),
    Closed,
}

impl<I, E> UpToError<I, E> {
    pub(super) fn new(input: I, error: ErrorSink<E>) -> Self {
        Self { input, error }
    }
}

impl<E> ErrorSink<E> {
    /// Records that the input ends with this error.
    #[cold]
    pub(super) fn fail(&self, error: E) {
        self.run.note_input_error();
        let mut slot = self.slot.lock();
        let unread = match *slot {
            Slot::Open => mem::replace(&mut *slot, Slot::Filled(error)),
            Slot::Filled(_) | Slot::Closed => Slot::Filled(error),
        };
        drop(slot);
        drop(unread);
    }
}

impl<E> ErrorSlot<E> {
    pub(super) fn new(run: &Arc<Run>) -> (ErrorSink<E>, Self) {
        let slot = Arc::new(Mutex::new(Slot::Open));
        (ErrorSink { slot: Arc::clone(&slot), run: Arc::clone(run) }, Self(slot))
    }

    /// Takes the error, and closes the slot to any other.
    pub(super) fn close(&self) -> Option<E> {
        match mem::replace(&mut *self.0.lock(), Slot::Closed) {
            Slot::Filled(error) => Some(error),
            Slot::Open | Slot::Closed => None,
        }
    }
}

impl<E> Ending for ErrorSlot<E> {
    fn discard(&mut self) {
        contain_drop(self.close()).into_iter().for_each(discard);
    }
}

impl<I: Iterator<Item: TryItem>> Iterator for UpToError<I, <I::Item as TryItem>::Err> {
    type Item = <I::Item as TryItem>::Ok;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self.input.next()?.into_result() {
            Ok(item) => Some(item),
            Err(error) => {
                self.error.fail(error);
                None
            }
        }
    }
}
