//! A guide, by what one wants to do.
//!
//! | question | page |
//! |---|---|
//! | I have a stream and several things to compute from it. What do I call? | [Choosing](choosing) |
//! | It works. Would it be faster, or take less memory, with other settings? | [Tuning](tuning) |
//! | It is slower than I expected. Who waits for whom? | [When it is slow](slow) |
//! | How do I test what I have written, without threads and without luck? | [Testing your scans](testing) |
//! | I know rayon, itertools, channels, Streamly or reactive streams. What is different? | [Coming from](coming_from) |
//!
//! There is nothing here but text and examples. The words are those of the
//! [vocabulary](crate#vocabulary), and the documentation of each verb has its contract.

pub mod choosing;
pub mod coming_from;
pub mod slow;
pub mod testing;
pub mod tuning;
