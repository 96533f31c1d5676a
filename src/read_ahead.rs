//! Inputs that are pulled on a thread of their own.

use std::fmt;

use crate::config::Config;
use crate::engine::{Ahead, Dispatch, contain_drop, discard};
use crate::error::{StartError, StartErrorKind};
use crate::input::Input;
use crate::pool::Lease;
use crate::sync::{Receiver, Sender, bounded};
use crate::threads::{ScanHost, ThreadSource};

/// An input with a thread of its own; made by
/// [`read_ahead`](crate::IteratorExt::read_ahead). It takes the place of the iterator in
/// every method of this crate. What it holds lives for `'a`.
///
/// # Shape
///
/// The input is pulled from the start of the run on, whether or not `next` is
/// called, until some scan's input is full. An item never waits in a half-filled
/// batch while a scan that could take it is idle: the batch is in the queue of every
/// scan while it is filled, and grows until the first one takes it, or to its
/// [greatest length](Config::batch). When every scan has ended it is not pulled again,
/// but for the call of `next` that it is in. Everything else is as without, the bounds on
/// memory included.
///
/// # Blocking
///
/// Does not block, and neither do the run's `next` and its drop wait for an input
/// that blocks: when all scans have ended, or the run is dropped, a thread that
/// is inside the input's `next` is given 200 µs, and is then detached. It drops the item that
/// it comes back with, and the input, and ends. If it never comes back, its thread is lost.
/// In all other cases the input has been dropped when the run has ended, and no call of its
/// `next` begins behind that.
#[must_use = "nothing is pulled before a run is started"]
pub struct ReadAhead<'a, T> {
    /// The thread waits here for the run that it is to feed.
    thread: Sender<Life<'a, T>>,
}

/// What the thread does with the input.
type Life<'a, T> = Box<dyn FnOnce(Box<dyn Iterator<Item = T> + 'a>, Option<Lease>) + Send + 'a>;

impl<'a, T: 'a> ReadAhead<'a, T> {
    /// Moves `input` to a thread, where it waits to be pulled.
    pub(crate) fn start<I>(
        threads: impl ThreadSource<'a>,
        config: &Config,
        input: I,
    ) -> Result<Self, StartError<I, ()>>
    where
        I: Iterator<Item = T> + Send + 'a,
    {
        let settings = config.settings::<T>().map_err(StartErrorKind::from);
        let hosts = settings.and_then(|settings| {
            threads.threads(&settings, &settings.thread_kind_for::<T, T>(), 1)
        });
        let host = match hosts {
            Ok(mut hosts) => hosts.pop(),
            Err(kind) => return Err(StartError::new(kind, input, ())),
        };
        let (thread, lives): (_, Receiver<Life<'a, T>>) = bounded(1);
        let wait = move |lease| match lives.recv() {
            Ok(life) => life(Box::new(input), lease),
            Err(_) => contain_drop(input).into_iter().for_each(discard),
        };
        if let Some(host) = host {
            host.host(wait);
        }
        Ok(Self { thread })
    }

    /// Has the thread feed a run with what `adapt` makes of the input.
    pub(crate) fn feed<I>(
        self,
        dispatch: Dispatch<I::Item>,
        adapt: impl FnOnce(Box<dyn Iterator<Item = T> + 'a>) -> I + Send + 'a,
    ) -> Ahead<I::Item>
    where
        I: Iterator<Item: Send + Sync + 'a>,
    {
        let (ahead, puller) = Ahead::new(dispatch);
        let life: Life<'a, T> = Box::new(|input, lease| puller.live(adapt(input), lease));
        let sent = self.thread.try_send(life);
        debug_assert!(sent.is_ok(), "a thread that waits for a run takes one");
        ahead
    }
}

impl<'a, T: Send + Sync + 'a> Input for ReadAhead<'a, T> {
    type Item = T;
    type Feeder = Ahead<T>;

    const HAS_THREAD: bool = true;

    fn feeder(self, dispatch: Dispatch<T>) -> Ahead<T> {
        self.feed(dispatch, |input| input)
    }
}

impl<T> fmt::Debug for ReadAhead<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadAhead").finish_non_exhaustive()
    }
}
