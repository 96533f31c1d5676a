//! The engine: one manager, one thread per scan, bounded channels both ways.
//!
//! ```text
//!  input ──► Manager ──Batch│Batch│Stop──► scan thread 0 ──outputs──┐
//!               │  ▲    bounded channels      …                     ├──► Lanes::collect ──► consumer
//!               │  └────────── Doorbell ◄── ring ───────────────────┘
//!               └─────Batch│Batch│Stop──► scan thread N
//! ```
//!
//! In reading order: [`message`] and [`batch`] are what travels; [`doorbell`] is
//! where the manager sleeps; [`run`] is what all threads of a run share;
//! [`inlet`], [`outlet`] and [`scan_thread`] are the far side, with [`exit_guard`] the one
//! way out of it; [`lanes`] and [`manager`] are the near side; [`meter`] is what both
//! count of themselves; [`start`] puts a run together.
//!
//! Architecture invariant: nothing here knows what a scan computes, or which
//! public iterator it serves, and nothing here runs user code under a lock.

mod batch;
mod batch_size;
mod contain;
mod doorbell;
mod exit_guard;
mod inlet;
mod lanes;
mod manager;
mod message;
mod meter;
mod outlet;
mod run;
mod scan_thread;
mod start;

pub(crate) use self::batch::Outputs;
pub(crate) use self::batch_size::BatchSize;
pub(crate) use self::contain::{contain, discard};
pub(crate) use self::manager::Manager;
pub(crate) use self::meter::{Meter, Timesheet, manager_does, scan_does};
pub(crate) use self::outlet::{Kept, Outlet};
pub(crate) use self::start::Ready;
