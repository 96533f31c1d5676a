//! Branches: ordinary code over an iterator of the items, each on a thread of its own.
//!
//! A branch is a closure that takes [`Items`], a blocking iterator, and returns a result
//! ([`join`](crate::Branches::join)) or an iterator of outputs ([`merge`](crate::Branches::merge)).
//! Whatever consumes an iterator, or [reads bytes](Items::reader), can be a branch.
//!
//! ```
//! use anabranch::prelude::*;
//!
//! let lines = ["to be", "or not", "to be"];
//! let (count, longest) = lines
//!     .into_iter()
//!     .fan_out()
//!     .branch(|lines| lines.count())
//!     .branch(|lines| lines.map(|line| line.len()).max())
//!     .join();
//! assert_eq!((count, longest), (3, Some(6)));
//! ```
//!
//! # A branch or a scan?
//!
//! A branch pulls its items, so it keeps its state in local variables, loops over several items at
//! once, and calls what takes an iterator or a reader. A [scan](crate::Scan) is given its items
//! one by one. It costs less per item, and only scans can be [keyed](crate::FanOut::demux) and
//! [aligned](crate::FanOut::ordered).
//!
//! # Items
//!
//! The items are shared by all branches, so a branch gets [handles](Handle): `item.len()` calls
//! the item's method, `*item` is the item, `**item` behind the reference that `filter` lends.
//! [`Items::cloned`] gives values, [`Items::next_slice`] lends slices.
//!
//! A handle lives in the closure that takes it, so an adaptor cannot return what borrows from the
//! item: a loop can use it, or the adaptor returns owned values.
//!
//! ```
//! use anabranch::prelude::*;
//!
//! let lines = ["to be", "or not", "to be"].map(String::from).into_iter();
//! let (words, distinct) = lines
//!     .fan_out()
//!     .branch(|lines| lines.map(|line| line.split(' ').count()).sum::<usize>())
//!     .branch(|lines| {
//!         let mut distinct = std::collections::BTreeSet::new();
//!         for line in lines {
//!             distinct.extend(line.split(' ').map(str::to_owned));
//!         }
//!         distinct.len()
//!     })
//!     .join();
//! assert_eq!((words, distinct), (6, 4));
//! ```
//!
//! `Items` stay on the thread of their branch. A run that a branch starts over them pulls them on
//! this thread, and its outputs come when the items do.
//!
//! A branch that holds its `Items` and does not pull holds the run back, as a slow scan does. One
//! that needs no more items but goes on computing should drop them.
//!
//! # The end of a run
//!
//! The iterator ends when the input does, when the run is [stopped](crate::Control::stop), and when
//! it is aborted: by [`Control::abort`](crate::Control::abort), by a panic elsewhere, or by a drop.
//! The code after the loop runs in all cases. An [`AbortToken`] says whether items are missing,
//! because of an abort, or of an error of the input: whoever renames a finished file asks it first.
//! Dropping a run waits until each closure has returned, so one that computes for long after its
//! items have ended should ask, too.
//!
//! In ids, names, statistics and requests, a branch counts as a scan.
//!
//! Branches must not wait for each other, through a channel of their own for example: one of them
//! may be held back because the other does not pull.

mod drive;
mod feed;
mod handle;
mod items;
mod reader;

pub(crate) use self::drive::BoxBranch;
pub use self::handle::{Handle, SharedHandle};
pub use self::items::{AbortToken, Cloned, Items};
pub use self::reader::Reader;
