//! Why threads are not available.

use std::error::Error;
use std::fmt;
use std::io;

/// An error returned when a [pool](crate::Pool) has no threads for a [lease](crate::Pool::lease),
/// or for a scan [added](crate::Adder::add) to a run.
#[derive(Debug)]
#[non_exhaustive]
pub enum LeaseError {
    /// The pool has a maximum, and too many of its threads are in use.
    Full {
        /// How many threads were asked for.
        wanted: usize,
        /// How many threads of the pool are in use.
        in_use: usize,
        /// The pool's maximum.
        max: usize,
    },
    /// The operating system refused a thread.
    Spawn(io::Error),
}

impl LeaseError {
    /// Returns `true` if the pool's maximum is the reason. The same request may succeed once other
    /// runs have ended.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full { .. })
    }
}

impl fmt::Display for LeaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { wanted, in_use, max } => write!(
                f,
                "the pool cannot give {}: its maximum is {max}, and {in_use} {} in use",
                if *wanted == 1 { "a thread".to_owned() } else { format!("{wanted} threads") },
                if *in_use == 1 { "is" } else { "are" },
            ),
            Self::Spawn(error) => write!(f, "the operating system refused a thread: {error}"),
        }
    }
}

impl Error for LeaseError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Full { .. } => None,
            Self::Spawn(error) => Some(error),
        }
    }
}
