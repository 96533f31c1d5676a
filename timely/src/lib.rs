//! Runs the scans of [`anabranch`] on [timely dataflow](timely): over many worker threads, processes
//! and machines.

mod connect;
mod contain;
mod error;
mod feed;
mod frames;
mod job;
mod link;
mod notice;
mod operators;
mod outputs;
mod process;
mod run;
mod setup;
mod site;
mod source;
mod stats;

pub use self::error::{Panicked, RunError, SetupError};
pub use self::job::Job;
pub use self::operators::{Deliver, Order, Scans};
pub use self::outputs::{Outputs, Sink, outputs};
pub use self::run::{Run, execute, spawn};
pub use self::setup::Setup;
pub use self::source::Source;
pub use self::stats::{Stats, WorkerStats};
