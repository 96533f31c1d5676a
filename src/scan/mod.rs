//! Scans: stateful left-to-right transformations, items in, outputs out.
//!
//! A [`Scan`] sees the items of a run one after another, by reference, and emits any number of
//! outputs for each. The functions here create the common ones, named after the [`Iterator`]
//! methods they correspond to. The methods of [`Scan`] adapt or chain scans; for anything else,
//! implement the trait or use [`from_fn`].
//!
//! The constructors come in two kinds, which differ in *when* the scan emits:
//!
//! * **per item**, as it comes: [`scan`], [`map`], [`filter_map`], [`filter`],
//!   [`cloned`], [`inspect`], [`take`], [`take_while`], [`from_fn`];
//! * **once, at the flush**, when the input has ended: [`fold`], [`fold_mut`], [`count`],
//!   [`sum`], [`sum_by`], [`reduce`], [`min`], [`max`], [`min_by`], [`max_by`], [`min_by_key`],
//!   [`max_by_key`], [`last`], [`collect`], [`for_each`]; [`try_fold`] and [`try_for_each`] end
//!   early at an error.
//!
//! Most of the second kind have a [`running`](Fold::running) form, which emits per item.
//!
//! ```
//! use anabranch::scan::{self, Scan};
//!
//! // The total, one output at the end …
//! assert_eq!(scan::sum::<i32, i32>().apply([1, 2, 3]), [6]);
//!
//! // … and the running total, one output per item.
//! assert_eq!(scan::sum::<i32, i32>().running().apply([1, 2, 3]), [1, 3, 6]);
//!
//! // The first two lines that are longer than any before them.
//! let records = scan::scan(0, |longest, line: &&str| {
//!     let record = line.len() > *longest;
//!     *longest = line.len().max(*longest);
//!     Some(record.then_some(line.len()))
//! });
//! let first_two = records.filter(Option::is_some).take(2);
//! assert_eq!(first_two.apply(["a", "b", "see", "d", "efghi", "jklmnop"]), [Some(1), Some(3)]);
//! ```

pub mod adaptors;
mod aligned;
mod at_end;
mod boxed;
mod catch;
mod drive;
mod emitter;
mod fallible;
mod per_item;
mod running;
pub mod steps;
mod total;

use std::ops::ControlFlow;

pub(crate) use self::aligned::{Cell, InParts, LatestPerItem, Part};
pub use self::at_end::{
    Fold, Keep, collect, count, fold, fold_mut, for_each, last, max, max_by, max_by_key, min,
    min_by, min_by_key, reduce, sum, sum_by,
};
pub use self::boxed::BoxScan;
pub use self::catch::CatchUnwind;
pub(crate) use self::drive::{Driven, DrivenTotal};
pub use self::emitter::Emitter;
pub use self::fallible::{TryFold, try_fold, try_for_each};
pub use self::per_item::{
    FromFn, cloned, filter, filter_map, from_fn, inspect, map, scan, take, take_while,
};
pub use self::running::Running;
pub use self::total::{Last, Total};

use self::adaptors::{Filter, FilterInput, Map, MapInput, Named, Take, TakeWhile, Then};

/// A stateful left-to-right transformation from items of type `T` to outputs.
///
/// A run calls [`step`](Scan::step) for every item, in order, and [`flush`](Scan::flush) once when
/// the input has ended. A scan whose step returns [`Break`](ControlFlow::Break) has ended: it gets
/// neither further items nor a flush. An aborted run drops its scans without flushing them.
///
/// `T` has no bounds: scans borrow items, and the crate never clones them.
///
/// # Examples
///
/// ```
/// use std::ops::ControlFlow;
/// use anabranch::scan::{Emitter, Scan};
///
/// /// Emits the length of every run of equal items.
/// #[derive(Default)]
/// struct RunLengths<T> {
///     current: Option<(T, usize)>,
/// }
///
/// impl<T: PartialEq + Clone> Scan<T> for RunLengths<T> {
///     type Output = (T, usize);
///
///     fn step(&mut self, item: &T, out: &mut Emitter<'_, (T, usize)>) -> ControlFlow<()> {
///         match &mut self.current {
///             Some((value, length)) if value == item => *length += 1,
///             current => {
///                 if let Some(run) = current.replace((item.clone(), 1)) {
///                     out.emit(run);
///                 }
///             }
///         }
///         ControlFlow::Continue(())
///     }
///
///     fn flush(&mut self, out: &mut Emitter<'_, (T, usize)>) {
///         if let Some(run) = self.current.take() {
///             out.emit(run);
///         }
///     }
/// }
///
/// let runs = RunLengths::default().apply("aabccc".chars());
/// assert_eq!(runs, [('a', 2), ('b', 1), ('c', 3)]);
/// ```
#[must_use = "a scan does nothing until a run gives it items"]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a scan of `{T}`",
    label = "a scan of `{T}` is expected here",
    note = "closures become scans with `scan::map`, `scan::filter_map` or `scan::from_fn`"
)]
pub trait Scan<T> {
    /// What the scan emits.
    type Output;

