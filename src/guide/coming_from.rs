//! Coming from rayon, itertools, channels, Streamly or reactive streams: their word, our word, and
//! what differs.
//!
//! # rayon
//!
//! rayon splits the items of *one* computation among threads. Here every item goes to *many*
//! computations, and each sees all items, in order, on one thread.
//!
//! | rayon | here | what differs |
//! |---|---|---|
//! | `par_iter().map(f)` | nothing; use rayon | items that do not depend on each other |
//! | `iter.par_bridge()` | [`fan_out`](crate::IteratorExt::fan_out) | every item goes to every scan, and its order is kept |
//! | `join(a, b)` | [`branch(a).branch(b).join()`](crate::Branches::join) | both are given the items of one input |
//! | `fold(…).reduce(…)` | [`fold`](crate::FanOut::fold) of [totals](crate::scan::Total) | one state per total, so there is nothing to reduce |
//! | `fold` into maps, `reduce` to merge them | [`demux`](crate::FanOut::demux) | a key has one state, on one thread |
//! | `ThreadPool` | [`Pool`](crate::Pool) | a scan has a thread to itself, so it may block |
//! | a panic is resumed in the caller | the same | what was emitted before is delivered first |
//!
//! The two go together: a step or a branch may call rayon for what it does with one item.
//!
//! ```
//! use anabranch::prelude::*;
//! use rayon::prelude::*;
//!
//! let blocks = (0..4_u64).map(|n| vec![n; 1000]);
//! let (count, sum) = blocks.fan_out().fold((
//!     scan::count(),
//!     // One block at a time, and each by all threads of rayon.
//!     scan::sum_by(|block: &Vec<u64>| block.par_iter().sum::<u64>()),
//! ));
//! assert_eq!((count, sum), (4, 6000));
//! ```
//!
//! # itertools
//!
//! | itertools | here | what differs |
//! |---|---|---|
//! | `tee()` | [`branch`](crate::FanOut::branch) twice | on threads; bounded, where `tee` keeps all items between the faster and the slower |
//! | `into_grouping_map_by(key)` | [`demux`](crate::FanOut::demux) | outputs come while the input goes on |
//! | `counts()`, `minmax()` and other consumers | a branch that calls them | several in one pass |
//! | `process_results`, `fold_ok` | [`until_error`](crate::FanOut::until_error) | the same idea, for the whole run |
//! | `merge`, `interleave` | | several inputs; here there is one |
//!
//! A branch has an iterator, so all of itertools works in it:
//!
//! ```
//! use anabranch::prelude::*;
//! use itertools::Itertools as _;
//!
//! let (range, steps) = [3, 1, 4, 1, 5]
//!     .into_iter()
//!     .fan_out()
//!     .branch(|items| items.cloned().minmax().into_option())
//!     .branch(|items| items.cloned().tuple_windows().filter(|(a, b)| a < b).count())
//!     .join();
//! assert_eq!((range, steps), (Some((1, 5)), 2));
//! ```
//!
//! # Threads and channels by hand
//!
//! | crossbeam-channel, std | here | what differs |
//! |---|---|---|
//! | a thread and a bounded channel for each consumer | a scan, or a branch | threads are reused |
//! | `Arc<Vec<T>>`, sent to each | a batch | its length adapts; items need no `Clone` |
//! | `drop(sender)` | Stop | behind the last item; then the scan is flushed |
//! | `send` fails | a scan that has ended | it is sent no more; the others go on |
//! | `select!` over the results | `next` of the run | any number of scans, and none starves |
//! | `bounded(n)` | [`input_capacity`](crate::FanOut::input_capacity), [`output_capacity`](crate::FanOut::output_capacity) | in batches |
//! | `handle.join()`, with a panic as its `Err` | the end of the run, with a panic in the caller | the run says which scan it was |
//! | a flag that says stop | [`Control`](crate::Control) | it also wakes threads that wait |
//!
//! The first half is a program with channels. If `evens` ends early, so does the loop, with an
//! error; if the threads sent their results through bounded channels that are read after the loop,
//! it would deadlock. The second half does neither:
//!
//! ```
//! use std::{sync::mpsc, thread};
//! use anabranch::prelude::*;
//!
//! let (to_all, all) = mpsc::sync_channel::<u32>(8);
//! let (to_evens, evens) = mpsc::sync_channel::<u32>(8);
//! let all = thread::spawn(move || all.into_iter().sum::<u32>());
//! let evens = thread::spawn(move || evens.into_iter().filter(|n| n % 2 == 0).count());
//! for n in 0..100 {
//!     to_all.send(n)?;
//!     to_evens.send(n)?;
//! }
//! drop((to_all, to_evens));
//! let by_hand = (all.join().unwrap(), evens.join().unwrap());
//!
//! let ours = (0..100)
//!     .fan_out()
//!     .branch(|all| all.cloned().sum::<u32>())
//!     .branch(|evens| evens.filter(|n| **n % 2 == 0).count())
//!     .join();
//! assert_eq!(ours, by_hand);
//! # Ok::<(), mpsc::SendError<u32>>(())
//! ```
//!
//! # Streamly
//!
//! The idea to distribute a stream to scans is that of
//! [`parDistributeScan`](https://hackage.haskell.org/package/streamly/docs/Streamly-Data-Scanl-Prelude.html).
//!
//! | Streamly | here | what differs |
//! |---|---|---|
//! | `Scanl m a b` | [`Scan<T>`](crate::Scan) | any number of outputs for an item, and a flush that may emit |
//! | `Fold m a b` | [a total](crate::scan::Total) | |
//! | `parDistributeScan` | [`distribute`](crate::FanOut::distribute) | single outputs with the id of their scan, where Streamly has lists without |
//! | `parDistributeScanM` | [`dynamic`](crate::FanOut::dynamic), [`Adder`](crate::Adder) | asked before each batch, not each item; without scans a run ends, unless it [discards](crate::FanOut::discard_without_scans) |
//! | `parTeeWith f` | [`zip_latest`](crate::FanOut::zip_latest) | more than two scans; they work ahead of each other, and only the rows are item by item |
//! | `parDemuxScan` | [`demux`](crate::FanOut::demux) | keys share a fixed number of threads; the scan of a key that has ended starts anew |
//! | `maxBuffer` | [`input_capacity`](crate::FanOut::input_capacity), [`output_capacity`](crate::FanOut::output_capacity) | in batches, and in both directions |
//! | `scanl'` | [`scan::scan`](crate::scan::scan), or [`running`](crate::scan::Fold::running) | no output before the first item |
//!
//! ```
//! use anabranch::prelude::*;
//!
//! // Scans that end early: the sum and the number of the first five items.
//! let sum = scan::sum::<i32, i32>().running().take(5);
//! let length = scan::scan(0, |n, _: &i32| { *n += 1; Some(*n) }).take(5);
//! let outputs = (1..=10).fan_out().ordered((sum, length));
//! let outputs: Vec<_> = outputs.map(|(id, x)| (id.index(), x)).collect();
//! assert_eq!(outputs[..4], [(0, 1), (1, 1), (0, 3), (1, 2)]);
//! assert_eq!(outputs[8..], [(0, 15), (1, 5)]);
//! ```
//!
//! # Reactive streams
//!
//! | reactive streams | here | what differs |
//! |---|---|---|
//! | `Publisher` | the input | it is pulled; it never pushes |
//! | `Subscriber`: `onNext`, `onComplete` | [`step`](crate::Scan::step), [`flush`](crate::Scan::flush) | |
//! | `onError` | [`until_error`](crate::FanOut::until_error) | the scans are flushed, and the error comes last |
//! | `request(n)` | a bounded channel | nobody counts: a full channel holds its sender back |
//! | `cancel()` of one | a `Break` from its step, [`stop_scan`](crate::Control::stop_scan) | |
//! | `cancel()` of all | dropping the run, [`abort`](crate::Control::abort) | a drop returns when every thread has left |
//! | `Processor` | [`then`](crate::Scan::then), or a run over the outputs of a run | on the same thread, or on others |
//! | `publish`, `share`, multicasting | [`fan_out`](crate::IteratorExt::fan_out) | the subscribers are known before the first item, or [added](crate::Adder) |
//! | `merge` | [`distribute`](crate::FanOut::distribute) | |
//! | `combineLatest` | [`zip_latest`](crate::FanOut::zip_latest) | one row for each item, not for each output: the same on every run |
//! | `groupBy` | [`demux`](crate::FanOut::demux) | |
//! | `observeOn`, `publishOn` | [`read_ahead`](crate::FanOut::read_ahead) | scans have threads in any case |
//! | a hot source | a channel, [read ahead](crate::FanOut::read_ahead) | the channel decides what is lost when it is full |
//!
//! A subscriber becomes a scan almost word for word:
//!
//! ```
//! use std::ops::ControlFlow;
//! use anabranch::prelude::*;
//!
//! #[derive(Default)]
//! struct Average {
//!     sum: f64,
//!     count: u32,
//! }
//!
//! impl Scan<f64> for Average {
//!     type Output = f64;
//!
//!     // onNext, without `request(1)`.
//!     fn step(&mut self, item: &f64, _: &mut Emitter<'_, f64>) -> ControlFlow<()> {
//!         self.sum += item;
//!         self.count += 1;
//!         ControlFlow::Continue(())
//!     }
//!
//!     // onComplete, with one last onNext downstream.
//!     fn flush(&mut self, out: &mut Emitter<'_, f64>) {
//!         out.emit(self.sum / f64::from(self.count));
//!     }
//! }
//!
//! let outputs = [1.0, 2.0, 6.0].into_iter().fan_out().distribute([Average::default()]);
//! assert_eq!(outputs.map(|(_, average)| average).collect::<Vec<_>>(), [3.0]);
//! ```
