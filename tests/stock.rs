//! A scan that has the name of an iterator method gives what that method gives, alone and in a
//! run; its running form gives that after each item.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::ptr;
use std::sync::{Arc, Mutex};

use anabranch::prelude::*;
use proptest::prelude::*;
use support::deadline;

/// A key, of which there are few, and a number that tells items apart.
type Item = (u8, usize);

fn items() -> impl Strategy<Value = (Vec<Item>, usize)> {
    let keys = proptest::collection::vec(0..5_u8, 0..40);
    (keys.prop_map(|keys| keys.into_iter().zip(0..).collect()), 1..=9_usize)
}

/// Calls `check` with any items, and any length of batches.
fn for_any_items(check: impl Fn(&[Item], usize)) {
    let config = ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() };
    proptest!(config, |((items, batch) in items())| check(&items, batch));
}

/// Returns what the scan emits, and asserts that it is the same on the calling thread and in a
/// run.
#[track_caller]
fn outputs<S>(scan: S, items: &[Item], batch: usize) -> Vec<S::Output>
where
    S: Scan<Item, Output: Send + PartialEq + Debug> + Clone + Send + 'static,
{
    let expected = scan.clone().apply(items.iter().copied());
    let items = items.to_vec();
    let run = move || {
        let run = items.into_iter().fan_out().batch(batch).distribute([scan]);
        run.map(|(_, output)| output).collect::<Vec<_>>()
    };
    assert_eq!(deadline(run), expected);
    expected
}

/// Asserts that the scan emits `expected`, and that its running form emits after each item what
/// the scan emits for the items up to it.
macro_rules! assert_emits {
    ($scan:expr, $items:ident, $batch:ident, $expected:expr) => {
        let scan = $scan;
        assert_eq!(outputs(scan.clone(), $items, $batch), $expected);
        let prefixes = (1..=$items.len()).map(|n| $items[..n].iter().copied());
        let expected: Vec<_> = prefixes.flat_map(|items| scan.clone().apply(items)).collect();
        assert_eq!(outputs(scan.running(), $items, $batch), expected);
    };
}

fn by_key(a: &Item, b: &Item) -> Ordering {
    a.0.cmp(&b.0)
}

#[test]
fn the_first_of_the_least_and_the_last_of_the_greatest_are_kept() {
    for_any_items(|items, batch| {
        let all = || items.iter().copied();
        let option = |kept: Option<Item>| Vec::from_iter(kept);
        assert_emits!(scan::min_by(by_key), items, batch, option(all().min_by(by_key)));
        assert_emits!(scan::max_by(by_key), items, batch, option(all().max_by(by_key)));
        let key = |item: &Item| item.0;
        assert_emits!(scan::min_by_key(key), items, batch, option(all().min_by_key(key)));
        assert_emits!(scan::max_by_key(key), items, batch, option(all().max_by_key(key)));
        assert_emits!(scan::min(), items, batch, option(all().min()));
        assert_emits!(scan::max(), items, batch, option(all().max()));
        assert_emits!(scan::last(), items, batch, option(all().last()));
    });
}

#[test]
fn items_are_compared_in_the_order_in_which_iterators_compare_them() {
    for_any_items(|items, _| {
        let noting = |noted: &Arc<Mutex<Vec<(Item, Item)>>>| {
            let noted = Arc::clone(noted);
            move |a: &Item, b: &Item| {
                noted.lock().unwrap().push((*a, *b));
                by_key(a, b)
            }
        };
        let (ours, theirs) = (Arc::default(), Arc::default());
        let all = || items.iter().copied();
        scan::min_by(noting(&ours)).apply(all());
        scan::max_by(noting(&ours)).apply(all());
        let _ = (all().min_by(noting(&theirs)), all().max_by(noting(&theirs)));
        assert_eq!(*ours.lock().unwrap(), *theirs.lock().unwrap());
    });
}

