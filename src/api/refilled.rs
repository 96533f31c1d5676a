//! How a refilled input is pulled.

use std::fmt;

use super::until_error::{Ending, ErrorSink, ErrorSlot};
use crate::engine::{Run, Stock};
use crate::sync::Arc;

/// Makes items, and fills them. Not public: it is in no public module.
#[allow(unnameable_types, reason = "this is what seals")]
pub trait Fill {
    type Item;
    type Filled: Filled;

    /// Makes an item, which is then filled.
    fn make(&mut self) -> Self::Item;

    /// Fills an item, as [`from_fn`](super::refill::from_fn) says.
    fn fill(&mut self, item: &mut Self::Item) -> Self::Filled;

    /// Returns the approximate size of an item in bytes, if it is known to be more than that of its
    /// type.
    fn item_bytes(&self) -> usize {
        1
    }
}

/// Whether an item was filled: a `bool`, or a `Result` of one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say whether an item was filled",
    label = "the closure returns a `bool`, or a `Result` of one",
    note = "`Ok(reader.read_line(line)? > 0)` is such a `Result`"
)]
#[allow(unnameable_types, reason = "this is what seals")]
pub trait Filled: Sized {
    type Ending: Ending;
    /// Where an error goes.
    type Sink;
    type Yield<X>;

    fn open(run: &Arc<Run>) -> (Self::Sink, Self::Ending);

    /// Returns whether the item was filled; an error goes to the sink.
    fn report(self, sink: &Self::Sink) -> bool;

    fn yields<X>(output: X) -> Self::Yield<X>;

    fn ends<X>(ending: &mut Self::Ending) -> Option<Self::Yield<X>>;
}

/// An input that cannot fail leaves nothing. As it is no [`NoError`](super::until_error::NoError),
/// there is no `until_error` over a refilled input, whose errors are those of `fill`.
#[allow(unnameable_types, reason = "only passes through what is public")]
#[derive(Clone, Copy, Debug)]
pub struct NeverFails;

impl Ending for NeverFails {
    fn discard(&mut self) {}
}

impl Filled for bool {
    type Ending = NeverFails;
    type Sink = ();
    type Yield<X> = X;

    fn open(_: &Arc<Run>) -> ((), NeverFails) {
        ((), NeverFails)
    }

    #[inline]
    fn report(self, (): &()) -> bool {
        self
    }

    #[inline]
    fn yields<X>(output: X) -> X {
        output
    }

    fn ends<X>(_: &mut NeverFails) -> Option<X> {
        None
    }
}

impl<E> Filled for Result<bool, E> {
    type Ending = ErrorSlot<E>;
    type Sink = ErrorSink<E>;
    type Yield<X> = Result<X, E>;

    fn open(run: &Arc<Run>) -> (ErrorSink<E>, ErrorSlot<E>) {
        ErrorSlot::new(run)
    }

    #[inline]
    fn report(self, sink: &ErrorSink<E>) -> bool {
        self.unwrap_or_else(|error| {
            sink.fail(error);
            false
        })
    }

    #[inline]
    fn yields<X>(output: X) -> Result<X, E> {
        Ok(output)
    }

    fn ends<X>(ending: &mut ErrorSlot<E>) -> Option<Result<X, E>> {
        ending.close().map(Err)
    }
}

/// A refilled input that is pulled.
#[allow(unnameable_types, reason = "only passes through what is public")]
pub struct Refilled<F: Fill> {
    input: F,
    /// Old items. One that is being filled stays here, so that it is dropped with the stock if that
    /// panics.
    old: Vec<F::Item>,
    stock: Arc<Stock<F::Item>>,
    sink: <F::Filled as Filled>::Sink,
}

impl<F: Fill> Refilled<F> {
    pub(super) fn new(
        input: F,
        stock: Arc<Stock<F::Item>>,
        sink: <F::Filled as Filled>::Sink,
    ) -> Self {
        Self { input, old: Vec::new(), stock, sink }
    }
}

impl<F: Fill> Iterator for Refilled<F> {
    type Item = F::Item;

    #[inline]
    fn next(&mut self) -> Option<F::Item> {
        let Self { input, old, stock, sink } = self;
        if old.is_empty() {
            stock.take(old);
            if old.is_empty() {
                old.push(input.make());
            }
        }
        if input.fill(old.last_mut()?).report(sink) { old.pop() } else { None }
    }
}

impl<F: Fill> Drop for Refilled<F> {
    fn drop(&mut self) {
        self.stock.put(&mut self.old);
    }
}

impl<F: Fill> fmt::Debug for Refilled<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refilled").field("old", &self.old.len()).finish_non_exhaustive()
    }
}
