//! The implementations that are compared, a file each.
//!
//! All have the same shape. `fold` gives every item to every scan and returns
//! what each scan ends with. `outputs` gives every item to every scan, and every
//! state of every scan to a consumer on the caller's thread, one by one.
//!
//! Each peer is used as well as we can: warm threads where it does not bring its
//! own, waits that suit a machine with fewer cores than threads, and settings
//! that were chosen by measurement.

pub(crate) mod bare_batches;
pub(crate) mod bus;
pub(crate) mod channels;
pub(crate) mod disruptor;
pub(crate) mod ours;
pub(crate) mod rayon;
pub(crate) mod sequential;
