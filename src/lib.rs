//! Gives every item of a blocking iterator to several *branches*, each on a thread of its own. What
//! they compute comes back as one result each, or as one iterator.
//!
//! It is for programs that compute several things in one pass over a stream. They stay ordinary
//! blocking Rust: no channels to wire, no locks to take, no deadlocks.
//!
//! ```
//! use anabranch::prelude::*;
//!
//! let lines = ["the quick brown fox", "jumps over", "the lazy dog"].into_iter();
//! let (count, words, longest) = lines
//!     .fan_out()
//!     .branch(|lines| lines.count())
//!     .branch(|lines| lines.map(|line| line.split(' ').count()).sum::<usize>())
//!     .branch(|lines| lines.cloned().max_by_key(|line| line.len()))
//!     .join();
//! assert_eq!((count, words, longest), (3, 9, Some("the quick brown fox")));
//! ```
//!
//! A branch is a closure over [`Items`](branch::Items), a blocking iterator; see [`branch`]. A *scan*
//! is given the items one by one, and emits any number of outputs for each. Scans come from the
//! functions of [`scan`], or implement the trait [`Scan`].
//!
//! ```
//! use anabranch::prelude::*;
//!
//! let lines = ["the quick brown fox", "jumps over", "the lazy dog"].into_iter();
//! let (count, words) = lines.fan_out().fold((
//!     scan::count(),
//!     scan::sum_by(|line: &&str| line.split(' ').count()),
//! ));
//! assert_eq!((count, words), (3, 9));
//! ```
//!
//! The [guide] has a page for [choosing](guide::choosing) among what follows, for
//! [tuning](guide::tuning), for a run that is [slow](guide::slow), for [tests](guide::testing), and
//! for those who [come from](guide::coming_from) another library.
//!
//! # Verbs
//!
//! [`fan_out`](IteratorExt::fan_out) makes a builder; a verb starts the run.
//!
//! | verb | returns |
//! |---|---|
//! | [`branch`](FanOut::branch)…[`join`](Branches::join) | what each branch returns, at the end of the run |
//! | [`branch`](FanOut::branch)…[`merge`](Branches::merge) | what the branches' iterators yield, as it comes |
//! | [`distribute`](FanOut::distribute) | the outputs of all scans as they come, each with the scan's id |
//! | [`ordered`](FanOut::ordered) | the same outputs, in the order of the sequential run |
//! | [`zip_latest`](FanOut::zip_latest) | for each item, a row of the latest output of each scan |
//! | [`demux`](FanOut::demux), [`demux_ref`](FanOut::demux_ref) | the outputs of one scan per key, each with the key |
//! | [`dynamic`](FanOut::dynamic) | the outputs of scans that a closure creates during the run |
//! | [`fold`](FanOut::fold) | the result of each total, at the end of the run |
//!
//! [`try_join`](Branches::try_join) and [`try_fold`](FanOut::try_fold) end the run at the first error.
//! The other verbs, without `join` and `fold`, return an iterator. Four have short forms on iterators:
//! [`par_distribute`](IteratorExt::par_distribute), [`par_fold`](IteratorExt::par_fold),
//! [`par_zip_latest`](IteratorExt::par_zip_latest) and [`par_demux`](IteratorExt::par_demux).
//!
//! # What combines
//!
//! Every input runs on all threads, with every verb and all [settings](FanOut#settings).
//!
//! | input | global pool | [`on(&pool)`](FanOut::on) | [`on(pool.lease(n)?)`](Pool::lease) | [`on(scope)`](FanOut::on) |
//! |---|---|---|---|---|
//! | an iterator | every verb | every verb | every verb | every verb |
//! | [`read_ahead`](FanOut::read_ahead) | every verb | every verb | every verb | every verb |
//! | [`until_error`](FanOut::until_error) | every verb | every verb | every verb | every verb |
//! | both, in either order | every verb | every verb | every verb | every verb |
//! | [refilled](refill), read ahead or not | every verb | every verb | every verb | every verb |
//!
//! * By default, the input is pulled on the consumer's thread: it need not be `Send`, and may
//!   borrow. An input that is **read ahead** is pulled on a thread of its own.
//! * With **`until_error`**, an input of `Result`s makes a run that yields `Result`s.
//! * An input that is **refilled** overwrites the items that every scan is done with: lines, blocks
//!   and records without an allocation for each.
//! * On a **pool**, items and scans own what they use. In a **scope** they may borrow;
//!   [`scoped`](FanOut::scoped) opens one for a `fold` or a `join`.
//! * A **lease** reserves threads; taking one returns an error if too few are free. Without a
//!   lease, the verb panics instead.
//!
//! ```
//! use anabranch::{Pool, prelude::*};
//!
//! let pool = Pool::with_max_threads(3);
//! let numbers = ["1", "2", "three", "4"].into_iter().map(str::parse::<i32>);
//! // Two threads for the totals, and one for the input.
//! let run = numbers.fan_out().read_ahead().until_error().on(pool.lease(3)?);
//! let results = run.fold((scan::count(), scan::sum::<i32, i32>()));
//! assert_eq!(results.unwrap_err().to_string(), "invalid digit found in string");
//! # Ok::<(), anabranch::LeaseError>(())
//! ```
//!
//! # During a run
//!
//! A [`Control`] stops or aborts a run, or stops one of its scans, from any thread. It also shows
//! the run's statistics and its [bottleneck](Bottleneck). An [`Adder`] adds scans.
//!
//! ```
//! use std::sync::mpsc;
//! use anabranch::{Control, prelude::*};
//!
//! let (readings, source) = mpsc::channel();
//! let control = Control::new();
//! let running_sum = scan::scan(0, |sum, x: &i32| { *sum += x; Some(*sum) });
//! let run = source.into_iter().fan_out().read_ahead().control(&control);
//! let mut sums = run.distribute([running_sum]);
//! for (reading, expected) in [(3, 3), (4, 7)] {
//!     readings.send(reading)?;
//!     assert_eq!(sums.next().map(|(_, sum)| sum), Some(expected));
//! }
//! // The run ends, though the source is still open.
//! control.stop();
//! assert_eq!(sums.next(), None);
//! # Ok::<(), mpsc::SendError<i32>>(())
//! ```
//!
//! # Traces
//!
//! With the feature `tracing`, which is off by default, every run tells a subscriber of the crate
//! [tracing](https://docs.rs/tracing) what each of its threads does. Without it, none of this is
//! compiled. The trace of a run shows who waits for whom, and when. Here it becomes a file that
//! <https://ui.perfetto.dev> and `chrome://tracing` open, with a row for each thread:
//!
//! ```
//! use anabranch::prelude::*;
//! use tracing_chrome::ChromeLayerBuilder;
//! use tracing_subscriber::prelude::*;
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("trace.json");
//! let (layer, written) = ChromeLayerBuilder::new().file(path).include_args(true).build();
//! tracing_subscriber::registry().with(layer).init();
//!
//! // Threads are named after their scans, and all others by `thread_name`.
//! let run = (0..1000).fan_out().read_ahead().thread_name("input");
//! let (count, sum) = run.fold((scan::count().named("count"), scan::sum::<_, u64>().named("sum")));
//! assert_eq!((count, sum), (1000, 499_500));
//! drop(written); // Waits until everything is in the file.
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! All spans and events have the target `anabranch`. The span `scan` has the level `DEBUG`; the
//! others, a few for each batch, have `TRACE`.
//!
//! | span | thread | lasts while |
//! |---|---|---|
//! | `scan` | of a scan | the scan lives. Fields: `scan` (its number), `name`; at its end `items`, `outputs` |
//! | `step` | of a scan | it goes over a batch of `items` |
//! | `flush` | of a scan | it is flushed |
//! | `publish` | of a scan | it sends a batch of `outputs` |
//! | `wait_for_input` | of a scan | no batch is there |
//! | `wait_for_consumer` | of a scan | its output channel is full; inside `publish` |
//! | `pull` | that pulls | the input's `next` is called for a batch; at its end `items` |
//! | `dispatch` | that pulls | a batch is sent to the scans |
//! | `wait_for_room` | that reads ahead | some scan has no room for the batch; inside `dispatch` |
//! | `collect` | of the consumer | it is inside the run's `next` and looks for outputs |
//! | `wait_for_scans` | of the consumer | there are no outputs, and the input cannot go on |
//!
//! | event | level | fields |
//! |---|---|---|
//! | `start` | `DEBUG` | `scans`, `read_ahead` |
//! | `added` | `DEBUG` | `scan`, `name` |
//! | `stop` | `DEBUG` | `scan`, if only that one stops |
//! | `abort` | `DEBUG` | also when the run is dropped before its end, or panics |
//! | `panic` | `ERROR` | `origin`, and `scan` if it was one |
//! | `end`, `drop` | `DEBUG` | `items`: how many were pulled, but for a batch in which the input panicked |
//!
//! A span is left before the run returns to code of yours, which may have spans of its own. So the
//! consumer's own work is what is between two spans `collect`, and a closure's own work is what its
//! span `scan` has besides waits. A `scan` belongs to the span in which the run was started, or the
//! scan added. A subscriber must not panic: the run does not contain that.
//!
//! # Vocabulary
//!
//! | word | meaning |
//! |---|---|
//! | item | one element of the input |
//! | batch | the run of items that is sent to the scans as one unit, shared, never cloned |
//! | [branch](mod@branch) | whatever one thread of a run executes: a scan, or a closure over the items |
//! | [scan](Scan) | a stateful left-to-right transformation: items in, any number of outputs for each |
//! | [total](scan::Total) | a scan with one result, at the end |
//! | output | one value that a branch emitted |
//! | manager | the code that pulls the input, dispatches batches and collects outputs |
//! | scan thread | the thread dedicated to one scan for as long as the scan lives |
//! | consumer | the caller of `next` on the iterator that a verb returns |
//! | Stop | the message that there are no more items |
//! | flush | a scan's last chance to emit, when it receives Stop |
//! | abort | no further step begins; what was emitted is delivered |
//! | drop | the consumer has left: outputs are discarded |
//! | backpressure | a full bounded channel that blocks its sender |
//!
//! # Guarantees
//!
//! * **Order.** Every scan sees every item once, in order, until it ends by itself. Its outputs are
//!   those of [`Scan::apply`] over the same items, in the same order.
//! * **No deadlock.** No run deadlocks, whatever the capacities and rates, and however scans end or
//!   panic. The repository's `DESIGN.md` has the argument; model checkers verify its steps on the
//!   code that ships.
//! * **End.** At the end of the input, every scan is flushed and exits. When every scan has ended,
//!   the input is not pulled again. Either ends the run.
//! * **Panics.** A panic of a scan reaches the consumer with its payload, after everything that was
//!   emitted and once all scan threads have left the run. A panic of the input comes after the
//!   outputs for every item before it. The [run](Distribute::panicked) reports where the panic came
//!   from; for a `fold` or a `join`, the [control](Control::panicked) does.
//! * **No starvation.** Stops, aborts, panics of scans and added scans take effect after what is
//!   already queued: at most [`output_capacity`](FanOut::output_capacity) + 2 batches of outputs
//!   per scan, however fast the scans emit. A stop and a panic of the input also come after the
//!   outputs for the items pulled before them.
//! * **Drop.** Dropping the iterator wakes every scan thread and waits until it has left the run.
//!   Nothing of the run starts after that. A thread inside the `next` of an input that is [read
//!   ahead](FanOut::read_ahead) is detached instead; it finishes when that `next` returns.
//! * **Memory.** The [settings](FanOut#settings) bound the memory of a run, whatever the rates;
//!   [`distribute`](FanOut::distribute) has the formula.
//! * **Drops of values.** Every value is dropped once. A panic in the drop of an item, an output, a
//!   scan, a payload or the input is contained. If two parts of one value panic in their drops, the
//!   process aborts, as Rust requires.
//! * **Locks.** No user code runs under a lock of this crate: no step, flush, input or drop.
//! * **Safety.** The crate has no `unsafe` code.
//!
//! # Disconnection
//!
//! When a run is dropped or aborted, the emitters of its scans are [closed](Emitter::is_closed).
//! Emitting into a closed emitter is not an error. The run starts no further step of such a scan.
//!
//! ```
//! use anabranch::prelude::*;
//!
//! let mut run = (0_u64..).fan_out().distribute([scan::cloned()]);
//! assert!(run.next().is_some());
//! drop(run); // The scan has left its thread when this returns.
//! ```
//!
//! # Blocking operations
//!
//! | operation | blocks while |
//! |---|---|
//! | `next` of a run | no output is ready, or the input's `next` blocks |
//! | [`fold`](FanOut::fold), [`join`](Branches::join) | the run lasts |
//! | `next` of [`Items`](branch::Items) | the input has no more items yet, or there is no room for what the branch has yielded |
//! | [`Emitter::emit`] | the scan's output buffer is full |
//! | the end of a scope | an input that is read ahead is inside its `next` |
//! | dropping a run | a scan is inside a call of `step` or `flush`, or a branch has not returned |
//! | starting a run, [`Pool::lease`], [`Adder::add`] | never |
//! | all methods of [`Control`] | never |
//!
//! # What it does not do
//!
//! * It does not spread *one* computation over several threads: every scan sees every item. To
//!   process independent items in parallel, use rayon.
//! * It is not async: its threads block.
//! * It does not interrupt user code. A step that never returns keeps its thread, and so does a
//!   branch that goes on after its items have ended; dropping the run waits for them.
//! * It knows nothing of channels of yours. Branches that wait for each other can deadlock.
//! * It does not speed up scans that cost next to nothing. Distributing an item costs about a
//!   nanosecond per scan; measure first.

