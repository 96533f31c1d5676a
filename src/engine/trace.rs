//! The spans and events of the feature `tracing`; without it, nothing.
//!
//! What is recorded, and its names, is in the crate's documentation. A span is entered and left by
//! one thread, inside one call: never across a return to code of the user's, which may have spans
//! of its own. So the time that belongs to the consumer is a gap between two spans, and the work of
//! a closure is what its scan's span has besides waits.
//!
//! Architecture invariant: nothing here is called for each item, or under a lock. A subscriber is
//! part of the program as an allocator is: its panics are not contained.

#[cfg(not(feature = "tracing"))]
mod off;
#[cfg(feature = "tracing")]
mod on;

#[cfg(not(feature = "tracing"))]
pub(crate) use self::off::*;
#[cfg(feature = "tracing")]
pub(crate) use self::on::*;
