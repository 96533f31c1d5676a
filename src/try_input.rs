//! Inputs that may fail.

use std::fmt;
use std::iter::FusedIterator;
use std::mem;

use crate::adder::Adder;
use crate::config::Config;
use crate::distribute::ParDistribute;
use crate::engine::{Ahead, Dispatch, contain_drop, discard};
use crate::error::{PanicOrigin, StartError, StartErrorKind};
use crate::fold;
use crate::id::ScanId;
use crate::input::Input;
use crate::iterator_ext::started;
use crate::read_ahead::ReadAhead;
use crate::scan::{Latest, Scan, ScanSet};
use crate::sync::{Arc, Mutex};
use crate::threads::InPool;

/// Gives every [`Iterator`] of [`Result`]s, and one that is
/// [read ahead](crate::IteratorExt::read_ahead), the methods of this crate that end at
/// the first error.
pub trait TryIteratorExt<T, E>: TryInput<T, E> {
    /// [`par_distribute`](crate::IteratorExt::par_distribute) for an input that may fail: gives
    /// every item that is `Ok` to each of `scans`, and every output as `Ok`; ends
    /// with the input's first error.
    ///
    /// At the error the input ends, and is not pulled again: the scans are flushed,
    /// what they emit is delivered, and the error comes last. So
    /// `collect::<Result<Vec<_>, _>>()` gives all outputs or the error. (Scans that
    /// may fail need no form of their own: let the output be a `Result`, and drop
    /// the run, as `?` does, to end it.)
    ///
    /// | | |
    /// |---|---|
    /// | emits when | any scan has emitted; the error behind everything else |
    /// | holds back when | any live scan's input is full: the input is then not pulled, outputs still flow |
    /// | completes when | the input has ended or failed and every scan was flushed and has exited, or every scan has ended by itself |
    /// | cancels when | the iterator is dropped; a scan or the input panics; [`Control`](crate::Control) |
    ///
    /// # Panics
    ///
    /// As [`par_distribute`](crate::IteratorExt::par_distribute).
    ///
    /// # Examples
    ///
    /// ```
    /// use anabranch::{TryIteratorExt, scan};
    ///
    /// let numbers = ["1", "2", "three", "4"].into_iter().map(str::parse::<i32>);
    /// let mut run = numbers.par_try_distribute([scan::cloned()]);
    /// assert!(matches!(run.next(), Some(Ok((_, 1)))));
    /// assert!(matches!(run.next(), Some(Ok((_, 2)))));
    /// assert!(matches!(run.next(), Some(Err(_))));
    /// assert!(run.next().is_none());
    /// ```
    fn par_try_distribute<S>(
        self,
        scans: impl IntoIterator<Item = S>,
    ) -> ParTryDistribute<Self, T, E, S::Output>
    where
        T: Send + Sync + 'static,
        S: Scan<T, Output: Send + 'static> + Send + 'static,
    {
        self.par_try_distribute_with(&Config::new(), scans)
    }

    /// [`par_try_distribute`](Self::par_try_distribute) with settings.
    ///
    /// # Panics
    ///
    /// Panics if the run cannot start.
    fn par_try_distribute_with<S>(
        self,
        config: &Config,
        scans: impl IntoIterator<Item = S>,
    ) -> ParTryDistribute<Self, T, E, S::Output>
    where
        T: Send + Sync + 'static,
        S: Scan<T, Output: Send + 'static> + Send + 'static,
    {
        started(ParTryDistribute::start(config, self, scans.into_iter().collect()))
    }

    /// [`par_fold`](crate::IteratorExt::par_fold) for an input that may fail: the results, or the
    /// input's first error.
    ///
    /// At the error the input ends, and is not pulled again; the scans are flushed
    /// and their results dropped.
    ///
    /// # Errors
    ///
    /// The input's first error.
    ///
    /// # Panics
    ///
    /// As [`par_fold`](crate::IteratorExt::par_fold).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::BufRead;
    /// use anabranch::{TryIteratorExt, scan};
    ///
    /// let text = &b"one\ntwo\nthree"[..];
    /// let (lines, longest) = text.lines().par_try_fold((
    ///     scan::count(),
    ///     scan::max_by_key(|line: &String| line.len()),
    /// ))?;
    /// assert_eq!((lines, longest.as_deref()), (Some(3), Some("three")));
    ///
    /// let latin_1 = &b"caf\xe9"[..];
    /// assert!(latin_1.lines().par_try_fold((scan::count(),)).is_err());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    fn par_try_fold<S>(self, scans: S) -> Result<S::Latest, E>
    where
        T: Send + Sync + 'static,
        S: ScanSet<'static, T>,
    {
        self.par_try_fold_with(&Config::new(), scans)
    }

