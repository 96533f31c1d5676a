//! Choosing: which verb gives what I want.
//!
//! | I want | take |
//! |---|---|
//! | several results at the end, from code that loops over the items | [`branch`](crate::FanOut::branch)…[`join`](crate::Branches::join) |
//! | several results at the end, each a line of code (a count, a sum, a maximum) | [`fold`](crate::FanOut::fold) |
//! | outputs while the items come, from whichever scan has one | [`distribute`](crate::FanOut::distribute), or [`merge`](crate::Branches::merge) for branches |
//! | the same outputs in the same order on every run | [`ordered`](crate::FanOut::ordered) |
//! | one row for each item, with the latest value of everything | [`zip_latest`](crate::FanOut::zip_latest) |
//! | a count, a file or a state for each user, host or word | [`demux`](crate::FanOut::demux) |
//! | to begin another computation while the run goes on | [`Adder`](crate::Adder), or [`dynamic`](crate::FanOut::dynamic) |
//! | to end at the first error | [`try_join`](crate::Branches::try_join), [`try_fold`](crate::FanOut::try_fold); for an error of the input [`until_error`](crate::FanOut::until_error) |
//! | outputs while the input waits: a socket, a growing file | [`read_ahead`](crate::FanOut::read_ahead) before any verb |
//! | lines, blocks or records without an allocation for each | [`refill`](crate::refill) in place of an iterator |
//! | items or scans that borrow | [`on(scope)`](crate::FanOut::on), or [`scoped`](crate::FanOut::scoped) before a `fold` or a `join` |
//! | no more threads than a number, or an error if they are not there | [`Pool`](crate::Pool), [`lease`](crate::Pool::lease) |
//!
//! All rows combine: the input, the threads and the settings come before the verb, in any order.
//!
//! # Several results from one pass
//!
//! There are two ways. A **branch** is a closure over an iterator. It keeps its state in local
//! variables, looks at several items at once, and calls whatever takes an iterator or a reader. A
//! **scan** is given the items one by one, which costs less for each. Take a scan where one of
//! [`scan`](crate::scan) says it in a line, and a branch for everything else; a run can have both.
//!
//! ```
//! use anabranch::prelude::*;
//!
//! let temperatures = [20.5, 21.0, 19.5, 22.0, 18.0];
//! let (count, highest, steepest) = temperatures
//!     .into_iter()
//!     .fan_out()
//!     .scan(scan::count())
//!     .scan(scan::max_by(f64::total_cmp))
//!     .branch(|items| {
//!         // Two items at once: a loop says it better.
//!         let mut steepest = 0.0_f64;
//!         let mut before = None;
//!         for item in items.cloned() {
//!             steepest = before.map_or(steepest, |before: f64| steepest.max((item - before).abs()));
//!             before = Some(item);
//!         }
//!         steepest
//!     })
//!     .join();
//! assert_eq!((count, highest, steepest), (5, Some(22.0), 4.0));
//! ```
//!
//! With scans alone, [`fold`](crate::FanOut::fold) is shorter:
//!
//! ```
//! use anabranch::prelude::*;
//!
//! let (count, sum) = (1..=100).fan_out().fold((scan::count(), scan::sum::<i32, i32>()));
//! assert_eq!((count, sum), (100, 5050));
//! ```
//!
//! # Outputs as they come
//!
//! `distribute` returns an iterator. Each output has the id of its scan, and those of one scan are
//! in order; which scan comes first is not the same on every run.
//!
//! ```
//! use anabranch::prelude::*;
//!
//! let mut counts = [0, 0];
//! let long = scan::filter(|word: &&str| word.len() > 2);
//! let short = scan::filter(|word: &&str| word.len() <= 2);
//! for (id, _) in "to be or not to be".split(' ').fan_out().distribute((long, short)) {
//!     counts[id.index()] += 1;
//! }
//! assert_eq!(counts, [1, 5]);
//! ```
//!
//! Where the order matters, for a file that is compared with another or a test that lists what it
//! expects, call `ordered` instead. It holds back who is ahead, and costs 2 to 3 % with 100 ns of
//! work per item and scan; with 5 ns it costs nearly half as much again
//! (the repository's `benches/README.md`).
//!
//! ```
//! use anabranch::prelude::*;
//!
//! let doubled = scan::map(|x: &i32| 2 * x);
//! let outputs = (1..=2).fan_out().ordered((scan::cloned(), doubled));
//! assert_eq!(outputs.map(|(_, x)| x).collect::<Vec<_>>(), [1, 2, 2, 4]);
//! ```
//!
//! # One row for each item
//!
//! `zip_latest` puts the latest output of every scan in one row, item by item. A scan that emits
//! only at the end has no output for any item; its [`running`](crate::scan::Fold::running) form
//! has.
//!
//! ```
//! use anabranch::prelude::*;
//!
//! let rows = [3, 1, 4].into_iter().fan_out().zip_latest((
//!     scan::cloned(),
//!     scan::sum::<i32, i32>().running(),
//!     scan::max().running(),
//! ));
//! assert_eq!(rows.collect::<Vec<_>>(), [(3, 3, 3), (1, 4, 3), (4, 8, 4)]);
//! ```
//!
//! # A state for each key
//!
//! `demux` makes a scan for each key as it first occurs, and spreads the keys over a fixed number
//! of threads. The scan of a key sees the items of this key, in order.
//!
//! ```
//! use std::collections::BTreeMap;
//! use anabranch::prelude::*;
//!
//! let requests = [("alice", 200), ("bob", 404), ("alice", 500), ("bob", 404)];
//! let failures = requests.into_iter().fan_out().demux(
//!     |(user, _)| *user,
//!     |_| scan::count().filter_input(|(_, status): &(&str, u16)| *status >= 400),
//! );
//! assert_eq!(failures.collect::<BTreeMap<_, _>>(), BTreeMap::from([("alice", 1), ("bob", 2)]));
//! ```
//!
//! On two processors it is ahead of a loop with a `HashMap` from about 50 ns of work per item on, if
//! keys are numbers. If they are text, [`demux_ref`](crate::FanOut::demux_ref) borrows them, and is
//! ahead from about 100 ns on. To count words, the loop is faster.
//!
//! # Computations that come and go
//!
//! An `Adder` adds a scan from any thread and at any time: it sees the items that are pulled from
//! then on. `dynamic` asks a closure before each batch of items; take it where the input itself
//! decides what is computed. [`Control::stop_scan`](crate::Control::stop_scan) ends a scan.
//!
//! ```
//! use anabranch::prelude::*;
//!
//! let mut run = (1_u64..).fan_out().distribute([scan::cloned()]);
//! assert_eq!(run.next().map(|(_, x)| x), Some(1));
//! let added = run.adder().add(scan::cloned())?;
//! // What was pulled before is not for the added scan.
//! let first = run.find(|(id, _)| *id == added);
//! assert!(first.is_some_and(|(_, x)| x > 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # An input that waits
//!
//! By default the input is pulled inside the run's `next`. So outputs that become ready while a
//! socket or a pipe has nothing wait until it has something. With `read_ahead` the input has a
//! thread of its own, and must be `Send`.
//!
//! ```
//! use std::sync::mpsc;
//! use anabranch::prelude::*;
//!
//! let (lines, source) = mpsc::channel();
//! let length = scan::map(|line: &&str| line.len());
//! let mut lengths = source.into_iter().fan_out().read_ahead().distribute([length]);
//! lines.send("to be")?;
//! // The source is open, and waits for the second line.
//! assert_eq!(lengths.next().map(|(_, length)| length), Some(5));
//! drop(lines);
//! assert_eq!(lengths.next(), None);
//! # Ok::<(), mpsc::SendError<&str>>(())
//! ```
//!
//! # Something else
//!
//! * **One** computation over items that do not depend on each other, on all processors: that is
//!   [rayon](https://docs.rs/rayon).
//! * Next to no work per item: a plain loop over the items and, inside, the computations. Handing an
//!   item to a scan costs 0.7 ns.
//! * One scan, and an input that costs nothing: its thread does what the loop would have done.
//! * An async program: the threads of a run block. Start the run on a thread of its own and send
//!   its outputs through a channel of the async library.
//! * More than one machine: the crate `anabranch-timely` takes the same
//!   scans.
