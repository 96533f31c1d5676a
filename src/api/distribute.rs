//! `distribute`: the outputs of several scans, as they arrive.

use std::fmt;
use std::iter::FusedIterator;

use super::adder::Adder;
use super::fan_out::FanOut;
use super::lists::Scans;
use super::source::{Input, Pulled, Source};
use super::until_error::Ending;
use crate::engine::{Hook, Kept, Manager, NoHook, PanicOrigin, ScanId};
use crate::scan::Driven;
use crate::threads::Threads;

impl<I, Th> FanOut<I, Th> {
    /// Gives every item to each of `scans`, each scan on its own thread, and merges their outputs
    /// into one iterator. Dataflow systems call this a *broadcast*.
    ///
    /// The outputs of each scan are those that [`Scan::apply`](crate::Scan::apply) returns for the
    /// same items, in the same order. Each comes with the scan's [id](ScanId).
    ///
    /// | it | when |
    /// |---|---|
    /// | emits | any scan has emitted: per scan in its own order, across scans as they arrive |
    /// | holds back | any live scan's input is full; the input is then not pulled, outputs still flow |
    /// | completes | the input has ended and every scan was flushed and has exited, or every scan has ended by itself |
    /// | cancels | the iterator is dropped; a scan or the input panics; [`Control`](crate::Control) |
    ///
    /// # Shape
    ///
    /// The input is pulled on the consumer's thread, in batches, inside `next`, and only while no
    /// output is ready (unless it is [read ahead](Self::read_ahead)). Nothing is pulled before the
    /// first `next`, and nothing at all without scans. When every scan has ended by itself, the
    /// input is not pulled again; by then, fewer than `(input_capacity + 2) × batch` items were
    /// pulled beyond the last one that a scan took.
    ///
    /// Memory: at most `input_capacity + 2` batches of items per run, plus those not yet dropped by
    /// a scan that has ended or was stopped individually; at most `output_capacity + 1` batches of
    /// outputs per scan, plus one at the consumer. See [`batch`](Self::batch) for the length of
    /// batches.
    ///
    /// # Blocking
    ///
    /// `next` blocks while no output is ready, and while the input blocks. A scan thread blocks
    /// while it has no input or no room for outputs. If the consumer stops calling `next`, the
    /// whole run pauses and uses no processor time. Dropping the iterator aborts the run and waits
    /// until every scan thread has left it; each finishes at most the call of user code that it is
    /// in. Outputs that were not taken are dropped. Leaking the iterator leaves its threads blocked
    /// forever.
    ///
    /// # Panics
    ///
    /// Panics if the threads are not available; [`Pool::lease`](crate::Pool::lease) returns an
    /// error instead. For panics of scans and of the input see
    /// [`Distribute::next`](Distribute#method.next).
    ///
    /// # Examples
    ///
    /// ```
    /// use anabranch::prelude::*;
    ///
    /// let readings = [3.0, 1.0, 4.0, 1.0, 5.0];
    /// let mut latest = [0.0; 2];
    /// for (id, value) in readings.into_iter().fan_out().distribute((
    ///     scan::scan(0.0, |sum, x: &f64| { *sum += x; Some(*sum) }),
    ///     scan::scan(0.0, |peak, x: &f64| { *peak = x.max(*peak); Some(*peak) }),
    /// )) {
    ///     latest[id.index()] = value;
    /// }
    /// assert_eq!(latest, [14.0, 5.0]);
    /// ```
    ///
    /// Scans that end by themselves end the run, though the input is endless:
    ///
    /// ```
    /// use anabranch::prelude::*;
    ///
    /// let firsts = (1..).fan_out().distribute([scan::take(3), scan::take(2)]);
    /// assert_eq!(firsts.map(|(_, x)| x).sum::<i32>(), 1 + 2 + 3 + 1 + 2);
    /// ```
    #[track_caller]
    pub fn distribute<'a, L, O>(self, scans: L) -> Distribute<I, O>
    where
        I: Input<'a>,
        Th: Threads<'a>,
        L: Scans<'a, <I as Source>::Item, Output = O>,
        O: Send + 'a,
    {
        let scans = scans.into_list().into_iter().map(Driven).collect();
        let (manager, ending) = self.start_with(scans, Kept::Every, |_| NoHook);
        Distribute { manager, ending }
    }
}

/// An iterator over the outputs of several scans as they arrive, returned by
/// [`FanOut::distribute`], and by [`FanOut::dynamic`] with the hook `H` that asks for scans.
#[must_use = "a run is driven by its consumer: without calls of `next` it stands still"]
pub struct Distribute<I: Source, O, H: Hook = NoHook> {
    pub(super) manager: Manager<Pulled<I, H>, O>,
    pub(super) ending: I::Ending,
}

