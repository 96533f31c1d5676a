//! Checking with loom: every schedule within the bound.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::Bound;

/// Explores every schedule of `model` within `bound`, first with waits that
/// return only when notified, then with the first wait on each condition
/// variable returning for no reason.
///
/// Returns only if the exploration was complete: loom's caps on time and number,
/// which end a model silently as passed, are off, whatever the environment says.
pub fn check(name: &str, bound: Bound, model: fn()) {
    crate::hush();
    for spurious in [false, true] {
        anabranch::inject_spurious_wake_ups(spurious);
        let mut builder = loom::model::Builder::new();
        builder.max_threads = 5;
        builder.max_branches = 100_000;
        builder.max_permutations = None;
        builder.max_duration = None;
        builder.preemption_bound = match bound {
            Bound::Unbounded => None,
            Bound::Preemptions(most) => Some(most + deeper()),
        };
        let executions = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&executions);
        let begun = Instant::now();
        builder.check(move || {
            counter.fetch_add(1, Ordering::Relaxed);
            model();
        });
        let executions = executions.load(Ordering::Relaxed);
        let bound = builder.preemption_bound.map_or("none".to_owned(), |most| most.to_string());
        println!(
            "model {name} | loom | bound {bound} | spurious {spurious} | {executions} executions | {:.1} s",
            begun.elapsed().as_secs_f64(),
        );
        assert!(executions > 1, "{name} explored nothing");
    }
}

/// How many preemptions a deep check allows beyond the quick one.
fn deeper() -> usize {
    std::env::var("ANABRANCH_DEEPER").ok().and_then(|more| more.parse().ok()).unwrap_or(0)
}
