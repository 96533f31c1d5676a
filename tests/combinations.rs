//! Everything combines with everything: each form of input, on each kind of threads, with each
//! verb.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::mem;
use std::thread;

use anabranch::{Pool, branch::Items, prelude::*};
use support::deadline;

const ITEMS: [i32; 5] = [3, 1, 4, 1, 5];

/// What an input that cannot fail yields.
fn plain<X>(output: X) -> X {
    output
}

/// What one yields that may fail, and does not.
fn checked<X>(output: Result<X, String>) -> X {
    output.unwrap()
}

/// What one yields that fails.
fn failed<X>(output: Result<X, String>) -> bool {
    output.is_err_and(|error| error == "no item")
}

fn sorted<X: Ord>(outputs: impl IntoIterator<Item = X>) -> Vec<X> {
    let mut outputs: Vec<_> = outputs.into_iter().collect();
    outputs.sort_unstable();
    outputs
}

/// A branch whose iterator holds its items.
fn times<'a>(factor: i32) -> impl FnOnce(Items<'a, i32>) -> Box<dyn Iterator<Item = i32> + 'a> {
    move |items| Box::new(items.cloned().map(move |x| x * factor))
}

/// Checks every verb on a run over [`ITEMS`], or references to them.
macro_rules! verbs {
    ($yields:path, $run:expr) => {
        let doubled = || scan::map(|x| x * 2);
        let outputs = $run.distribute((doubled(), scan::count().map(|n| n as i32)));
        let outputs = sorted(outputs.map($yields).map(|(id, x)| (id.index(), x)));
        assert_eq!(outputs, [(0, 2), (0, 2), (0, 6), (0, 8), (0, 10), (1, 5)]);

        let outputs = $run.ordered([doubled(), doubled()]).map($yields).map(|(_, x)| x);
        assert!(outputs.eq([6, 6, 2, 2, 8, 8, 2, 2, 10, 10]));

        let rows = $run.zip_latest((doubled(), scan::map(|x| x + 1))).map($yields);
        assert!(rows.eq([(6, 4), (2, 2), (8, 5), (2, 2), (10, 6)]));

        let counts = $run.demux(|x| x % 2, |_| scan::count()).map($yields);
        assert_eq!(sorted(counts), [(0, 1), (1, 4)]);
        let counts = $run.demux_over(1, |x| x % 2, |_| scan::count()).map($yields);
        assert_eq!(sorted(counts), [(0, 1), (1, 4)]);

        let mut asked = 0;
        let counts = $run.batch(1).dynamic(move || {
            asked += 1;
            (asked <= 2).then(scan::count)
        });
        let counts: Vec<_> = counts.map($yields).map(|(_, count)| count).collect();
        assert!(counts.len() == 2 && counts.contains(&5), "{counts:?}");

        let (count, sum, largest) = $yields($run.fold((
            scan::count(),
            scan::sum_by(|x| *x + 0),
            scan::map(|x| x * 1).then(scan::max()),
        )));
        assert_eq!((count, sum, largest), (5, 14, Some(5)));

        let (count, sum, largest) = $yields(
            $run.branch(|items| items.count())
                .branch_named("sum", |items| items.map(|x| *x + 0).sum::<i32>())
                .scan(scan::map(|x| x * 1).then(scan::max()))
                .join(),
        );
        assert_eq!((count, sum, largest), (5, 14, Some(5)));
        let above = |least| move |items: Items<'_, i32>| items.filter(|x| **x > least).count();
        assert_eq!($yields($run.branches([above(1), above(3)]).join()), [3, 2]);

        let run = $run
            .branch(|items| items.map(|x| *x * 2))
            .branch(|items| [items.count() as i32])
            .scan(scan::count().map(|n| n as i32));
        let outputs = sorted(run.merge().map($yields).map(|(id, x)| (id.index(), x)));
        assert_eq!(outputs, [(0, 2), (0, 2), (0, 6), (0, 8), (0, 10), (1, 5), (2, 5)]);
        let outputs = $run.branches([times(1), times(10)]).merge().map($yields);
        assert_eq!(sorted(outputs.map(|(_, x)| x)), [1, 1, 3, 4, 5, 10, 10, 30, 40, 50]);
    };
}

/// Checks every verb on an input that fails behind [`ITEMS`].
macro_rules! failing_verbs {
    ($run:expr) => {
        assert!($run.distribute([scan::count()]).last().is_some_and(failed));
        assert!($run.ordered([scan::count()]).last().is_some_and(failed));
        assert_eq!($run.zip_latest([scan::map(|x| x * 1)]).filter(Result::is_ok).count(), 5);
        assert!($run.demux(|x| x % 2, |_| scan::count()).last().is_some_and(failed));
        let mut only = Some(scan::count());
        assert!($run.dynamic(move || mem::take(&mut only)).last().is_some_and(failed));
        assert!(failed($run.fold((scan::count(),))));
        assert!(failed($run.branch(|items| items.count()).branch(|_| ()).join()));
        let outputs = $run.branch(|items| items.map(|x| *x)).merge();
        let failures: Vec<_> = outputs.map(failed).collect();
        assert_eq!(failures, [false, false, false, false, false, true]);
    };
}

