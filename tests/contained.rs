//! A panic in any drop of any value is contained: the process goes on, the first panic is
//! the one that surfaces, every value is dropped once, and the threads are back.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "support/bombs.rs"]
mod bombs;
#[path = "support/child.rs"]
mod child;
mod support;

use std::iter;
use std::ops::ControlFlow;
use std::panic::panic_any;
use std::sync::{Arc, OnceLock};

use anabranch::scan::{self, BoxScan, Emitter, Scan};
use anabranch::{Adder, Control, IteratorExt, PanicOrigin, Pool};
use bombs::{BOMB, Bomb, caught};
use child::in_own_process;
use support::config::{Config, With as _};
use support::{Gate, Tally, hush, tight_and_default};

/// What the steps of these tests panic with.
const STEP: &str = "expected: step";

/// Runs `check` with each of the settings, a pool, and a tally; all that was counted has to
/// be dropped after it, and the threads have to be back.
#[track_caller]
fn settled(check: impl Fn(&Config, &Tally)) {
    hush();
    for config in tight_and_default() {
        let (pool, tally) = (Pool::new(), Tally::default());
        check(&config.pool(pool.clone()), &tally);
        assert!(tally.made() > 0);
        tally.assert_settled();
        assert_eq!(pool.in_use(), 0);
    }
}

/// Emits one armed output and ends; then opens the gate, when the output is on its way.
struct LastWords {
    tally: Tally,
    gone: Gate,
}

impl Scan<u64> for LastWords {
    type Output = Bomb;
    fn step(&mut self, _: &u64, out: &mut Emitter<'_, Bomb>) -> ControlFlow<()> {
        out.emit(Bomb::new(&self.tally, true));
        ControlFlow::Break(())
    }
}

impl Drop for LastWords {
    fn drop(&mut self) {
        self.gone.open();
    }
}

mod a_fold {
    use super::*;

    #[test]
    fn may_leave_outputs_behind_that_all_panic_in_their_drops() {
        in_own_process(|| {
            settled(|config, tally| {
                let tally = tally.clone();
                // Three for each item, and all but the very last are armed.
                let scan = scan::from_fn(move |item: &u64, out: &mut Emitter<'_, Bomb>| {
                    (0..3).for_each(|nth| out.emit(Bomb::new(&tally, (*item, nth) != (9, 2))));
                    ControlFlow::Continue(())
                });
                match caught(|| (0..10_u64).fan_out().with(config).fold((scan.last(),))) {
                    Ok((last,)) => assert!(last.is_some()),
                    Err(message) => assert_eq!(message, BOMB),
                }
            });
        });
    }

    #[test]
    fn may_hold_an_output_that_panics_in_its_drop_when_a_panic_surfaces() {
        in_own_process(|| {
            settled(|config, tally| {
                let gone = Gate::default();
                let words = LastWords { tally: tally.clone(), gone: gone.clone() };
                let panics = scan::map(move |_: &u64| -> u64 {
                    gone.pass();
                    panic_any(STEP)
                });
                let last = caught(|| {
                    (0..10_u64).fan_out().with(config).fold((words.last(), panics.last()))
                });
                assert_eq!(last.err(), Some(STEP));
            });
        });
    }

    #[test]
    fn may_hold_several_outputs_that_panic_in_their_drops_when_a_panic_surfaces() {
        in_own_process(|| {
            settled(|config, tally| {
                let gates = [(); 3].map(|()| Gate::default());
                let words = gates.clone().map(|gone| LastWords { tally: tally.clone(), gone });
                let panics = scan::map(move |_: &u64| -> Bomb {
                    gates.iter().for_each(Gate::pass);
                    panic_any(STEP)
                });
                let scans = words.into_iter().map(Scan::boxed).chain([panics.boxed()]);
                let scans: Vec<_> = scans.map(Scan::last).collect();
                let last = caught(|| (0..10_u64).fan_out().with(config).fold(scans));
                assert_eq!(last.err(), Some(STEP));
            });
        });
    }
}

mod rows {
    use super::*;

    /// Emits an armed output for the first item, and nothing behind it.
    fn once(tally: &Tally) -> BoxScan<'static, u64, Bomb> {
        let tally = tally.clone();
        scan::filter_map(move |item: &u64| (*item == 0).then(|| Bomb::new(&tally, true))).boxed()
    }

    #[test]
    fn may_hold_outputs_that_panic_in_their_drops_when_it_is_dropped() {
        in_own_process(|| {
            settled(|config, tally| {
                let mut rows =
                    (0_u64..).fan_out().with(config).zip_latest([once(tally), once(tally)]);
                assert!(rows.next().is_some());
                assert_eq!(caught(|| drop(rows)), Ok(()));
            });
        });
    }

    #[test]
    fn may_hold_an_output_that_panics_in_its_drop_when_the_step_panics_that_emitted_it() {
        in_own_process(|| {
            settled(|config, tally| {
                let tally = tally.clone();
                let scan = scan::from_fn(move |_: &u64, out: &mut Emitter<'_, Bomb>| {
                    out.emit(Bomb::new(&tally, true));
                    panic_any(STEP)
                });
                let mut rows = (0..10_u64).fan_out().with(config).zip_latest((scan,));
                assert_eq!(caught(|| rows.next().is_some()), Err(STEP));
            });
        });
    }
}

mod an_input {
    use super::*;

