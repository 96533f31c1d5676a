//! Runs the scans of [`anabranch`] on [timely dataflow](timely): over many worker threads, processes
//! and machines.
//!
//! It is for programs that have outgrown one machine, and whose scans have not changed. On one
//! machine, use [`anabranch`] alone: it does the same at less cost.
//!
//! ```
//! use anabranch::prelude::*;
//! use anabranch_timely::{Deliver, Order, Scans, Setup, execute, outputs};
//!
//! // `-w`, `-n`, `-p` and `-h` say how many workers and processes there are.
//! let (setup, _rest) = Setup::from_args(std::env::args().take(1))?;
//! let (sink, outputs) = outputs(16);
//! let consumer = std::thread::spawn(move || outputs.collect::<Vec<_>>());
//! execute(&setup, move |job| {
//!     let words = job.source(|| ["the", "cat", "the", "bird"].map(String::from)).stream();
//!     let counts = words.demux(job, Order::Arrival, String::clone, |_| scan::count::<String>());
//!     counts.gather(job, 0).deliver(job, &sink);
//! })?;
//! let mut counts = consumer.join().unwrap();
//! counts.sort_unstable();
//! let counts: Vec<_> = counts.iter().map(|(word, count)| (word.as_str(), *count)).collect();
//! assert_eq!(counts, [("bird", 1), ("cat", 1), ("the", 2)]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it does not promise
//!
//! * **A lost process loses the run.** There is no recovery: all other processes return
//!   [`RunError::Lost`], and the run starts again from its inputs.
//! * **Networks have to be trusted.** Connections have no authentication and no encryption. Whoever
//!   can connect while a run starts can take the place of a process, and what a process sends is
//!   decoded as it comes.
//! * **A step is not interrupted**, nor is the `next` of an input, and no emitter is closed when a
//!   run ends. Dropping a run waits for steps; a run that has failed detaches the workers that are
//!   inside one.
//! * **It is not faster on one machine.** An item costs some 40 nanoseconds on its way to a
//!   scan, and 160 to one in another process, where the core takes a few.
//!
//! # Operations
//!
//! | operation | makes |
//! |---|---|
//! | [`Job::source`] | a stream, from a blocking input of one worker, or of each |
//! | [`distribute`](Scans::distribute) | the outputs of scans that get every item |
//! | [`demux`](Scans::demux) | the outputs of one scan per key, each with the key |
//! | [`fold`](Scans::fold) | the result of each total, at the end |
//! | [`gather`](Deliver::gather) | the same stream, on one worker |
//! | [`deliver`](Deliver::deliver) | an iterator on an ordinary thread |
//!
//! Each has its contract in four lines.
//!
//! # Items
//!
//! What goes to another worker is serde's, as [`ExchangeData`](timely::ExchangeData) says. Between
//! processes it is encoded with bincode, which describes itself nowhere: types with
//! `#[serde(untagged)]`, `skip_serializing_if` and the like cannot be decoded. Within a process
//! nothing is encoded, unless the set-up is [serialised](Setup::serialised): a test with that finds
//! such types early.
//!
//! # Operators of timely's
//!
//! Streams are timely's, in the version that is exported here as [`timely`]: its operators go
//! between these ones.
//!
//! * Some of them, such as `map`, `filter`, `inspect` and `exchange`, do not keep the order in which
//!   batches of an epoch arrive. A scan that needs the order of its items is behind none of them.
//! * One that keeps the capability of an early epoch, such as a total that it emits at the end, keeps
//!   that epoch in flight: the sources wait for it, and it for them, for ever. A scan emits at the
//!   end without that, as in [`fold`](Scans::fold).
//! * One that makes items of its own, such as `(0..).to_stream(scope)`, is not a source of this
//!   crate: nothing bounds it, and a run that is cancelled or dropped waits for its end.
//!
//! # Order
//!
//! A scan sees the items of each source in the order of its input. Of several sources, it sees them
//! as they arrive, or [by epoch](Order::Epoch) and worker.
//!
//! # End
//!
//! When all inputs have ended, every scan is flushed.
//!
//! A source is not pulled any more when all scans that take its items have ended by themselves, on
//! whatever worker:
//!
//! * This is known of scans that take them directly or behind [`gather`](Deliver::gather), by
//!   [`distribute`](Scans::distribute) or [`fold`](Scans::fold). A [`demux`](Scans::demux) may always
//!   get another key, and takes items to the end, as [`deliver`](Deliver::deliver) does.
//! * Timely's operators do not keep a source alive, nor does a `deliver` behind them: it ends with its
//!   scans, even if an `inspect` wants more.
//! * Scans behind an operator of timely's, or in a region, may have the items of any source. They
//!   keep all sources alive until they have ended, and end none. A source without a scan of its own
//!   goes on to the end of its input.
//!
//! When an iterator over outputs or the [`Run`] is dropped, or [`Run::cancel`] is called, all workers
//! of all processes end without a flush. [`Stats::cancelled`] tells such a run from a complete one.
//!
//! # Panics
//!
//! A panic of user code ends the run on all workers. What was emitted before is delivered, if that
//! takes no longer than 0.4 seconds: what is on its way to a worker inside a longer step is dropped.
//! Nothing is flushed. [`Run::join`] returns the payload in the process of the panic, and
//! [`RunError::Lost`] in all others, within a second.
//!
//! The drops of scans, keys and items are user code too; those of items and outputs that are left
//! over at an early end are contained, and not reported. As everywhere in Rust, a drop that panics
//! while another panic unwinds aborts the process. Only timely's own channels and operators drop,
//! clone or serialise several values at a time; those of this crate do it one by one, or rehearse it.
//!
//! # Losses
//!
//! A process that was killed, or whose machine has closed its connections, is noticed at once. A
//! machine that has vanished is noticed when it does not answer the probes of the operating system:
//! after 25 seconds if nothing is being sent to it, and else when the system gives up sending, which
//! takes Linux about 15 minutes. A process that is stopped, or slow, is waited for.
//!
//! # Memory
//!
//! Sources bound what is on the way: [`Source`] has the number of batches. Scans have what they
//! keep, on the worker where they live. At the end, what all scans of a worker emit as they are
//! flushed is in memory at once.
//!
//! # Blocking operations
//!
//! | operation | blocks while |
//! |---|---|
//! | [`spawn`] | processes have not come, up to [`wait_for_peers`](Setup::wait_for_peers) |
//! | [`execute`], [`Run::join`] | the run lasts, also while nobody takes its outputs |
//! | `next` of [`Outputs`] | no output is delivered |
//! | dropping a [`Run`] | a worker of any process is inside a step, or its process is stopped |
//! | dropping [`Outputs`], [`Run::cancel`] | never |
//!
//! # Vocabulary
//!
//! | word | meaning |
//! |---|---|
//! | worker | a thread that runs its share of all operators |
//! | process | a program with some workers; all processes of a run have the same number |
//! | set-up | the workers and processes of a run, and their addresses |
//! | source | an operator that feeds a blocking input into the dataflow |
//! | epoch | the items of one batch of each source, and what becomes of them |
//! | in flight | begun, and not done in every operator on every worker |
//! | lost | of a process: panicked, killed or cut off |

// On docs.rs, what needs a feature says so.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod connect;
mod contain;
mod error;
mod feed;
mod frames;
mod job;
mod link;
mod notice;
mod operators;
mod outlet;
mod outputs;
mod process;
mod run;
mod setup;
mod site;
mod source;
mod stats;

/// Timely dataflow, in the version whose streams these are.
pub use timely;

pub use self::error::{Panicked, RunError, SetupError};
pub use self::job::Job;
pub use self::operators::{Deliver, Order, Scans};
pub use self::outputs::{Outputs, Sink, outputs};
pub use self::run::{Run, execute, spawn};
pub use self::setup::Setup;
pub use self::source::Source;
pub use self::stats::{Stats, WorkerStats};

/// Runs the examples of the README as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