    /// [`par_try_fold`](Self::par_try_fold) with settings.
    ///
    /// # Errors
    ///
    /// The input's first error.
    ///
    /// # Panics
    ///
    /// Panics if the run cannot start.
    fn par_try_fold_with<S>(self, config: &Config, scans: S) -> Result<S::Latest, E>
    where
        T: Send + Sync + 'static,
        S: ScanSet<'static, T>,
    {
        started(fold(config, self, scans))
    }
}

impl<T, E, I: TryInput<T, E>> TryIteratorExt<T, E> for I {}

/// What can be given to scans up to its first error: an [`Iterator`] of [`Result`]s, or
/// a [`ReadAhead`] of such.
///
/// It is implemented for these two alone.
pub trait TryInput<T, E>: Sized {
    #[doc(hidden)]
    type Items: Input<Item = T>;

    #[doc(hidden)]
    fn up_to_error(self, error: ErrorSlot<E>) -> Self::Items;
}

impl<T, E, I: Iterator<Item = Result<T, E>>> TryInput<T, E> for I {
    type Items = UpToError<I, E>;

    fn up_to_error(self, error: ErrorSlot<E>) -> UpToError<I, E> {
        UpToError { input: self, error }
    }
}

impl<'a, T, E> TryInput<T, E> for ReadAhead<'a, Result<T, E>>
where
    T: Send + Sync + 'a,
    E: Send + 'a,
{
    type Items = AheadUpToError<'a, T, E>;

    fn up_to_error(self, error: ErrorSlot<E>) -> AheadUpToError<'a, T, E> {
        AheadUpToError { input: self, error }
    }
}

/// The items of an input with a thread of its own, up to its first error.
#[allow(unnameable_types, reason = "only passes through what is public")]
#[derive(Debug)]
pub struct AheadUpToError<'a, T, E> {
    input: ReadAhead<'a, Result<T, E>>,
    error: ErrorSlot<E>,
}

impl<'a, T, E> Input for AheadUpToError<'a, T, E>
where
    T: Send + Sync + 'a,
    E: Send + 'a,
{
    type Item = T;
    type Feeder = Ahead<T>;

    const HAS_THREAD: bool = true;

    fn feeder(self, dispatch: Dispatch<T>) -> Ahead<T> {
        let Self { input, error } = self;
        input.feed(dispatch, |input| UpToError { input, error })
    }
}

/// The items of `input` up to its first error, which is put aside.
#[allow(unnameable_types, reason = "only passes through what is public")]
#[derive(Debug)]
pub struct UpToError<I, E> {
    input: I,
    error: ErrorSlot<E>,
}

/// Where the error of an input is kept until its items have had their outputs.
///
/// INVARIANT: written by the input, inside its `next`; read by the consumer when the run
/// has ended. What comes after that, of an input that was let go, is nobody's. Nothing of
/// the user's is dropped under the lock.
#[allow(unnameable_types, reason = "only passes through what is public")]
#[derive(Debug)]
pub struct ErrorSlot<E>(Arc<Mutex<Slot<E>>>);

#[derive(Debug)]
enum Slot<E> {
    Open,
    Filled(E),
    Closed,
}

impl<E> ErrorSlot<E> {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Slot::Open)))
    }

    fn share(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    fn put(&self, error: E) {
        let mut slot = self.0.lock();
        let unread = match *slot {
            Slot::Open => mem::replace(&mut *slot, Slot::Filled(error)),
            Slot::Filled(_) | Slot::Closed => Slot::Filled(error),
        };
        drop(slot);
        drop(unread);
    }

    /// Takes the error, and lets no other in.
    fn close(&self) -> Option<E> {
        match mem::replace(&mut *self.0.lock(), Slot::Closed) {
            Slot::Filled(error) => Some(error),
            Slot::Open | Slot::Closed => None,
        }
    }
}

