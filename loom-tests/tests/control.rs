//! Runs that are changed from another thread while they go on, or end: scans added and stopped,
//! runs and folds stopped and aborted.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use anabranch::scan::{self, BoxScan, Scan};
use anabranch::{AddError, Adder, Control, IteratorExt, Pool, ScanId};
use anabranch_models::Bound::Preemptions;
use anabranch_models::runs::{
    Blocking, Gate, Item, Seen, Witness, count, each, first, outputs, repeat, tally, tight,
};
use anabranch_models::{Bound, models};

use anabranch_models::config::{Config, With as _};
use checker::thread::{JoinHandle, spawn};
#[cfg(loom)]
use loom as checker;
#[cfg(shuttle)]
use shuttle as checker;

/// One scan, and another thread.
const ONE: Bound = Preemptions(2);
/// Two scans, one of which is added, and another thread.
const ADDED: Bound = Preemptions(2);
/// Two scans, and another thread.
const TWO: Bound = Preemptions(1);

/// Settings with a control.
fn controlled() -> (Control, Config) {
    let control = Control::new();
    let config = tight().control(&control);
    (control, config)
}

/// Has another thread add a scan.
fn add(adder: Adder<u8, u8>, scan: BoxScan<'static, u8, u8>) -> JoinHandle<Added> {
    spawn(move || adder.add(scan))
}

type Added = Result<ScanId, AddError<BoxScan<'static, u8, u8>>>;

/// Says whether a scan was added, as the only one to be. If it was not, the run was over.
fn was_added(added: JoinHandle<Added>, expected: usize) -> bool {
    match added.join().expect("adding does not panic") {
        Ok(id) => {
            assert_eq!(id.index(), expected);
            true
        }
        Err(error) => {
            assert!(error.is_ended());
            assert_eq!(error.into_inner().apply([]), [0], "it was not called");
            false
        }
    }
}

/// Has the second of two scans end by a request that may come behind an item before which a
/// batch was left, because the first was stopped; that item is a batch of its own, and may be
/// behind another. The first has `counted` then, which depends on how many items were pulled.
fn is_behind_an_item_that_is_held_over(request: fn(&Control), counted: fn(u8) -> u8) {
    let (control, config) = controlled();
    let asking = control.clone();
    let pulled = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&pulled);
    let input = (0..5).inspect(move |item| {
        counts.fetch_add(1, Relaxed);
        if *item == HELD_OVER {
            control.stop_scan(ScanId::new(0));
        }
    });
    let mut run = input.fan_out().with(&config.batch(2)).distribute([count(), each()]);
    let before = run.next();
    let until = pulled.load(Relaxed) as u8;
    assert!(before.is_some() && until >= 2);
    request(&asking);
    let [count, whole] = outputs(before.into_iter().chain(run));
    assert_eq!((count, whole), (vec![counted(until)], (0..until).collect()));
}

/// The item before which a batch was left.
const HELD_OVER: u8 = 3;

/// Stops the scan that is left of two when so many items were pulled. It has them all,
/// and none that is pulled later, of which there are at most so many.
fn has_all_that_was_pulled(stop: fn(&Control), later: usize) {
    let (control, config) = controlled();
    let pulled = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&pulled);
    let input = (0..3).inspect(move |_| _ = counts.fetch_add(1, Relaxed));
    let mut run = input.fan_out().with(&config).distribute([count(), first(1)]);
    assert_eq!(run.next().map(|(_, output)| output), Some(0));
    let before = pulled.load(Relaxed);
    stop(&control);
    let [count, _] = outputs(run);
    assert_eq!(count, [before as u8]);
    assert!(pulled.load(Relaxed) <= before + later);
}

