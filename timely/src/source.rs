//! Sources: blocking inputs that feed a dataflow, with a bounded number of epochs in flight.

use std::fmt;
use std::rc::Rc;

use timely::dataflow::StreamVec;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;

use crate::feed::{End, Feed, Taken};
use crate::job::Job;
use crate::outlet::Outlet;
use crate::site::Site;

/// A builder of a source, made by [`Job::source`].
///
/// The items of a source are cut into *epochs*: each is what one batch holds. Timely tracks how far
/// every epoch is, in all processes, and a source sends no item while too many are in flight.
///
/// | it | when |
/// |---|---|
/// | emits | the input has yielded a batch; part of one if nothing is in flight |
/// | holds back | [`epochs`](Source::epochs) of its epochs are in flight: not done in every operator, on every worker |
/// | completes | the input has ended, or every scan that takes its items has ended by itself |
/// | cancels | an output is dropped, the run is dropped, anything panics, a process is lost |
///
/// # Several sources
///
/// Epoch numbers are common to all sources, and the slowest one holds the others back: no source is
/// more than `epochs` ahead of one that has items. One that has none is skipped, unless it sends
/// [whole batches](Source::whole_batches).
///
/// # Memory
///
/// A source has up to `epochs` batches on the way, and one that waits for its turn; each worker with
/// an input has its own. [`distribute`](crate::Scans::distribute) copies those on the way to every
/// worker that has a scan. Nothing bounds a source with none of this crate's operators behind it,
/// unless [`Job::probe`] is attached there.
///
/// # Panics
///
/// A panic of the input ends the run. The items that it yielded before are stepped over first. One
/// that nobody pulls any more is not reported.
#[must_use = "a source does nothing until `stream` makes it one"]
pub struct Source<'scope, F> {
    job: Job<'scope>,
    input: F,
    batch: usize,
    epochs: u64,
    whole: bool,
    only_on: Option<usize>,
}

impl<'scope, F> Source<'scope, F> {
    pub(crate) fn new(job: Job<'scope>, input: F) -> Self {
        Self { job, input, batch: 1024, epochs: 4, whole: false, only_on: None }
    }

    /// Sets the greatest number of items in a batch, from 1. The default is 1,024.
    ///
    /// # Panics
    ///
    /// Panics if `items` is 0.
    pub fn batch(mut self, items: usize) -> Self {
        assert!(items > 0, "a batch has at least one item");
        self.batch = items;
        self
    }

    /// Sets the number of epochs in flight, from 1. The default is 4.
    ///
    /// # Panics
    ///
    /// Panics if `epochs` is 0.
    pub fn epochs(mut self, epochs: usize) -> Self {
        assert!(epochs > 0, "at least one epoch has to be in flight");
        self.epochs = epochs as u64;
        self
    }

    /// Sends each batch only when it is full, so that the same inputs give the same epochs on every
    /// run. Items of an input that blocks then wait for those that fill their batch, and the other
    /// sources for them.
    pub fn whole_batches(mut self) -> Self {
        self.whole = true;
        self
    }

    /// Gives the input to one worker only. The others have an empty one.
    ///
    /// # Panics
    ///
    /// Panics if there is no such worker.
    pub fn only_on(mut self, worker: usize) -> Self {
        let workers = self.job.peers();
        assert!(worker < workers, "there is no worker {worker} among {workers}");
        self.only_on = Some(worker);
        self
    }

    /// Makes the stream. The input is pulled from now on.
    pub fn stream<I, T>(self) -> StreamVec<'scope, u64, T>
    where
        F: FnOnce() -> I + Send + 'static,
        I: IntoIterator<Item = T>,
        T: Send + 'static,
    {
        let Self { job, input, batch, epochs, whole, only_on } = self;
        let (scope, site) = (job.scope(), Rc::clone(job.site()));
        let mut builder = OperatorBuilder::new("Source".to_owned(), scope);
        let (output, stream) = builder.new_output();
        let address = builder.operator_info().address;
        let wake = scope.activator_for(Rc::clone(&address));
        let index = site.add_source(&stream, wake.clone());
        site.add_operator(wake);
        let feed = if only_on.is_none_or(|worker| worker == site.index()) {
            let wake = scope.worker().sync_activator_for(address.to_vec());
            match Feed::start(input, batch, wake) {
                Ok(feed) => Some(feed),
                Err(error) => {
                    site.panicked(Box::new(format!("cannot start the input's thread: {error}")));
                    None
                }
            }
        } else {
            None
        };
        builder.build(move |mut capabilities| {
            let mut driver = Driver {
                site,
                index,
                feed,
                batch,
                epochs,
                whole,
                capability: capabilities.pop(),
                epoch: 0,
                failed: None,
            };
            let mut output = Outlet::from(output);
            move |_| driver.run(&mut output)
        });
        stream
    }
}

impl<F> fmt::Debug for Source<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("batch", &self.batch)
            .field("epochs", &self.epochs)
            .field("whole_batches", &self.whole)
            .field("only_on", &self.only_on)
            .finish_non_exhaustive()
    }
}

/// The operator of a source: it moves batches from the feed into the dataflow.
struct Driver<T> {
    site: Rc<Site>,
    index: usize,
    feed: Option<Feed<T>>,
    batch: usize,
    epochs: u64,
    whole: bool,
    /// For the next epoch, and later ones. Nothing once the source has ended.
    capability: Option<Capability<u64>>,
    epoch: u64,
    /// A panic of the input, until the items before it are done.
    failed: Option<End>,
}

impl<T: Send + 'static> Driver<T> {
    fn run(&mut self, output: &mut Outlet<T>) {
        if self.site.halted() || self.site.nobody_takes(self.index) {
            self.end();
        }
        let whole = self.whole && !self.site.failing();
        while let Some(capability) = &mut self.capability {
            let done = &self.site.done;
            let alone = !done.less_than(&self.epoch);
            if let Some(End::Panicked(payload)) = self.failed.take_if(|_| alone) {
                self.site.panicked(payload);
                self.end();
                return;
            }
            let Some(feed) = &self.feed else {
                match self.failed {
                    Some(_) => self.site.await_epoch(self.epoch, true),
                    None => self.end(),
                }
                return;
            };
            let room = self.epoch < self.epochs || !done.less_equal(&(self.epoch - self.epochs));
            let least = if alone && !whole { 1 } else { self.batch };
            let (mut items, end) = match feed.take(least, room) {
                Taken::Items(items) => (items, None),
                Taken::End(items, end) => (items, Some(end)),
                Taken::Few => {
                    self.site.await_epoch(self.epoch, false);
                    return;
                }
                Taken::Nothing => {
                    // Scans by epoch have what was sent before once all sources are here.
                    self.site.await_epoch(self.epoch, false);
                    let awaited = self.site.awaited();
                    if whole || awaited <= self.epoch {
                        return;
                    }
                    self.epoch = awaited;
                    capability.downgrade(&awaited);
                    continue;
                }
            };
            if !items.is_empty() {
                let mut stats = self.site.stats.borrow_mut();
                stats.pulled += items.len() as u64;
                stats.epochs += 1;
                drop(stats);
                output.activate().session(&*capability).give_container(&mut items);
                self.epoch += 1;
                capability.downgrade(&self.epoch);
            }
            if let Some(end) = end {
                self.feed = None;
                if let End::Panicked(_) = end {
                    self.failed = Some(end);
                }
            }
        }
    }

    fn end(&mut self) {
        self.feed = None;
        if self.capability.take().is_some() {
            self.site.await_epoch(self.epoch, false);
        }
    }
}
