//! What a run over a refilled input allocates. One test, as it counts what the whole process does.

mod support;

use std::alloc::System;

use anabranch::prelude::*;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use support::deadline;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const ITEMS: usize = 500_000;
const BATCH: usize = 100;

/// The batches that can be in flight, each with its items, its vector and what shares it; besides
/// threads and channels.
const FEW: usize = 12 * (2 * BATCH + 5) + 500;

#[test]
fn as_many_items_are_made_as_are_in_flight() {
    deadline(|| {
        let totals = || (scan::count(), scan::sum_by(|row: &String| row.len()));
        for ahead in [false, true] {
            let region = Region::new(ALLOCATOR);
            let mut rest = 0..ITEMS;
            let rows = refill::from_fn(String::new, move |row: &mut String| {
                row.clear();
                row.push_str("a row that is too long to be kept in place");
                rest.next().is_some()
            });
            let run = rows.fan_out().batch(BATCH);
            let (rows, _) =
                if ahead { run.read_ahead().fold(totals()) } else { run.fold(totals()) };
            let change = region.change();
            let allocations = change.allocations + change.reallocations;
            assert_eq!(rows, ITEMS);
            assert!(allocations < FEW, "{allocations} allocations, read ahead: {ahead}");
        }
    });
}