#[test]
fn folds_fold_from_the_left() {
    for_any_items(|items, batch| {
        let all = || items.iter().copied();
        let f = |(a, b): Item, (c, d): Item| (a.wrapping_mul(3) ^ c, b.wrapping_mul(5) ^ d);
        let reduce = scan::reduce(move |a, b: &Item| f(a, *b));
        assert_emits!(reduce, items, batch, Vec::from_iter(all().reduce(f)));
        let fold = scan::fold((1, 1), move |a, b: &Item| f(a, *b));
        assert_emits!(fold, items, batch, [all().fold((1, 1), f)]);
        let fold = scan::fold_mut((1, 1), move |a: &mut Item, b: &Item| *a = f(*a, *b));
        assert_emits!(fold, items, batch, [all().fold((1, 1), f)]);
        assert_emits!(scan::count(), items, batch, [all().count()]);
        let sum = scan::sum_by(|item: &Item| item.1);
        assert_emits!(sum, items, batch, [all().map(|item| item.1).sum::<usize>()]);
        let every = scan::collect::<Item, Vec<Item>>();
        assert_emits!(every, items, batch, [all().collect::<Vec<_>>()]);
    });
}

#[test]
fn fallible_folds_end_at_the_first_error() {
    for_any_items(|items, batch| {
        let add = |sum: u8, (key, n): &Item| match sum + key {
            sum if sum < 30 => Ok(sum),
            _ => Err(*n),
        };
        let expected = items.iter().try_fold(0, add);
        assert_eq!(outputs(scan::try_fold(0, add), items, batch), [expected]);

        let (ours, theirs) = (Arc::new(Mutex::new(Vec::new())), Mutex::new(Vec::new()));
        let check = |seen: &Mutex<Vec<Item>>, item: &Item| {
            seen.lock().unwrap().push(*item);
            if item.0 == 4 && item.1 > 5 { Err(*item) } else { Ok(()) }
        };
        let expected = items.iter().try_for_each(|item| check(&theirs, item));
        let seen = Arc::clone(&ours);
        let checked = scan::try_for_each(move |item: &Item| check(&seen, item));
        assert_eq!(outputs(checked, items, batch), [expected]);
        // Once on the calling thread, and once in a run.
        assert_eq!(*ours.lock().unwrap(), theirs.into_inner().unwrap().repeat(2));
    });
}

#[test]
fn an_endless_input_is_pulled_until_every_scan_has_failed() {
    deadline(|| {
        let until = |n| scan::try_for_each(move |x: &u64| if *x < n { Ok(()) } else { Err(*x) });
        let failed = (0..).fan_out().fold([until(10), until(100_000), until(0)]);
        assert_eq!(failed, [Err(10), Err(100_000), Err(0)]);
    });
}

#[test]
fn a_state_that_is_changed_in_place_is_never_moved() {
    let places = scan::fold_mut(BTreeSet::new(), |places: &mut BTreeSet<usize>, _: &Item| {
        let place = ptr::from_ref(places).addr();
        places.insert(place);
    });
    for batch in [1, 7, 1_000] {
        let (places, items) = (places.clone(), vec![(0, 0); 100]);
        let run = items.into_iter().fan_out().batch(batch);
        assert_eq!(run.fold((places,)).0.len(), 1);
    }
}

#[test]
fn running_forms_give_rows() {
    let scans = (scan::count().running(), scan::max().running().filter_input(|x: &i32| x % 2 == 0));
    let rows: Vec<_> = [1, 4, 2, 6].into_iter().fan_out().zip_latest(scans).collect();
    assert_eq!(rows, [(2, 4), (3, 4), (4, 6)]);
}

#[test]
fn what_is_shown_of_a_scan_is_its_state_and_not_its_closure() {
    let fallible = scan::try_fold(3_i32, |sum, x: &i32| sum.checked_add(*x).ok_or(()));
    assert_eq!(format!("{fallible:?}"), "TryFold { state: Some(3), .. }");
    let in_place = scan::fold_mut(3, |sum, x: &i32| *sum += x);
    assert_eq!(format!("{in_place:?}"), "Fold { state: Some(3), .. }");
    let running = scan::reduce(|a: i32, b| a + b).running();
    assert_eq!(format!("{running:?}"), "Running(Keep { kept: None, .. })");
}