/// Checks every form of input on threads, which are given by what follows on the builder.
macro_rules! inputs {
    ($items:expr; $($on:tt)*) => {
        verbs!(plain, $items.fan_out()$($on)*);
        verbs!(plain, $items.fan_out()$($on)*.read_ahead());
        let results = || $items.map(Ok::<_, String>);
        verbs!(checked, results().fan_out()$($on)*.until_error());
        verbs!(checked, results().fan_out()$($on)*.until_error().read_ahead());
        verbs!(checked, results().fan_out()$($on)*.read_ahead().until_error());
        let failing = || results().chain([Err("no item".to_owned())]);
        failing_verbs!(failing().fan_out()$($on)*.until_error());
        failing_verbs!(failing().fan_out()$($on)*.until_error().read_ahead());
        failing_verbs!(failing().fan_out()$($on)*.read_ahead().until_error());

        let filled = || {
            let mut items = $items;
            refill::from_fn(i32::default, move |old: &mut i32| {
                items.next().map(|item| *old = item).is_some()
            })
        };
        verbs!(plain, filled().fan_out()$($on)*);
        verbs!(plain, filled().fan_out()$($on)*.read_ahead());
        let filled = |end: Result<bool, &'static str>| {
            let mut items = $items;
            refill::from_fn(i32::default, move |old: &mut i32| match items.next() {
                Some(item) => {
                    *old = item;
                    Ok(true)
                }
                None => end.map_err(str::to_owned),
            })
        };
        verbs!(checked, filled(Ok(false)).fan_out()$($on)*);
        verbs!(checked, filled(Ok(false)).fan_out()$($on)*.read_ahead());
        failing_verbs!(filled(Err("no item")).fan_out()$($on)*);
        failing_verbs!(filled(Err("no item")).fan_out()$($on)*.read_ahead());
    };
}

#[test]
fn on_the_global_pool() {
    deadline(|| {
        inputs!(ITEMS.into_iter(););
    });
}

#[test]
fn on_a_pool() {
    deadline(|| {
        let pool = Pool::new();
        inputs!(ITEMS.into_iter(); .on(&pool));
        assert_eq!(pool.in_use(), 0);
    });
}

#[test]
fn on_a_lease() {
    deadline(|| {
        let pool = Pool::with_max_threads(4);
        inputs!(ITEMS.into_iter(); .on(pool.lease(4).unwrap()));
        assert_eq!(pool.in_use(), 0);
    });
}

#[test]
fn in_a_scope_over_an_input_that_borrows() {
    deadline(|| {
        let items = ITEMS.to_vec();
        thread::scope(|scope| {
            inputs!(items.iter().copied(); .on(scope));
        });
    });
}

#[test]
fn a_fold_in_a_scope_of_its_own() {
    let items = ITEMS.map(|x| x.to_string());
    let limit = String::from("2");
    let total = || {
        let above = scan::count().filter_input(|x: &&String| **x > limit);
        (scan::max::<&String>(), above)
    };
    let expected = (Some(&items[4]), 3);
    assert_eq!(items.iter().fan_out().scoped().fold(total()), expected);
    assert_eq!(items.iter().fan_out().scoped().read_ahead().fold(total()), expected);
    let results = || items.iter().map(Ok::<_, String>);
    assert_eq!(results().fan_out().scoped().until_error().fold(total()), Ok(expected));
    let run = results().fan_out().scoped().until_error().read_ahead();
    assert_eq!(run.fold(total()), Ok(expected));
}

#[test]
fn a_join_in_a_scope_of_its_own() {
    let items = ITEMS.map(|x| x.to_string());
    let limit = String::from("2");
    // Results are items, and what the branches compare them with is borrowed.
    macro_rules! joined {
        ($run:expr) => {
            $run.branch(|items| items.cloned().max())
                .branch(|items| items.filter(|x| ***x > limit).count())
                .scan(scan::count())
                .join()
        };
    }
    let expected = (Some(&items[4]), 3, 5);
    assert_eq!(joined!(items.iter().fan_out().scoped()), expected);
    assert_eq!(joined!(items.iter().fan_out().scoped().read_ahead()), expected);
    let results = || items.iter().map(Ok::<_, String>);
    assert_eq!(joined!(results().fan_out().scoped().until_error()), Ok(expected));
    assert_eq!(joined!(results().fan_out().scoped().until_error().read_ahead()), Ok(expected));
    assert_eq!(joined!(results().fan_out().scoped().read_ahead().until_error()), Ok(expected));
    let failing = results().chain([Err("no item".to_owned())]);
    assert!(failed(joined!(failing.fan_out().scoped().until_error().read_ahead())));
}

#[test]
fn an_input_that_cannot_be_sent_stays_on_the_consumers_thread() {
    let shared = std::rc::Rc::new(2);
    let input = (1..=3).map(|x| x * *shared);
    let mut asked = std::rc::Rc::new(0);
    let run = input.fan_out().dynamic(|| {
        *std::rc::Rc::make_mut(&mut asked) += 1;
        (*asked == 1).then(scan::count)
    });
    assert!(run.map(|(_, count)| count).eq([3]));
    let errors = [Ok(1), Err(std::rc::Rc::new("no item"))];
    assert!(errors.into_iter().fan_out().until_error().fold((scan::count(),)).is_err());
    let input = || (1..=3).map(|x| x * *shared);
    assert_eq!(input().fan_out().branch(|items| items.cloned().sum::<i32>()).join(), (12,));
    let run = input().fan_out().branch(|items| items.cloned()).merge();
    assert!(run.map(|(_, output)| output).eq([2, 4, 6]));
}
