//! `dynamic`: scans that a closure creates during the run.

use std::fmt;
use std::mem;
use std::panic::resume_unwind;

use super::distribute::Distribute;
use super::fan_out::FanOut;
use super::lists::Shared;
use super::source::{Moved, Source};
use crate::engine::{Admission, Hook, Kept, Refusal, contain_drop, discard, drop_each, keep_first};
use crate::scan::{Driven, Scan};
use crate::sync::Arc;
use crate::threads::{More, Pool, Threads};

impl<I, Th> FanOut<I, Th> {
    /// Does the same as [`distribute`](Self::distribute), with scans that `ask` returns. `ask` is
    /// called before each batch of items is pulled; its scans see only the items from that batch
    /// on.
    ///
    /// | it | when |
    /// |---|---|
    /// | emits | any scan has emitted: per scan in its own order, across scans as they arrive |
    /// | holds back | any live scan's input is full; the input is then not pulled, outputs still flow |
    /// | completes | the input has ended and every scan was flushed and has exited, or every scan has ended by itself (but see [`discard_without_scans`](Self::discard_without_scans)) |
    /// | cancels | the iterator is dropped; a scan, the input or `ask` panics; [`Control`](crate::Control) |
    ///
    /// # Shape
    ///
    /// `ask` is called where the input is pulled: on the consumer's thread, the first time
    /// inside this method; or on the input's own, if it is [read ahead](Self::read_ahead), the
    /// first time inside this method, too. While the input blocks, `ask` is not called, and an
    /// item that comes then is not for the scans of the next call: for requests that come at any
    /// time, use an [`Adder`](crate::Adder). Scans are numbered in the order in which they come. The
    /// threads of later scans have the run's [name](Self::thread_name), not the scan's; on a
    /// [lease](crate::Lease) there are no more at once than it has.
    ///
    /// # Blocking
    ///
    /// As [`distribute`](Self::distribute).
    ///
    /// # Panics
    ///
    /// As [`distribute`](Self::distribute). Also, if `ask` panics or no thread is available for a
    /// scan, the run panics as if the input had.
    ///
    /// # Examples
    ///
    /// ```
    /// use anabranch::prelude::*;
    ///
    /// // A new scan every three items, each over the rest of the input.
    /// let mut wanted = 3;
    /// let sums = (1..=9).fan_out().batch(3).dynamic(|| {
    ///     wanted -= 1;
    ///     (wanted >= 0).then(scan::sum::<i32, i32>)
    /// });
    /// let mut sums: Vec<_> = sums.map(|(id, sum)| (id.index(), sum)).collect();
    /// sums.sort();
    /// assert_eq!(sums, [(0, 45), (1, 45 - 6), (2, 45 - 21)]);
    /// ```
    #[track_caller]
    pub fn dynamic<'a, F, N, S, O>(self, mut ask: F) -> Dynamic<I, F, O, Th::More>
    where
        I: Source<Item: Shared + 'a>,
        Th: Threads<'a>,
        F: FnMut() -> N,
        N: IntoIterator<Item = S>,
        S: Scan<<I as Source>::Item, Output = O> + Send + 'a,
        O: Send + 'a,
        Ask<F, Th::More, <I as Source>::Item, O>: Hook,
        Moved<I, Ask<F, Th::More, <I as Source>::Item, O>>: Send + 'a,
    {
        let scans = ask().into_iter().map(Driven).collect();
        let more = self.threads.more();
        let (manager, ending) = self.start_with(scans, Kept::Every, |started| Ask {
            ask,
            asked: true,
            more,
            admission: started.admission(),
        });
        Distribute { manager, ending }
    }
}

/// Asks for scans before each batch, and adds them to the run.
#[allow(unnameable_types, reason = "only passes through what is public")]
pub struct Ask<F, M, T, O> {
    ask: F,
    /// Whether `ask` was called for the next batch.
    asked: bool,
    /// Where the threads of the scans come from.
    more: M,
    admission: Arc<Admission<T, O>>,
}

impl<'a, F, N, S, M, T, O> Hook for Ask<F, M, T, O>
where
    F: FnMut() -> N,
    N: IntoIterator<Item = S>,
    S: Scan<T, Output = O> + Send + 'a,
    T: Send + Sync + 'a,
    O: Send + 'a,
    M: More<'a>,
{
    fn before_batch(&mut self) {
        // `ask` has already returned the scans that the run starts with.
        if mem::take(&mut self.asked) {
            return;
        }
        let mut scans = (self.ask)().into_iter();
        let mut first = None;
        let mut refused = None;
        for scan in scans.by_ref() {
            let Err((refusal, scan)) = self.admission.add(&self.more, Driven(scan)) else {
                continue;
            };
            contain_drop(scan).into_iter().for_each(|payload| keep_first(&mut first, payload));
            if let Refusal::Threads(error) = refusal {
                refused = Some(error);
                break;
            }
        }
        drop_each(scans).into_iter().for_each(|payload| keep_first(&mut first, payload));
        if let Some(error) = refused {
            first.into_iter().for_each(discard);
            panic!("a scan was not added: {error}");
        }
        if let Some(payload) = first {
            resume_unwind(payload);
        }
    }
}

/// An iterator over the outputs of scans that a closure creates during the run, returned by
/// [`FanOut::dynamic`]. A panic of the closure counts as one of the input.
pub type Dynamic<I, F, O, M = Pool> = Distribute<I, O, Ask<F, M, <I as Source>::Item, O>>;

impl<F, M, T, O> fmt::Debug for Ask<F, M, T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask").finish_non_exhaustive()
    }
}
