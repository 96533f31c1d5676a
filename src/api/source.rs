//! The inputs of a run: an iterator pulled as it is, read ahead, or up to its first error.

use std::fmt;

use super::lists::Shared;
use super::until_error::{Ending, ErrorSlot, NoError, TryItem, UpToError};
use crate::engine::{self, Dispatch, Hook, Inline, NoHook, Puller, Run, Stock};
use crate::sync::Arc;
use crate::threads::Worker;

/// An input that a run pulls: any [`Iterator`], or one wrapped by
/// [`read_ahead`](crate::FanOut::read_ahead), [`until_error`](crate::FanOut::until_error), or both.
///
/// This trait is sealed.
pub trait Source: Open<Given = <Self as Source>::Item> {
    /// The type of item that the scans get.
    type Item;

    /// What a run returns in place of an `X`: `X` itself for an input that cannot fail, and
    /// `Result<X, E>` after [`until_error`](crate::FanOut::until_error).
    type Yield<X>;

    #[doc(hidden)]
    fn yields<X>(output: X) -> Self::Yield<X>;

    /// What a run yields once, at its end.
    #[doc(hidden)]
    fn ends<X>(ending: &mut Self::Ending) -> Option<Self::Yield<X>>;
}

/// A [`Source`] whose items its threads can share, and which can itself move to a thread if it is
/// [read ahead](crate::FanOut::read_ahead): what every verb takes. `'a` is how long the items live.
///
/// This trait is sealed.
///
/// # Examples
///
/// A function that takes any input:
///
/// ```
/// use anabranch::prelude::*;
/// use anabranch::{Blocking, FanOut, Input};
///
/// fn count<I: Input<'static>, Th: Blocking<'static>>(run: FanOut<I, Th>) -> I::Yield<[usize; 1]> {
///     run.fold([scan::count()])
/// }
///
/// assert_eq!(count((0..10).fan_out()), [10]);
/// assert_eq!(count((0..10).fan_out().read_ahead()), [10]);
/// assert_eq!(count(["1", "x"].map(str::parse::<i32>).into_iter().fan_out().until_error()).is_err(), true);
/// ```
pub trait Input<'a>:
    Source<Item: Shared + 'a> + Open<Mode: Mode<Moved<<Self as Open>::Items, NoHook>: Send + 'a>>
{
}

impl<'a, I> Input<'a> for I
where
    I: Source<Item: Shared + 'a>,
    Moved<I>: Send + 'a,
{
}

/// How the engine gets its source. Not public: it is in no public module.
#[allow(unnameable_types, reason = "this is what seals")]
pub trait Open: Sized {
    type Given;
    /// What is pulled.
    type Items: Iterator<Item = Self::Given>;
    /// The slot that keeps the input's error until the end.
    type Ending: Ending;
    type Mode: Mode;
    /// The size of the largest value that passes through the thread which pulls it.
    const BYTES: usize;

    /// Makes the iterator to pull, which reports an error to `run`.
    fn open(self, run: &Arc<Run>) -> Opened<Self::Items, Self::Ending, Self::Given>;
}

/// An input that is about to be pulled.
#[allow(unnameable_types, reason = "only passes through what is public")]
#[derive(Debug)]
pub struct Opened<I, E, T> {
    pub(super) items: I,
    pub(super) ending: E,
    /// Where the input finds the items that it fills again, if it does.
    pub(super) stock: Option<Arc<Stock<T>>>,
}

/// On which thread an input is pulled.
#[allow(unnameable_types, reason = "only passes through what is public")]
pub trait Mode {
    const READS_AHEAD: bool;
    /// What moves to the input's own thread. It must be `Send` and outlive that thread.
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

    /// Runs on that thread.
    fn pull<I: Iterator, H: Hook>(
        moved: Self::Moved<I, H>,
        puller: Puller<I::Item>,
        worker: Option<Worker>,
    );
}

/// The source that the manager of a run pulls.
pub(super) type Pulled<I, H = NoHook> = <<I as Open>::Mode as Mode>::Source<<I as Open>::Items, H>;

/// What moves to the thread of an input that is read ahead; nothing for other inputs.
pub(super) type Moved<I, H = NoHook> = <<I as Open>::Mode as Mode>::Moved<<I as Open>::Items, H>;

/// On the consumer's thread.
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

/// On its own thread.
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
        puller.run(input, hook, worker);
    }
}

impl<I: Iterator> Open for I {
    type Given = I::Item;
    type Items = I;
    type Ending = NoError;
    type Mode = OnConsumer;
    const BYTES: usize =
        if size_of::<I>() > size_of::<I::Item>() { size_of::<I>() } else { size_of::<I::Item>() };

    fn open(self, _: &Arc<Run>) -> Opened<I, NoError, I::Item> {
        Opened { items: self, ending: NoError, stock: None }
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

/// An input with its own thread, returned by [`FanOut::read_ahead`](crate::FanOut::read_ahead).
#[must_use = "nothing is pulled before a run is started"]
#[derive(Clone)]
pub struct ReadAhead<I>(pub(super) I);

impl<I: Open> Open for ReadAhead<I> {
    type Given = I::Given;
    type Items = I::Items;
    type Ending = I::Ending;
    type Mode = OnItsOwn;
    const BYTES: usize = I::BYTES;

    fn open(self, run: &Arc<Run>) -> Opened<I::Items, I::Ending, I::Given> {
        self.0.open(run)
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

/// An input that ends at its first error, returned by
/// [`FanOut::until_error`](crate::FanOut::until_error).
#[must_use = "nothing is pulled before a run is started"]
#[derive(Clone)]
pub struct UntilError<I>(pub(super) I);

impl<I> Open for UntilError<I>
where
    I: Open<Given: TryItem, Ending = NoError>,
{
    type Given = <I::Given as TryItem>::Ok;
    type Items = UpToError<I::Items, <I::Given as TryItem>::Err>;
    type Ending = ErrorSlot<<I::Given as TryItem>::Err>;
    type Mode = I::Mode;
    const BYTES: usize = I::BYTES;

    fn open(self, run: &Arc<Run>) -> Opened<Self::Items, Self::Ending, Self::Given> {
        let (error, ending) = ErrorSlot::new(run);
        let items = UpToError::new(self.0.open(run).items, error);
        Opened { items, ending, stock: None }
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
