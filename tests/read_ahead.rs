//! Inputs with a thread of their own: outputs arrive while the input blocks, and
//! nobody waits for an input that does.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::io;
use std::iter;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use anabranch::scan::{self, Emitter, Scan};
use anabranch::{Control, Global, IteratorExt, PanicOrigin, Pool};
use support::config::{Config, With as _};
use support::{
    Gate, Tally, deadline, echo, hush, repeat, sum, tight, tight_and_default, until_panic,
};

/// Sends items to a run one by one, each when the outputs of the one before have come,
/// and checks the outputs of each.
fn in_step<O: PartialEq + std::fmt::Debug>(
    send: &mpsc::Sender<u64>,
    run: &mut impl Iterator<Item = O>,
    expected: impl Fn(u64) -> Vec<O>,
) {
    for item in 0..200 {
        send.send(item).unwrap();
        for output in expected(item) {
            assert_eq!(run.next(), Some(output));
        }
    }
}

#[test]
fn outputs_arrive_while_the_input_blocks() {
    for config in tight_and_default() {
        deadline(move || {
            let (send, input) = mpsc::channel();
            let input = input.into_iter().fan_out().with(&config).read_ahead();
            let mut run = input.distribute([echo()]);
            in_step(&send, &mut run.by_ref().map(|(_, x)| x), |item| vec![item]);
            drop(send);
            assert_eq!(run.map(|(_, x)| x).collect::<Vec<_>>(), [u64::MAX]);
        });
    }
}

#[test]
fn outputs_of_the_whole_family_do() {
    for config in tight_and_default() {
        deadline(move || {
            let (send, input) = mpsc::channel();
            let input = input.into_iter().fan_out().with(&config).read_ahead();
            let run = input.ordered([repeat(2), repeat(1)]);
            in_step(&send, &mut run.map(|(_, x)| x), |item| vec![item; 3]);

            let (send, input) = mpsc::channel();
            let input = input.into_iter().fan_out().with(&config).read_ahead();
            let tens = scan::filter(|x: &u64| x % 10 == 0);
            let mut run = input.zip_latest((scan::cloned(), tens));
            in_step(&send, &mut run, |item| vec![(item, item / 10 * 10)]);

            let (send, input) = mpsc::channel();
            let input = input.into_iter().fan_out().with(&config).read_ahead();
            let mut run = input.demux(|x| x % 7, |_| scan::cloned());
            in_step(&send, &mut run, |item| vec![(item % 7, item)]);
        });
    }
}

#[test]
fn an_idle_scan_is_given_each_item_at_once_while_another_is_busy() {
    deadline(|| {
        let (gate, (send, input)) = (Gate::default(), mpsc::channel());
        let waits = gate.clone();
        let busy = scan::inspect(move |_: &u64| waits.pass());
        // There is room for three batches at the busy scan, and one in its hands.
        let config = Config::new().input_capacity(3).batch(1000);
        let scans = [busy.filter(|_| false).boxed(), scan::cloned().boxed()];
        let mut run = input.into_iter().fan_out().with(&config).read_ahead().distribute(scans);
        for item in 0..4 {
            send.send(item).unwrap();
            assert_eq!(run.next().map(|(_, x)| x), Some(item));
        }
        gate.open();
        drop(send);
        assert!(run.next().is_none());
    });
}

#[test]
fn items_that_come_while_all_are_busy_share_a_batch() {
    deadline(|| {
        let (gate, control, pulled) = (Gate::default(), Control::new(), Arc::new(Gate::default()));
        let (waits, all) = (gate.clone(), Arc::clone(&pulled));
        let busy = scan::inspect(move |_: &u64| waits.pass()).then(scan::count());
        let config = Config::new().input_capacity(2).batch(1000).control(&control);
        // The first is in the hands of the scan, the others are in one batch: two that
        // are full would not leave room for the last.
        let input = (0..1001).inspect(move |item| {
            if *item == 1000 {
                all.open()
            }
        });
        let run = input.fan_out().with(&config).read_ahead().distribute([busy]);
        pulled.pass();
        gate.open();
        assert_eq!(run.map(|(_, count)| count).collect::<Vec<_>>(), [1001]);
        assert!(control.stats().scans[0].input_high_water <= 3);
    });
}