models! {
    /// The scans are flushed, and all that was pulled is delivered.
    stop_from_another_thread(ONE) {
        let (control, config) = controlled();
        let seen = Seen::default();
        let run = (0..2).fan_out().with(&config).distribute([Witness::new(&seen).boxed()]);
        let stopper = spawn(move || control.stop());
        let [outputs] = outputs(run);
        stopper.join().expect("no panic");
        let expected: Vec<_> = (0..seen.steps() as u8).chain([100]).collect();
        assert_eq!((outputs, seen.flushes(), seen.drops()), (expected, 1, 1));
    }

    /// It takes effect though it came before the start.
    stop_before_the_start(ONE) {
        for ahead in [false, true] {
            let (control, config) = controlled();
            control.stop();
            let untouched = (0..2).inspect(|_| panic!("pulled"));
            let seen = Seen::default();
            let scans = [Witness::new(&seen).boxed()];
            let given = if ahead {
                outputs(untouched.fan_out().with(&config).read_ahead().distribute(scans))
            } else {
                outputs(untouched.fan_out().with(&config).distribute(scans))
            };
            assert_eq!((given, seen.flushes()), ([vec![100]], 1));
        }
    }

    /// So does an abort: no scan is flushed.
    abort_before_the_start(ONE) {
        let (control, config) = controlled();
        control.abort();
        let seen = Seen::default();
        let scans = [Witness::new(&seen).boxed()];
        assert_eq!(outputs((0..2).fan_out().with(&config).distribute(scans)), [[]]);
        assert_eq!((seen.steps(), seen.flushes()), (0, 0));
    }

    /// A stop takes effect though it comes beside the start.
    stop_races_with_the_start(ONE) {
        let (control, config) = controlled();
        let stopper = spawn(move || control.stop());
        let run = (0..2).fan_out().with(&config).distribute([count()]);
        stopper.join().expect("no panic");
        assert_eq!(outputs(run), [[0]]);
    }

    /// A stop that has returned is seen between two items of a batch: the item that was
    /// pending is given to nobody, and no other is pulled.
    stop_that_has_returned_leaves_the_batch(ONE) {
        let (control, config) = controlled();
        let gate = Gate::default();
        let (passed, pulled) = (gate.clone(), Arc::new(AtomicUsize::new(0)));
        let counts = Arc::clone(&pulled);
        let input = Blocking { items: 0..3, blocks_at: 1, gate: passed, dropped: Arc::default() };
        let input = input.inspect(move |_| _ = counts.fetch_add(1, Relaxed));
        let run = input.fan_out().with(&config.batch(3)).distribute([count()]);
        let stopper = spawn(move || {
            control.stop();
            gate.open();
        });
        let [count] = outputs(run);
        stopper.join().expect("no panic");
        let pulled = pulled.load(Relaxed);
        assert!(pulled <= 2 && usize::from(count[0]) <= pulled.min(1), "{count:?} of {pulled}");
    }

    /// So it is if the stop is read along with the end of a scan.
    stop_that_has_returned_beside_an_end(ONE) {
        let (control, config) = controlled();
        let gate = Gate::default();
        let (passed, pulled) = (gate.clone(), Arc::new(AtomicUsize::new(0)));
        let counts = Arc::clone(&pulled);
        let input = Blocking { items: 0..5, blocks_at: 2, gate: passed, dropped: Arc::default() };
        let input = input.inspect(move |_| _ = counts.fetch_add(1, Relaxed));
        let run = input.fan_out().with(&config.batch(2)).distribute([first(1)]);
        let stopper = spawn(move || {
            control.stop();
            gate.open();
        });
        let [first] = outputs(run);
        stopper.join().expect("no panic");
        assert!([0].starts_with(&first), "{first:?}");
        assert!(pulled.load(Relaxed) <= 3);
    }

    /// An item that was pulled, and held over because of an interruption, is not for a scan
    /// that is added behind it.
    add_behind_an_item_that_is_held_over(TWO) {
        let (control, config) = controlled();
        let pulled = Arc::new(AtomicUsize::new(0));
        let counts = Arc::clone(&pulled);
        let input = (0..3).inspect(move |item| {
            counts.fetch_add(1, Relaxed);
            if *item == 1 {
                control.stop_scan(ScanId::new(0));
            }
        });
        let mut run = input.fan_out().with(&config.batch(3)).distribute([count(), each()]);
        let adder = run.adder();
        let before = run.next();
        let from = pulled.load(Relaxed) as u8;
        assert!(before.is_some() && from >= 2);
        let added = adder.add(each());
        let [counted, whole, late] = outputs(before.into_iter().chain(run));
        assert_eq!((counted, whole), (vec![1], vec![0, 1, 2]));
        assert_eq!(late, if added.is_ok() { (from..3).collect() } else { Vec::new() });
    }

    /// The same where that item is behind a batch that is still being sent.
    add_behind_an_item_that_is_held_over_behind_another(TWO) {
        let (control, config) = controlled();
        let pulled = Arc::new(AtomicUsize::new(0));
        let counts = Arc::clone(&pulled);
        let input = (0..4).inspect(move |item| {
            counts.fetch_add(1, Relaxed);
            if *item == HELD_OVER {
                control.stop_scan(ScanId::new(0));
            }
        });
        let mut run = input.fan_out().with(&config.batch(2)).distribute([count(), each()]);
        let adder = run.adder();
        let before = run.next();
        let from = pulled.load(Relaxed) as u8;
        let added = adder.add(count());
        let [_, whole, late] = outputs(before.into_iter().chain(run));
        assert_eq!(whole, [0, 1, 2, 3]);
        assert_eq!(late, if added.is_ok() { vec![4 - from] } else { Vec::new() });
    }

    /// A stop that comes when an item is held over is behind that: a scan that was there
    /// when it was pulled is given it, wherever the others are, and one that was stopped
    /// meanwhile is not.
    stop_behind_an_item_that_is_held_over(TWO) {
        is_behind_an_item_that_is_held_over(Control::stop, |pulled| pulled.min(HELD_OVER));
    }

    /// The same for the stop of one scan.
    stop_of_a_scan_behind_an_item_that_is_held_over(TWO) {
        let stop_second = |control: &Control| control.stop_scan(ScanId::new(1));
        is_behind_an_item_that_is_held_over(stop_second, |_| HELD_OVER);
    }

    /// A drop that comes then drops all that was pulled, though an adder is kept.
    drop_behind_an_item_that_is_held_over(TWO) {
        let (control, config) = controlled();
        let (pulled, drops) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (counts, counted) = (Arc::clone(&pulled), Arc::clone(&drops));
        let input = (0..5).map(move |item| {
            counts.fetch_add(1, Relaxed);
            if item == HELD_OVER {
                control.stop_scan(ScanId::new(0));
            }
            Item { drops: Arc::clone(&counted), panics: false }
        });
        let scans = [tally(), scan::map(|_: &Item| 0).boxed()];
        let mut run = input.fan_out().with(&config.batch(2)).distribute(scans);
        let adder = run.adder();
        assert!(run.next().is_some());
        drop(run);
        assert_eq!(drops.load(Relaxed), pulled.load(Relaxed));
        drop(adder);
    }

    /// What is asked for is done before the input is pulled again.
    nothing_is_pulled_behind_a_stop(ONE) {
        has_all_that_was_pulled(Control::stop, 0);
    }

    /// A scan that is stopped gets what it is owed. More may be pulled for the other, of
    /// which nobody knows yet that it has ended.
    stop_of_a_scan_that_is_owed_an_item(ONE) {
        has_all_that_was_pulled(|control| control.stop_scan(ScanId::new(0)), 2);
    }

    /// Two scans are stopped behind the same item.
    stop_of_two(TWO) {
        let (control, config) = controlled();
        let run = (0..2).fan_out().with(&config).distribute([each(), count()]);
        let stopper = spawn(move || control.stop());
        let [each, count] = outputs(run);
        stopper.join().expect("no panic");
        assert_eq!(count, [each.len() as u8]);
    }

    /// Stop does not wait for an input that has its own thread.
    stop_while_the_input_blocks(ONE) {
        let (control, config) = controlled();
        let gate = Gate::default();
        let passed = gate.clone();
        let input = Blocking { items: 0..2, blocks_at: 1, gate: passed, dropped: Arc::default() };
        let run = input.fan_out().with(&config).read_ahead().distribute([count()]);
        control.stop();
        let [count] = outputs(run);
        assert!(count == [0] || count == [1], "{count:?}");
        gate.open();
    }

    /// Nothing but the stop wakes who waits.
    stop_by_another_thread_while_the_input_blocks(ONE) {
        let (control, config) = controlled();
        let gate = Gate::default();
        let passed = gate.clone();
        let input = Blocking { items: 0..1, blocks_at: 0, gate: passed, dropped: Arc::default() };
        let run = input.fan_out().with(&config).read_ahead().distribute([count()]);
        let stopper = spawn(move || control.stop());
        assert_eq!(outputs(run), [[0]]);
        stopper.join().expect("no panic");
        gate.open();
    }

    /// Nor is the item that the input blocks before added to the batch that grows, when the
    /// stop has taken effect.
    stop_ends_the_batch_that_grows(ONE) {
        let (control, config) = controlled();
        let (gate, pulled) = (Gate::default(), Arc::new(AtomicUsize::new(0)));
        let (passed, counts) = (gate.clone(), Arc::clone(&pulled));
        let input = Blocking { items: 0..3, blocks_at: 2, gate: passed, dropped: Arc::default() };
        let input = input.inspect(move |_| _ = counts.fetch_add(1, Relaxed));
        let config = config.batch(2);
        let mut run = input.fan_out().with(&config).read_ahead().distribute([repeat(6)]);
        // The scan waits for room for its third batch of outputs, and takes no items.
        let first = run.next().into_iter().chain(run.next());
        let mut given: Vec<_> = first.map(|(_, output)| output).collect();
        while pulled.load(Relaxed) < 2 {
            checker::thread::yield_now();
        }
        control.stop();
        given.extend(run.next().map(|(_, output)| output));
        gate.open();
        given.extend(run.map(|(_, output)| output));
        assert!(!given.contains(&2), "{given:?}");
    }

    /// Again and again: what was pulled before the first time is delivered.
    stop_that_is_asked_for_again(ONE) {
        let (control, config) = controlled();
        let pulled = Arc::new(AtomicUsize::new(0));
        let counts = Arc::clone(&pulled);
        let input = (0..4).inspect(move |_| _ = counts.fetch_add(1, Relaxed));
        let run = input.fan_out().with(&config).distribute([repeat(2)]);
        let given = run.map(|(_, output)| {
            control.stop();
            output
        });
        let given: Vec<u8> = given.collect();
        let expected = (0..pulled.load(Relaxed) as u8).flat_map(|item| [item; 2]);
        assert_eq!(given, expected.collect::<Vec<_>>());
    }

    /// Nor for room at a scan: what is owed is sent, then it ends.
    stop_while_the_input_waits_for_room(ONE) {
        let (control, config) = controlled();
        let run = (0..3).fan_out().with(&config).read_ahead().distribute([count()]);
        control.stop();
        let [count] = outputs(run);
        assert!(matches!(count[..], [0..=3]), "{count:?}");
    }

    /// A scan is stopped, or ends by itself, whichever comes first.
    stop_of_a_scan_races_with_its_end(TWO) {
        let (control, config) = controlled();
        let run = (0..2).fan_out().with(&config).distribute([first(1), count()]);
        let stopper = spawn(move || control.stop_scan(ScanId::new(0)));
        let [first, count] = outputs(run);
        stopper.join().expect("no panic");
        assert!(first.is_empty() || first == [0], "{first:?}");
        assert_eq!(count, [2]);
    }

    /// The last scan is stopped: so is the run.
    stop_of_the_only_scan(ONE) {
        let (control, config) = controlled();
        let run = (0..2).fan_out().with(&config).distribute([count()]);
        let stopper = spawn(move || control.stop_scan(ScanId::new(0)));
        let [count] = outputs(run);
        stopper.join().expect("no panic");
        assert!(matches!(count[..], [0..=2]), "{count:?}");
    }

    /// Both sides are full.
    abort_from_another_thread(ONE) {
        let (control, config) = controlled();
        let run = (0..2).fan_out().with(&config).distribute([repeat(2)]);
        let aborter = spawn(move || control.abort());
        let [outputs] = outputs(run);
        aborter.join().expect("no panic");
        assert!([0, 0, 1, 1].starts_with(&outputs), "{outputs:?}");
    }

    /// A fold that is aborted, in the midst of a batch or anywhere, returns what it has so far.
    abort_of_a_fold(ONE) {
        let (control, config) = controlled();
        let stepped = Arc::new(AtomicUsize::new(0));
        let steps = Arc::clone(&stepped);
        let counted = scan::fold(0, move |n, _: &u8| {
            steps.fetch_add(1, Relaxed);
            n + 1
        });
        let aborter = spawn(move || control.abort());
        let [count] = (0..2).fan_out().with(&config.batch(2)).fold([counted]);
        aborter.join().expect("no panic");
        assert_eq!(count, stepped.load(Relaxed));
    }

    /// The scan is added, and is given all items from one on, or it is given back.
    add_races_with_the_end(ADDED) {
        let mut run = (0..1).fan_out().with(&tight()).distribute([count()]);
        let adder = run.adder();
        let added = add(adder, count());
        let [before, late] = outputs(run);
        assert_eq!(before, [1]);
        if was_added(added, 1) {
            assert!(matches!(late[..], [0..=1]), "{late:?}");
        } else {
            assert_eq!(late, []);
        }
    }

    /// The same where the run ends because its only scan does.
    add_races_with_the_end_of_the_only_scan(ADDED) {
        let mut run = (0..2).fan_out().with(&tight()).distribute([first(1)]);
        let adder = run.adder();
        let added = add(adder, count());
        let [before, late] = outputs(run);
        assert_eq!(before, [0]);
        if was_added(added, 1) {
            assert!(matches!(late[..], [0..=2]), "{late:?}");
        } else {
            assert_eq!(late, []);
        }
    }

    /// The end is the reason, too, where another run has the threads by then.
    add_races_with_the_end_and_the_next_run(ADDED) {
        let pool = Pool::with_max_threads(2);
        let config = tight().pool(pool.clone());
        let mut run = (0..0).fan_out().with(&config).distribute([count()]);
        let added = add(run.adder(), count());
        let [before, late] = outputs(run);
        let next = pool.lease(2);
        assert_eq!((before, late.len()), (vec![0], usize::from(was_added(added, 1))));
        drop(next);
    }

    /// And where it is dropped.
    add_races_with_the_drop(ADDED) {
        let mut run = (0..1).fan_out().with(&tight()).distribute([each()]);
        let adder = run.adder();
        let seen = Seen::default();
        let scan = Witness::new(&seen).boxed();
        let adding = spawn(move || drop(adder.add(scan)));
        drop(run);
        adding.join().expect("adding does not panic");
        assert_eq!(seen.flushes(), 0);
    }

    /// A scan that is added inside the input is not owed the batch in hand, and is owed
    /// the item that comes of that call.
    add_inside_the_input(TWO) {
        let slot = Arc::new(OnceLock::<Adder<u8, u8>>::new());
        let adder = Arc::clone(&slot);
        let input = (0..3).inspect(move |item| {
            if let (2, Some(adder)) = (item, adder.get()) {
                adder.add(each()).expect("the run goes on");
            }
        });
        let mut run = input.fan_out().with(&tight().batch(3)).distribute([count()]);
        assert!(slot.set(run.adder()).is_ok());
        assert_eq!(outputs(run), [[3], [2]]);
    }

    /// So it is in one that has its own thread: the batch that grows does so no more.
    add_inside_the_input_that_is_read_ahead(TWO) {
        let (gate, slot) = (Gate::default(), Arc::new(OnceLock::<Adder<u8, u8>>::new()));
        let (passed, adder) = (gate.clone(), Arc::clone(&slot));
        let input = Blocking { items: 0..2, blocks_at: 0, gate: passed, dropped: Arc::default() };
        let input = input.inspect(move |item| {
            if let (1, Some(adder)) = (item, adder.get()) {
                adder.add(count()).expect("the run goes on");
            }
        });
        let config = tight().batch(2);
        let mut run = input.fan_out().with(&config).read_ahead().distribute([count()]);
        assert!(slot.set(run.adder()).is_ok());
        gate.open();
        assert_eq!(outputs(run), [[2], [1]]);
    }

    /// The scan that is added there is given what is to come, or the run has ended.
    add_inside_the_input_races_with_the_end(ADDED) {
        let (gate, slot) = (Gate::default(), Arc::new(OnceLock::<Adder<u8, u8>>::new()));
        let (passed, adder) = (gate.clone(), Arc::clone(&slot));
        let added = Arc::new(AtomicUsize::new(0));
        let adds = Arc::clone(&added);
        let input = Blocking { items: 0..2, blocks_at: 1, gate: passed, dropped: Arc::default() };
        let input = input.inspect(move |item| {
            if let (1, Some(adder)) = (item, adder.get()) {
                adds.store(usize::from(adder.add(count()).is_ok()), Relaxed);
            }
        });
        let config = tight();
        let opens = scan::inspect(move |_: &u8| gate.open()).then(first(1)).boxed();
        let mut run = input.fan_out().with(&config).read_ahead().distribute([opens]);
        assert!(slot.set(run.adder()).is_ok());
        let [first, late] = outputs(run);
        assert_eq!((first, late), (vec![0], vec![1; added.load(Relaxed)]));
    }

    /// Nobody has looked at the run since the scan was added, which has outputs that
    /// nobody takes.
    drop_with_a_full_scan_that_was_added(TWO) {
        let config = tight();
        let mut run = (0..2).fan_out().with(&config).read_ahead().distribute([first(0)]);
        let adder = run.adder();
        let seen = Seen::default();
        let scan = repeat(3).then(Witness::new(&seen)).boxed();
        if adder.add(scan).is_ok() {
            checker::thread::yield_now();
            drop(run);
            assert_eq!(seen.drops(), 1, "the scan is gone when the drop returns");
        }
    }

    /// The same with one that has come and gone since.
    drop_with_an_ended_scan_that_was_added(TWO) {
        let config = tight();
        let mut run = (0..2).fan_out().with(&config).read_ahead().distribute([count()]);
        let adder = run.adder();
        if adder.add(first(1)).is_ok() {
            checker::thread::yield_now();
            drop(run);
        }
    }

    /// A run that waits for its first scan.
    add_to_a_run_without_scans(ADDED) {
        let config = tight().discard_without_scans(true);
        let none: [BoxScan<'static, u8, u8>; 0] = [];
        let mut run = (0..2).fan_out().with(&config).distribute(none);
        let adder = run.adder();
        let added = add(adder, count());
        let [late] = outputs(run);
        if was_added(added, 0) {
            assert!(matches!(late[..], [0..=2]), "{late:?}");
        } else {
            assert_eq!(late, []);
        }
    }

    /// A batch that grows does so no more when a scan is added.
    add_while_a_batch_grows(TWO) {
        let config = tight().batch(2);
        let mut run = (0..2).fan_out().with(&config).read_ahead().distribute([each()]);
        let adder = run.adder();
        let added = adder.add(each());
        let [before, late] = outputs(run);
        assert_eq!(before, [0, 1]);
        assert!(added.is_err() && late.is_empty() || [0, 1].ends_with(&late), "{late:?}");
    }

    /// The batch that grows is not owed to a scan that is added while the input blocks.
    add_while_the_input_blocks(ADDED) {
        let (gate, dropped) = (Gate::default(), Arc::new(AtomicUsize::new(0)));
        let (passed, drops) = (gate.clone(), Arc::clone(&dropped));
        let input = Blocking { items: 0..2, blocks_at: 1, gate: passed, dropped: drops };
        let config = tight().batch(2);
        let mut run = input.fan_out().with(&config).read_ahead().distribute([each()]);
        let adder = run.adder();
        let first = run.next().map(|(_, output)| output);
        assert_eq!(first, Some(0));
        adder.add(each()).expect("the run goes on");
        gate.open();
        assert_eq!(outputs(run), [[1], [1]]);
        assert_eq!(dropped.load(Relaxed), 1);
    }
}
