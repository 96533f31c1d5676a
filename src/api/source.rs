//! What a run pulls: an iterator as it is, read ahead, or up to its first error.

use std::fmt;

use super::until_error::{ErrorSlot, UpToError};
use crate::engine::{self, Dispatch, Hook, Inline, Puller};
use crate::threads::Worker;

/// What [`fan_out`](crate::IteratorExt::fan_out) pulls: any [`Iterator`], or one behind
/// [`read_ahead`](crate::FanOut::read_ahead) and [`until_error`](crate::FanOut::until_error).
///
/// This trait is sealed.
pub trait Source: Open<Given = <Self as Source>::Item> {
    /// What the scans are given.
    type Item;

    /// What a run returns where an iterator that cannot fail gives an `X`: `X` itself, and
    /// `Result<X, E>` after [`until_error`](crate::FanOut::until_error).
    type Yield<X>;

    #[doc(hidden)]
    fn yields<X>(output: X) -> Self::Yield<X>;

    /// What a run yields at its end, once.
    #[doc(hidden)]
    fn ends<X>(ending: &mut Self::Ending) -> Option<Self::Yield<X>>;
}

/// How the engine is given a source. Not public: it is in no public module.
#[allow(unnameable_types, reason = "this is what seals")]
pub trait Open: Sized {
    type Given;
    /// What is pulled.
    type Items: Iterator<Item = Self::Given>;
    /// Where the error of the input is kept until the end.
    type Ending: Ending;
    type Mode: Mode;

    fn open(self) -> (Self::Items, Self::Ending);
}

/// What a source leaves for the end of its run.
#[allow(unnameable_types, reason = "only passes through what is public")]
pub trait Ending {
    /// Drops it; what that panics with is not told.
    fn discard(&mut self);
}

/// An input that cannot fail leaves nothing.
#[allow(unnameable_types, reason = "only passes through what is public")]
#[derive(Clone, Copy, Debug)]
pub struct NoError;

impl Ending for NoError {
    fn discard(&mut self) {}
}

/// On which thread an input is pulled.
#[allow(unnameable_types, reason = "only passes through what is public")]
pub trait Mode {
    const READS_AHEAD: bool;
    /// What goes to a thread of its own. It has to be `Send`, and to live as long as that.
    type Moved<I: Iterator, H>;
    /// What stays on the consumer's thread.
    type Stays<I: Iterator, H>;
    type Source<I: Iterator, H: Hook>: engine::Source<Item = I::Item>;

    fn split<I: Iterator, H>(input: I, hook: H) -> (Self::Moved<I, H>, Self::Stays<I, H>);

    /// Makes the source of a run; `spawn` starts the thread.
    fn source<I: Iterator, H: Hook>(
        stays: Self::Stays<I, H>,
        dispatch: Dispatch<I::Item>,
        spawn: impl FnOnce(Puller<I::Item>),
    ) -> Self::Source<I, H>;

    /// What the thread does.
    fn pull<I: Iterator, H: Hook>(
        moved: Self::Moved<I, H>,
        puller: Puller<I::Item>,
        worker: Option<Worker>,
    );
}

/// On the consumer's.
#[allow(unnameable_types, reason = "only passes through what is public")]
#[derive(Debug)]
pub enum OnConsumer {}

impl Mode for OnConsumer {
    const READS_AHEAD: bool = false;
    type Moved<I: Iterator, H> = ();
    type Stays<I: Iterator, H> = (I, H);
    type Source<I: Iterator, H: Hook> = Inline<I, H>;

    fn split<I: Iterator, H>(input: I, hook: H) -> ((), (I, H)) {
        ((), (input, hook))
    }

    fn source<I: Iterator, H: Hook>(
        (input, hook): (I, H),
        dispatch: Dispatch<I::Item>,
        _: impl FnOnce(Puller<I::Item>),
    ) -> Inline<I, H> {
        Inline::new(input, hook, dispatch)
    }

    fn pull<I: Iterator, H: Hook>((): (), _: Puller<I::Item>, _: Option<Worker>) {}
}

/// On its own.
#[allow(unnameable_types, reason = "only passes through what is public")]
#[derive(Debug)]
pub enum OnItsOwn {}