#[test]
fn the_input_is_pulled_without_next_and_held_back_when_a_scan_is_full() {
    deadline(|| {
        let pulled = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&pulled);
        let input = (0..).inspect(move |_: &u64| {
            count.fetch_add(1, SeqCst);
        });
        let config = tight();
        let mut run = input.fan_out().with(&config).read_ahead().distribute([echo()]);
        while pulled.load(SeqCst) < 4 {
            thread::yield_now();
        }
        // One output in the channel, one waits for room; one batch in the channel, one
        // is being sent, and none is pulled while it is.
        thread::yield_now();
        assert!(pulled.load(SeqCst) <= 4, "{pulled:?}");
        assert_eq!(run.next().map(|(_, x)| x), Some(0));
    });
}

#[test]
fn a_batch_grows_up_to_its_length_and_no_further() {
    deadline(|| {
        let pulled = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&pulled);
        let input = (0..10_000_u64).inspect(move |_| _ = count.fetch_add(1, SeqCst));
        // While it is in its first step, there is room for one more batch, and another is
        // being sent.
        let scan = scan::map(move |item: &u64| {
            if *item == 0 {
                // The first batch may have had one item when it was taken.
                while pulled.load(SeqCst) < 5 {
                    thread::yield_now();
                }
                thread::sleep(Duration::from_millis(20));
            }
            pulled.load(SeqCst)
        });
        let config = tight().batch(3);
        let mut run = input.fan_out().with(&config).read_ahead().distribute([scan]);
        assert!(run.next().is_some_and(|(_, pulled)| pulled <= 9));
    });
}

/// An input that lets its caller know that it is inside, and waits; afterwards it says
/// that it was dropped.
struct Stuck {
    inside: Gate,
    leave: Gate,
    dropped: Gate,
    then: Option<u64>,
}

impl Iterator for Stuck {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.inside.open();
        self.leave.pass();
        self.then
    }
}

impl Drop for Stuck {
    fn drop(&mut self) {
        self.dropped.open();
    }
}

#[test]
fn a_drop_while_the_input_blocks_returns_at_once() {
    for config in tight_and_default() {
        for then in [Some(1), None] {
            let config = config.clone();
            deadline(move || {
                let (tally, pool) = (Tally::default(), Pool::new());
                let config = config.pool(pool.clone());
                let gates = [(); 3].map(|()| Gate::default());
                let [inside, leave, dropped] = gates.clone();
                let held = tally.make(());
                let scans = [
                    scan::inspect(move |_: &u64| assert_eq!(*held.get(), ())).boxed(),
                    scan::map(|x: &u64| *x).then(scan::filter(|_: &u64| false)).boxed(),
                ];
                let input = Stuck { inside, leave, dropped, then };
                let run = input.fan_out().with(&config).read_ahead().distribute(scans);
                let [inside, leave, dropped] = gates;
                inside.pass();
                drop(run);
                tally.assert_settled();
                assert_eq!(pool.in_use(), 1, "only the input's thread is left");
                leave.open();
                dropped.pass();
                while pool.in_use() > 0 {
                    thread::yield_now();
                }
            });
        }
    }
}

#[test]
fn a_run_whose_scans_have_ended_does_not_wait_for_the_input() {
    for config in tight_and_default() {
        deadline(move || {
            let gates = [(); 3].map(|()| Gate::default());
            let [inside, leave, dropped] = gates.clone();
            let input = (0..3).chain(Stuck { inside, leave, dropped, then: None });
            let scans = [scan::take(3), scan::take(2)];
            let run = input.fan_out().with(&config).read_ahead().distribute(scans);
            assert_eq!(run.map(|(_, x)| x).sum::<u64>(), 1 + 2 + 1);
            let [_, leave, dropped] = gates;
            leave.open();
            dropped.pass();
        });
    }
}

