//! Runs that have ended when the call returns.

use std::panic::resume_unwind;

use super::fan_out::FanOut;
use super::lists::Shared;
use super::options::Options;
use super::slots::Slots;
use super::source::{Moved, Source};
use super::until_error::Ending;
use crate::engine::{Branch, Kept, contain, discard};
use crate::threads::Threads;

/// A source of threads for a blocking verb: any [`Threads`], or those of
/// [`FanOut::scoped`](crate::FanOut::scoped). What runs on them lives for `'a`.
///
/// This trait is sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no threads for a run",
    label = "not a source of threads",
    note = "`on` takes a `Pool`, a `Lease` of so many threads (`pool.lease(n)?`), or the \
            `&Scope` that `thread::scope` lends"
)]
pub trait Blocking<'a>: Sized {
    #[doc(hidden)]
    #[track_caller]
    fn run<J: Job<'a>>(self, job: J) -> J::Result;
}

/// A run that has ended when it returns.
#[allow(unnameable_types, reason = "only passes through what is public")]
pub trait Job<'a> {
    type Result;

    /// Runs on these threads, which may have to exit before `'a` ends.
    #[track_caller]
    fn on<'b, Th: Threads<'b>>(self, threads: Th) -> Self::Result
    where
        'a: 'b;
}

impl<'a, Th: Threads<'a>> Blocking<'a> for Th {
    #[track_caller]
    fn run<J: Job<'a>>(self, job: J) -> J::Result {
        job.on(self)
    }
}

/// A blocking run that has not started.
pub(super) struct ToTheEnd<I, B, S, R> {
    pub(super) source: I,
    pub(super) options: Options,
    pub(super) branches: Vec<B>,
    /// Where the outputs of the branches go.
    pub(super) slots: S,
    /// Returns what the run returns if it need not go on.
    pub(super) failed: fn(&mut S) -> Option<R>,
    pub(super) results: fn(S) -> R,
}

impl<'a, I, B, S, R> Job<'a> for ToTheEnd<I, B, S, R>
where
    I: Source<Item: Shared + 'a>,
    Moved<I>: Send + 'a,
    B: Branch<<I as Source>::Item, Output = S::Output> + Send + 'a,
    S: Slots<Output: Send + 'a>,
{
    type Result = I::Yield<R>;

    #[track_caller]
    fn on<'b, Th: Threads<'b>>(self, threads: Th) -> I::Yield<R>
    where
        'a: 'b,
    {
        let Self { source, options, branches, mut slots, failed, results } = self;
        let run = FanOut { source, threads, options }.start(branches, Kept::Every);
        let (mut manager, mut ending) = run;
        let pulled = contain(|| {
            while let Some((id, output)) = manager.next() {
                slots.place(id.index(), output);
                // Behind a panic or an error of the input, an error is what came of missing items.
                if !manager.run().is_cut_short() {
                    if let Some(result) = failed(&mut slots) {
                        manager.run().note_failure(id);
                        return Some(result);
                    }
                }
            }
            None
        });
        match pulled {
            Ok(Some(result)) => {
                // Aborts the run, and waits for its threads.
                drop(manager);
                slots.clear().into_iter().for_each(discard);
                ending.discard();
                I::yields(result)
            }
            Ok(None) => match I::ends(&mut ending) {
                None => I::yields(results(slots)),
                Some(error) => {
                    // Drops the results, discarding panics of their drops.
                    slots.clear().into_iter().for_each(discard);
                    error
                }
            },
            Err(payload) => {
                slots.clear().into_iter().for_each(discard);
                ending.discard();
                resume_unwind(payload)
            }
        }
    }
}
