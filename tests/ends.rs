//! How a run begins and ends: the contract of the iterator itself.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anabranch::IteratorExt;
use anabranch::scan::{self, BoxScan, Scan};
use support::config::With as _;
use support::limit::{SOON, deadline_of};
use support::{Gate, Tally, deadline, distribute, echo, sum, tight, tight_and_default};

/// An input that notes how often it was asked, and is not fused: asked again
/// after its end it would begin anew.
struct Asked {
    left: usize,
    times: Rc<Cell<usize>>,
}

impl Iterator for Asked {
    type Item = u64;
    fn next(&mut self) -> Option<u64> {
        self.times.set(self.times.get() + 1);
        if self.left == 0 {
            self.left = 1_000;
            return None;
        }
        self.left -= 1;
        Some(self.left as u64)
    }
}

#[test]
fn without_scans_there_is_none_and_not_one_item_is_pulled() {
    for config in tight_and_default() {
        deadline(move || {
            let times = Rc::new(Cell::new(0));
            let input = Asked { left: 10, times: Rc::clone(&times) };
            let mut run =
                input.fan_out().with(&config).distribute(Vec::<BoxScan<'static, u64, u64>>::new());
            assert_eq!(run.next(), None);
            assert_eq!(run.next(), None);
            assert_eq!(times.get(), 0);
        });
    }
}

#[test]
fn nothing_is_pulled_before_the_first_next() {
    deadline(|| {
        let times = Rc::new(Cell::new(0));
        let input = Asked { left: 10, times: Rc::clone(&times) };
        let run = input.par_distribute([sum()]);
        assert_eq!(times.get(), 0);
        drop(run);
        assert_eq!(times.get(), 0);
    });
}

#[test]
fn the_input_is_asked_exactly_once_for_its_end_and_none_is_for_ever() {
    for config in tight_and_default() {
        for n in [0, 1, 2, 100] {
            let config = config.clone();
            deadline(move || {
                let times = Rc::new(Cell::new(0));
                let input = Asked { left: n, times: Rc::clone(&times) };
                let mut run = input.fan_out().with(&config).distribute([sum(), echo()]);
                let outputs = run.by_ref().count();
                assert_eq!(outputs, 1 + n + 1);
                assert_eq!(times.get(), n + 1);
                assert!((0..5).all(|_| run.next().is_none()));
                assert_eq!(times.get(), n + 1);
            });
        }
    }
}

#[test]
fn the_input_is_dropped_when_it_has_ended_and_not_held_until_the_run_is() {
    deadline(|| {
        let tally = Tally::default();
        let held = tally.make(1);
        let input = (0..10_u64).inspect(move |_| assert_eq!(held.get(), &1));
        let mut run = input.par_distribute([sum()]);
        assert!(run.next().is_some());
        tally.assert_settled();
        assert!(run.next().is_none());
    });
}

#[test]
fn the_size_hint_is_never_wrong() {
    for config in tight_and_default() {
        deadline(move || {
            let scans = [echo(), support::repeat(3), sum()];
            let mut run = (0..2_000_u64).fan_out().with(&config).distribute(scans);
            let total = 2_001 + 6_000 + 1;
            for taken in 0..total {
                let (lower, upper) = run.size_hint();
                assert!(lower <= total - taken);
                assert!(upper.is_none_or(|upper| upper >= total - taken));
                assert!(run.next().is_some());
            }
            assert!(run.next().is_none());
            assert_eq!(run.size_hint(), (0, Some(0)));
        });
    }
}

#[test]
fn the_outputs_of_a_scan_come_in_its_own_order() {
    for config in tight_and_default() {
        let outputs =
            deadline(move || distribute(&config, 0..20_000_u64, (0..6).map(|_| echo()).collect()));
        for outputs in outputs {
            assert!(outputs.is_sorted());
            assert_eq!(outputs.len(), 20_001);
        }
    }
}

#[test]
fn items_and_outputs_need_not_be_clone_and_are_dropped_exactly_once() {
    for config in tight_and_default() {
        for taken in [0, 1, 7, 400, usize::MAX] {
            let config = config.clone();
            deadline(move || {
                let (items, outputs) = (Tally::default(), Tally::default());
                let input = {
                    let items = items.clone();
                    (0..1_000_u64).map(move |n| items.make(n))
                };
                let scans = [0, 1, 2, 3].map(|ends| {
                    let outputs = outputs.clone();
                    scan::scan((), move |(), item: &support::Tallied<u64>| {
                        (*item.get() < 990 + ends * 3).then(|| outputs.make(*item.get()))
                    })
                });
                let run = input.fan_out().with(&config).distribute(scans);
                let count = run.take(taken).count();
                assert!(count <= taken);
                items.assert_settled();
                outputs.assert_settled();
            });
        }
    }
}

#[test]
fn the_input_need_not_be_send_nor_outlive_anything() {
    deadline(|| {
        let local = Rc::new(Cell::new(0));
        let numbers = [1_u64, 2, 3];
        let input = numbers.iter().copied().inspect(|n| local.set(local.get() + n));
        assert_eq!(input.par_distribute([sum()]).map(|(_, sum)| sum).sum::<u64>(), 6);
        assert_eq!(local.get(), 6);
    });
}

#[test]
fn a_run_may_be_driven_by_one_thread_after_another() {
    deadline(|| {
        let mut run = (0..100_u64).fan_out().with(&tight()).distribute([echo()]);
        let first = run.next();
        let rest = std::thread::spawn(move || run.count()).join().unwrap();
        assert_eq!((first.is_some(), rest), (true, 100));
    });
}

#[test]
fn many_runs_at_once_on_one_pool_do_not_disturb_each_other() {
    deadline(|| {
        std::thread::scope(|scope| {
            for seed in 0..8_u64 {
                scope.spawn(move || {
                    for round in 0..50 {
                        let n = seed * 13 + round;
                        let outputs = distribute(&tight(), 0..n, vec![sum(), echo()]);
                        assert_eq!(outputs[0], [(0..n).sum::<u64>()]);
                        assert_eq!(outputs[1].len() as u64, n + 1);
                    }
                });
            }
        });
    });
}

#[test]
fn outputs_of_a_slow_scan_do_not_wait_for_the_end_of_a_long_batch() {
    deadline(|| {
        let stepped = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&stepped);
        let slow = scan::inspect(move |_: &usize| {
            count.fetch_add(1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(1));
        });
        // By the time that a few were stepped over, all the others are in few batches. Of
        // outputs one waits, one is waited with, and one is in the hands of the consumer.
        let run = (0..300_usize).fan_out().output_capacity(1).distribute([slow]);
        let behind = run.map(|(_, item)| stepped.load(Ordering::SeqCst) - item).max();
        assert!(behind.is_some_and(|behind| behind <= 4), "{behind:?} behind");
    });
}

#[test]
fn the_last_outputs_of_a_scan_do_not_wait_for_its_drop() {
    /// Is dropped when somebody lets it.
    struct Stays(Gate);

    impl Drop for Stays {
        fn drop(&mut self) {
            self.0.pass();
        }
    }

    for config in tight_and_default() {
        deadline_of(SOON, move || {
            let gate = Gate::default();
            let stays = Stays(gate.clone());
            let scan = scan::inspect(move |_: &u64| _ = &stays).then(echo());
            let mut run = (0..2).fan_out().with(&config).distribute([scan]);
            assert!(run.by_ref().any(|(_, output)| output == u64::MAX));
            gate.open();
            assert!(run.next().is_none());
        });
    }
}
