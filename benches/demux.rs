//! `demux`: a state for each of a thousand keys, with some work for each item.
//! Measures from how much work on threads help, and how far.

use std::collections::HashMap;
use std::hint::black_box;

use anabranch::prelude::*;
use criterion::{BenchmarkId, Criterion, Throughput};
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::support::{Spin, Step, numbers, scaled};

const KEYS: u64 = 1000;

/// Nanoseconds of work per item, about, and the rounds that take so long; see `work`.
const WORK: [(usize, u32); 3] = [(0, 0), (50, 34), (200, 137)];

/// Nanoseconds that a run takes, about.
const PER_RUN: usize = 20_000_000;

type Totals = HashMap<u64, u64>;
type Peer = (&'static str, fn(usize, u32) -> Totals);

const PEERS: [Peer; 3] =
    [("sequential", sequential), ("anabranch", anabranch), ("rayon_fold_reduce", rayon)];

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("demux");
    for (nanoseconds, rounds) in WORK {
        let items = scaled(PER_RUN / (nanoseconds + 20));
        group.throughput(Throughput::Elements(items as u64));
        for (name, totals) in PEERS {
            assert_eq!(totals(items, rounds), sequential(items, rounds), "{name}");
            let id = BenchmarkId::new(name, format!("{nanoseconds}_ns"));
            group.bench_function(id, |bencher| {
                bencher.iter(|| totals(black_box(items), rounds));
            });
        }
    }
}

/// Returns what an item adds to the total of its key. It does not depend on the
/// total, so the items of a key can be added in any order.
fn work(rounds: u32, item: u64) -> u64 {
    Spin { rounds }.step(0, &item)
}

fn key(item: &u64) -> u64 {
    (item.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) % KEYS
}

/// One map, one loop.
fn sequential(items: usize, rounds: u32) -> Totals {
    let mut totals = Totals::new();
    for item in numbers(items) {
        let total = totals.entry(key(&item)).or_default();
        *total = total.wrapping_add(work(rounds, item));
    }
    totals
}

/// `demux`, no setting touched.
fn anabranch(items: usize, rounds: u32) -> Totals {
    let total = move |_: &u64| {
        scan::fold(0_u64, move |total, item: &u64| total.wrapping_add(work(rounds, *item)))
    };
    numbers(items).fan_out().demux(key, total).collect()
}

/// A map for each task, and the maps merged. This is what rayon is made for: the order
/// of a key's items does not matter, and all items are there from the start.
fn rayon(items: usize, rounds: u32) -> Totals {
    let add = |mut totals: Totals, (key, more): (u64, u64)| {
        let total = totals.entry(key).or_default();
        *total = total.wrapping_add(more);
        totals
    };
    (0..items as u64)
        .into_par_iter()
        .fold(Totals::new, |totals, item| add(totals, (key(&item), work(rounds, item))))
        .reduce(Totals::new, |totals, others| others.into_iter().fold(totals, add))
}
