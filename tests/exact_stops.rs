//! A stop is a cut at one item: what was pulled before it, on the consumer's thread, goes to
//! every scan that was there.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use anabranch::scan::{self, Scan};
use anabranch::{Control, IteratorExt, ScanId};
use support::config::{Config, With as _};
use support::deadline;

/// Stops a run, whose input interrupts itself at each `every`th item, behind so many outputs,
/// and checks that each scan has seen just what was pulled.
fn stops_behind(outputs: usize, every: usize, config: &Config, request: fn(&Control)) {
    let control = Control::new();
    let pulled = Arc::new(AtomicUsize::new(0));
    let (counts, inside) = (Arc::clone(&pulled), control.clone());
    let input = (0..10_000).inspect(move |item| {
        counts.fetch_add(1, SeqCst);
        if item % every == every - 1 {
            // Of a scan that has ended: it interrupts and does nothing else.
            inside.stop_scan(ScanId::new(2));
            // Time for outputs of the batch before, which are then given first.
            thread::sleep(Duration::from_micros(300));
        }
    });
    let ended = scan::count().take(0).boxed();
    let scans = [scan::cloned().boxed(), scan::count().boxed(), ended];
    let config = config.clone().control(&control);
    let mut run = input.fan_out().with(&config).distribute(scans);
    let mut given: Vec<_> = run.by_ref().take(outputs).collect();
    request(&control);
    let until = pulled.load(SeqCst);
    given.extend(run);
    let of = |index| given.iter().filter(move |(id, _)| id.index() == index).map(|given| given.1);
    assert!(of(0).eq(0..until), "{until} were pulled, {} were given", of(0).count());
    assert!(of(1).eq([until]), "{until} were pulled, {:?} were counted", of(1).next());
}

#[test]
fn a_stop_behind_an_interrupted_batch_loses_nothing() {
    deadline(|| {
        for config in [Config::new(), Config::new().batch(64), Config::new().batch(5)] {
            for every in [1, 2, 3, 7, 50] {
                for outputs in [1, 2, 3, 10, 63, 64, 65, 200] {
                    stops_behind(outputs, every, &config, Control::stop);
                    stops_behind(outputs, every, &config, |control| {
                        control.stop_scan(ScanId::new(0));
                        control.stop_scan(ScanId::new(1));
                    });
                }
            }
        }
    });
}
