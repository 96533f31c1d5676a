//! The settings of a run that concern the engine.

use std::mem;

use super::batch_size::BatchSize;
use crate::threads::ThreadKind;

/// The most values that a batch of adaptive length holds.
#[cfg(not(any(loom, shuttle)))]
const ADAPTIVE_LENGTH: usize = 8192;
/// Small, so that models see several full batches.
#[cfg(any(loom, shuttle))]
const ADAPTIVE_LENGTH: usize = 4;
/// The most bytes that such a batch holds, as far as is known, not counting its first value.
const ADAPTIVE_BYTES: usize = 1 << 17;
/// Values larger than this, in bytes, get threads with larger stacks.
const BIG_VALUE: usize = 16 << 10;
const USUAL_STACK: usize = 2 << 20;
const MAX_STACK: usize = 1 << 30;
/// How many copies of a value may be on the stack at once, in an unoptimised build.
const HAND_OVERS: usize = 32;

/// Validated settings.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Batches of items per scan.
    pub(crate) input_capacity: usize,
    /// Batches of outputs per scan.
    pub(crate) output_capacity: usize,
    /// The length of batches, if it is fixed.
    pub(crate) batch: Option<usize>,
    /// The bytes of an item, if more than the size of its type.
    pub(crate) item_bytes: usize,
    /// The bytes of an output, if more than the size of its type.
    pub(crate) output_bytes: usize,
    /// Whether to go on without scans.
    pub(crate) discards: bool,
    pub(crate) threads: ThreadKind,
}

impl Settings {
    /// Returns how long batches of items are.
    pub(super) fn items<T>(&self) -> BatchSize {
        self.batches::<T>(self.item_bytes)
    }

    /// Returns how long batches of outputs are.
    pub(super) fn outputs<O>(&self) -> BatchSize {
        self.batches::<O>(self.output_bytes)
    }

    fn batches<V>(&self, bytes: usize) -> BatchSize {
        let bytes = bytes.max(mem::size_of::<V>()).max(1);
        match self.batch {
            Some(length) => BatchSize::fixed(length),
            None => BatchSize::adaptive((ADAPTIVE_BYTES / bytes).clamp(1, ADAPTIVE_LENGTH)),
        }
    }

    /// Returns the kind of thread that passes on values of these types. Each hand-over may put such
    /// a value on the stack; for large values, the usual stack is too small.
    pub(super) fn kind_for<T, O>(&self) -> ThreadKind {
        self.kind_for_bytes(mem::size_of::<T>().max(mem::size_of::<O>()))
    }

    /// The same for values of so many bytes.
    pub(super) fn kind_for_bytes(&self, bytes: usize) -> ThreadKind {
        let mut kind = self.threads.clone();
        if kind.stack_size.is_none() && bytes > BIG_VALUE {
            kind.stack_size = Some(USUAL_STACK + bytes.saturating_mul(HAND_OVERS).min(MAX_STACK));
        }
        kind
    }
}
