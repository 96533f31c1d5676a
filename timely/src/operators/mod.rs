//! Operators on timely's streams.

mod deliver;
mod demux;
mod distribute;
mod emit;
mod pace;
mod parcel;

use std::hash::Hash;

use anabranch::Scan;
use anabranch::scan::Total;
use timely::ExchangeData;
use timely::dataflow::StreamVec;

use crate::job::Job;
use crate::outputs::Sink;

/// In which order the items of several sources reach a scan.
///
/// With one source, both are the order of its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// As they arrive: the items of each source in its order.
    Arrival,
    /// By epoch, and within one by worker and in the order of its source. An epoch waits until all
    /// sources are past it. What scans emit at the flush comes behind all other epochs.
    ///
    /// Together with [whole batches](crate::Source::whole_batches), it is the same on every run for
    /// items that come straight from a source, or from scans that have the same order. It is not
    /// behind what merges streams as they arrive: timely's `concat`, and
    /// [`gather`](Deliver::gather), behind which all items are of one worker.
    Epoch,
}

/// Runs scans on timely's streams. A call of a method makes an operator on every worker.
///
/// Factories are called where the scan lives, and their scans never leave that worker's thread: they
/// need not be `Send`.
///
/// # Panics of user code
///
/// A panic of a factory, a key, a step, a flush or a drop ends the run on all workers. What was
/// emitted before is delivered, if that takes no longer than 0.4 seconds; nothing is flushed.
/// [`Run::join`](crate::Run::join) returns the payload in the process of the panic.
pub trait Scans<'scope, T>: Sized
where
    T: ExchangeData + Clone,
{
    #[doc(hidden)]
    fn items(self) -> StreamVec<'scope, u64, T>;

    /// Gives every item to each of `count` scans, which `factory` makes by their index.
    ///
    /// Equivalent, for each scan and with one source, to [`Scan::apply`] over the items. Returns
    /// the outputs, each with the index of its scan.
    ///
    /// # Shape
    ///
    /// Scan *i* lives on worker *i* modulo the number of workers. Items are cloned and sent once for
    /// each worker, not for each scan. Outputs of a scan come in its own order, on the worker where
    /// it lives.
    ///
    /// | it | when |
    /// |---|---|
    /// | emits | a scan emits: per scan in its own order, across scans as they come |
    /// | holds back | never itself: its epochs are in flight until every scan is behind them |
    /// | completes | the items have ended and every scan was flushed, or every scan has ended by itself |
    /// | cancels | an output is dropped, the run is dropped, anything panics, a process is lost |
    fn distribute<S, F>(
        self,
        job: &Job<'scope>,
        count: usize,
        order: Order,
        factory: F,
    ) -> StreamVec<'scope, u64, (usize, S::Output)>
    where
        S: Scan<T, Output: 'static> + 'static,
        F: FnMut(usize) -> S + 'static,
    {
        distribute::distribute(self.items(), job, count, order, factory)
    }

    /// Gives each item to the scan of its key, which `factory` makes at the key's first item.
    ///
    /// Equivalent, for each key and with one source, to [`Scan::apply`] over the items with that
    /// key. Returns the outputs, each with its key.
    ///
    /// # Shape
    ///
    /// All scans of a key live on one worker, by a hash that is the same in all processes of a
    /// program. `key` is called where an item comes from, to choose the worker, and again where it
    /// arrives: it has to return the same for equal items. Items are moved, and sent once. The
    /// factory may return `None`, as an `Option` of a scan is a scan: one that ends at its first
    /// item.
    ///
    /// | it | when |
    /// |---|---|
    /// | emits | the scan of a key emits: per key in its own order, across keys as they come |
    /// | holds back | never itself: its epochs are in flight until every key's scan is behind them |
    /// | completes | the items have ended and the scans of all keys were flushed |
    /// | cancels | an output is dropped, the run is dropped, anything panics, a process is lost |
    ///
    /// # Memory
    ///
    /// Each key has its scan in memory until the end; of one that has ended, the key remains. What
    /// all keys of a worker emit at the flush, in the order of their first items, is emitted at once.
    fn demux<K, S, Key, F>(
        self,
        job: &Job<'scope>,
        order: Order,
        key: Key,
        factory: F,
    ) -> StreamVec<'scope, u64, (K, S::Output)>
    where
        K: Hash + Eq + Clone + 'static,
        S: Scan<T, Output: 'static> + 'static,
        Key: FnMut(&T) -> K + Clone + 'static,
        F: FnMut(&K) -> S + 'static,
    {
        demux::demux(self.items(), job, order, key, factory)
    }

    /// Gives every item to each of `count` totals, which `factory` makes by their index.
    ///
    /// Returns the result of each total with its index; a total without a result, as the least of no
    /// items, is left out. Items reach totals as they arrive.
    ///
    /// | it | when |
    /// |---|---|
    /// | emits | once for each total: when the items have ended, or when it ends by itself, as [`try_fold`](anabranch::scan::try_fold) at its error |
    /// | holds back | as [`distribute`](Scans::distribute) |
    /// | completes | the items have ended and every total was flushed, or every total has ended by itself |
    /// | cancels | an output is dropped, the run is dropped, anything panics, a process is lost |
    fn fold<S, F>(
        self,
        job: &Job<'scope>,
        count: usize,
        mut factory: F,
    ) -> StreamVec<'scope, u64, (usize, S::Output)>
    where
        S: Total<T, Output: 'static> + 'static,
        F: FnMut(usize) -> S + 'static,
    {
        self.distribute(job, count, Order::Arrival, move |index| factory(index).last())
    }
}

impl<'scope, T> Scans<'scope, T> for StreamVec<'scope, u64, T>
where
    T: ExchangeData + Clone,
{
    fn items(self) -> Self {
        self
    }
}

/// Takes outputs out of a dataflow.
pub trait Deliver<'scope, T>: Sized {
    /// Sends everything to one worker, in the order of each worker that it comes from.
    ///
    /// | it | when |
    /// |---|---|
    /// | emits | anything arrives |
    /// | holds back | never itself |
    /// | completes | its stream has ended |
    /// | cancels | the run ends |
    ///
    /// # Panics
    ///
    /// Panics if there is no such worker.
    fn gather(self, job: &Job<'scope>, worker: usize) -> Self
    where
        T: ExchangeData;

    /// Puts what arrives on each worker into `sink`, for the [iterator](crate::Outputs) of this
    /// process.
    ///
    /// | it | when |
    /// |---|---|
    /// | emits | anything arrives |
    /// | holds back | the sink is full: the epochs behind stay in flight, and the sources wait |
    /// | completes | its stream has ended |
    /// | cancels | the iterator is dropped: the run ends on all workers |
    fn deliver(self, job: &Job<'scope>, sink: &Sink<T>)
    where
        T: Send + 'static;
}

impl<'scope, T: 'static> Deliver<'scope, T> for StreamVec<'scope, u64, T> {
    fn gather(self, job: &Job<'scope>, worker: usize) -> Self
    where
        T: ExchangeData,
    {
        deliver::gather(self, job, worker)
    }

    fn deliver(self, job: &Job<'scope>, sink: &Sink<T>)
    where
        T: Send + 'static,
    {
        deliver::deliver(self, job, sink);
    }
}
