//! What all groups share: how they measure, and what they compute.

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
pub(crate) use self::step::{Glance, Mix, Spin, Step, seed};

/// Criterion, set so that the whole suite takes less than ten minutes.
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

/// Has the allocator keep what is freed, whatever ran before.
///
/// glibc gives free memory back to the system, and soon faults it in again, until
/// it has once seen a big block freed. A group would be several times as fast
/// after some others than it is alone.
fn settle_allocator() {
    drop(black_box(vec![0_u8; 16 << 20]));
}

/// `items`, or a few of them where nothing is measured: under `-- --test`, or
/// when `cargo test` runs the benches.
pub(crate) fn scaled(items: usize) -> usize {
    if measuring() { items } else { items.div_ceil(64) }
}

/// Whether this is a measurement, and not a test that everything still works.
pub(crate) fn measuring() -> bool {
    env::args().any(|arg| arg == "--bench") && !env::args().any(|arg| arg == "--test")
}

/// The items of most groups: the numbers below `items`. Next to nothing is paid
/// for the source, so that what is measured is the handing out.
pub(crate) fn numbers(items: usize) -> impl ExactSizeIterator<Item = u64> + Send + 'static {
    (0..items).map(|item| item as u64)
}
