//! The public layer: the extension trait, the builder, one file per verb, and handles to runs.
//!
//! Architecture invariant: everything here is built on the engine, and the engine knows nothing of
//! it.

#[macro_use]
mod tuples;

mod adder;
mod blocking;
mod branches;
mod control;
mod demux;
mod distribute;
mod dynamic;
mod error;
mod fan_out;
mod fold;
mod iterator_ext;
mod keys;
mod lists;
mod options;
mod ordered;
mod parts;
pub mod refill;
mod refilled;
mod rows;
#[cfg(not(any(loom, shuttle)))]
mod scoped;
mod shard;
mod slots;
mod source;
mod start;
mod stats;
mod totals;
mod tried;
mod until_error;
mod zip_latest;

pub use self::adder::Adder;
pub use self::blocking::Blocking;
pub use self::branches::Branches;
pub use self::control::Control;
pub use self::demux::Demux;
pub use self::distribute::Distribute;
pub use self::dynamic::{Ask, Dynamic};
pub use self::error::{AddError, AddErrorKind};
pub use self::fan_out::FanOut;
pub use self::iterator_ext::IteratorExt;
pub use self::lists::{Scans, Shared};
pub use self::ordered::Ordered;
pub use self::parts::{And, Join, Merge, Returned};
pub use self::rows::{Latest, Rows};
pub use self::source::{Input, ReadAhead, Source, UntilError};
pub use self::stats::{Bottleneck, ScanStats, Stats};
pub use self::totals::Totals;
pub use self::tried::TryAll;
pub use self::until_error::TryItem;
pub use self::zip_latest::ZipLatest;
