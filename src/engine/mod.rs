//! The engine: one manager, one thread per scan, bounded channels both ways.
//!
//! ```text
//!           Feeder                                        Manager
//!  input ──► Feed ──Batch│Batch│Stop──► scan thread 0 ──outputs──┐
//!             ▲      bounded channels      …                     ├──► Lanes::collect ──► consumer
//!             └───────── Doorbell ◄── ring ───────────────────┘
//!            Feed ──Batch│Batch│Stop──► scan thread N
//! ```
//!
//! In reading order: [`message`] and [`batch`] are what travels; [`doorbell`] is
//! where the near side sleeps, [`events`] are what it is told beside outputs, and [`run`] is
//! what all threads of a run share; [`inlet`], [`outlet`] and [`scan_thread`] are the far
//! side, with [`exit_guard`] the one way out of it; on the near side [`feed`] is what goes to
//! the scans, [`feeder`] who sees to that, on the consumer's thread ([`pull`]) or on one of
//! its own ([`ahead`], with batches that are [`growing`]); [`look`], [`lanes`], [`turns`] and
//! [`manager`] are what comes back; [`batch_size`], [`pace`] and [`consumer`] say how much is
//! sent at once; [`contain`] and [`first_panic`] are where panics go; [`meter`] is what all
//! count of themselves; [`start`] and [`entrance`] put a run together and add to it.
//!
//! Architecture invariant: nothing here knows what a scan computes, or which
//! public iterator it serves, and nothing here runs user code under a lock.

mod ahead;
mod batch;
mod batch_size;
mod consumer;
mod contain;
mod doorbell;
mod entrance;
mod events;
mod exit_guard;
mod feed;
mod feeder;
mod first_panic;
mod growing;
mod inlet;
mod lanes;
mod look;
mod manager;
mod message;
mod meter;
mod outlet;
mod pace;
mod pull;
mod run;
mod scan_thread;
mod start;
mod turns;

pub(crate) use self::ahead::Ahead;
pub(crate) use self::batch::Outputs;
pub(crate) use self::batch_size::BatchSize;
pub(crate) use self::contain::{
    InHand, Payload, contain, contain_drop, discard, drop_each, keep_first,
};
pub(crate) use self::entrance::Entrance;
pub(crate) use self::feed::Feed;
pub(crate) use self::feeder::{Feeder, Left};
pub(crate) use self::manager::Manager;
pub(crate) use self::meter::{Meter, Timesheet, manager_does, scan_does};
pub(crate) use self::outlet::{Kept, Outlet};
pub(crate) use self::pull::Pull;
pub(crate) use self::run::{Request, Run};
pub(crate) use self::start::Dispatch;
pub(crate) use self::start::Ready;
