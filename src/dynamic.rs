//! Runs that ask for new scans as they go.

use std::fmt;

use crate::adder::Adder;
use crate::config::Config;
use crate::distribute::ParDistribute;
use crate::engine::{Dispatch, Feed, Feeder, Left, Payload, Pull, contain};
use crate::error::{Chain, ConfigError, StartError};
use crate::input::Input;
use crate::iterator_ext::started;
use crate::scan::Scan;
use crate::sync::{Arc, OnceLock};
use crate::threads::InPool;

/// Gives every [`Iterator`] the form of `par_distribute` that asks for new scans as the
/// run goes.
pub trait DynamicIteratorExt: Iterator + Sized {
    /// [`par_distribute`](crate::IteratorExt::par_distribute) with scans that come from
    /// `ask`, which is called before each batch of items is pulled: they see just the
    /// items from that batch on.
    ///
    /// | | |
    /// |---|---|
    /// | emits when | any scan has emitted: per scan in its own order, across scans as they arrive |
    /// | holds back when | any live scan's input is full: the input is then not pulled, outputs still flow |
    /// | completes when | the input has ended and every scan was flushed and has exited, or every scan has ended by itself (but see [`discard_without_scans`](Config::discard_without_scans)) |
    /// | cancels when | the iterator is dropped; a scan, the input or `ask` panics; [`Control`](crate::Control) |
    ///
    /// # Shape
    ///
    /// `ask` is called on the consumer's thread, where the input is pulled. What is a
    /// batch is said by [`Config::batch`]. Scans are numbered in the order in which they
    /// come.
    ///
    /// # Panics
    ///
    /// Panics if the operating system refuses a thread; so does `next`, for scans that
    /// come later.
    ///
    /// # Examples
    ///
    /// ```
    /// use anabranch::{Config, DynamicIteratorExt, scan};
    ///
    /// // A scan for each three items, from there to the end.
    /// let config = Config::new().batch(3);
    /// let mut wanted = 3;
    /// let sums = (1..=9).par_distribute_dynamic_with(&config, || {
    ///     wanted -= 1;
    ///     (wanted >= 0).then(scan::sum::<i32, i32>)
    /// });
    /// let mut sums: Vec<_> = sums.map(|(id, sum)| (id.index(), sum)).collect();
    /// sums.sort();
    /// assert_eq!(sums, [(0, 45), (1, 45 - 6), (2, 45 - 21)]);
    /// ```
    fn par_distribute_dynamic<F, N, S>(
        self,
        ask: F,
    ) -> ParDistribute<Asking<Self, F, S::Output>, S::Output>
    where
        Self::Item: Send + Sync + 'static,
        F: FnMut() -> N,
        N: IntoIterator<Item = S>,
        S: Scan<Self::Item, Output: Send + 'static> + Send + 'static,
    {
        self.par_distribute_dynamic_with(&Config::new(), ask)
    }

    /// [`par_distribute_dynamic`](Self::par_distribute_dynamic) with settings.
    ///
    /// # Panics
    ///
    /// Panics if the run cannot start; see
    /// [`try_par_distribute_dynamic_with`](Self::try_par_distribute_dynamic_with).
    fn par_distribute_dynamic_with<F, N, S>(
        self,
        config: &Config,
        ask: F,
    ) -> ParDistribute<Asking<Self, F, S::Output>, S::Output>
    where
        Self::Item: Send + Sync + 'static,
        F: FnMut() -> N,
        N: IntoIterator<Item = S>,
        S: Scan<Self::Item, Output: Send + 'static> + Send + 'static,
    {
        started(self.try_par_distribute_dynamic_with(config, ask))
    }

    /// [`par_distribute_dynamic`](Self::par_distribute_dynamic) with settings, returning
    /// the error if the run cannot start.
    ///
    /// # Errors
    ///
    /// As [`try_par_distribute_with`](crate::IteratorExt::try_par_distribute_with), and
    /// refuses [ordered](Config::ordered) outputs. The error gives back the input,
    /// `ask`, and the scans that it gave.
    #[allow(clippy::type_complexity, reason = "an alias would hide what is given back")]
    fn try_par_distribute_dynamic_with<F, N, S>(
        self,
        config: &Config,
        mut ask: F,
    ) -> Result<ParDistribute<Asking<Self, F, S::Output>, S::Output>, StartError<(Self, F), Vec<S>>>
    where
        Self::Item: Send + Sync + 'static,
        F: FnMut() -> N,
        N: IntoIterator<Item = S>,
        S: Scan<Self::Item, Output: Send + 'static> + Send + 'static,
    {
        if config.is_ordered() {
            return Err(StartError::new(ConfigError::Ordered.into(), (self, ask), Vec::new()));
        }
        let scans: Vec<S> = ask().into_iter().collect();
        let adder = Arc::new(OnceLock::new());
        let input = Asking { input: self, ask, adder: Arc::clone(&adder) };
        let started = ParDistribute::start(InPool, config, input, scans);
        let mut run =
            started.map_err(|error| error.map_input(|asking| (asking.input, asking.ask)))?;
        if let Some(entrance) = run.adder() {
            adder.get_or_init(|| entrance);
        }
        Ok(run)
    }
}

