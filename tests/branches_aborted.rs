//! What a branch is handed out when its run is aborted.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use anabranch::branch::Items;
use anabranch::{Control, prelude::*};
use support::{Gate, deadline};

/// Opens a gate when it is dropped.
struct Opens(Option<Gate>);

impl Drop for Opens {
    fn drop(&mut self) {
        self.0.iter().for_each(Gate::open);
    }
}

/// Returns what a branch makes of an item, and of one more that the input gives behind an abort.
///
/// When the branch drops the first item, it has looked at the run, and is about to wait.
fn aborted_by_the_input<R: Send + 'static>(branch: fn(Items<'static, Opens>) -> R) -> R {
    deadline(move || {
        let (control, gate) = (Control::new(), Gate::default());
        let first = Opens(Some(gate.clone()));
        let aborts = control.clone();
        let second = std::iter::once_with(move || {
            gate.pass();
            aborts.abort();
            Opens(None)
        });
        let input = std::iter::once(first).chain(second);
        let run = input.fan_out().read_ahead().batch(1).control(&control);
        run.branch(branch).join().0
    })
}

#[test]
fn an_item_that_comes_behind_an_abort_is_not_handed_out() {
    assert_eq!(aborted_by_the_input(|items| items.map(|_| ()).fold(0, |n, ()| n + 1)), 1);
    assert_eq!(aborted_by_the_input(|mut items| items.by_ref().map(drop).count()), 1);
}

#[test]
fn a_slice_that_comes_behind_an_abort_is_not_lent() {
    assert_eq!(aborted_by_the_input(Iterator::count), 1);
    let slices = |mut items: Items<'static, Opens>| {
        std::iter::from_fn(|| items.next_slice().map(<[_]>::len)).sum::<usize>()
    };
    assert_eq!(aborted_by_the_input(slices), 1);
}

/// How many items a branch is given that aborts its run at the first, in the middle of a batch.
fn given(branch: fn(Items<'static, u64>, &mut dyn FnMut())) -> usize {
    deadline(move || {
        let control = Control::new();
        let run = (0..1_000).fan_out().batch(1_000).control(&control);
        let (given,) = run
            .branch(move |items| {
                let mut given = 0;
                branch(items, &mut || {
                    given += 1;
                    control.abort();
                });
                given
            })
            .join();
        given
    })
}

#[test]
fn the_rest_of_a_batch_is_not_handed_out_after_an_abort() {
    assert_eq!(given(|items, take| items.for_each(|_| take())), 1);
    assert_eq!(given(|items, take| items.cloned().for_each(|_| take())), 1);
    assert_eq!(given(|mut items, take| while items.next().is_some_and(|_| (take(), true).1) {}), 1);
    assert_eq!(given(|items, take| items.cloned().take(10).for_each(|_| take())), 1);
    assert_eq!(given(|items, take| items.step_by(2).for_each(|_| take())), 1);
    let slices: fn(Items<'static, u64>, &mut dyn FnMut()) = |mut items, take| {
        while items.next_slice().is_some() {
            take();
        }
    };
    assert_eq!(given(slices), 1);
    // So there may be fewer than are left of the batch.
    let sizes: fn(Items<'static, u64>, &mut dyn FnMut()) = |mut items, take| {
        assert!(items.next().is_some());
        let (least, most) = items.size_hint();
        take();
        assert_eq!((least, most, items.count()), (0, None, 0));
    };
    assert_eq!(given(sizes), 1);
}

#[test]
fn a_total_beside_branches_has_what_there_is_so_far() {
    deadline(|| {
        let control = Control::new();
        let steps = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&steps);
        let run = (0..).fan_out().control(&control);
        let (seen, count) = run
            .branch(move |items: Items<'_, u64>| {
                let seen = items.take(1_000).count();
                control.abort();
                seen
            })
            .scan(scan::fold(0, move |n, _: &u64| {
                counted.store(n + 1, SeqCst);
                n + 1
            }))
            .join();
        assert_eq!((seen, count), (1_000, steps.load(SeqCst)));
    });
}

/// An input that fails is no abort: its items end in order.
#[test]
fn a_token_tells_an_abort_from_an_error_of_the_input() {
    deadline(|| {
        let run = [Ok(1), Err("expected")].into_iter().fan_out().until_error();
        let said = Arc::new(Mutex::new(None));
        let say = Arc::clone(&said);
        let run = run.branch(move |items| {
            let token = items.abort_token();
            let items = items.count();
            *say.lock().unwrap() = Some((items, token.is_aborted(), token.is_cut_short()));
        });
        assert_eq!(run.join(), Err("expected"));
        assert_eq!(*said.lock().unwrap(), Some((1, false, true)));
    });
}

#[test]
fn a_scan_beside_branches_keeps_its_name() {
    deadline(|| {
        let control = Control::new();
        let run = (0..3).fan_out().control(&control);
        let run = run.branch(|items| items.count()).scan(scan::count().named("counts"));
        assert_eq!(run.join(), (3, 3));
        assert_eq!(control.stats().scans[1].name.as_deref(), Some("counts"));
    });
}
