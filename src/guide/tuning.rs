//! Tuning: what each setting costs and gains.
//!
//! Most runs need no setting. By default, batches adapt to the slowest of the input, the scans and
//! the consumer, and small items take at most 1.25 MiB, small outputs nearly as much for each scan.
//! There are four reasons to set something:
//!
//! | I want | set |
//! |---|---|
//! | less memory: items are big behind a pointer | [`item_bytes`](crate::FanOut::item_bytes), [`output_bytes`](crate::FanOut::output_bytes) |
//! | to take no more from the input than is needed | [`batch`](crate::FanOut::batch) and [`input_capacity`](crate::FanOut::input_capacity) |
//! | a scan that is slow now and then not to hold back the rest | a larger [`input_capacity`](crate::FanOut::input_capacity) |
//! | a stop or an abort to take effect sooner | a smaller [`output_capacity`](crate::FanOut::output_capacity) |
//!
//! Two more are not settings but other inputs: [`read_ahead`](crate::FanOut::read_ahead) for
//! outputs while the input waits, and [`refill`](crate::refill) to allocate nothing for an item.
//!
//! The figures are from the repository's `benches/README.md`: two cores, nanoseconds per item and
//! scan, `cargo bench --bench compare`. Measure yours.
//!
//! # Capacity: how many batches wait
//!
//! [`input_capacity`](crate::FanOut::input_capacity) is how far a scan may fall behind before the
//! input is held back: 8 batches by default. It evens out scans that are slow in turns. A scan that
//! is slower than the others all the time fills any capacity; more gains nothing then.
//! [`output_capacity`](crate::FanOut::output_capacity) is the same on the way back.
//!
//! What they cost is memory. A run holds at most `input_capacity + 2` batches of items, for all
//! scans together, since batches are shared; and `output_capacity + 1` batches of outputs for each
//! scan, and one at the consumer. They also cost delay: an abort or an added scan takes effect after
//! at most `output_capacity + 2` batches of outputs per scan, and a stop also after the items that
//! were pulled before it.
//!
//! # Batch: how many items at once
//!
//! Threads hand each other batches, because a hand-over costs more than a short step. By default a
//! batch grows until it takes the slowest party about 200 µs, up to 8192 values or 128 KiB. With
//! four trivial scans that comes to 0.74 ns per item and scan. In the same bench, a loop that sends
//! the items through bare channels one by one takes 78 ns. So [`batch(1)`](crate::FanOut::batch) is
//! for items with microseconds of work each, and for inputs from which few may be taken in vain.
//!
//! A fixed length is a promise about the input: when all scans have ended by themselves, fewer than
//! `(input_capacity + 2) × batch` items were pulled beyond the last one that a scan took.
//!
//! ```
//! use anabranch::prelude::*;
//!
//! let mut pulled = 0;
//! let tickets = (1..).inspect(|_| pulled += 1);
//! let first = tickets.fan_out().batch(4).input_capacity(1).distribute([scan::take(1)]);
//! assert_eq!(first.map(|(_, ticket)| ticket).collect::<Vec<_>>(), [1]);
//! assert!(pulled < 1 + (1 + 2) * 4);
//! ```
//!
//! A batch of fixed length is sent when it is full, however long the input takes. For a slow input,
//! set batches of one, leave the length alone, or [read ahead](crate::FanOut::read_ahead).
//!
//! # Bytes: what the type does not show
//!
//! 128 KiB are measured by the size of the type. A `Vec<u8>` has 24 bytes, whatever it holds, so a
//! batch may have 5461 of them, which is 341 MiB if each holds 64 KiB and the input is fast enough
//! to make them in 200 µs. [`item_bytes`](crate::FanOut::item_bytes) says how big an item is in
//! truth. It costs shorter batches, which for items of that size is nothing.
//!
//! ```
//! use std::sync::Arc;
//! use anabranch::prelude::*;
//!
//! let alive = Arc::new(());
//! let mut most = 0;
//! let blocks = (0..200).map(|_| {
//!     // Every block holds a share.
//!     most = most.max(Arc::strong_count(&alive));
//!     (vec![0_u8; 64 << 10], Arc::clone(&alive))
//! });
//! let bytes = scan::sum_by(|(block, _): &(Vec<u8>, Arc<()>)| block.len());
//! let (total,) = blocks.fan_out().item_bytes(64 << 10).input_capacity(1).fold((bytes,));
//! assert_eq!(total, 200 << 16);
//! // Three batches of two blocks, 384 KiB.
//! assert!(most <= 3 * 2);
//! ```
//!
//! # Reading ahead: a thread for the input
//!
//! [`read_ahead`](crate::FanOut::read_ahead) gains that reading overlaps with consuming, and that
//! outputs arrive while the input waits: half of them within 15 µs of their item. It costs a
//! thread, and about 10 ns per item, whatever the number of scans: 4.1 in place of 0.93 ns per item
//! and scan with four trivial scans. With a microsecond of work per item that is 1 %.
//!
//! # Refilling: no allocation for an item
//!
//! A line is allocated where it is read, and freed by the last scan that uses it, on another
//! thread: that is slow. [`refill::lines`](crate::refill::lines) overwrites old
//! lines: 39 in place of 148 ns per line with two scans, where the loop that allocates takes 68. It
//! costs that items keep their memory until the run ends.
//!
//! ```
//! use std::io::BufRead;
//! use anabranch::prelude::*;
//!
//! let text = "to be\nor not\nto be\n";
//! let letters = || scan::sum_by(|line: &String| line.len());
//! let anew = text.as_bytes().lines().fan_out().until_error().fold((scan::count(), letters()))?;
//! let again = refill::lines(text.as_bytes()).fan_out().fold((scan::count(), letters()))?;
//! assert_eq!((anew, again), ((3, 16), (3, 16)));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Threads: as many as there are scans
//!
//! Every scan has a thread while it lives, and so has an input that is read ahead. There is nothing
//! to set: the operating system shares out the processors, and a scan that waits costs none. The
//! cost per item and scan stays the same from 8 scans to 1000 (0.90 and 0.78 ns).
//!
//! Threads are reused. A run of two scans over ten items takes 17 µs on warm threads, where
//! spawning and joining two takes 74 µs. A thread of another [name](crate::FanOut::thread_name) or
//! [stack size](crate::FanOut::stack_size) is another thread, so give all runs the same.
//! [`Pool::with_max_threads`](crate::Pool::with_max_threads) bounds them, and a
//! [lease](crate::Pool::lease) makes too few threads an error that one can handle:
//!
//! ```
//! use anabranch::{Pool, prelude::*};
//!
//! let pool = Pool::with_max_threads(2);
//! // Two scans, and the input: three threads.
//! assert!(pool.lease(3).is_err());
//! let run = (1..=4).fan_out().on(pool.lease(2)?);
//! assert_eq!(run.fold((scan::count(), scan::sum::<i32, i32>())), (4, 10));
//! # Ok::<(), anabranch::LeaseError>(())
//! ```
//!
//! How many scans should share the work of one? [`demux`](crate::FanOut::demux) takes a thread per
//! processor; [`demux_over`](crate::FanOut::demux_over) sets the number.
//!
//! # What the rest costs
//!
//! | what | cost |
//! |---|---|
//! | a [`Control`](crate::Control) | the input is pulled item by item, with a look at a flag after each: 1.3 in place of 0.93 ns with four trivial scans, 5.5 in place of 1.2 with one |
//! | [`ordered`](crate::FanOut::ordered) | 2 to 3 % at 100 ns of work per item and scan; 7.3 in place of 5.0 ns at 5 ns |
//! | [`zip_latest`](crate::FanOut::zip_latest) | 2 to 9 % at 100 ns of work; 6.4 in place of 5.0 ns at 5 ns |
//! | [`demux`](crate::FanOut::demux) | every shard calls the key for every item; 10 to 20 ns per item without other work |
//! | an output for each item | about 1 ns, with up to eight scans; a total has one output |