    /// Takes one item, emits any number of outputs, and returns whether the scan goes on.
    ///
    /// Outputs emitted before a `Break` are delivered.
    fn step(&mut self, item: &T, out: &mut Emitter<'_, Self::Output>) -> ControlFlow<()>;

    /// Emits what the scan has left. Called once, when the input has ended. Emits nothing by
    /// default.
    fn flush(&mut self, out: &mut Emitter<'_, Self::Output>) {
        let _ = out;
    }

    /// Takes a batch, item by item.
    ///
    /// Equivalent to calling [`step`](Scan::step) for each item until one of them returns
    /// `Break` or the emitter [is closed](Emitter::is_closed). A run calls this method rather
    /// than `step`, so that a boxed scan costs one virtual call per batch and not one per item.
    /// Override it only to do the same work faster, and keep checking `is_closed`: dropping a run
    /// waits for this call.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use anabranch::{Emitter, prelude::*};
    ///
    /// /// Counts the items, a batch at a time.
    /// struct Count(usize);
    ///
    /// impl<T> Scan<T> for Count {
    ///     type Output = usize;
    ///
    ///     fn step(&mut self, _: &T, _: &mut Emitter<'_, usize>) -> ControlFlow<()> {
    ///         self.0 += 1;
    ///         ControlFlow::Continue(())
    ///     }
    ///
    ///     fn step_batch(&mut self, batch: &[T], _: &mut Emitter<'_, usize>) -> ControlFlow<()> {
    ///         self.0 += batch.len();
    ///         ControlFlow::Continue(())
    ///     }
    ///
    ///     fn flush(&mut self, out: &mut Emitter<'_, usize>) {
    ///         out.emit(self.0);
    ///     }
    /// }
    ///
    /// let counts = (0..1_000).fan_out().distribute([Count(0), Count(0)]);
    /// assert_eq!(counts.map(|(_, count)| count).collect::<Vec<_>>(), [1_000, 1_000]);
    /// ```
    fn step_batch(&mut self, batch: &[T], out: &mut Emitter<'_, Self::Output>) -> ControlFlow<()> {
        for item in batch {
            if out.is_closed() {
                return ControlFlow::Break(());
            }
            self.step(item, out)?;
        }
        ControlFlow::Continue(())
    }

    /// Returns the name that [`named`](Scan::named) gave the scan, for errors and panic reports.
    /// Returns `None` by default.
    fn name(&self) -> Option<&str> {
        None
    }

    /// Applies `f` to every output.
    ///
    /// ```
    /// # use anabranch::scan::{self, Scan};
    /// assert_eq!(scan::count().map(|n| n * 2).apply(["a", "b"]), [4]);
    /// ```
    fn map<B, F>(self, f: F) -> Map<Self, F>
    where
        Self: Sized,
        F: FnMut(Self::Output) -> B,
    {
        Map::new(self, f)
    }

    /// Keeps the outputs for which `predicate` is true.
    ///
    /// ```
    /// # use anabranch::scan::{self, Scan};
    /// let squares = scan::map(|x: &i32| x * x);
    /// assert_eq!(squares.filter(|x| x % 2 == 0).apply(1..=4), [4, 16]);
    /// ```
    fn filter<P>(self, predicate: P) -> Filter<Self, P>
    where
        Self: Sized,
        P: FnMut(&Self::Output) -> bool,
    {
        Filter::new(self, predicate)
    }

    /// Ends the scan after its `n`th output or, if `n` is zero, at its first item.
    ///
    /// ```
    /// # use anabranch::scan::{self, Scan};
    /// let odd = scan::filter(|x: &i32| x % 2 == 1);
    /// assert_eq!(odd.take(2).apply(1..), [1, 3]);
    /// ```
    fn take(self, n: usize) -> Take<Self>
    where
        Self: Sized,
    {
        Take::new(self, n)
    }

    /// Ends the scan at the first output for which `predicate` is false; that
    /// output is dropped.
    ///
    /// ```
    /// # use anabranch::scan::{self, Scan};
    /// let squares = scan::map(|x: &i32| x * x);
    /// assert_eq!(squares.take_while(|x| *x < 20).apply(1..), [1, 4, 9, 16]);
    /// ```
    fn take_while<P>(self, predicate: P) -> TakeWhile<Self, P>
    where
        Self: Sized,
        P: FnMut(&Self::Output) -> bool,
    {
        TakeWhile::new(self, predicate)
    }

    /// Chains two scans: feeds the outputs to `next`, on the same thread.
    ///
    /// When this scan ends by itself, `next` is flushed, as at the end of the input. When `next`
    /// ends, the chain ends.
    ///
    /// ```
    /// # use anabranch::scan::{self, Scan};
    /// // The sum of the first three items; the input may be endless.
    /// let sum_of_three = scan::take(3).then(scan::sum::<i32, i32>());
    /// assert_eq!(sum_of_three.apply(1..), [6]);
    /// ```
    fn then<S>(self, next: S) -> Then<Self, S>
    where
        Self: Sized,
        S: Scan<Self::Output>,
    {
        Then::new(self, next)
    }

    /// Turns this into a scan over items of another type, by converting each item to a `T` with
    /// `f`.
    ///
    /// ```
    /// # use anabranch::scan::{self, Scan};
    /// let bytes = scan::sum::<usize, usize>().map_input(|line: &&str| line.len());
    /// assert_eq!(bytes.apply(["to", "be", "or"]), [6]);
    /// ```
    fn map_input<U, F>(self, f: F) -> MapInput<Self, F>
    where
        Self: Sized,
        F: FnMut(&U) -> T,
    {
        MapInput::new(self, f)
    }

    /// Passes on only the items for which `predicate` is true.
    ///
    /// ```
    /// # use anabranch::scan::{self, Scan};
    /// let blank = scan::count().filter_input(|line: &&str| line.is_empty());
    /// assert_eq!(blank.apply(["a", "", "b", ""]), [2]);
    /// ```
    fn filter_input<P>(self, predicate: P) -> FilterInput<Self, P>
    where
        Self: Sized,
        P: FnMut(&T) -> bool,
    {
        FilterInput::new(self, predicate)
    }

    /// Turns a panic of the scan into its last output: an `Err` with the payload. The
    /// other scans of the run go on.
    ///
    /// Outputs become `Ok`. A scan that panics is dropped at once. Equivalent to
    /// [`std::panic::catch_unwind`] around every call; the panic hook runs as usual.
    ///
    /// ```
    /// # use anabranch::scan::{self, Scan};
    /// use anabranch::IteratorExt;
    ///
    /// let scans = [
    ///     scan::map(|x: &i32| 12 / x).catch_unwind().boxed(),
    ///     scan::sum().catch_unwind().boxed(),
    /// ];
    /// for (id, output) in [3, 2, 1, 0].into_iter().par_distribute(scans) {
    ///     match (id.index(), output) {
    ///         (0, Ok(quotient)) => assert!([4, 6, 12].contains(&quotient)),
    ///         (0, Err(payload)) => {
    ///             assert_eq!(payload.downcast_ref(), Some(&"attempt to divide by zero"));
    ///         }
    ///         (_, output) => assert_eq!(output.ok(), Some(6)),
    ///     }
    /// }
    /// ```
    fn catch_unwind(self) -> CatchUnwind<Self>
    where
        Self: Sized,
    {
        CatchUnwind::new(self)
    }

    /// Names the scan, for errors and panic reports.
    ///
    /// ```
    /// # use anabranch::scan::{self, Scan};
    /// let lines = scan::count::<String>().named("lines");
    /// assert_eq!(lines.name(), Some("lines"));
    /// ```
    fn named(self, name: impl Into<String>) -> Named<Self>
    where
        Self: Sized,
    {
        Named::new(self, name.into())
    }

    /// Keeps the last output and emits it at the flush. This turns any scan into a [`Total`].
    ///
    /// ```
    /// # use anabranch::scan::{self, Scan};
    /// let balance = scan::scan(0, |sum, x: &i32| { *sum += x; Some(*sum) });
    /// assert_eq!(balance.last().apply([1, 2, 3]), [6]);
    /// ```
    fn last(self) -> Last<Self, Self::Output>
    where
        Self: Sized,
    {
        Last::new(self)
    }

    /// Boxes the scan, so that scans of different types fit in one list. What the scan borrows
    /// lives for `'a`.
    ///
    /// ```
    /// # use anabranch::scan::{self, Scan};
    /// let scans = [scan::min::<i32>().boxed(), scan::max().boxed(), scan::sum().boxed()];
    /// let results = scans.map(|scan| scan.apply([3, 1, 2]));
    /// assert_eq!(results, [[1], [3], [6]]);
    /// ```
    fn boxed<'a>(self) -> BoxScan<'a, T, Self::Output>
    where
        Self: Sized + Send + 'a,
    {
        Box::new(self)
    }

    /// Runs the scan over `items` on the calling thread, the flush included, and collects what it
    /// emits. Stops pulling once the scan has ended.
    ///
    /// This defines what a scan computes; a run on threads gives the same outputs. Useful for tests
    /// and small inputs.
    ///
    /// ```
    /// # use anabranch::scan::{self, Scan};
    /// assert_eq!(scan::take(2).apply(["a", "b", "c"]), ["a", "b"]);
    /// ```
    fn apply<I>(mut self, items: I) -> Vec<Self::Output>
    where
        Self: Sized,
        I: IntoIterator<Item = T>,
    {
        let mut outputs = Vec::new();
        let mut out = Emitter::from(&mut outputs);
        for item in items {
            if self.step(&item, &mut out).is_break() {
                return outputs;
            }
        }
        self.flush(&mut out);
        outputs
    }
}
