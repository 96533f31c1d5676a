//! The fault matrix: every member × everything that may go wrong or end a run × widths ×
//! capacities × batches × where it happens × how the input is pulled and whether it may fail ×
//! whose threads.
//!
//! Each cell is a small run that is compared with the sequential one, and whose every
//! value is counted. A sample of some 2,000 cells is run by default; what there is to be
//! seen of a schedule differs from run to run, so the same cell may fail at one time and
//! not at another.
//!
//! | variable | |
//! |---|---|
//! | `ANABRANCH_CELLS` | how many cells are run, or `all` |
//! | `ANABRANCH_SEED` | of a failure, runs the same sample |
//! | `ANABRANCH_CELL` | runs the cell of this number alone |
//! | `ANABRANCH_TIMES` | how often each cell is run |
//! | `ANABRANCH_ONLY` | words that the description of a cell has to contain |
//!
//! ```text
//! ANABRANCH_CELLS=50000 cargo test --release --test matrix
//! ANABRANCH_CELL=12345 ANABRANCH_TIMES=1000 cargo test --test matrix
//! ```
#![cfg(not(any(loom, shuttle)))]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod branch;
mod cell;
mod check;
mod consumer;
mod expect;
mod layer;
mod ledger;
mod oracle;
mod play;
mod probe;
mod sample;
mod script;
mod source;
#[path = "../support/mod.rs"]
mod support;
mod values;
mod watch;
mod worker;

#[test]
fn every_cell_of_the_matrix_keeps_the_contract() {
    watch::run("every_cell_of_the_matrix_keeps_the_contract");
}
