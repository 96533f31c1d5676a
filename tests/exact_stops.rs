//! A stop is a cut at one item: what was pulled before it, on the consumer's thread, goes to
//! every scan that was there. What the input blocks before, on its own thread, goes to none.

mod support;

use std::iter;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use anabranch::scan::{self, Emitter, Scan};
use anabranch::{Control, IteratorExt, ScanId};
use support::config::{Config, With as _};
use support::{Gate, deadline};

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

/// Opens a gate when it is dropped.
struct Opens(Gate);

impl Drop for Opens {
    fn drop(&mut self) {
        self.0.open();
    }
}

#[test]
fn a_stop_while_the_input_blocks_ends_the_batch_that_grows() {
    let stops: [fn(&Control); 2] = [Control::stop, |control| control.stop_scan(ScanId::new(0))];
    for stop in stops {
        deadline(move || {
            let [begun, queued, come, gone, go_on] = [(); 5].map(|()| Gate::default());
            let (in_step, blocks, comes, leaves) =
                (begun.clone(), queued.clone(), come.clone(), go_on.clone());
            let opens = Opens(gone.clone());
            // The second item is in a batch that is queued and grows, when the third comes.
            let second = iter::once_with(move || {
                begun.pass();
                1
            });
            let third = iter::once_with(move || {
                let _held = &opens;
                blocks.open();
                comes.pass();
                2
            });
            let input = iter::once(0).chain(second).chain(third);
            // Two batches of outputs of the first item.
            let scan = scan::from_fn(move |item: &u64, out: &mut Emitter<'_, u64>| {
                (0..8).for_each(|_| out.emit(*item));
                in_step.open();
                leaves.pass();
                ControlFlow::Continue(())
            });
            let control = Control::new();
            let config = Config::new().batch(4).control(&control);
            let mut run = input.fan_out().with(&config).read_ahead().distribute([scan]);
            assert_eq!(run.by_ref().take(4).count(), 4);
            queued.pass();
            stop(&control);
            // It has taken effect when the next batch of outputs is here.
            assert!(run.next().is_some());
            come.open();
            gone.pass();
            go_on.open();
            assert!(run.all(|(_, item)| item < 2));
        });
    }
}
