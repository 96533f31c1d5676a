//! The only module that touches threads, locks and channels.
//!
//! Everything else in the crate takes its concurrency from here, so the engine
//! that ships is, line for line, the engine that the model checkers run:
//! `native` is crossbeam and parking_lot, `model` is the same interface made
//! from the primitives of loom or shuttle. One conformance suite holds the two
//! to the same behaviour.
//!
//! Architecture invariant: this module knows nothing of scans, batches or runs,
//! and no other module of the crate names `std::sync`, `std::thread`,
//! crossbeam, parking_lot, loom or shuttle.

#[cfg(not(any(loom, shuttle)))]
mod native;
#[cfg(not(any(loom, shuttle)))]
use native as imp;

#[cfg(any(loom, shuttle))]
mod model;
#[cfg(any(loom, shuttle))]
use model as imp;

pub(crate) use imp::{AtomicBool, AtomicU8, Condvar, Mutex, Receiver, Sender};
pub(crate) use imp::{Instant, Patience, panicking};
pub(crate) use imp::{SELECTED, available_parallelism, bounded, select_ready, spawn, yield_now};

#[cfg(loom)]
pub(crate) use imp::spurious;

#[cfg(any(loom, shuttle))]
pub(crate) use imp::{clock, refusals};

// The checkers have no scoped threads.
#[cfg(not(any(loom, shuttle)))]
pub(crate) use imp::{Scope, scope, spawn_scoped};

// Plain data with no blocking in it, the same on both sides. Reference counts and one-time
// initialisation from std are trusted; nothing that must be correct depends on a counter.
pub(crate) use crossbeam_channel::{RecvError, TrySendError};
pub(crate) use std::sync::atomic::{AtomicU64 as Counter, Ordering};
pub(crate) use std::sync::{Arc, OnceLock};
