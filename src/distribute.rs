//! The iterator behind `par_distribute`.

use std::fmt;
use std::iter::FusedIterator;

use crate::adder::Adder;
use crate::config::Config;
use crate::engine::{Kept, Manager, Ready};
use crate::error::{PanicOrigin, StartError};
use crate::id::ScanId;
use crate::input::Input;
use crate::ordered::Ordered;
use crate::scan::{InParts, Part, Scan};
use crate::threads::ThreadSource;

/// The outputs of several scans over one input, merged; made by
/// [`par_distribute`](crate::IteratorExt::par_distribute).
#[must_use = "a run is driven by its consumer: without calls of `next` it stands still"]
pub struct ParDistribute<I: Input, O> {
    outputs: Merged<I, O>,
}

/// The merged outputs, in one of two orders.
enum Merged<I: Input, O> {
    AsTheyCome(Manager<I::Feeder, O>),
    InOrder(Ordered<I, O>),
}

impl<I: Input, O> ParDistribute<I, O> {
    pub(crate) fn start<'a, S>(
        threads: impl ThreadSource<'a>,
        config: &Config,
        input: I,
        scans: Vec<S>,
    ) -> Result<Self, StartError<I, Vec<S>>>
    where
        I::Item: Send + Sync + 'a,
        S: Scan<I::Item, Output = O> + Send + 'a,
        O: Send + 'a,
    {
        let ready = match Ready::new::<I::Item, Part<O>>(threads, config, scans.len()) {
            Ok(ready) => ready,
            Err(kind) => return Err(StartError::new(kind, input, scans)),
        };
        let outputs = if config.is_ordered() {
            let count = scans.len();
            let scans = scans.into_iter().map(InParts::new).collect();
            Merged::InOrder(Ordered::new(ready.start(input, scans, Kept::Marked), count))
        } else {
            Merged::AsTheyCome(ready.start(input, scans, Kept::Every))
        };
        Ok(Self { outputs })
    }

    /// The name that scan `id` was given with [`Scan::named`].
    ///
    /// Of scans that were [added](Self::adder) it is known from the next call of `next` on,
    /// up to their last output, and when they have panicked.
    #[must_use]
    pub fn name(&self, id: ScanId) -> Option<&str> {
        match &self.outputs {
            Merged::AsTheyCome(manager) => manager.name(id),
            Merged::InOrder(ordered) => ordered.manager().name(id),
        }
    }

    /// Where the panic came from that ended the run, once there was one.
    ///
    /// ```
    /// use std::panic::{AssertUnwindSafe, catch_unwind};
    /// use anabranch::{IteratorExt, PanicOrigin, scan::{self, Scan}};
    ///
    /// let scans = [
    ///     scan::map(|x: &i32| *x).boxed(),
    ///     scan::map(|x: &i32| 100 / x).named("reciprocal").boxed(),
    /// ];
    /// let mut run = [2, 1, 0].into_iter().par_distribute(scans);
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
        let panicked = match &self.outputs {
            Merged::AsTheyCome(manager) => manager.panicked(),
            Merged::InOrder(ordered) => ordered.manager().panicked(),
        };
        panicked.copied()
    }
}

impl<I: Input, O> ParDistribute<I, O> {
    /// What adds scans to the run while it goes on; `None` if its outputs come
    /// [in order](Config::ordered).
    ///
    /// ```
    /// use anabranch::{IteratorExt, scan};
    ///
    /// let mut run = (1..=1000).par_distribute([scan::sum::<i32, i32>()]);
    /// let adder = run.adder().unwrap();
    /// let id = adder.add(scan::sum())?;
    /// assert_eq!(id.index(), 1);
    /// // Nothing was pulled yet, so both see the same.
    /// assert_eq!(run.map(|(_, sum)| sum).collect::<Vec<_>>(), [500_500, 500_500]);
    ///
    /// let error = adder.add(scan::sum()).unwrap_err();
    /// assert!(error.is_ended());
    /// let scan = error.into_inner();
    /// # drop(scan);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn adder(&mut self) -> Option<Adder<I::Item, O>> {
        match &mut self.outputs {
            Merged::AsTheyCome(manager) => Some(Adder::new(manager.entrance())),
            Merged::InOrder(_) => None,
        }
    }
}

impl<I: Input, O> Iterator for ParDistribute<I, O> {
    type Item = (ScanId, O);

    /// Gives the next output of any scan.
    ///
    /// # Blocking
    ///
    /// Blocks while no scan has emitted anything, inside the input's `next` or
    /// until a scan thread has something to say.
    ///
    /// # Panics
    ///
    /// Resumes a panic of a scan, of the input, or of the drop of an item, with
    /// the original payload, once all scans have exited and everything that was
    /// emitted has been delivered.
    #[inline]
    fn next(&mut self) -> Option<(ScanId, O)> {
        match &mut self.outputs {
            Merged::AsTheyCome(manager) => manager.next(),
            Merged::InOrder(ordered) => ordered.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.outputs {
            Merged::AsTheyCome(manager) => manager.size_hint(),
            Merged::InOrder(ordered) => ordered.manager().size_hint(),
        }
    }
}

impl<I: Input, O> FusedIterator for ParDistribute<I, O> {}

impl<I: Input, O> fmt::Debug for ParDistribute<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outputs: &dyn fmt::Debug = match &self.outputs {
            Merged::AsTheyCome(manager) => manager,
            Merged::InOrder(ordered) => ordered,
        };
        f.debug_struct("ParDistribute").field("outputs", outputs).finish_non_exhaustive()
    }
}
