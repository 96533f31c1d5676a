//! What the statistics say is so: they name nobody who has left for what others do, and
//! count what the scans have emitted, whatever of it travels.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anabranch::scan::{self, BoxScan, Scan};
use anabranch::{Bottleneck, Control, IteratorExt, Pool, ScanId, Stats};
use support::config::{Config, With as _};
use support::{Gate, deadline, echo, repeat, sum, tight_and_default};

/// Two scans that end at their first item, and between them the `busy` one.
fn beside_two_that_end(busy: BoxScan<'static, u64, u64>) -> [BoxScan<'static, u64, u64>; 3] {
    [scan::take(1).boxed(), busy, scan::take(1).boxed()]
}

/// Takes two milliseconds for an item.
fn busy() -> BoxScan<'static, u64, u64> {
    let work = |_: &u64| {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(2) {}
        None
    };
    scan::filter_map(work).boxed()
}

/// Nobody is held back by a scan that has ended. (That the busy one is to blame, and not
/// the consumer, is up to the machine, too.)
#[track_caller]
fn assert_blames_none_that_ended(stats: &Stats) {
    let ended = [0, 2].map(|index| Some(Bottleneck::Scan(ScanId::new(index))));
    assert!(!ended.contains(&stats.bottleneck()), "{stats}");
}

#[test]
fn a_scan_that_has_ended_holds_nobody_back_when_the_run_is_over() {
    for config in tight_and_default() {
        for read_ahead in [false, true] {
            let config = config.clone();
            deadline(move || {
                let control = Control::new();
                let config = config.control(&control);
                let scans = beside_two_that_end(busy());
                let outputs = if read_ahead {
                    (0..50).fan_out().with(&config).read_ahead().distribute(scans).count()
                } else {
                    (0..50).fan_out().with(&config).distribute(scans).count()
                };
                assert_eq!(outputs, 2);
                assert_blames_none_that_ended(&control.stats());
            });
        }
    }
}

#[test]
fn a_scan_that_has_ended_holds_nobody_back_while_another_one_works() {
    for config in tight_and_default() {
        deadline(move || {
            let (pool, control, gate) = (Pool::new(), Control::new(), Gate::default());
            let config = config.pool(pool.clone()).control(&control);
            let (entered, inside) = mpsc::channel();
            let stuck = gate.clone();
            let scan = scan::filter_map(move |_: &u64| {
                entered.send(()).unwrap();
                stuck.pass();
                None
            });
            let scans = beside_two_that_end(scan.boxed());
            let run =
                thread::spawn(move || (0..3).fan_out().with(&config).distribute(scans).count());
            inside.recv().unwrap();
            while pool.in_use() > 1 {
                thread::yield_now();
            }
            // From here on the time is nobody's but the stuck scan's.
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_millis(100) {
                thread::yield_now();
            }
            let stats = control.stats();
            gate.open();
            assert_eq!(run.join().unwrap(), 2);
            assert_blames_none_that_ended(&stats);
        });
    }
}

/// Emits three outputs for an item; one, and one at the flush; one at the flush.
fn scans() -> [BoxScan<'static, u64, u64>; 3] {
    [repeat(3), echo(), sum()]
}

/// How many outputs the scans have emitted, as the statistics have it, when `run` has gone
/// over the items `0..10`.
fn emitted(run: impl Fn(&Config)) -> Vec<Vec<u64>> {
    let with = |config: Config| {
        let control = Control::new();
        run(&config.control(&control));
        control.stats().scans.iter().map(|scan| scan.outputs).collect()
    };
    tight_and_default().map(with).into()
}

/// What `scans` emit for ten items.
const EMITTED: [u64; 3] = [30, 11, 1];

#[test]
fn what_the_scans_of_a_distribution_emit_is_counted() {
    deadline(|| {
        let counted = emitted(|config| {
            assert_eq!((0..10).fan_out().with(config).distribute(scans()).count(), 42);
        });
        assert_eq!(counted, [EMITTED; 2]);
    });
}

#[test]
fn what_the_scans_of_an_ordered_run_emit_is_counted() {
    deadline(|| {
        let counted = emitted(|config| {
            assert_eq!((0..10).fan_out().with(config).ordered(scans()).count(), 42);
        });
        assert_eq!(counted, [EMITTED; 2]);
    });
}

#[test]
fn what_the_totals_of_a_fold_emit_is_counted() {
    deadline(|| {
        let counted = emitted(|config| {
            let last = (0..10).fan_out().with(config).fold(scans().map(Scan::last));
            assert_eq!(last, [Some(9), Some(u64::MAX), Some(45)]);
        });
        // A total emits its result, if there is one, and nothing else.
        assert_eq!(counted, [[1; 3]; 2]);
        let counted = emitted(|config| {
            let totals = (scan::count::<u64>(), scan::max(), repeat(3).then(scan::count()));
            assert_eq!((0..0).fan_out().with(config).fold(totals), (0, None, 0));
        });
        assert_eq!(counted, [[1, 0, 1]; 2]);
    });
}

#[test]
fn what_the_scans_of_rows_emit_is_counted() {
    deadline(|| {
        let counted = emitted(|config| {
            let [repeat, echo, _] = scans();
            assert_eq!((0..10).fan_out().with(config).zip_latest([repeat, echo]).count(), 10);
        });
        assert_eq!(counted, [&EMITTED[..2]; 2]);
    });
}

#[test]
fn what_the_scans_of_a_demux_emit_is_counted() {
    deadline(|| {
        for (nth, of_all_keys) in [30, 15, 5].into_iter().enumerate() {
            let counted = emitted(|config| {
                let of_key = move |_: &u64| scans().into_iter().nth(nth);
                let run = (0..10).fan_out().with(config).demux_over(3, |item| item % 5, of_key);
                assert_eq!(run.count(), of_all_keys);
            });
            let sums: Vec<u64> =
                counted.into_iter().map(|counts| counts.into_iter().sum()).collect();
            assert_eq!(sums, [of_all_keys as u64; 2]);
        }
    });
}

#[test]
fn of_added_scans_that_have_ended_the_last_hundred_are_listed() {
    deadline(|| {
        const ADDED: usize = 150;
        let control = Control::new();
        let config = Config::new().control(&control).batch(1);
        let silent = scan::filter(|_: &u64| false).boxed();
        let mut run = (0..).fan_out().with(&config).distribute([silent]);
        let adder = run.adder();
        for _ in 0..ADDED {
            let id = adder.add(scan::take(1).boxed()).unwrap();
            assert_eq!(run.next().map(|(of, _)| of), Some(id));
        }
        control.stop();
        assert_eq!(run.count(), 0);
        let listed: Vec<_> = control.stats().scans.iter().map(|scan| scan.id.index()).collect();
        assert_eq!(listed.len(), 1 + 100);
        assert_eq!((listed[0], listed[100]), (0, ADDED));
    });
}

#[test]
fn a_batch_that_waits_alone_is_counted_as_one() {
    deadline(|| {
        let control = Control::new();
        assert_eq!((0..1).fan_out().control(&control).fold([scan::sum::<u64, u64>()]), [0]);
        let scan = &control.stats().scans[0];
        assert_eq!((scan.input_high_water, scan.output_high_water), (1, 1));
    });
}
