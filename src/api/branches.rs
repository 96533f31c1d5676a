//! `branch`: ordinary code over an iterator of the items.

use std::fmt;

use super::blocking::{Blocking, ToTheEnd};
use super::distribute::Distribute;
use super::fan_out::FanOut;
use super::parts::{And, Closure, Join, Merge, Returned, Stepped};
use super::slots::Slots;
use super::source::{Input, Source};
use super::tried::{Failing, TryAll};
use crate::branch::Items;
use crate::engine::{Kept, NoHook};
use crate::threads::Threads;

impl<I: Source, Th> FanOut<I, Th> {
    /// Adds a branch: a closure that runs on its own thread, over an iterator of the items. Any
    /// number of [`branch`](Branches::branch) calls may follow, then [`join`](Branches::join), for
    /// what the closures return, or [`merge`](Branches::merge), for what the iterators yield that
    /// they return.
    ///
    /// Threads and settings come before the first branch. See [`branch`](crate::branch) for what a
    /// branch may do.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::collections::BTreeSet;
    /// use anabranch::prelude::*;
    ///
    /// let lines = ["the quick fox", "the lazy dog"].map(String::from);
    /// let (count, letters, words) = lines
    ///     .into_iter()
    ///     .fan_out()
    ///     .branch(|lines| lines.count())
    ///     .branch(|lines| lines.map(|line| line.len()).sum::<usize>())
    ///     .branch(|lines| {
    ///         let mut words = BTreeSet::new();
    ///         for line in lines {
    ///             words.extend(line.split(' ').map(str::to_owned));
    ///         }
    ///         words
    ///     })
    ///     .join();
    /// assert_eq!((count, letters, words.len()), (2, 25, 5));
    /// ```
    pub fn branch<'a, F, R>(self, f: F) -> Branches<I, Th, (Closure<F>,)>
    where
        F: FnOnce(Items<'a, <I as Source>::Item>) -> R,
    {
        Branches { run: self, parts: (Closure::new(None, f),) }
    }

    /// Adds a branch with a name, as [`Scan::named`](crate::Scan::named) does for scans: statistics
    /// and the thread have it.
    ///
    /// ```
    /// use std::thread;
    /// use anabranch::prelude::*;
    ///
    /// let (name,) = (0..10)
    ///     .fan_out()
    ///     .branch_named("reader", |_| thread::current().name().map(str::to_owned))
    ///     .join();
    /// assert_eq!(name.as_deref(), Some("reader"));
    /// ```
    pub fn branch_named<'a, F, R>(
        self,
        name: impl Into<String>,
        f: F,
    ) -> Branches<I, Th, (Closure<F>,)>
    where
        F: FnOnce(Items<'a, <I as Source>::Item>) -> R,
    {
        Branches { run: self, parts: (Closure::new(Some(name.into()), f),) }
    }

    /// Adds a scan as a branch, so that scans and branches run side by side.
    ///
    /// ```
    /// use anabranch::prelude::*;
    ///
    /// let (sum, largest) = (1..=10)
    ///     .fan_out()
    ///     .scan(scan::sum::<i32, i32>())
    ///     .branch(|items| items.cloned().max())
    ///     .join();
    /// assert_eq!((sum, largest), (55, Some(10)));
    /// ```
    pub fn scan<S>(self, scan: S) -> Branches<I, Th, (Stepped<S>,)> {
        Branches { run: self, parts: (Stepped(scan),) }
    }

    /// Adds any number of branches of one type. `join` then returns a vector.
    ///
    /// ```
    /// use anabranch::prelude::*;
    ///
    /// let multiples = (2..5).map(|n| move |items: Items<'_, i32>| items.filter(|x| **x % n == 0).count());
    /// assert_eq!((1..=12).fan_out().branches(multiples).join(), [6, 4, 3]);
    /// ```
    pub fn branches<'a, F, R>(
        self,
        list: impl IntoIterator<Item = F>,
    ) -> Branches<I, Th, Vec<Closure<F>>>
    where
        F: FnOnce(Items<'a, <I as Source>::Item>) -> R,
    {
        let parts = list.into_iter().map(|f| Closure::new(None, f)).collect();
        Branches { run: self, parts }
    }
}

/// A run with branches that has not started, returned by [`FanOut::branch`].
#[must_use = "a run does not start before its verb"]
pub struct Branches<I, Th, L> {
    pub(super) run: FanOut<I, Th>,
    pub(super) parts: L,
}

// `M` stands for `L::With`, so that the compiler says in the words of `And` that there is none.
impl<I: Source, Th, L> Branches<I, Th, L> {
    /// Adds another branch; see [`FanOut::branch`].
    pub fn branch<'a, F, R, M>(self, f: F) -> Branches<I, Th, M>
    where
        F: FnOnce(Items<'a, <I as Source>::Item>) -> R,
        L: And<Closure<F>, With = M>,
    {
        Branches { run: self.run, parts: self.parts.and(Closure::new(None, f)) }
    }

    /// Adds another branch, with a name; see [`FanOut::branch_named`].
    pub fn branch_named<'a, F, R, M>(self, name: impl Into<String>, f: F) -> Branches<I, Th, M>
    where
        F: FnOnce(Items<'a, <I as Source>::Item>) -> R,
        L: And<Closure<F>, With = M>,
    {
        Branches { run: self.run, parts: self.parts.and(Closure::new(Some(name.into()), f)) }
    }

    /// Adds a scan as another branch; see [`FanOut::scan`].
    pub fn scan<S, M>(self, scan: S) -> Branches<I, Th, M>
    where
        L: And<Stepped<S>, With = M>,
    {
        Branches { run: self.run, parts: self.parts.and(Stepped(scan)) }
    }

    /// Runs the branches and returns the results: a tuple, in the order in which they were added,
    /// or a vector after [`branches`](FanOut::branches). A scan must be a
    /// [total](crate::scan::Total), and has the result that [`fold`](FanOut::fold) returns.
    ///
    /// | it | when |
    /// |---|---|
    /// | returns | once, at the end: the result of each branch |
    /// | holds back | any branch's input is full; the input is then not pulled |
    /// | completes | the input has ended and every branch has returned, or every branch has returned early |
    /// | cancels | a branch or the input panics; [`Control`](crate::Control) |
    ///
    /// # Shape
    ///
    /// The input is pulled on the calling thread, as [`fold`](FanOut::fold) pulls it, unless it is
    /// [read ahead](FanOut::read_ahead). A branch that returns early, or drops its items, lets the
    /// others go on; when none wants more items, no further batch is pulled. After
    /// [`Control::abort`](crate::Control::abort) the items of each branch end, and the results are
    /// what the branches return then; they need not have seen the same items.
    ///
    /// # Blocking
    ///
    /// Blocks until every branch has returned, and while the input blocks, unless it is
    /// [read ahead](FanOut::read_ahead).
    ///
    /// # Errors
    ///
    /// After [`until_error`](FanOut::until_error), returns the first error of the input, once every
    /// branch has returned. The results are dropped.
    ///
    /// # Panics
    ///
    /// As [`fold`](FanOut::fold), where a branch counts as a total.
    #[track_caller]
    pub fn join<'a, R>(self) -> I::Yield<R>
    where
        I: Input<'a>,
        Th: Blocking<'a>,
        L: Join<'a, <I as Source>::Item, Results = R>,
    {
        self.run_to_the_end(|_| None, L::results)
    }

    /// Does the same as [`join`](Self::join) with branches that return `Result`s, and returns at
    /// the first error. The type of error is the same for all.
    ///
    /// The first error to arrive aborts the run: the input is not pulled again, and the items of the
    /// other branches end. They are waited for, and their results are dropped.
    /// [`Control::failed`](crate::Control::failed) returns the id of the branch.
    ///
    /// # Blocking
    ///
    /// Blocks until every branch has returned, and while the input blocks, unless it is
    /// [read ahead](FanOut::read_ahead).
    ///
    /// # Errors
    ///
    /// Returns the first error of a branch. After [`until_error`](FanOut::until_error), an error of
    /// the input is the outer one: `try_join()??`. It goes first if both fail, and so does a panic: an
    /// error of a branch may then be no more than what came of missing items. A stop is an ordinary
    /// end of the items.
    ///
    /// Where `?` needs to know the type of the error, one branch names it:
    /// `Ok::<_, io::Error>(count)`.
    ///
    /// # Panics
    ///
    /// As [`join`](Self::join). A panic that comes behind the first error is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::{self, Write};
    /// use anabranch::prelude::*;
    ///
    /// let written = (1..)
    ///     .fan_out()
    ///     .branch(|numbers| {
    ///         // A file system of twenty bytes.
    ///         let mut file = &mut [0_u8; 20][..];
    ///         numbers.cloned().try_for_each(|n| writeln!(file, "{n}"))
    ///     })
    ///     .branch(|numbers| Ok(numbers.count()))
    ///     .try_join();
    /// assert_eq!(written.unwrap_err().kind(), io::ErrorKind::WriteZero);
    /// ```
    #[track_caller]
    pub fn try_join<'a, R, E>(self) -> I::Yield<Result<R, E>>
    where
        I: Input<'a>,
        Th: Blocking<'a>,
        L: Join<'a, <I as Source>::Item, Results: TryAll<Ok = R, Err = E>, Slots: Failing<E>>,
    {
        self.run_to_the_end(
            |slots| slots.take_error().map(Err),
            |slots| L::results(slots).try_all(),
        )
    }

    /// Runs the branches and merges the outputs into one iterator: what the iterators yield that
    /// the closures return, and what scans emit. Each output comes with the [id](crate::ScanId) of
    /// its branch.
    ///
    /// | it | when |
    /// |---|---|
    /// | emits | any branch has yielded: per branch in its own order, across branches as they arrive |
    /// | holds back | any branch's input is full; the input is then not pulled, outputs still flow |
    /// | completes | the input and every branch's iterator have ended, or every iterator has ended by itself |
    /// | cancels | the iterator is dropped; a branch or the input panics; [`Control`](crate::Control) |
    ///
    /// # Shape
    ///
    /// As [`distribute`](FanOut::distribute), of which a branch is one more kind of scan. What a
    /// branch has yielded is published before it waits for items, and about every 200 µs in between,
    /// by the time that its items have taken so far: when it turns slow without yielding anything
    /// more, only at the end of the items in hand. A branch that yields for long without pulling
    /// fills a batch of outputs, as one step of a scan does. What a branch yields after an abort is
    /// dropped, and so is what it yields behind the last item before a panic of the input. The
    /// iterator of a branch that keeps its items, does not pull, and never ends keeps such a panic
    /// from surfacing.
    ///
    /// # Blocking
    ///
    /// As [`distribute`](FanOut::distribute). Dropping the run waits until each branch has left the
    /// code that it is in: the items end at the next call of `next`.
    ///
    /// # Panics
    ///
    /// As [`distribute`](FanOut::distribute).
    ///
    /// # Examples
    ///
    /// ```
    /// use anabranch::prelude::*;
    ///
    /// let run = (1..=6)
    ///     .fan_out()
    ///     .branch(|items| items.cloned().filter(|x| x % 2 == 0))
    ///     .branch(|items| items.cloned().step_by(3).map(|x| 10 * x))
    ///     .merge();
    /// let mut outputs: Vec<_> = run.map(|(_, x)| x).collect();
    /// outputs.sort();
    /// assert_eq!(outputs, [2, 4, 6, 10, 40]);
    /// ```
    #[track_caller]
    pub fn merge<'a, O>(self) -> Distribute<I, O>
    where
        I: Input<'a>,
        Th: Threads<'a>,
        L: Merge<'a, <I as Source>::Item, Output = O>,
        O: Returned + 'a,
    {
        let (manager, ending) = self.run.start_with(self.parts.merged(), Kept::Every, |_| NoHook);
        Distribute { manager, ending }
    }

    /// Runs the branches until all have returned, or until `failed` takes what the run returns from
    /// the results so far.
    #[track_caller]
    fn run_to_the_end<'a, R>(
        self,
        failed: fn(&mut L::Slots) -> Option<R>,
        results: fn(L::Slots) -> R,
    ) -> I::Yield<R>
    where
        I: Input<'a>,
        Th: Blocking<'a>,
        L: Join<'a, <I as Source>::Item>,
    {
        let Self { run: FanOut { source, threads, options }, parts } = self;
        let branches = parts.joined();
        let slots = Slots::empty(branches.len());
        threads.run(ToTheEnd { source, options, branches, slots, failed, results })
    }
}

impl<I, Th, L> fmt::Debug for Branches<I, Th, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Branches").field("run", &self.run).finish_non_exhaustive()
    }
}
