//! `fold`: one pass, several results.

use super::blocking::Blocking;
use super::branches::Branches;
use super::fan_out::FanOut;
use super::parts::Join;
use super::source::{Input, Source};
use super::totals::Totals;
use super::tried::{Failing, TryAll};

impl<I, Th> FanOut<I, Th> {
    /// Gives every item to each of `totals`, each on its own thread, and returns the result of
    /// each: one pass, several results.
    ///
    /// The totals are a tuple of up to twelve, of different types, or an array or a vector of one
    /// type; the results have the same shape. Each is equivalent to `total.apply(items).pop()`: an
    /// `X` if there always is a result, an `Option<X>` if there may be none (see
    /// [`Total`](crate::scan::Total)). [`Scan::last`](crate::Scan::last) turns any other scan into
    /// a total.
    ///
    /// | it | when |
    /// |---|---|
    /// | returns | once, at the end: the result of each total |
    /// | holds back | any total's input is full; the input is then not pulled |
    /// | completes | the input has ended and every total was flushed and has exited, or every one has ended by itself |
    /// | cancels | a total or the input panics; [`Control`](crate::Control) |
    ///
    /// # Shape
    ///
    /// The input is pulled on the calling thread, in batches, as
    /// [`distribute`](Self::distribute) pulls it, unless it is [read ahead](Self::read_ahead).
    /// After [`Control::abort`](crate::Control::abort) each result is the partial one; the totals
    /// need not have seen the same items.
    ///
    /// # Blocking
    ///
    /// Blocks until the run ends.
    ///
    /// # Errors
    ///
    /// After [`until_error`](Self::until_error), returns the first error of the input. The totals
    /// are flushed and their results are dropped.
    ///
    /// # Panics
    ///
    /// Panics if the threads are not available; [`Pool::lease`](crate::Pool::lease) returns an
    /// error instead. Resumes a panic of a total, of the input, or of the drop of an item, with the
    /// original payload, once all threads have left the run;
    /// [`Control::panicked`](crate::Control::panicked) returns its origin.
    ///
    /// # Examples
    ///
    /// ```
    /// use anabranch::prelude::*;
    ///
    /// let words = ["the", "quick", "brown", "fox"].map(String::from);
    /// let (count, letters, longest) = words.into_iter().fan_out().fold((
    ///     scan::count(),
    ///     scan::sum_by(|word: &String| word.len()),
    ///     scan::max_by_key(|word: &String| word.len()),
    /// ));
    /// assert_eq!((count, letters), (4, 16));
    /// assert_eq!(longest.as_deref(), Some("brown"));
    /// ```
    ///
    /// Many totals of one type:
    ///
    /// ```
    /// use anabranch::prelude::*;
    ///
    /// let multiples = [2, 3, 5].map(|n| scan::count().filter_input(move |x: &i32| x % n == 0));
    /// assert_eq!((1..=30).fan_out().fold(multiples), [15, 10, 6]);
    /// ```
    #[track_caller]
    pub fn fold<'a, L, R>(self, totals: L) -> I::Yield<R>
    where
        I: Input<'a>,
        Th: Blocking<'a>,
        L: Totals<'a, <I as Source>::Item, Results = R>,
    {
        Branches { run: self, parts: totals.parts() }.join()
    }

    /// Does the same as [`fold`](Self::fold) with totals that may fail, such as
    /// [`try_fold`](crate::scan::try_fold) and [`try_for_each`](crate::scan::try_for_each), and
    /// returns at the first error. `E` is the same for all.
    ///
    /// The first error to arrive aborts the run: the input is not pulled again, and the other totals
    /// end as after [`Control::abort`](crate::Control::abort), which is waited for. Their results
    /// are dropped. [`Control::failed`](crate::Control::failed) returns the id of the total.
    ///
    /// # Blocking
    ///
    /// Blocks until the run ends.
    ///
    /// # Errors
    ///
    /// Returns the first error of a total. After [`until_error`](Self::until_error), an error of the
    /// input is the outer one: `try_fold(…)??`. It goes first if both fail.
    ///
    /// # Panics
    ///
    /// As [`fold`](Self::fold). A panic that comes behind the first error is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use anabranch::prelude::*;
    ///
    /// let numbers = ["1", "2", "three", "4"];
    /// let sum = scan::try_fold(0, |sum, text: &&str| text.parse::<i32>().map(|n| sum + n));
    /// let short = scan::try_for_each(|_: &&str| Ok(()));
    /// let error = numbers.into_iter().fan_out().try_fold((sum, short)).unwrap_err();
    /// assert_eq!(error.to_string(), "invalid digit found in string");
    /// ```
    #[track_caller]
    pub fn try_fold<'a, L, R, E>(self, totals: L) -> I::Yield<Result<R, E>>
    where
        I: Input<'a>,
        Th: Blocking<'a>,
        L: Totals<
                'a,
                <I as Source>::Item,
                Results: TryAll<Ok = R, Err = E>,
                Parts: Join<'a, <I as Source>::Item, Slots: Failing<E>>,
            >,
    {
        Branches { run: self, parts: totals.parts() }.try_join()
    }
}