impl<I: Source, O, H: Hook> Distribute<I, O, H> {
    /// Returns the name of scan `id`, if it was [named](crate::Scan::named).
    ///
    /// The name of an [added](Self::adder) scan is available from the next call of `next` until its
    /// last output, and after it has panicked.
    ///
    /// ```
    /// use anabranch::prelude::*;
    ///
    /// let scans = (scan::count().named("lines"), scan::sum_by(|line: &&str| line.len()));
    /// let mut run = ["to be", "or not"].into_iter().fan_out().distribute(scans);
    /// // Not `for`, which would take the run away.
    /// while let Some((id, value)) = run.next() {
    ///     match run.name(id) {
    ///         Some("lines") => assert_eq!(value, 2),
    ///         _ => assert_eq!(value, 11),
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn name(&self, id: ScanId) -> Option<&str> {
        self.manager.name(id)
    }

    /// Returns the origin of the panic that ended the run, if there was one.
    ///
    /// ```
    /// use std::panic::{AssertUnwindSafe, catch_unwind};
    /// use anabranch::{PanicOrigin, prelude::*};
    ///
    /// let mut run = [2, 1, 0].into_iter().fan_out().distribute((
    ///     scan::map(|x: &i32| *x),
    ///     scan::map(|x: &i32| 100 / x).named("reciprocal"),
    /// ));
    ///
    /// let panic = catch_unwind(AssertUnwindSafe(|| while run.next().is_some() {})).unwrap_err();
    /// assert_eq!(panic.downcast_ref(), Some(&"attempt to divide by zero"));
    ///
    /// let Some(PanicOrigin::Scan(id)) = run.panicked() else { panic!("it was a scan") };
    /// assert_eq!((id.index(), run.name(id)), (1, Some("reciprocal")));
    /// assert_eq!(run.next(), None);
    /// ```
    #[must_use]
    pub fn panicked(&self) -> Option<PanicOrigin> {
        self.manager.panicked().copied()
    }

    /// Returns a handle that adds scans to the run from any thread.
    ///
    /// ```
    /// use anabranch::prelude::*;
    ///
    /// let mut run = (1..=1000).fan_out().distribute([scan::sum::<i32, i32>()]);
    /// let adder = run.adder();
    /// let id = adder.add(scan::sum())?;
    /// assert_eq!(id.index(), 1);
    /// // No item has been pulled yet, so both see the same items.
    /// assert_eq!(run.map(|(_, sum)| sum).collect::<Vec<_>>(), [500_500, 500_500]);
    ///
    /// let error = adder.add(scan::sum()).unwrap_err();
    /// assert!(error.is_ended());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn adder(&mut self) -> Adder<<I as Source>::Item, O> {
        Adder::new(self.manager.admission())
    }
}

impl<I: Source, O, H: Hook> Iterator for Distribute<I, O, H> {
    type Item = I::Yield<(ScanId, O)>;

    /// Returns the next output of any scan.
    ///
    /// # Blocking
    ///
    /// Blocks while no output is ready: inside the input's `next`, or until a scan thread emits
    /// or exits.
    ///
    /// # Panics
    ///
    /// Resumes a panic of a scan, of the input, or of the drop of an item, with the original
    /// payload, once all scans have exited and everything that was emitted has been delivered.
    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self.manager.next() {
            Some(output) => Some(I::yields(output)),
            None => at_the_end::<I, _>(self.panicked(), &mut self.ending),
        }
    }

    fn fold<B, F: FnMut(B, Self::Item) -> B>(mut self, initial: B, mut f: F) -> B {
        let folded = self.manager.fold(initial, |folded, output| f(folded, I::yields(output)));
        match at_the_end::<I, _>(self.panicked(), &mut self.ending) {
            Some(error) => f(folded, error),
            None => folded,
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // The manager reports its end no sooner than this iterator has ended, error included.
        self.manager.size_hint()
    }
}

/// What a run yields after its last output: the error of its input, if there was one, once. A panic
/// takes precedence over an error.
pub(super) fn at_the_end<I: Source, X>(
    panicked: Option<PanicOrigin>,
    ending: &mut I::Ending,
) -> Option<I::Yield<X>> {
    if panicked.is_some() { None } else { I::ends(ending) }
}

impl<I: Source, O, H: Hook> FusedIterator for Distribute<I, O, H> {}

impl<I: Source, O, H: Hook> Drop for Distribute<I, O, H> {
    fn drop(&mut self) {
        self.ending.discard();
    }
}

impl<I: Source, O, H: Hook> fmt::Debug for Distribute<I, O, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Distribute").field("manager", &self.manager).finish_non_exhaustive()
    }
}