#[test]
fn the_input_has_been_dropped_when_the_run_has_ended() {
    for config in tight_and_default() {
        deadline(move || {
            for _ in 0..200 {
                let (tally, pool) = (Tally::default(), Pool::new());
                let (config, held) = (config.clone().pool(pool.clone()), tally.make(()));
                let input = (0..10_u64).inspect(move |_| assert_eq!(*held.get(), ()));
                let run = input.fan_out().with(&config).read_ahead().distribute([sum()]);
                assert_eq!(run.map(|(_, x)| x).collect::<Vec<_>>(), [45]);
                tally.assert_settled();
                assert_eq!(pool.in_use(), 0);
            }
        });
    }
}

#[test]
fn a_drop_waits_for_an_input_that_is_being_dropped() {
    /// Takes its time over its drop.
    struct Lasting {
        begun: Gate,
        dropped: Arc<AtomicUsize>,
    }

    impl Drop for Lasting {
        fn drop(&mut self) {
            self.begun.open();
            thread::sleep(Duration::from_millis(50));
            self.dropped.fetch_add(1, SeqCst);
        }
    }

    for config in tight_and_default() {
        deadline(move || {
            let (begun, dropped) = (Gate::default(), Arc::new(AtomicUsize::new(0)));
            let lasting = Lasting { begun: begun.clone(), dropped: Arc::clone(&dropped) };
            let input = (0..3).inspect(move |_| _ = &lasting);
            let run = input.fan_out().with(&config).read_ahead().distribute([sum()]);
            begun.pass();
            drop(run);
            assert_eq!(dropped.load(SeqCst), 1);
        });
    }
}

#[test]
fn a_thread_outlives_the_panic_of_an_input_that_a_run_has_left_to_it() {
    /// A payload whose drop panics, too.
    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic_any("expected: bomb");
        }
    }

    hush();
    deadline(|| {
        let pool = Pool::new();
        let config = Config::new().pool(pool.clone());
        let [inside, leave] = [(); 2].map(|()| Gate::default());
        let (entered, left) = (inside.clone(), leave.clone());
        let input = iter::from_fn(move || -> Option<u64> {
            entered.open();
            left.pass();
            panic_any(Bomb)
        });
        let run = input.fan_out().with(&config).read_ahead().distribute([sum()]);
        inside.pass();
        drop(run);
        leave.open();
        for _ in 0..10 {
            while pool.in_use() > 0 {
                thread::yield_now();
            }
            let run = (0..10).fan_out().with(&config).read_ahead().distribute([sum()]);
            assert_eq!(run.map(|(_, sum)| sum).collect::<Vec<_>>(), [45]);
        }
        assert_eq!((pool.in_use(), pool.idle()), (0, 2));
    });
}

#[test]
fn items_are_dropped_while_the_input_blocks_for_the_next_one() {
    deadline(|| {
        let (tally, (send, input)) = (Tally::default(), mpsc::channel());
        let scans = [scan::map(|_| ())];
        let mut run = input.into_iter().fan_out().read_ahead().distribute(scans);
        for _ in 0..10 {
            send.send(tally.make(1)).unwrap();
            assert!(run.next().is_some());
            while tally.dropped() < tally.made() {
                thread::yield_now();
            }
        }
    });
}

#[test]
fn a_panic_of_the_input_surfaces_behind_what_was_emitted() {
    hush();
    for config in tight_and_default() {
        deadline(move || {
            let input = (0..100).map(|x| if x < 99 { x } else { panic_any("expected: input") });
            let mut run = input.fan_out().with(&config).read_ahead().distribute([echo()]);
            let (before, payload) = until_panic(&mut run);
            assert_eq!(payload, "expected: input");
            assert_eq!(run.panicked(), Some(PanicOrigin::Input));
            // A prefix, without a flush.
            assert!(before.iter().map(|(_, x)| *x).eq(0..before.len() as u64), "{before:?}");
            assert_eq!(run.next(), None);
        });
    }
}

