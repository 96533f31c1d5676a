//! `read_ahead`: an input with a thread of its own. `saturated` measures its cost, and
//! that of a run with a control: trivial scans of a source that never waits. `latency`
//! measures the time from an item to its output, in a run that is idle otherwise. Its peer
//! is two hops over bare channels.

use std::thread;
use std::time::{Duration, Instant};

use anabranch::prelude::*;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion};
use crossbeam_channel::bounded;

use crate::peers::{Anabranch, AnabranchAhead, AnabranchControlled, CrossbeamItems, Sequential};
use crate::support::{Case, Mix, measuring, numbers};

/// The time that the source waits before each item.
const PAUSES: [Duration; 2] = [Duration::from_micros(100), Duration::from_millis(1)];

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read_ahead_saturated");
    for width in [1, 2, 4, 8] {
        let scans = vec![Mix; width];
        let many = Case::new(width, 1 << 20, numbers, &scans);
        many.fold(&mut group, &Sequential);
        many.fold(&mut group, &Anabranch);
        many.fold(&mut group, &AnabranchControlled);
        many.fold(&mut group, &AnabranchAhead);
        Case::new(width, 1 << 15, numbers, &scans).fold(&mut group, &CrossbeamItems);
    }
    group.finish();

    for (name, rank) in [("read_ahead_latency_p50", 50), ("read_ahead_latency_p99", 99)] {
        let mut group = criterion.benchmark_group(name);
        for pause in PAUSES {
            latency(&mut group, "anabranch_read_ahead", rank, pause, ours);
            latency(&mut group, "two_crossbeam_hops", rank, pause, two_hops);
        }
    }
}

/// Measures the latency that `rank` hundredths of the items do not exceed.
fn latency(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    rank: usize,
    pause: Duration,
    run: fn(Source) -> Vec<Duration>,
) {
    let items = if measuring() { 400 } else { 4 };
    group.bench_function(BenchmarkId::new(name, format!("{pause:?}_apart")), |bencher| {
        bencher.iter_custom(|iterations| {
            let mut latencies = run(Source { left: items, pause });
            latencies.sort_unstable();
            // As if each iteration had taken this long.
            latencies[latencies.len() * rank / 100] * u32::try_from(iterations).unwrap_or(u32::MAX)
        });
    });
}

/// Items that are the time when they were made, each after a pause.
struct Source {
    left: usize,
    pause: Duration,
}

impl Iterator for Source {
    type Item = Instant;

    fn next(&mut self) -> Option<Instant> {
        self.left = self.left.checked_sub(1)?;
        thread::sleep(self.pause);
        Some(Instant::now())
    }
}

fn ours(source: Source) -> Vec<Duration> {
    let run = source.fan_out().read_ahead().distribute([scan::cloned()]);
    run.map(|(_, made): (_, Instant)| made.elapsed()).collect()
}

fn two_hops(source: Source) -> Vec<Duration> {
    let (send, items) = bounded(8);
    let (pass_on, outputs) = bounded(8);
    thread::scope(|scope| {
        scope.spawn(move || source.for_each(|item| send.send(item).expect("it is taken")));
        scope.spawn(move || items.iter().for_each(|item| pass_on.send(item).expect("so is this")));
        outputs.iter().map(|made: Instant| made.elapsed()).collect()
    })
}
