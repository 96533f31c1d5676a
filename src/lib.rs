//! One pass over a stream, many things computed from it.
#![doc = ""]

mod config;
mod distribute;
mod engine;
mod error;
mod id;
mod iterator_ext;
mod pool;
pub mod scan;
mod sync;

pub use self::config::Config;
pub use self::distribute::ParDistribute;
pub use self::error::{ConfigError, PanicOrigin, StartError, StartErrorKind};
pub use self::id::ScanId;
pub use self::iterator_ext::IteratorExt;
pub use self::pool::Pool;
#[doc(no_inline)]
pub use self::scan::{Emitter, Scan};
