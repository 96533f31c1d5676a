//! Gives every item of a blocking iterator to several stateful *scans* at once,
//! each on an operating-system thread of its own, and merges what they emit back
//! into one iterator.
//!
//! For one pass over a stream and many things to compute from it, in ordinary
//! blocking Rust: no channels to wire, no locks to hold, and no way to deadlock.
//!
//! ```
//! use anabranch::{IteratorExt, scan::{self, Scan}};
//!
//! let lines = ["the quick brown fox", "jumps over", "the lazy dog"];
//! let run = lines.into_iter().par_distribute([
//!     scan::count().named("lines").boxed(),
//!     scan::sum_by(|line: &&str| line.split(' ').count()).named("words").boxed(),
//!     scan::map(|line: &&str| line.len()).then(scan::max()).named("longest").boxed(),
//! ]);
//! let mut results: Vec<_> = run.map(|(id, value)| (id.index(), value)).collect();
//! results.sort();
//! assert_eq!(results, [(0, 3), (1, 9), (2, 19)]);
//! ```
//!
//! # The methods
//!
//! | method | gives |
//! |---|---|
//! | [`par_distribute`](IteratorExt::par_distribute) | the outputs of all scans, each with the scan's id, as they come or [in order](Config::ordered) |
//! | [`par_fold`](IteratorExt::par_fold) | the last output of each scan, once: one pass, several results |
//! | [`par_tee`](IteratorExt::par_tee) | for each item the latest output of each scan, as a tuple |
//! | [`par_demux`](IteratorExt::par_demux) | the outputs of one scan per key, each with the key |
//! | [`par_try_distribute`](TryIteratorExt::par_try_distribute), [`par_try_fold`](TryIteratorExt::par_try_fold) | the same for an input that may fail, up to its first error |
//!
//! Each has a `_with` form that takes a [`Config`]; [`ScopedIteratorExt`] has forms for
//! items and scans that borrow.
//!
//! # While a run goes on
//!
//! * **Read ahead.** The input is pulled on the consumer's thread, inside `next`: it need
//!   not be `Send`, and while it blocks the consumer waits with it. One that is
//!   [read ahead](IteratorExt::read_ahead) has a thread of its own, and outputs arrive
//!   while it blocks: for live sources.
//! * **Control.** A [`Control`] stops a run or one of its scans, aborts it, and shows its
//!   statistics, from any thread. An [`Adder`] adds scans to a run of
//!   [`par_distribute`](IteratorExt::par_distribute);
//!   [`par_distribute_dynamic`](DynamicIteratorExt::par_distribute_dynamic) asks for new
//!   ones before each batch.
//!
//! ```
//! use std::sync::mpsc;
//! use anabranch::{Config, Control, IteratorExt, scan};
//!
//! let (readings, source) = mpsc::channel();
//! let control = Control::new();
//! let config = Config::new().control(&control);
//! let mut sums = source.into_iter().read_ahead().par_distribute_with(&config, [
//!     scan::scan(0, |sum, x: &i32| { *sum += x; Some(*sum) }),
//! ]);
//! for (reading, expected) in [(3, 3), (4, 7)] {
//!     readings.send(reading)?;
//!     assert_eq!(sums.next().map(|(_, sum)| sum), Some(expected));
//! }
//! // Nobody waits for the source.
//! control.stop();
//! assert!(sums.next().is_none());
//! # Ok::<(), mpsc::SendError<i32>>(())
//! ```
//!
//! # Vocabulary
//!
//! | word | meaning |
//! |---|---|
//! | item | one element of the input iterator |
//! | batch | the run of items that is sent to the scans as one unit, shared, never cloned |
//! | [scan](Scan) | a stateful left-to-right transformation: items in, any number of outputs for each |
//! | output | one value that a scan emitted |
//! | manager | the code that pulls the input, dispatches batches and collects outputs |
//! | scan thread | the thread of a [`Pool`] that one scan has to itself while it lives |
//! | consumer | whoever calls `next` on the iterator of outputs |
//! | Stop, flush | the message that no more items come, and the scan's last chance to emit, when it gets it |
//! | abort | leaving at once, emitting nothing more: early drop, a panic elsewhere, or asked for |
//!
//! # Guarantees
//!
//! * Every scan sees every item, once and in order, until it ends by itself; its
//!   outputs are those of [`Scan::apply`] over the same items, in the same order.
//! * No run deadlocks, whatever the capacities, rates, ends and panics. The
//!   argument is in the repository's `DESIGN.md`; its steps are checked by model
//!   checkers on the very code that ships.
//! * When the input has ended, every scan is flushed and exits; when every scan
//!   has ended, the input is not pulled again; the run ends either way.
//! * A panic of a scan reaches the consumer with its payload, after everything
//!   that had been emitted, when all scan threads have left; and it is known where it came
//!   from, by the [run](ParDistribute::panicked) or its [`Control`](Control::panicked). A
//!   panic of the input comes after the outputs for every item before it.
//! * What is asked for, the panic of a scan, and an added scan take effect behind what is
//!   queued, however fast others emit and however slow the consumer is: at most
//!   [`output_capacity`](Config::output_capacity) + 2 batches of outputs for each scan. A stop
//!   and a panic of the input come behind what the scans emit for the items pulled before; a
//!   step that never ends is ended by an abort or a drop alone.
//! * Dropping the iterator early wakes every scan thread and waits until it has
//!   left the run. Nothing begins behind the consumer's back; but a thread that is
//!   inside the `next` of an input that is [read ahead](ReadAhead) is detached, and ends
//!   at the next item.
//! * Memory is bounded by the [configuration](Config), whatever the rates; the
//!   formula is at [`par_distribute`](IteratorExt::par_distribute).
//! * Every value is dropped once. A panic in the drop of an item, an output, a scan, a payload
//!   or the input is contained. (A value that holds several whose drops panic ends the process
//!   by the rules of the language: a scan with two such parts, say.)
//! * No user code (steps, flushes, the input, the drop of anything) runs under a
//!   lock of this crate. There is no `unsafe` in it.
//!
//! # Disconnection
//!
//! A scan of a run that was dropped or aborted finds its emitter
//! [closed](Emitter::is_closed); emitting into it is not an error. The run never
//! begins another step of such a scan.
//!
//! ```
//! use anabranch::{IteratorExt, scan};
//!
//! let mut run = (0_u64..).par_distribute([scan::cloned()]);
//! assert!(run.next().is_some());
//! drop(run); // The scan has left its thread when this returns.
//! ```
//!
//! # Blocking operations
//!
//! | operation | blocks while |
//! |---|---|
//! | `next` of a run | no output is ready; in the input's own `next` |
//! | [`Emitter::emit`] | the scan's output buffer is full |
//! | the drop of a run | a scan is inside one call of `step` or `flush` |
//! | starting a run, adding a scan | never; a full [`Pool`] refuses |
//! | all of [`Control`] | never |
//!
//! # What it does not do
//!
//! * Spread *one* computation over several threads: every scan sees every item.
//!   For work on items that do not depend on each other take rayon.
//! * Async. The threads block; that is the point.
//! * Help when all scans together cost less than handing out the items does:
//!   that is about a nanosecond per item and scan. Measure first.