impl<T, E, I: Iterator<Item = Result<T, E>>> Iterator for UpToError<I, E> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        match self.input.next()? {
            Ok(item) => Some(item),
            Err(error) => {
                self.error.put(error);
                None
            }
        }
    }
}

/// The outputs of several scans over an input that may fail, merged; made by
/// [`par_try_distribute`](TryIteratorExt::par_try_distribute).
#[must_use = "a run is driven by its consumer: without calls of `next` it stands still"]
pub struct ParTryDistribute<I, T, E, O>
where
    I: TryInput<T, E>,
{
    run: ParDistribute<I::Items, O>,
    error: ErrorSlot<E>,
}

impl<I, T, E, O> ParTryDistribute<I, T, E, O>
where
    I: TryInput<T, E>,
{
    fn start<S>(config: &Config, input: I, scans: Vec<S>) -> Result<Self, StartErrorKind>
    where
        T: Send + Sync + 'static,
        S: Scan<T, Output = O> + Send + 'static,
        O: Send + 'static,
    {
        let error = ErrorSlot::new();
        let input = input.up_to_error(error.share());
        let run =
            ParDistribute::start(InPool, config, input, scans).map_err(StartError::into_kind)?;
        Ok(Self { run, error })
    }

    /// The name that scan `id` was given with [`Scan::named`].
    #[must_use]
    pub fn name(&self, id: ScanId) -> Option<&str> {
        self.run.name(id)
    }

    /// Where the panic came from that ended the run, once there was one.
    #[must_use]
    pub fn panicked(&self) -> Option<PanicOrigin> {
        self.run.panicked()
    }

    /// What adds scans to the run while it goes on; see [`ParDistribute::adder`].
    #[must_use]
    pub fn adder(&mut self) -> Option<Adder<T, O>> {
        self.run.adder()
    }
}

impl<I, T, E, O> Iterator for ParTryDistribute<I, T, E, O>
where
    I: TryInput<T, E>,
{
    type Item = Result<(ScanId, O), E>;

    /// Gives the next output of any scan; when all have been given, the error of
    /// the input, if it had one.
    ///
    /// Blocks and panics as [`ParDistribute::next`](ParDistribute#method.next).
    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self.run.next() {
            Some(output) => Some(Ok(output)),
            // Of a panic and an error, the panic is told.
            None if self.run.panicked().is_some() => None,
            None => self.error.close().map(Err),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // The run says that it has ended no sooner than this has, with the error.
        self.run.size_hint()
    }
}

impl<I, T, E, O> FusedIterator for ParTryDistribute<I, T, E, O> where I: TryInput<T, E> {}

impl<I, T, E, O> fmt::Debug for ParTryDistribute<I, T, E, O>
where
    I: TryInput<T, E>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParTryDistribute").field("run", &self.run).finish_non_exhaustive()
    }
}

/// An error that nobody has asked for is dropped; what that panics with is not told.
impl<I, T, E, O> Drop for ParTryDistribute<I, T, E, O>
where
    I: TryInput<T, E>,
{
    fn drop(&mut self) {
        contain_drop(self.error.close()).into_iter().for_each(discard);
    }
}

/// Runs `scans` over `input` and keeps the last output of each, or the error of
/// the input.
fn fold<I, T, E, S>(
    config: &Config,
    input: I,
    scans: S,
) -> Result<Result<S::Latest, E>, StartErrorKind>
where
    I: TryInput<T, E>,
    T: Send + Sync + 'static,
    S: ScanSet<'static, T>,
{
    let error = ErrorSlot::new();
    let input = input.up_to_error(error.share());
    let mut last = fold::fold(InPool, config, input, scans).map_err(StartError::into_kind)?;
    Ok(match error.close() {
        None => Ok(last),
        Some(error) => {
            last.clear().into_iter().for_each(discard);
            Err(error)
        }
    })
}
