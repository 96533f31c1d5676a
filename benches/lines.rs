//! `lines`: the lines of a text, as an iterator makes them and as a refilled input does. Measures
//! what an allocation for every item costs, which is made on one thread and freed on another.

use std::io::{BufRead, Cursor};
use std::sync::Arc;

use anabranch::prelude::*;
use criterion::{BenchmarkId, Criterion, Throughput};

use crate::support::scaled;

/// Lines that take the fast implementations a few milliseconds.
const LINES: usize = 1 << 17;

type Text = Cursor<Arc<[u8]>>;

/// An implementation: gives the length of all lines as many times as there are scans.
type Lengths = fn(Text, usize) -> Vec<usize>;

/// The obvious loop, with a new string for every line.
fn sequential(text: Text, width: usize) -> Vec<usize> {
    let mut lengths = vec![0; width];
    for line in text.lines() {
        let line = line.expect("a line in memory");
        lengths.iter_mut().for_each(|length| *length += line.len());
    }
    lengths
}

/// The same, with one string for all lines.
fn sequential_refilled(mut text: Text, width: usize) -> Vec<usize> {
    let (mut lengths, mut line) = (vec![0; width], String::new());
    while text.read_line(&mut line).expect("a line in memory") > 0 {
        let length = line.trim_end().len();
        lengths.iter_mut().for_each(|lengths| *lengths += length);
        line.clear();
    }
    lengths
}

fn scans(width: usize) -> Vec<impl scan::Total<String, Output = usize, Of<usize> = usize> + Send> {
    (0..width).map(|_| scan::sum_by(|line: &String| line.len())).collect()
}

fn anabranch(text: Text, width: usize) -> Vec<usize> {
    let run = text.lines().fan_out().until_error();
    run.fold(scans(width)).expect("a text in memory")
}

fn anabranch_refilled(text: Text, width: usize) -> Vec<usize> {
    refill::lines(text).fan_out().fold(scans(width)).expect("a text in memory")
}

pub(crate) fn bench(criterion: &mut Criterion) {
    let lines = scaled(LINES);
    let line = |index| format!("this is line number {index:08} of a text with many\n");
    let text: Arc<[u8]> = (0..lines).map(line).collect::<String>().into_bytes().into();
    let mut group = criterion.benchmark_group("lines");
    group.throughput(Throughput::Elements(lines as u64));
    for width in [1, 2, 4, 8] {
        let peers: [(&str, Lengths); 4] = [
            ("sequential", sequential),
            ("sequential_refilled", sequential_refilled),
            ("anabranch", anabranch),
            ("anabranch_refilled", anabranch_refilled),
        ];
        for (name, peer) in peers {
            let text = || Cursor::new(Arc::clone(&text));
            assert_eq!(peer(text(), width), sequential(text(), width), "{name}");
            group.bench_function(BenchmarkId::new(name, width), |bencher| {
                bencher.iter(|| peer(text(), width));
            });
        }
    }
}
