//! Testing your scans: on one thread first, then in a run.
//!
//! A scan is a value with two methods, and nothing in it knows of threads. So nearly everything can
//! be tested without any, and each test gives the same result every time.
//!
//! | I want to test | with |
//! |---|---|
//! | what a scan computes | [`Scan::apply`](crate::Scan::apply) |
//! | when it emits, and when it ends | [an `Emitter` over a vector](#step-by-step) |
//! | that it agrees with a simpler way to say it | [any items](#against-something-simpler), and a second opinion |
//! | a closure over [`Items`](crate::branch::Items) | [a function over any iterator](#branches) |
//! | how it behaves in a run | [`ordered`](crate::FanOut::ordered), small [`batch`](crate::FanOut::batch)es, and [items sent by hand](#in-a-run-without-a-sleep) |
//!
//! # What it computes
//!
//! `apply` steps over all items, flushes, and returns what was emitted. A run gives the same, in
//! the same order: this is what the crate promises, and tests for itself.
//!
//! ```
//! use anabranch::prelude::*;
//!
//! let loud = scan::map(|word: &&str| word.to_uppercase()).filter(|word| word.len() > 2).take(2);
//! assert_eq!(loud.apply(["to", "the", "point", "please"]), ["THE", "POINT"]);
//! // No items, no outputs: the case that is forgotten.
//! assert_eq!(scan::max::<i32>().apply([]), []);
//! ```
//!
//! # Step by step
//!
//! To see what a scan emits for one item, or that it emits nothing before the flush, step it by
//! hand. `Break` means that it has ended: then it is given no further item, and is not flushed.
//!
//! ```
//! use std::ops::ControlFlow;
//! use anabranch::prelude::*;
//!
//! /// Emits pairs of items, and at the end the one that is left over.
//! struct Pairs(Option<i32>);
//!
//! impl Scan<i32> for Pairs {
//!     type Output = Vec<i32>;
//!
//!     fn step(&mut self, item: &i32, out: &mut Emitter<'_, Vec<i32>>) -> ControlFlow<()> {
//!         match self.0.take() {
//!             Some(first) => out.emit(vec![first, *item]),
//!             None => self.0 = Some(*item),
//!         }
//!         ControlFlow::Continue(())
//!     }
//!
//!     fn flush(&mut self, out: &mut Emitter<'_, Vec<i32>>) {
//!         if let Some(left) = self.0.take() {
//!             out.emit(vec![left]);
//!         }
//!     }
//! }
//!
//! let mut pairs = Pairs(None);
//! let mut outputs = Vec::new();
//! assert!(pairs.step(&1, &mut Emitter::from(&mut outputs)).is_continue());
//! // Not yet: the pair is not complete.
//! assert!(outputs.is_empty());
//! assert!(pairs.step(&2, &mut Emitter::from(&mut outputs)).is_continue());
//! assert_eq!(outputs, [[1, 2]]);
//! // And nothing is left over.
//! pairs.flush(&mut Emitter::from(&mut outputs));
//! assert_eq!(outputs, [[1, 2]]);
//! assert_eq!(Pairs(None).apply([1, 2, 3]), [vec![1, 2], vec![3]]);
//! ```
//!
//! # Against something simpler
//!
//! For most scans there is a loop, or a chain of iterator adaptors, that says the same for a whole
//! list. [proptest](https://docs.rs/proptest) makes lists, and shrinks the one on which the two
//! disagree. Let it make short ones with few different values: equal neighbours, single items and
//! no items are where faults are.
//!
//! ```
//! use anabranch::prelude::*;
//! use proptest::prelude::*;
//!
//! // Emits an item when it differs from the one before it.
//! let changes = || {
//!     scan::scan(None, |before, item: &u8| Some((before.replace(*item) != Some(*item)).then_some(*item)))
//!         .filter(Option::is_some)
//!         .map(|changed| changed.expect("only those were kept"))
//! };
//! let items = proptest::collection::vec(0..3_u8, 0..20);
//! let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
//! proptest!(config, |(items in items, batch in 1..5_usize)| {
//!     let mut expected = items.clone();
//!     expected.dedup();
//!     prop_assert_eq!(changes().apply(items.iter().copied()), expected.clone());
//!     // And in a run, however the items are cut into batches.
//!     let run = items.into_iter().fan_out().batch(batch).distribute([changes()]);
//!     prop_assert_eq!(run.map(|(_, item)| item).collect::<Vec<_>>(), expected);
//! });
//! ```
//!
//! The batches matter if the scan has a [`step_batch`](crate::Scan::step_batch) of its own: that is
//! what a run calls, and what `apply` does not. Without one, `apply` is enough.
//!
//! Two more habits. A step asks neither the clock nor its thread: what it needs comes with the
//! item. And a scan that is made of stock scans is tested as a whole, since those are tested in
//! this crate.
//!
//! # Branches
//!
//! [`Items`](crate::branch::Items) exist in runs alone. What a branch does is better written as a
//! function over any iterator, which a test calls with a vector. Handles dereference to the item,
//! and so do references:
//!
//! ```
//! use std::ops::Deref;
//! use anabranch::prelude::*;
//!
//! fn words(lines: impl Iterator<Item: Deref<Target = String>>) -> usize {
//!     lines.map(|line| line.split_whitespace().count()).sum()
//! }
//!
//! let lines = ["to be", "", "or  not"].map(String::from);
//! assert_eq!(words(lines.iter()), 4);
//! assert_eq!(lines.into_iter().fan_out().branch(|lines| words(lines)).join(), (4,));
//! ```
//!
//! # In a run, without a sleep
//!
//! What depends on the order of threads is compared as a set, or the test calls
//! [`ordered`](crate::FanOut::ordered), whose sequence is the same every time. Where the moment
//! matters, send the items by hand: read ahead from a channel, and each output is there before the
//! next item is sent. Nothing has to sleep, and nothing can be too slow.
//!
//! ```
//! use std::sync::mpsc;
//! use anabranch::{Control, prelude::*};
//!
//! let (items, source) = mpsc::channel();
//! let control = Control::new();
//! let run = source.into_iter().fan_out().read_ahead().control(&control);
//! let mut sums = run.distribute([scan::sum::<i32, i32>().running()]);
//! items.send(3)?;
//! assert_eq!(sums.next().map(|(_, sum)| sum), Some(3));
//! items.send(4)?;
//! assert_eq!(sums.next().map(|(_, sum)| sum), Some(7));
//! // No third item: the run is stopped here and nowhere else.
//! control.stop();
//! assert_eq!(sums.next(), None);
//! assert_eq!(control.stats().scans[0].items, 2);
//! # Ok::<(), mpsc::SendError<i32>>(())
//! ```
//!
//! A panic of a scan is tested as any other: [`catch_unwind`](std::panic::catch_unwind) around the
//! run, then [`panicked`](crate::Distribute::panicked) for whose it was. Steps that may fail in
//! ways that you expect are better [totals with a `Result`](crate::scan::try_fold), which need no
//! unwinding.
