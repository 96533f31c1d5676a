//! `demux_text`: a total for each of a thousand users, from the lines of a log. Measures what keys
//! that are text cost, owned and borrowed, and what a further shard costs.

use std::collections::HashMap;
use std::io::{BufRead, Cursor};
use std::sync::Arc;

use anabranch::prelude::*;
use criterion::{BenchmarkId, Criterion, Throughput};
use rayon::iter::ParallelIterator;
use rayon::str::ParallelString;

use crate::support::{Spin, Step, scaled};

const USERS: u64 = 1000;

/// Lines that take the fast implementations a few milliseconds.
const LINES: usize = 1 << 17;

/// Nanoseconds of work per item, about, and the rounds that take so long; see `work`.
const WORK: [(usize, u32); 4] = [(0, 0), (20, 14), (50, 34), (200, 137)];

type Text = Arc<str>;
type Totals = HashMap<String, u64>;
type Peer = (&'static str, fn(Text, u32) -> Totals);

const PEERS: [Peer; 4] = [
    ("sequential", sequential),
    ("anabranch", anabranch),
    ("anabranch_ref", anabranch_ref),
    ("rayon_fold_reduce", rayon),
];

pub(crate) fn bench(criterion: &mut Criterion) {
    let lines = scaled(LINES);
    let line = |index: usize| {
        let user = ((index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) % USERS;
        format!("user{user:04} asked for page {index:08} of the text\n")
    };
    let text: Text = (0..lines).map(line).collect::<String>().into();
    let mut group = criterion.benchmark_group("demux_text");
    group.throughput(Throughput::Elements(lines as u64));
    for (nanoseconds, rounds) in WORK {
        for (name, peer) in PEERS {
            assert_eq!(peer(text.clone(), rounds), sequential(text.clone(), rounds), "{name}");
            let id = BenchmarkId::new(name, format!("{nanoseconds}_ns"));
            group.bench_function(id, |bencher| bencher.iter(|| peer(text.clone(), rounds)));
        }
    }
    for shards in [1, 2, 4, 8] {
        let id = BenchmarkId::new("anabranch_ref_over", shards);
        group.bench_function(id, |bencher| bencher.iter(|| over(text.clone(), shards, 0)));
    }
}

fn user(line: &str) -> &str {
    line.split(' ').next().unwrap_or("")
}

/// Returns what a line adds to the total of its user. It does not depend on the total, so the
/// lines of a user can be added in any order.
fn work(rounds: u32, line: &str) -> u64 {
    Spin { rounds }.step(0, &(line.len() as u64))
}

/// One map, one loop, one string for all lines. Only a new user is allocated.
fn sequential(text: Text, rounds: u32) -> Totals {
    let (mut totals, mut line) = (Totals::new(), String::new());
    let mut text = text.as_bytes();
    while text.read_line(&mut line).expect("a line in memory") > 0 {
        let more = work(rounds, line.trim_end());
        match totals.get_mut(user(&line)) {
            Some(total) => *total = total.wrapping_add(more),
            None => _ = totals.insert(user(&line).to_owned(), more),
        }
        line.clear();
    }
    totals
}

fn total(rounds: u32) -> impl Scan<String, Output = u64> + Send {
    scan::fold(0_u64, move |total: u64, line: &String| total.wrapping_add(work(rounds, line)))
}

fn lines(text: Text) -> impl BufRead + Send + 'static {
    Cursor::new(Arc::<[u8]>::from(text))
}

/// `demux`, no setting touched.
fn anabranch(text: Text, rounds: u32) -> Totals {
    let run = refill::lines(lines(text)).fan_out();
    let run = run.demux(|line| user(line).to_owned(), move |_| total(rounds));
    run.collect::<Result<_, _>>().expect("a text in memory")
}

/// `demux_ref`, no setting touched.
fn anabranch_ref(text: Text, rounds: u32) -> Totals {
    let run = refill::lines(lines(text)).fan_out();
    let run = run.demux_ref(|line| user(line), move |_| total(rounds));
    run.collect::<Result<_, _>>().expect("a text in memory")
}

fn over(text: Text, shards: usize, rounds: u32) -> Totals {
    let run = refill::lines(lines(text)).fan_out();
    let run = run.demux_ref_over(shards, |line| user(line), move |_| total(rounds));
    run.collect::<Result<_, _>>().expect("a text in memory")
}

/// A map for each task, and the maps merged. The lines are found in parallel, which takes a text
/// that is in memory as a whole.
fn rayon(text: Text, rounds: u32) -> Totals {
    fn add<'t>(
        mut totals: HashMap<&'t str, u64>,
        (user, more): (&'t str, u64),
    ) -> HashMap<&'t str, u64> {
        let total = totals.entry(user).or_default();
        *total = total.wrapping_add(more);
        totals
    }
    let totals = text
        .par_lines()
        .fold(HashMap::new, |totals, line| add(totals, (user(line), work(rounds, line))))
        .reduce(HashMap::new, |totals, others| others.into_iter().fold(totals, add));
    totals.into_iter().map(|(user, total)| (user.to_owned(), total)).collect()
}
