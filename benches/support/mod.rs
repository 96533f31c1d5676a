//! Shared by all groups: how they measure, and what they compute.

mod case;
mod consumer;
pub(crate) mod crew;
mod step;

use std::env;
use std::hint::black_box;
use std::time::Duration;

use criterion::Criterion;

pub(crate) use self::case::Case;
pub(crate) use self::consumer::Consumer;
pub(crate) use self::step::{Glance, Mix, Spin, Step, Sum, seed};

/// Makes a criterion with which the whole suite takes less than fifteen minutes.
pub(crate) fn criterion() -> Criterion {
    let criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .nresamples(10_000)
        .without_plots()
        .configure_from_args();
    settle_allocator();
    criterion
}

/// Makes the allocator keep what is freed, whatever ran before.
///
/// glibc returns free memory to the system, and soon faults it in again, until the first
/// big block is freed. Without this, a group is several times as fast after some others
/// as it is alone.
fn settle_allocator() {
    drop(black_box(vec![0_u8; 16 << 20]));
}

/// Returns `items`, or fewer if nothing is measured: under `-- --test`, or when
/// `cargo test` runs the benches.
pub(crate) fn scaled(items: usize) -> usize {
    if measuring() { items } else { items.div_ceil(64) }
}

/// Returns whether this is a measurement, and not a test.
pub(crate) fn measuring() -> bool {
    env::args().any(|arg| arg == "--bench") && !env::args().any(|arg| arg == "--test")
}

/// Returns the items of most groups: the numbers below `items`. They cost next to
/// nothing, so that handing them out is measured.
pub(crate) fn numbers(items: usize) -> impl ExactSizeIterator<Item = u64> + Send + 'static {
    (0..items).map(|item| item as u64)
}