mod api;
mod engine;
pub mod scan;
mod sync;
mod threads;

pub use self::api::{
    AddError, AddErrorKind, Adder, Ask, Blocking, Bottleneck, Control, Demux, Distribute, Dynamic,
    FanOut, IteratorExt, Latest, Ordered, ReadAhead, Rows, ScanStats, Scans, Shared, Source, Stats,
    Totals, TryItem, UntilError, ZipLatest,
};
pub use self::engine::{PanicOrigin, ScanId};
#[doc(no_inline)]
pub use self::scan::{Emitter, Scan};
#[cfg(not(any(loom, shuttle)))]
pub use self::threads::Scoped;
pub use self::threads::{Global, Lease, LeaseError, Pool, Threads};

/// What a program needs that uses this crate: `use anabranch::prelude::*`.
pub mod prelude {
    #[doc(no_inline)]
    pub use crate::api::IteratorExt;
    #[doc(no_inline)]
    pub use crate::scan::{self, BoxScan, Emitter, Scan};
}

/// Lets the waits of models return with nobody having notified them.
#[cfg(loom)]
#[doc(hidden)]
pub use self::sync::spurious::inject as inject_spurious_wake_ups;

/// Has time in models go on by so much whenever somebody looks at a clock.
#[cfg(any(loom, shuttle))]
#[doc(hidden)]
pub use self::sync::clock::tick as tick_clock;

/// Has models start so many threads more, and no other.
#[cfg(any(loom, shuttle))]
#[doc(hidden)]
pub use self::sync::refusals::allow as allow_threads;

/// The examples of the README, run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
