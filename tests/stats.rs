//! What a control shows of a run, while it goes on and after.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anabranch::scan::{self, Scan};
use anabranch::{Control, IteratorExt, Stats};
use support::config::{Config, With as _};
use support::{Gate, deadline, repeat, sum};

/// Works for so long.
fn work_for(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {}
}

#[test]
fn items_and_outputs_are_counted_for_every_member() {
    deadline(|| {
        let control = Control::new();
        assert!(control.stats().scans.is_empty());
        let config = Config::new().control(&control).batch(7);
        let counts = || -> Vec<_> {
            control.stats().scans.iter().map(|scan| (scan.items, scan.outputs)).collect()
        };
        let scans = [repeat(2), sum().named("sum").boxed()];
        assert_eq!((0..100).fan_out().with(&config).distribute(scans).count(), 201);
        assert_eq!(counts(), [(100, 200), (100, 1)]);
        let stats = control.stats();
        assert_eq!(stats.scans[1].name.as_deref(), Some("sum"));
        // One more may be sent while the one that was taken is still counted.
        assert!(stats.scans.iter().all(|scan| (1..=9).contains(&scan.input_high_water)));
        assert!((1..=8).contains(&stats.scans[0].output_high_water));

        assert_eq!(
            (0..10).fan_out().with(&config).fold((repeat(2).last(), scan::sum())),
            (Some(9), 45)
        );
        // A total emits its result alone.
        assert_eq!(counts(), [(10, 1), (10, 1)]);
        assert_eq!((0..10).fan_out().with(&config).zip_latest((repeat(2), repeat(3))).count(), 10);
        assert_eq!(counts(), [(10, 20), (10, 30)]);
        let run = (0..10).fan_out().with(&config).demux_over(3, |x| x % 5, |_| sum());
        assert_eq!(run.count(), 5);
        let outputs = counts().into_iter().map(|(items, outputs)| {
            assert_eq!(items, 10, "every shard sees every item");
            outputs
        });
        assert_eq!(outputs.sum::<u64>(), 5);
        thread::scope(|scope| {
            let run = config.set((0..10).fan_out()).on(scope).distribute([scan::cloned()]);
            assert_eq!(run.count(), 10);
        });
        assert_eq!(counts(), [(10, 10)]);
    });
}

// How long others take besides is up to the machine, so these ask for no more than
// what has to be there; who holds everybody back is asked of made-up figures, beside
// the source.

#[test]
fn the_work_of_a_scan_is_measured() {
    deadline(|| {
        let control = Control::new();
        let config = Config::new().control(&control).batch(1);
        let slow = scan::for_each(|_: &u64| work_for(Duration::from_millis(2)));
        let scans = [scan::for_each(|_| ()).boxed(), slow.named("slow").boxed()];
        assert_eq!((0..50).fan_out().with(&config).distribute(scans).count(), 2);
        let stats = control.stats();
        assert!(stats.scans[1].busy >= Duration::from_millis(100), "{stats}");
        assert!(stats.bottleneck().is_some());
        assert!(stats.to_string().contains("\n1 slow "), "{stats}");
    });
}

#[test]
fn what_the_input_and_the_consumer_take_is_measured() {
    deadline(|| {
        let control = Control::new();
        let tight = support::tight().control(&control);
        let slow = || (0..50_u64).inspect(|_| work_for(Duration::from_millis(1)));
        let began = Instant::now();
        assert_eq!(slow().fan_out().with(&tight).distribute([scan::cloned()]).count(), 50);
        let (stats, elapsed) = (control.stats(), began.elapsed());
        assert!(stats.pulling >= Duration::from_millis(50), "{stats}");
        assert!(stats.pulling + stats.consuming <= elapsed, "{stats} in {elapsed:?}");

        let mut run = (0..50_u64).fan_out().with(&tight).distribute([repeat(4)]);
        assert!(run.next().is_some());
        // Nobody takes what the scan emits.
        let idle = |stats: Stats| stats.scans[0].blocked + stats.scans[0].waiting;
        while idle(control.stats()) < Duration::from_millis(100) {
            thread::sleep(Duration::from_millis(1));
        }
        for _ in run {
            work_for(Duration::from_millis(1));
        }
        let stats = control.stats();
        assert!(stats.consuming >= Duration::from_millis(199 + 100), "{stats}");
    });
}

#[test]
fn time_stands_still_when_a_run_has_ended() {
    deadline(|| {
        let control = Control::new();
        let mut run = (0..3_u64)
            .fan_out()
            .with(&Config::new().control(&control))
            .zip_latest([scan::cloned()]);
        assert_eq!(run.by_ref().count(), 3);
        let ended = control.stats();
        assert_eq!(run.next(), None);
        work_for(Duration::from_millis(5));
        assert_eq!(control.stats(), ended);
    });
}

#[test]
fn so_it_does_when_the_input_was_read_ahead() {
    deadline(|| {
        let control = Control::new();
        let config = Config::new().control(&control);
        assert_eq!((0..3_u64).fan_out().with(&config).read_ahead().fold([scan::count()]), [3]);
        let ended = control.stats();
        work_for(Duration::from_millis(5));
        assert_eq!(control.stats(), ended);
    });
}

#[test]
fn a_run_that_stands_still_can_be_looked_at() {
    deadline(|| {
        let (control, gate) = (Control::new(), Gate::default());
        let config = Config::new().control(&control).batch(1);
        let (stuck, release) = (gate.clone(), gate);
        let (entered, inside) = mpsc::channel();
        let scan = scan::map(move |x: &u64| {
            entered.send(()).unwrap();
            stuck.pass();
            *x
        });
        let run = thread::spawn(move || (0..1).fan_out().with(&config).distribute([scan]).count());
        inside.recv().unwrap();
        let before = control.stats().scans[0].busy;
        work_for(Duration::from_millis(20));
        let stats = control.stats();
        assert!(stats.scans[0].busy >= before + Duration::from_millis(20), "{stats}");
        release.open();
        assert_eq!(run.join().unwrap(), 1);
        let ended = control.stats();
        work_for(Duration::from_millis(5));
        assert_eq!(control.stats(), ended, "nothing goes on behind the end");
    });
}