impl<I: Iterator> DynamicIteratorExt for I {}

/// An input along with what is asked for scans; passes through
/// [`par_distribute_dynamic`](DynamicIteratorExt::par_distribute_dynamic).
pub struct Asking<I: Iterator, F, O> {
    input: I,
    ask: F,
    adder: AdderSlot<I::Item, O>,
}

/// INVARIANT: filled when the run has started, before anything is pulled.
type AdderSlot<T, O> = Arc<OnceLock<Adder<T, O>>>;

impl<I, F, N, S> Input for Asking<I, F, S::Output>
where
    I: Iterator<Item: Send + Sync + 'static>,
    F: FnMut() -> N,
    N: IntoIterator<Item = S>,
    S: Scan<I::Item, Output: Send + 'static> + Send + 'static,
{
    type Item = I::Item;
    type Feeder = AskingPull<I, F, S::Output>;

    const HAS_THREAD: bool = false;

    fn feeder(self, dispatch: Dispatch<I::Item>) -> Self::Feeder {
        let Self { input, ask, adder } = self;
        // The scans that the run begins with were asked for already.
        AskingPull { pull: Pull::new(input, dispatch), ask, asked: true, adder }
    }
}

/// Pulls the input, and asks for scans before each batch.
#[allow(unnameable_types, reason = "only passes through what is public")]
pub struct AskingPull<I: Iterator, F, O> {
    pull: Pull<I>,
    ask: F,
    /// Whether that was done for the next batch.
    asked: bool,
    adder: AdderSlot<I::Item, O>,
}

impl<I, F, N, S> Feeder for AskingPull<I, F, S::Output>
where
    I: Iterator<Item: Send + Sync + 'static>,
    F: FnMut() -> N,
    N: IntoIterator<Item = S>,
    S: Scan<I::Item, Output: Send + 'static> + Send + 'static,
{
    type Item = I::Item;

    fn fill(&mut self) -> Result<bool, Payload> {
        if self.pull.is_due() {
            self.asked = !self.asked;
            if self.asked {
                let added = contain(|| add_all(self.adder.get(), (self.ask)()));
                // What was added is looked at first, and does not interrupt the batch.
                return added.map(|()| true).inspect_err(|_| self.pull.sever());
            }
        }
        self.pull.fill()
    }

    fn dispatch(&mut self) {
        self.pull.dispatch();
    }

    fn hold(&mut self) {
        self.pull.hold();
    }

    fn feed(&self) -> &Arc<Feed<I::Item>> {
        self.pull.feed()
    }

    fn retire(&mut self, known: usize) -> Result<bool, Payload> {
        self.pull.retire(known)
    }

    fn close(&mut self) -> Result<(), Payload> {
        self.pull.close()
    }

    fn let_go(&mut self) {
        self.pull.let_go();
    }

    fn has_left(&mut self) -> Left {
        self.pull.has_left()
    }
}

/// Adds the scans to the run, unless it takes no more.
fn add_all<T, S>(adder: Option<&Adder<T, S::Output>>, scans: impl IntoIterator<Item = S>)
where
    T: Send + Sync + 'static,
    S: Scan<T, Output: Send + 'static> + Send + 'static,
{
    for scan in scans {
        match adder.map(|adder| adder.add(scan)) {
            Some(Err(error)) if !error.is_ended() => {
                panic!("a scan could not be added: {}", Chain(error.kind()))
            }
            _ => {}
        }
    }
}

impl<I: Iterator, F, O> fmt::Debug for Asking<I, F, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asking").finish_non_exhaustive()
    }
}

impl<I: Iterator, F, O> fmt::Debug for AskingPull<I, F, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AskingPull").field("pull", &self.pull).finish_non_exhaustive()
    }
}
