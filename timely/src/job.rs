//! The handle with which a worker builds its dataflow.

use std::fmt;
use std::rc::Rc;

use timely::dataflow::Scope;
use timely::dataflow::operators::probe::Handle;

use crate::site::Site;
use crate::source::Source;

/// A worker's part of a run, while its dataflow is built.
///
/// [`spawn`](crate::spawn) calls its closure with one on every worker. All workers have to build the
/// same operators in the same order, as timely asks; what differs is which of them has an
/// [input](Job::source).
#[derive(Clone)]
pub struct Job<'scope> {
    scope: Scope<'scope, u64>,
    site: Rc<Site>,
}

impl<'scope> Job<'scope> {
    pub(crate) fn new(scope: Scope<'scope, u64>, site: Rc<Site>) -> Self {
        Self { scope, site }
    }

    pub(crate) fn site(&self) -> &Rc<Site> {
        &self.site
    }

    /// Returns timely's scope, for operators of timely's own.
    ///
    /// Its times are epochs; what scans emit at the flush has the last one there is, `u64::MAX`. A panic in an operator of timely's ends the run at once: outputs that
    /// are on their way are dropped.
    #[must_use]
    pub fn scope(&self) -> Scope<'scope, u64> {
        self.scope
    }

    /// Returns the index of this worker, among those of all processes.
    #[must_use]
    pub fn index(&self) -> usize {
        self.site.index()
    }

    /// Returns the number of workers of all processes.
    #[must_use]
    pub fn peers(&self) -> usize {
        self.site.peers()
    }

    /// Returns the probe that sources watch: it shows which epochs are done.
    ///
    /// It is attached to the operators of this crate already, other than sources. Attach it to what an
    /// operator of timely's emits, with timely's `probe_with`, and the sources wait for that operator
    /// too: it must not keep a capability until its input has ended.
    #[must_use]
    pub fn probe(&self) -> &Handle<u64> {
        &self.site.done
    }

    /// Makes a builder of a source: a blocking input whose items become a stream.
    ///
    /// `input` is called on a thread of its own, and makes what is pulled there. By default each
    /// worker has one; [`only_on`](Source::only_on) picks a worker.
    ///
    /// # Errors
    ///
    /// An input reports an error as an item, such as a `Result`, or by a panic, which ends the run.
    /// [`resume_unwind`](std::panic::resume_unwind) panics without a message on the terminal.
    ///
    /// # Examples
    ///
    /// The closure of a run may be called by several workers. An input that exists once is handed to
    /// the one that takes it first:
    ///
    /// ```
    /// use std::sync::{Arc, Mutex, mpsc};
    ///
    /// use anabranch::prelude::*;
    /// use anabranch_timely::{Deliver, Order, Scans, Setup, outputs, spawn};
    ///
    /// let (sender, receiver) = mpsc::channel();
    /// let receiver = Arc::new(Mutex::new(Some(receiver)));
    /// let (sink, outputs) = outputs(16);
    /// let run = spawn(&Setup::new().workers(2), move |job| {
    ///     let receiver = Arc::clone(&receiver);
    ///     let input = move || receiver.lock().unwrap().take().into_iter().flatten();
    ///     let items = job.source(input).only_on(0).stream();
    ///     items.distribute(job, 1, Order::Arrival, |_| scan::cloned::<u64>()).deliver(job, &sink);
    /// })?;
    /// sender.send(7)?;
    /// drop(sender);
    /// assert_eq!(outputs.collect::<Vec<_>>(), [(0, 7)]);
    /// run.join()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn source<F, I>(&self, input: F) -> Source<'scope, F>
    where
        F: FnOnce() -> I + Send + 'static,
        I: IntoIterator<Item: Send + 'static>,
    {
        Source::new(self.clone(), input)
    }
}

impl fmt::Debug for Job<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("index", &self.index())
            .field("peers", &self.peers())
            .finish_non_exhaustive()
    }
}