impl Mode for OnItsOwn {
    const READS_AHEAD: bool = true;
    type Moved<I: Iterator, H> = (I, H);
    type Stays<I: Iterator, H> = ();
    type Source<I: Iterator, H: Hook> = engine::ReadAhead<I::Item>;

    fn split<I: Iterator, H>(input: I, hook: H) -> ((I, H), ()) {
        ((input, hook), ())
    }

    fn source<I: Iterator, H: Hook>(
        (): (),
        dispatch: Dispatch<I::Item>,
        spawn: impl FnOnce(Puller<I::Item>),
    ) -> engine::ReadAhead<I::Item> {
        let (source, puller) = engine::ReadAhead::new(dispatch);
        spawn(puller);
        source
    }

    fn pull<I: Iterator, H: Hook>(
        (input, hook): (I, H),
        puller: Puller<I::Item>,
        worker: Option<Worker>,
    ) {
        puller.live(input, hook, worker);
    }
}

impl<I: Iterator> Open for I {
    type Given = I::Item;
    type Items = I;
    type Ending = NoError;
    type Mode = OnConsumer;

    fn open(self) -> (I, NoError) {
        (self, NoError)
    }
}

impl<I: Iterator> Source for I {
    type Item = I::Item;
    type Yield<X> = X;

    #[inline]
    fn yields<X>(output: X) -> X {
        output
    }

    fn ends<X>(_: &mut NoError) -> Option<X> {
        None
    }
}

/// An input with a thread of its own; made by [`FanOut::read_ahead`](crate::FanOut::read_ahead).
#[must_use = "nothing is pulled before a run is started"]
#[derive(Clone)]
pub struct ReadAhead<I>(pub(super) I);

impl<I: Open> Open for ReadAhead<I> {
    type Given = I::Given;
    type Items = I::Items;
    type Ending = I::Ending;
    type Mode = OnItsOwn;

    fn open(self) -> (I::Items, I::Ending) {
        self.0.open()
    }
}

impl<I: Source> Source for ReadAhead<I> {
    type Item = <I as Source>::Item;
    type Yield<X> = I::Yield<X>;

    #[inline]
    fn yields<X>(output: X) -> I::Yield<X> {
        I::yields(output)
    }

    fn ends<X>(ending: &mut I::Ending) -> Option<I::Yield<X>> {
        I::ends(ending)
    }
}

impl<I> fmt::Debug for ReadAhead<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadAhead").finish_non_exhaustive()
    }
}

/// An input that ends at its first error; made by
/// [`FanOut::until_error`](crate::FanOut::until_error).
#[must_use = "nothing is pulled before a run is started"]
#[derive(Clone)]
pub struct UntilError<I>(pub(super) I);

/// An item of an input that may fail: a [`Result`].
///
/// This trait is sealed.
#[diagnostic::on_unimplemented(
    message = "`until_error` needs items that are `Result`s, and `{Self}` is not one",
    label = "`until_error` ends a run at the first `Err` of its input"
)]
pub trait TryItem {
    /// What an `Ok` holds.
    type Ok;
    /// What an `Err` holds.
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

impl<I> Open for UntilError<I>
where
    I: Open<Given: TryItem, Ending = NoError>,
{
    type Given = <I::Given as TryItem>::Ok;
    type Items = UpToError<I::Items, <I::Given as TryItem>::Err>;
    type Ending = ErrorSlot<<I::Given as TryItem>::Err>;
    type Mode = I::Mode;

    fn open(self) -> (Self::Items, Self::Ending) {
        let (input, NoError) = self.0.open();
        UpToError::new(input)
    }
}

impl<I> Source for UntilError<I>
where
    I: Source<Item: TryItem> + Open<Ending = NoError>,
{
    type Item = <<I as Source>::Item as TryItem>::Ok;
    type Yield<X> = Result<X, <<I as Source>::Item as TryItem>::Err>;

    #[inline]
    fn yields<X>(output: X) -> Self::Yield<X> {
        Ok(output)
    }

    fn ends<X>(ending: &mut Self::Ending) -> Option<Self::Yield<X>> {
        ending.close().map(Err)
    }
}

impl<I> fmt::Debug for UntilError<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UntilError").finish_non_exhaustive()
    }
}
