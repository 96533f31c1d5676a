//! Why a run could not start, and what ended it.

use std::error::Error;
use std::fmt;
use std::io;

use crate::id::ScanId;

/// A setting of a [`Config`](crate::Config) that cannot be granted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The setting must be at least one.
    Zero {
        /// The setter's name.
        setting: &'static str,
    },
    /// The setting is beyond any sensible size.
    TooLarge {
        /// The setter's name.
        setting: &'static str,
        /// What was asked for.
        asked: usize,
        /// The most that is granted.
        max: usize,
    },
    /// The thread name contains a NUL byte, which no system takes.
    ThreadName,
    /// A run that takes new scans as it goes has no order.
    Ordered,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zero { setting } => write!(f, "{setting} must be at least 1"),
            Self::TooLarge { setting, asked, max } => {
                write!(f, "{setting} of {asked} is more than the {max} that is granted at most")
            }
            Self::ThreadName => f.write_str("thread_name contains a NUL byte"),
            Self::Ordered => f.write_str("a run that takes new scans cannot be ordered"),
        }
    }
}

impl Error for ConfigError {}

/// Why a run could not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartErrorKind {
    /// A setting cannot be granted.
    Config(ConfigError),
    /// The pool has a maximum, and the run's scans do not fit under it now.
    PoolFull {
        /// How many scans the run has.
        wanted: usize,
        /// How many scans of other runs are live in the pool.
        live: usize,
        /// The pool's maximum.
        max: usize,
    },
    /// The operating system refused a thread.
    Spawn(io::Error),
}

impl From<ConfigError> for StartErrorKind {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl fmt::Display for StartErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(_) => f.write_str("the configuration is not valid"),
            Self::PoolFull { wanted, live, max } => {
                write!(
                    f,
                    "{wanted} scans do not fit into a pool of {max} threads with {live} in use"
                )
            }
            Self::Spawn(_) => f.write_str("the operating system refused a thread"),
        }
    }
}

impl Error for StartErrorKind {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Config(error) => Some(error),
            Self::PoolFull { .. } => None,
            Self::Spawn(error) => Some(error),
        }
    }
}

/// A run could not start. Gives back the input, of which not one item was
/// pulled, and the scans, none of which was called.
///
/// An error with the iterator inside it is no good for `Box<dyn Error>` if the
/// iterator borrows; [`into_kind`](Self::into_kind) leaves that behind.
pub struct StartError<I, S> {
    kind: StartErrorKind,
    input: I,
    scans: S,
}

impl<I, S> StartError<I, S> {
    pub(crate) fn new(kind: StartErrorKind, input: I, scans: S) -> Self {
        Self { kind, input, scans }
    }

    /// The same with another form of the input.
    pub(crate) fn map_input<J>(self, f: impl FnOnce(I) -> J) -> StartError<J, S> {
        StartError { kind: self.kind, input: f(self.input), scans: self.scans }
    }

    /// Why the run could not start.
    pub fn kind(&self) -> &StartErrorKind {
        &self.kind
    }

    /// Why the run could not start, without the input and the scans.
    pub fn into_kind(self) -> StartErrorKind {
        self.kind
    }

    /// The input and the scans, as they were given.
    pub fn into_inner(self) -> (I, S) {
        (self.input, self.scans)
    }

    /// Whether the pool's maximum stood in the way: later, when other runs have
    /// ended, the same may succeed.
    #[must_use]
    pub fn is_pool_full(&self) -> bool {
        matches!(self.kind, StartErrorKind::PoolFull { .. })
    }
}

impl<I, S> fmt::Debug for StartError<I, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartError").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl<I, S> fmt::Display for StartError<I, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the run could not start")
    }
}

impl<I, S> Error for StartError<I, S> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.kind)
    }
}

impl<I, S> From<StartError<I, S>> for StartErrorKind {
    fn from(error: StartError<I, S>) -> Self {
        error.kind
    }
}

/// Why a scan could not be added to a run.
#[derive(Debug)]
#[non_exhaustive]
pub enum AddErrorKind {
    /// The run has ended, or no more items will be sent: its input has ended, it was
    /// stopped, or all its scans have ended.
    Ended,
    /// There is no thread for the scan.
    Thread(StartErrorKind),
}

impl fmt::Display for AddErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended => f.write_str("the run has ended"),
            Self::Thread(_) => f.write_str("there is no thread for the scan"),
        }
    }
}

impl Error for AddErrorKind {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Ended => None,
            Self::Thread(error) => Some(error),
        }
    }
}

/// A scan could not be added to a run. Gives back the scan, of which nothing but the
/// name was asked.
pub struct AddError<S> {
    kind: AddErrorKind,
    scan: S,
}

impl<S> AddError<S> {
    pub(crate) fn new(kind: AddErrorKind, scan: S) -> Self {
        Self { kind, scan }
    }

    /// Why the scan could not be added.
    pub fn kind(&self) -> &AddErrorKind {
        &self.kind
    }

    /// The scan, as it was given.
    pub fn into_inner(self) -> S {
        self.scan
    }

    /// Whether the run takes no more scans.
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
        f.write_str("the scan could not be added")
    }
}

impl<S> Error for AddError<S> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.kind)
    }
}

/// Where the panic that ended a run came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PanicOrigin {
    /// A call of this scan: its step, its flush, or its drop.
    Scan(ScanId),
    /// The input: its `next`, or its drop; or whoever is asked for new scans along
    /// with it.
    Input,
    /// The drop of an item. It happens on whichever thread lets go of the item's
    /// batch last, so it belongs to no scan.
    Item,
}

impl fmt::Display for PanicOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scan(id) => write!(f, "{id}"),
            Self::Input => f.write_str("the input"),
            Self::Item => f.write_str("the drop of an item"),
        }
    }
}

/// An error with everything that caused it, on one line.
pub(crate) struct Chain<'a>(pub(crate) &'a dyn Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
