//! The engine: one manager, one thread per scan, bounded channels both ways.
//!
//! ```text
//!                                                          Manager
//!  input ─► Source ─► FanOut ─Batch│Batch│Stop─► branch 0 ──outputs──┐
//!                       ▲       bounded channels    …                ├─► FanIn ─► consumer
//!                       └──────── Doorbell ◄─ ring ──────────────────┘
//!                     FanOut ─Batch│Batch│Stop─► branch N
//! ```
//!
//! In reading order: [`message`] and [`batch`] are what is sent; [`doorbell`] is where the near
//! side sleeps, [`events`] are what it receives besides outputs, and [`run`] is what all threads of
//! a run share; [`branch`] is what a thread executes between [`inlet`] and [`outlet`], with
//! [`exit_guard`] as the one way out; [`fan_out`] knows who is still sent the current batch, which
//! a [`source`] pulls on the consumer's thread ([`inline`]) or on one of its own ([`read_ahead`],
//! with batches that are [`growing`]); a [`recycler`] takes back the memory of batches, and a
//! [`stock`] their items; [`look`], [`fan_in`], [`turns`], [`names`] and [`manager`]
//! collect the outputs; [`batch_size`], [`pace`] and [`consumer`] decide how much is sent at once;
//! [`contain`] and [`first_panic`] are where panics go; [`meter`] and [`figures`] count; [`start`]
//! puts a run together, and [`admission`] adds to it. [`trace`] tells who listens what happens.
//!
//! Architecture invariant: nothing here knows what a scan computes or which public iterator it
//! serves, nothing here imports from `api` or `scan`, and nothing here runs user code under a
//! lock.

mod admission;
mod batch;
mod batch_size;
mod branch;
mod consumer;
mod contain;
mod doorbell;
mod events;
mod exit_guard;
mod fan_in;
mod fan_out;
mod figures;
mod first_panic;
mod growing;
mod id;
mod inlet;
mod inline;
mod look;
mod manager;
mod message;
mod meter;
mod names;
mod outlet;
mod pace;
mod panic_origin;
mod read_ahead;
mod recycler;
mod run;
mod settings;
mod source;
mod start;
mod stock;
pub(crate) mod trace;
mod turns;

pub(crate) use self::admission::{Admission, Refusal};
pub(crate) use self::batch::{Batch, Outputs};
pub(crate) use self::branch::{Branch, contain_into};
pub(crate) use self::contain::{
    InHand, Payload, contain, contain_drop, discard, drop_each, keep_first,
};
pub(crate) use self::figures::{Figures, ScanFigures};
pub use self::id::ScanId;
pub(crate) use self::inlet::Inlet;
pub(crate) use self::inline::Inline;
pub(crate) use self::manager::Manager;
pub(crate) use self::message::Message;
pub(crate) use self::meter::{Managing, Scanning};
pub(crate) use self::outlet::{Kept, Outlet};
pub use self::panic_origin::PanicOrigin;
pub(crate) use self::read_ahead::{Puller, ReadAhead};
pub(crate) use self::run::{Request, Run};
pub(crate) use self::settings::Settings;
pub(crate) use self::source::{Hook, NoHook, Source};
pub(crate) use self::start::{Dispatch, Setup, Started, Unstarted};
pub(crate) use self::stock::Stock;