    /// An input that is armed; of its items those are for which `ask` says so.
    fn input(tally: &Tally, mut ask: impl FnMut(usize) -> bool) -> impl Iterator<Item = Bomb> {
        let (tally, own, mut nth) = (tally.clone(), Bomb::new(tally, true), 0);
        iter::from_fn(move || {
            let _: &Bomb = &own;
            nth += 1;
            Some(Bomb::new(&tally, ask(nth)))
        })
    }

    #[test]
    fn may_panic_in_its_drop_along_with_its_item_that_was_pending_when_an_abort_came() {
        in_own_process(|| {
            settled(|config, tally| {
                let control = Control::new();
                let config = config.clone().control(&control);
                let input = input(tally, move |nth| {
                    if nth == 3 {
                        control.abort();
                    }
                    nth == 3
                });
                let mut run = input.fan_out().with(&config).distribute([scan::count()]);
                assert_eq!(caught(|| run.by_ref().count()), Err(BOMB));
                let origin = run.panicked();
                assert!(matches!(origin, Some(PanicOrigin::Input | PanicOrigin::Item)));
                assert!(run.next().is_none());
            });
        });
    }

    #[test]
    fn may_panic_in_its_drop_along_with_an_item_that_is_held_over_in_a_run_that_is_dropped() {
        in_own_process(|| {
            settled(|config, tally| {
                let (gone, slot) = (Gate::default(), Arc::new(OnceLock::new()));
                let (words_are_out, adder) = (gone.clone(), Arc::clone(&slot));
                // The first output is on its way when the input adds a scan, so the run
                // gives it before it goes on with the item that comes of that call.
                let input = input(tally, move |nth| {
                    if nth == 2 {
                        words_are_out.pass();
                        let adder: &Adder<Bomb, ()> = adder.get().unwrap();
                        adder.add(scan::filter_map(|_: &Bomb| None).boxed()).unwrap();
                    }
                    nth == 2
                });
                let words = FirstWords(gone);
                let silent = scan::filter_map(|_: &Bomb| None);
                let mut run = input
                    .fan_out()
                    .with(&config.clone().batch(1))
                    .distribute([words.boxed(), silent.boxed()]);
                slot.get_or_init(|| run.adder());
                assert!(run.next().is_some());
                assert_eq!(caught(|| drop(run)), Ok(()));
            });
        });
    }

    /// Emits for the first item, ends, and opens the gate when that is on its way.
    struct FirstWords(Gate);

    impl Scan<Bomb> for FirstWords {
        type Output = ();
        fn step(&mut self, _: &Bomb, out: &mut Emitter<'_, ()>) -> ControlFlow<()> {
            out.emit(());
            ControlFlow::Break(())
        }
    }

    impl Drop for FirstWords {
        fn drop(&mut self) {
            self.0.open();
        }
    }
}

/// What an adaptor has in hand when a function of the user's panics: it is dropped while
/// that panic goes its way.
mod what_an_adaptor_has_in_hand {
    use super::*;

    /// The scan that `make` makes panics in a step, which surfaces.
    #[track_caller]
    fn surfaces(make: impl Fn(&Tally) -> BoxScan<'static, u64, u64>) {
        settled(|config, tally| {
            let mut run = (0..10_u64).fan_out().with(config).distribute([make(tally)]);
            assert_eq!(caught(|| run.by_ref().count()), Err(STEP));
            assert!(matches!(run.panicked(), Some(PanicOrigin::Scan(_))));
            assert!(run.next().is_none());
        });
    }

    /// Emits an armed output for every item.
    fn bombs(tally: &Tally) -> impl Scan<u64, Output = Bomb> + Send + use<> {
        let tally = tally.clone();
        scan::map(move |_: &u64| Bomb::new(&tally, true))
    }

    #[test]
    fn is_contained_by_then() {
        in_own_process(|| {
            surfaces(|tally| bombs(tally).then(scan::map(|_: &Bomb| panic_any(STEP))).boxed());
        });
    }

    #[test]
    fn is_contained_by_filter() {
        in_own_process(|| {
            surfaces(|tally| bombs(tally).filter(|_| panic_any(STEP)).map(|_| 0).boxed());
        });
    }

    #[test]
    fn is_contained_by_take_while() {
        in_own_process(|| {
            surfaces(|tally| bombs(tally).take_while(|_| panic_any(STEP)).map(|_| 0).boxed());
        });
    }

    #[test]
    fn is_contained_by_map_input() {
        in_own_process(|| {
            surfaces(|tally| {
                let tally = tally.clone();
                let scan = scan::map(|_: &Bomb| panic_any(STEP));
                scan.map_input(move |_: &u64| Bomb::new(&tally, true)).boxed()
            });
        });
    }

    #[test]
    fn is_contained_by_an_order() {
        in_own_process(|| {
            settled(|config, tally| {
                let tally = tally.clone();
                let scan = scan::from_fn(move |_: &u64, out: &mut Emitter<'_, Bomb>| {
                    (0..3).for_each(|_| out.emit(Bomb::new(&tally, true)));
                    panic_any(STEP)
                });
                let mut run = (0..10_u64).fan_out().with(config).ordered([scan]);
                // The outputs are the consumer's, who leaks none and contains them himself.
                let mut given = 0;
                let payload = loop {
                    match caught(|| run.next()) {
                        Err(payload) => break payload,
                        Ok(output) => {
                            given += usize::from(output.is_some());
                            assert_eq!(caught(|| drop(output)), Err(BOMB));
                        }
                    }
                };
                assert_eq!((given, payload), (3, STEP));
            });
        });
    }
}
