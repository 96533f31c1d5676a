//! Why a scan could not be added.

use std::error::Error;
use std::fmt;

use crate::threads::LeaseError;

/// Why a scan could not be added to a run.
#[derive(Debug)]
#[non_exhaustive]
pub enum AddErrorKind {
    /// The run takes no more scans: its input has ended, it was stopped or aborted, or all its
    /// scans have ended.
    Ended,
    /// No thread is available for the scan.
    Threads(LeaseError),
}

impl fmt::Display for AddErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended => f.write_str("the run takes no more scans"),
            Self::Threads(error) => error.fmt(f),
        }
    }
}

impl Error for AddErrorKind {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Ended => None,
            // The message above already includes its text.
            Self::Threads(error) => error.source(),
        }
    }
}

/// An error returned when a scan cannot be added to a run. [`into_inner`](Self::into_inner) returns
/// the scan; only its `name` method was called.
///
/// ```
/// use anabranch::{Pool, prelude::*};
///
/// let pool = Pool::with_max_threads(1);
/// let mut run = (0..10).fan_out().on(&pool).distribute([scan::count()]);
/// let error = run.adder().add(scan::count()).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "the scan was not added: the pool cannot give a thread: its maximum is 1, and 1 is in use",
/// );
/// let scan = error.into_inner();
/// # drop(scan);
/// ```
pub struct AddError<S> {
    kind: AddErrorKind,
    scan: S,
}

impl<S> AddError<S> {
    pub(crate) fn new(kind: AddErrorKind, scan: S) -> Self {
        Self { kind, scan }
    }

    /// Returns why the scan could not be added.
    pub fn kind(&self) -> &AddErrorKind {
        &self.kind
    }

    /// Returns why the scan could not be added, without the scan: an error for `?` in a function
    /// whose errors must be `Send` and `Sync`.
    ///
    /// ```
    /// use std::error::Error;
    /// use anabranch::{AddError, Adder, prelude::*};
    ///
    /// fn subscribe(adder: &Adder<u64, u64>) -> Result<(), Box<dyn Error + Send + Sync>> {
    ///     adder.add(scan::cloned().boxed()).map_err(AddError::into_kind)?;
    ///     Ok(())
    /// }
    /// # let mut run = (0..3_u64).fan_out().distribute([scan::cloned()]);
    /// # assert!(subscribe(&run.adder()).is_ok());
    /// ```
    pub fn into_kind(self) -> AddErrorKind {
        self.kind
    }

    /// Returns the scan, as it was given.
    pub fn into_inner(self) -> S {
        self.scan
    }

    /// Returns `true` if the run takes no more scans.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        matches!(self.kind, AddErrorKind::Ended)
    }
}

impl<S> fmt::Debug for AddError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddError").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl<S> fmt::Display for AddError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the scan was not added: {}", self.kind)
    }
}

impl<S> Error for AddError<S> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.kind.source()
    }
}
