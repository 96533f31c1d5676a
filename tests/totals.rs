//! Totals: their results have the type that says whether there always is one, and an aborted
//! fold gives what there is so far.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use anabranch::{Control, prelude::*};
use support::deadline;

#[test]
fn what_always_has_a_result_needs_no_option() {
    let none = || std::iter::empty::<i32>().fan_out();
    let always: (usize, i32, Vec<i32>, ()) = none().fold((
        scan::count(),
        scan::sum(),
        scan::collect(),
        scan::for_each(|_: &i32| unreachable!()),
    ));
    assert_eq!(always, (0, 0, vec![], ()));
    let always: (i32, Result<i32, String>, Result<(), String>) = none().fold((
        scan::fold_mut(1, |_, _| unreachable!()),
        scan::try_fold(1, |_, _| unreachable!()),
        scan::try_for_each(|_| unreachable!()),
    ));
    assert_eq!(always, (1, Ok(1), Ok(())));
    let perhaps = none().fold((scan::min(), scan::max(), scan::last(), scan::cloned().last()));
    assert_eq!(perhaps, (None, None, None, None));
    let perhaps: (Option<i32>, Option<i32>, Option<i32>) = none().fold((
        scan::min_by(i32::cmp),
        scan::max_by(i32::cmp),
        scan::reduce(|_, _| unreachable!()),
    ));
    assert_eq!(perhaps, (None, None, None));
}

#[test]
fn adaptors_keep_the_type_of_the_result() {
    let totals = (
        scan::count().map(|n| n * 10).named("tens"),
        scan::sum::<i32, i32>().map_input(|x: &i32| x * x),
        scan::max().filter_input(|x: &i32| x % 2 == 0),
        scan::take(2).then(scan::count()),
        scan::count().catch_unwind(),
        scan::reduce(|a: i32, b| a - b).map_input(|x: &i32| x * x).named("differences"),
        scan::cloned().then(scan::try_for_each(|x: &i32| if *x < 3 { Ok(()) } else { Err(*x) })),
    );
    let (tens, squares, even, two, caught, difference, small) =
        [1, 2, 3].into_iter().fan_out().fold(totals);
    assert_eq!((tens, squares, even, two), (30, 14, Some(2), 2));
    assert_eq!(caught.ok(), Some(3));
    assert_eq!((difference, small), (Some(-12), Err(3)));
}

#[test]
fn a_total_whose_panic_is_caught_has_a_result() {
    let reciprocal = scan::fold(0, |sum, x: &i32| sum + 6 / x).catch_unwind();
    let in_place = scan::fold_mut(0, |sum, x: &i32| *sum += 6 / x).catch_unwind();
    let fallible = scan::try_for_each(|x: &i32| (6 / x > 0).then_some(()).ok_or(())).catch_unwind();
    let totals = (reciprocal, in_place, fallible, scan::count());
    let (sum, in_place, fallible, count) = [3, 0, 1].into_iter().fan_out().fold(totals);
    for caught in [sum.unwrap_err(), in_place.unwrap_err(), fallible.unwrap_err()] {
        assert_eq!(caught.downcast_ref(), Some(&"attempt to divide by zero"));
    }
    assert_eq!(count, 3);
}

#[test]
fn vectors_and_arrays_of_totals_give_vectors_and_arrays() {
    let run = || (1..=3).fan_out();
    assert_eq!(run().fold(vec![scan::count(), scan::count()]), vec![3, 3]);
    assert_eq!(run().fold([scan::max(), scan::max()]), [Some(3), Some(3)]);
    assert_eq!(run().fold(vec![scan::cloned().last(); 2]), vec![Some(3), Some(3)]);
}

/// Emits nothing before the flush, and notes that.
struct AtTheFlush(Arc<AtomicBool>);

impl Scan<u64> for AtTheFlush {
    type Output = &'static str;

    fn step(&mut self, item: &u64, out: &mut Emitter<'_, &'static str>) -> ControlFlow<()> {
        if *item == 0 {
            out.emit("at the first item");
        }
        ControlFlow::Continue(())
    }

    fn flush(&mut self, out: &mut Emitter<'_, &'static str>) {
        self.0.store(true, SeqCst);
        out.emit("at the flush");
    }
}

#[test]
fn an_aborted_fold_gives_what_there_is_so_far() {
    for batch in [1, 7, 64] {
        deadline(move || {
            let control = Control::new();
            let flushed = Arc::new(AtomicBool::new(false));
            let aborting = control.clone();
            let mut pulled = 0;
            let input = (0_u64..).inspect(|item| {
                pulled = item + 1;
                if *item == 1_000 {
                    aborting.abort();
                }
            });
            // The number of items and their sum, by one scan: they belong together.
            let both = scan::fold((0, 0), |(count, sum), item| (count + 1, sum + item));
            let (count, (items, sum), last, doubled) =
                input.fan_out().batch(batch).control(&control).fold((
                    scan::count(),
                    both,
                    AtTheFlush(Arc::clone(&flushed)).last(),
                    scan::count().map(|n| n * 2),
                ));
            assert!(control.is_aborted());
            assert!(count as u64 <= pulled && items <= pulled && doubled as u64 <= 2 * pulled);
            assert_eq!(sum, items * items.saturating_sub(1) / 2);
            assert_eq!(doubled % 2, 0);
            assert!(matches!(last, None | Some("at the first item")), "{last:?}");
            assert!(!flushed.load(SeqCst), "the scan of the user is flushed");
        });
    }
}