// On docs.rs, what needs a feature says so.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod api;
pub mod branch;
mod engine;
// Text alone: an ordinary build has nothing of it.
#[cfg(any(doc, doctest))]
pub mod guide;
pub mod scan;
mod sync;
mod threads;

pub use self::api::{
    AddError, AddErrorKind, Adder, And, Ask, Blocking, Bottleneck, Branches, Control, Demux,
    Distribute, Dynamic, FanOut, Input, IteratorExt, Join, Latest, Merge, Ordered, ReadAhead,
    Returned, Rows, ScanStats, Scans, Shared, Source, Stats, Totals, TryAll, TryItem, UntilError,
    ZipLatest, refill,
};
pub use self::engine::{PanicOrigin, ScanId};
#[doc(no_inline)]
pub use self::scan::{Emitter, Scan};
#[cfg(not(any(loom, shuttle)))]
pub use self::threads::Scoped;
pub use self::threads::{Global, Lease, LeaseError, Pool, Threads};

/// The usual imports: `use anabranch::prelude::*`.
pub mod prelude {
    #[doc(no_inline)]
    pub use crate::api::{IteratorExt, refill};
    #[doc(no_inline)]
    pub use crate::branch::Items;
    #[doc(no_inline)]
    pub use crate::scan::{self, BoxScan, Emitter, Scan};
}

/// Makes waits in models return without a notification.
#[cfg(loom)]
#[doc(hidden)]
pub use self::sync::spurious::inject as inject_spurious_wake_ups;

/// Advances the clock of a model by this much each time it is read.
#[cfg(any(loom, shuttle))]
#[doc(hidden)]
pub use self::sync::clock::tick as tick_clock;

/// Lets a model start this many more threads, and then refuses.
#[cfg(any(loom, shuttle))]
#[doc(hidden)]
pub use self::sync::refusals::allow as allow_threads;

/// Runs the examples of the README as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
