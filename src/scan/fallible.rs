//! Scans that end at the first error.

use std::fmt;
use std::ops::ControlFlow;

use super::steps::{TryFoldEach, TryFolding, TryForEach};
use super::{Emitter, Scan};

/// A scan that emits its state at the flush, or an error as soon as there is one; see [`try_fold`].
#[must_use = "a scan does nothing until a run gives it items"]
#[derive(Clone)]
pub struct TryFold<B, F> {
    /// `None` only while `f` has it, and for good once `f` has returned an error or panicked.
    state: Option<B>,
    f: F,
}

impl<T, B, F: TryFolding<T, B>> Scan<T> for TryFold<B, F> {
    type Output = Result<B, F::Error>;

    #[inline]
    fn step(&mut self, item: &T, out: &mut Emitter<'_, Self::Output>) -> ControlFlow<()> {
        let Some(state) = self.state.take() else {
            return ControlFlow::Break(());
        };
        match self.f.try_fold(state, item) {
            Ok(state) => {
                self.state = Some(state);
                ControlFlow::Continue(())
            }
            Err(error) => {
                out.emit(Err(error));
                ControlFlow::Break(())
            }
        }
    }

    fn flush(&mut self, out: &mut Emitter<'_, Self::Output>) {
        if let Some(state) = self.state.take() {
            out.emit(Ok(state));
        }
    }

    // The default loop, with the state in a local variable so that it stays in registers.
    fn step_batch(&mut self, batch: &[T], out: &mut Emitter<'_, Self::Output>) -> ControlFlow<()> {
        if out.is_closed() {
            return ControlFlow::Break(());
        }
        let Some(mut state) = self.state.take() else {
            return ControlFlow::Break(());
        };
        let mut flow = ControlFlow::Continue(());
        for item in batch {
            if out.is_aborted() {
                flow = ControlFlow::Break(());
                break;
            }
            match self.f.try_fold(state, item) {
                Ok(next) => state = next,
                Err(error) => {
                    out.emit(Err(error));
                    return ControlFlow::Break(());
                }
            }
        }
        self.state = Some(state);
        flow
    }
}

impl<B: fmt::Debug, F> fmt::Debug for TryFold<B, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryFold").field("state", &self.state).finish_non_exhaustive()
    }
}

/// Folds the items into one value while `f` returns `Ok`, and emits it at the flush, as `Ok`. At
/// the first `Err`, emits that and ends.
///
/// Equivalent to [`Iterator::try_fold`] over references, with a `Result`. The other scans of the
/// run go on. In a run that is aborted, [`fold`](crate::FanOut::fold) returns `Ok` with the state
/// so far.
///
/// ```
/// # use anabranch::scan::{self, Scan};
/// let sum = || scan::try_fold(0_u8, |sum, x: &u8| sum.checked_add(*x).ok_or(*x));
/// assert_eq!(sum().apply([100, 50]), [Ok(150)]);
/// assert_eq!(sum().apply([100, 200, 50]), [Err(200)]);
/// ```
pub fn try_fold<T, B, E, F>(initial: B, f: F) -> TryFold<B, TryFoldEach<F>>
where
    F: FnMut(B, &T) -> Result<B, E>,
{
    TryFold { state: Some(initial), f: TryFoldEach(f) }
}

/// Calls `f` on every item while it returns `Ok`, and emits one `Ok(())` at the flush. At the first
/// `Err`, emits that and ends.
///
/// Equivalent to [`Iterator::try_for_each`] over references, with a `Result`. The other scans of
/// the run go on.
///
/// ```
/// use anabranch::prelude::*;
///
/// let numbers = || scan::try_for_each(|word: &&str| word.parse::<i32>().map(drop));
/// let run = ["1", "2"].into_iter().fan_out();
/// assert_eq!(run.fold((numbers(), scan::count())), (Ok(()), 2));
///
/// let run = ["1", "two", "3"].into_iter().fan_out();
/// let (checked, count) = run.fold((numbers(), scan::count()));
/// assert_eq!(checked.unwrap_err().to_string(), "invalid digit found in string");
/// assert_eq!(count, 3);
/// ```
pub fn try_for_each<T, E, F>(f: F) -> TryFold<(), TryForEach<F>>
where
    F: FnMut(&T) -> Result<(), E>,
{
    TryFold { state: Some(()), f: TryForEach(f) }
}