#[test]
fn an_abort_in_the_middle_of_a_batch_keeps_the_state() {
    deadline(|| {
        let control = Control::new();
        let aborting = control.clone();
        // The scan itself aborts the run, at its hundredth item.
        let count = scan::fold(0, move |count, _: &u64| {
            if count == 99 {
                aborting.abort();
            }
            count + 1
        });
        assert_eq!((0_u64..).fan_out().batch(1_000).control(&control).fold((count,)), (100,));
    });
    deadline(|| {
        let control = Control::new();
        let aborting = control.clone();
        let count = scan::fold_mut(0, move |count, _: &u64| {
            *count += 1;
            if *count == 100 {
                aborting.abort();
            }
        });
        assert_eq!((0_u64..).fan_out().batch(1_000).control(&control).fold((count,)), (100,));
    });
}

#[test]
fn an_aborted_fallible_total_gives_ok_with_what_there_is_so_far_or_its_error() {
    for fails in [false, true] {
        deadline(move || {
            let control = Control::new();
            let aborting = control.clone();
            let count = scan::try_fold(0, move |count, _: &u64| {
                if count < 99 {
                    return Ok(count + 1);
                }
                aborting.abort();
                if fails { Err(count) } else { Ok(count + 1) }
            });
            let (count,) = (0_u64..).fan_out().batch(1_000).control(&control).fold((count,));
            assert_eq!(count, if fails { Err(99) } else { Ok(100) });
        });
    }
}

#[test]
fn a_fold_that_is_aborted_before_it_begins_gives_what_totals_begin_with() {
    let control = Control::new();
    control.abort();
    let run = (0..3).fan_out().control(&control);
    assert_eq!(run.fold((scan::count(), scan::max())), (0, None));
    let run = (0..3).fan_out().control(&control);
    let untouched = (scan::try_fold(7, |_, _| Err(())), scan::reduce(|a: i32, _| a));
    assert_eq!(run.fold(untouched), (Ok(7), None));
    control.reset();
    control.stop();
    let run = (0..3).fan_out().control(&control);
    assert_eq!(run.fold((scan::count(), scan::max())), (0, None));
}

#[test]
fn stock_scans_are_clone_where_their_closures_are() {
    fn cloned<S: Scan<i32, Output = O> + Clone, O: PartialEq + std::fmt::Debug>(scan: S) {
        assert_eq!(scan.clone().apply([3, 1, 2]), scan.apply([3, 1, 2]));
    }
    cloned(scan::count());
    cloned(scan::sum::<i32, i32>());
    cloned(scan::sum_by(|x: &i32| *x));
    cloned(scan::fold(0, |n, x: &i32| n + x));
    cloned(scan::collect::<i32, Vec<i32>>());
    cloned(scan::for_each(|_: &i32| {}));
    cloned(scan::min());
    cloned(scan::max_by_key(|x: &i32| -x));
    cloned(scan::min_by_key(|x: &i32| -x));
    cloned(scan::last());
    cloned(scan::fold_mut(0, |n, x: &i32| *n += x));
    cloned(scan::min_by(i32::cmp));
    cloned(scan::max_by(i32::cmp));
    cloned(scan::reduce(|a: i32, b| a - b));
    cloned(scan::try_fold(0, |n, x: &i32| if *x < 2 { Err(n) } else { Ok(n + x) }));
    cloned(scan::try_for_each(|x: &i32| if *x < 2 { Err(*x) } else { Ok(()) }));
    cloned(scan::count().running());
    cloned(scan::min().running());
    cloned(scan::scan(0, |n, x: &i32| {
        *n += x;
        Some(*n)
    }));
    cloned(scan::map(|x: &i32| x + 1));
    cloned(scan::filter_map(|x: &i32| Some(*x)));
    cloned(scan::filter(|x: &i32| *x > 1));
    cloned(scan::cloned());
    cloned(scan::inspect(|_: &i32| {}));
    cloned(scan::take(2));
    cloned(scan::take_while(|x: &i32| *x > 1));
    cloned(scan::map(|x: &i32| *x).map(|x| x).filter(|_| true).named("all").take(2).last());
}

#[test]
fn no_output_of_a_flush_is_taken_where_none_is_wanted() {
    assert_eq!(scan::count::<u64>().take(0).apply([]), []);
    assert_eq!(scan::count::<u64>().take(1).apply([]), [0]);
    assert_eq!((0..0_u64).par_distribute([scan::count().take(0)]).count(), 0);
}
