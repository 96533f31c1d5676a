//! What a run allocates.

mod support;

use std::alloc::System;

use anabranch::prelude::*;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use support::deadline;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The memory of batches of plain values is filled again: a few batches are allocated, not thousands.
#[test]
fn batches_of_plain_values_are_filled_again() {
    deadline(|| {
        let (batches, length) = (2_000, 1_000);
        let region = Region::new(ALLOCATOR);
        let totals = (scan::sum::<u64, u64>(), scan::max());
        let n = batches * length;
        let results = (0..n).fan_out().batch(length as usize).fold(totals);
        let allocated = region.change().bytes_allocated;
        assert_eq!(results, (n * (n - 1) / 2, Some(n - 1)));
        let items = n as usize * size_of::<u64>();
        assert!(allocated < items / 10, "{allocated} bytes for {items} bytes of items");
    });
}