#[test]
fn a_panic_of_a_scan_surfaces_while_the_input_blocks() {
    hush();
    deadline(|| {
        let (send, input) = mpsc::channel();
        let panics = scan::map(|x: &u64| if *x < 3 { *x } else { panic_any("expected: step") });
        let mut run = input.into_iter().fan_out().read_ahead().distribute([panics.boxed(), sum()]);
        (0..4).for_each(|x| send.send(x).unwrap());
        let (before, payload) = until_panic(&mut run);
        assert_eq!((before.len(), payload), (3, "expected: step"));
        // The input was let go, inside its `next`; now it ends.
        drop(send);
    });
}

#[test]
fn without_scans_nothing_is_pulled() {
    deadline(|| {
        let gates = [(); 3].map(|()| Gate::default());
        let [inside, leave, dropped] = gates.clone();
        let scans: [scan::BoxScan<'static, u64, u64>; 0] = [];
        let input = Stuck { inside, leave, dropped, then: None };
        let mut run = input.fan_out().read_ahead().distribute(scans);
        assert!(run.adder().add(sum()).unwrap_err().is_ended());
        assert!(run.next().is_none());
        // It is dropped unasked: asked, it would wait.
        gates[2].pass();
    });
}

#[test]
fn before_the_verb_there_is_no_thread_and_nothing_is_pulled() {
    deadline(|| {
        let pool = Pool::new();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let gates = [(); 3].map(|()| Gate::default());
        let [inside, leave, dropped] = gates.clone();
        let stuck = Stuck { inside, leave, dropped, then: None };
        let input = std::iter::once_with(move || {
            count.fetch_add(1, SeqCst);
            0
        });
        let run = input.chain(stuck).fan_out().read_ahead().on(&pool);
        assert_eq!((pool.in_use(), pool.idle(), asked.load(SeqCst)), (0, 0, 0));
        // It is dropped unasked, here: asked, it would wait.
        drop(run);
        gates[2].pass();
        assert_eq!((pool.in_use(), pool.idle(), asked.load(SeqCst)), (0, 0, 0));
    });
}

#[test]
fn the_thread_is_one_of_the_pool() {
    deadline(|| {
        let pool = Pool::with_max_threads(2);
        let (inside, leave, dropped) = <(Gate, Gate, Gate)>::default();
        let input = Stuck { inside: inside.clone(), leave: leave.clone(), dropped, then: None };
        let run = input.fan_out().read_ahead().on(&pool).distribute([sum()]);
        inside.pass();
        assert_eq!(pool.in_use(), 2);
        assert!(pool.lease(1).is_err_and(|error| error.is_full()));
        leave.open();
        assert_eq!(run.map(|(_, x)| x).sum::<u64>(), 0);
        assert_eq!((pool.in_use(), pool.idle()), (0, 2));

        // One thread is too few for a scan and the input: neither begins.
        let (pool, tally) = (Pool::with_max_threads(1), Tally::default());
        let held = tally.make(());
        let input = (0..3_u64).inspect(move |_| panic!("{:?} is pulled", held.get()));
        let run = input.fan_out().read_ahead().on(&pool);
        let refused = catch_unwind(AssertUnwindSafe(|| run.distribute([sum()]).count()));
        let message = refused.unwrap_err().downcast::<String>().unwrap();
        assert!(message.starts_with("a run that needs 2 threads cannot start: "), "{message}");
        tally.assert_settled();
        assert_eq!(pool.in_use(), 0);
        // With threads of another pool it goes.
        let run = (0..3_u64).fan_out().read_ahead().on(&pool).on(Global);
        assert_eq!(run.distribute([sum()]).map(|(_, x)| x).sum::<u64>(), 3);
    });
}

#[test]
fn an_input_that_may_fail_can_be_read_ahead() {
    deadline(|| {
        let lines = || ["1", "2", "three", "4"].map(str::parse::<u64>).into_iter();
        let mut run = lines().fan_out().read_ahead().until_error().distribute([scan::cloned()]);
        assert!(matches!(run.next(), Some(Ok((_, 1)))));
        assert!(matches!(run.next(), Some(Ok((_, 2)))));
        assert!(matches!(run.next(), Some(Err(_))));
        assert!(run.next().is_none());

        // The two may come in either order.
        let count = || (scan::count(),);
        assert!(lines().fan_out().until_error().read_ahead().fold(count()).is_err());
        assert!(lines().fan_out().read_ahead().until_error().fold(count()).is_err());
        let whole = || lines().take(2).fan_out();
        assert_eq!(whole().read_ahead().until_error().fold(count()), Ok((2,)));
        assert_eq!(whole().until_error().read_ahead().fold(count()), Ok((2,)));

        let failing = [Ok(1), Err(io::Error::other("torn"))].into_iter().fan_out();
        let error = failing.read_ahead().until_error().fold(count()).unwrap_err();
        assert_eq!(error.to_string(), "torn");
    });
}

#[test]
fn inputs_that_borrow_can_be_read_ahead_in_a_scope() {
    deadline(|| {
        let words = ["to", "be", "or"].map(String::from);
        let config = tight();
        let lengths = thread::scope(|scope| {
            let run = config.set(words.iter().fan_out()).read_ahead().on(scope);
            let run = run.distribute([scan::map(|word: &&String| word.as_str())]);
            run.map(|(_, word)| word).collect::<Vec<_>>()
        });
        assert_eq!(lengths, ["to", "be", "or"]);
    });
}

#[test]
fn a_run_can_be_the_input_of_the_next_and_all_are_read_ahead() {
    for config in tight_and_default() {
        deadline(move || {
            let (send, input) = mpsc::channel();
            let (begun, calls) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let (begin, call) = (Arc::clone(&begun), Arc::clone(&calls));
            let mut input = input.into_iter();
            let input = iter::from_fn(move || {
                begin.fetch_add(1, SeqCst);
                let item = input.next();
                call.fetch_add(1, SeqCst);
                item
            });
            let add_one = || [scan::map(|x: &u64| x + 1)];
            let stage = |(_, x): (_, u64)| x;
            let first = input.fan_out().with(&config).read_ahead();
            let first = first.distribute(add_one()).map(stage);
            let second = first.fan_out().with(&config).read_ahead().distribute(add_one());
            let third = second.map(stage).fan_out().with(&config).read_ahead();
            let mut run = third.distribute(add_one()).map(stage);
            in_step(&send, &mut run, |item| vec![item + 3]);
            while begun.load(SeqCst) == calls.load(SeqCst) {
                thread::yield_now();
            }
            // The drop goes from stage to stage, though each is inside the one before.
            drop(run);
            assert!(send.send(0).is_ok());
        });
    }
}

#[test]
fn statistics_say_how_long_the_input_was_held_back() {
    deadline(|| {
        let (control, (send, input)) = (Control::new(), mpsc::channel());
        let config = Config::new().control(&control);
        let scans = [scan::cloned().boxed()];
        let mut run = input.into_iter().fan_out().with(&config).read_ahead().distribute(scans);
        in_step(&send, &mut run.by_ref().map(|(_, x)| x), |item| vec![item]);
        let stats = control.stats();
        assert!(stats.held_back.is_some());
        assert_eq!((stats.scans[0].items, stats.scans[0].outputs), (200, 200));
    });
}

#[test]
fn drops_at_any_moment_return_and_leave_nothing() {
    deadline(|| {
        let (tally, pool) = (Tally::default(), Pool::new());
        for round in 0..3_000_usize {
            let config = tight().batch(1 + round % 3).pool(pool.clone());
            let made = tally.clone();
            let input = (0..50).map(move |item| made.make(item));
            let twice = |item: &support::Tallied<u64>, out: &mut Emitter<'_, u64>| {
                out.emit(*item.get());
                out.emit(*item.get());
                ControlFlow::Continue(())
            };
            let scans = [scan::from_fn(twice).boxed(), scan::map(|_| 1).take(20).boxed()];
            let run = input.fan_out().with(&config).read_ahead().distribute(scans);
            run.take(round % 130).for_each(drop);
        }
        while pool.in_use() > 0 {
            thread::yield_now();
        }
        tally.assert_settled();
    });
}
