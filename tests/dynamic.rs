//! Runs that ask for new scans as they go.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::cell::Cell;
use std::panic::panic_any;
use std::rc::Rc;

use anabranch::scan::{self, BoxScan, Scan};
use anabranch::{IteratorExt, PanicOrigin, Pool};
use support::config::{Config, With as _};
use support::{by_scan, deadline, echo, hush, sum, tight, until_panic};

#[test]
fn a_scan_sees_the_items_from_the_batch_on_before_which_it_was_given() {
    for length in [1, 2, 7] {
        deadline(move || {
            let pulled = Rc::new(Cell::new(0));
            let (count, begins) = (Rc::clone(&pulled), Rc::new(Cell::new(Vec::new())));
            let input = (0..20_u64).inspect(move |_| count.set(count.get() + 1));
            let noted = Rc::clone(&begins);
            let ask = move || {
                let mut begins = noted.take();
                let wanted = if begins.len() < 10 { 2 } else { 0 };
                begins.extend(vec![pulled.get(); wanted]);
                noted.set(begins);
                (0..wanted).map(|_| echo())
            };
            let config = Config::new().batch(length);
            let outputs: Vec<_> = input.fan_out().with(&config).dynamic(ask).collect();
            let begins = begins.take();
            let expected: Vec<Vec<_>> =
                begins.iter().map(|from| (*from..20).chain([u64::MAX]).collect()).collect();
            assert_eq!(by_scan(begins.len(), outputs), expected);
            assert!(begins.iter().all(|from| from % length as u64 == 0 || *from == 20));
            assert_eq!(begins[..2], [0, 0]);
        });
    }
}

#[test]
fn a_run_that_is_given_no_scan_pulls_nothing() {
    let input = (0..3_u64).inspect(|_| panic!("nobody takes it"));
    assert_eq!(input.fan_out().dynamic(|| None::<BoxScan<'static, u64, u64>>).count(), 0);
}

#[test]
fn a_run_whose_scans_have_ended_asks_no_more_unless_it_discards() {
    for (discards, expected) in [(false, vec![vec![0]]), (true, vec![vec![0], vec![10], vec![20]])]
    {
        deadline(move || {
            let now = Rc::new(Cell::new(0));
            let seen = Rc::clone(&now);
            let input = (0..30_u64).inspect(move |x| seen.set(x + 1));
            let ask = move || (now.get() % 10 == 0).then(|| scan::take(1).boxed());
            let config = tight().discard_without_scans(discards);
            let outputs: Vec<_> = input.fan_out().with(&config).dynamic(ask).collect();
            let outputs = by_scan(4, outputs);
            assert_eq!(outputs[..expected.len()], expected);
            assert!(outputs[expected.len()..].iter().all(Vec::is_empty));
        });
    }
}

#[test]
fn a_panic_of_the_one_who_is_asked_surfaces() {
    hush();
    deadline(|| {
        let mut left = 3;
        let ask = || {
            left -= 1;
            if left == 0 {
                panic_any("expected: ask");
            }
            Some(sum())
        };
        let mut run = (0..100).fan_out().with(&tight()).dynamic(ask);
        let (before, payload) = until_panic(&mut run);
        assert_eq!((before.len(), payload), (0, "expected: ask"));
        assert_eq!(run.panicked(), Some(PanicOrigin::Input));
        assert!(run.next().is_none());
    });
}

#[test]
fn a_scan_without_a_thread_ends_the_run_with_a_panic() {
    deadline(|| {
        let config = tight().pool(Pool::with_max_threads(1));
        let ask = || [sum()];
        let run = (0..100).fan_out().with(&config).dynamic(ask);
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run.count()));
        let message = panic.unwrap_err().downcast::<String>().unwrap();
        assert!(message.starts_with("a scan could not be added: there is no thread"), "{message}");
    });
}

#[test]
fn an_order_is_refused_and_everything_given_back() {
    let config = Config::new().ordered(true);
    let error = (0..7).try_par_distribute_dynamic_with(&config, || [sum()]).unwrap_err();
    assert!(matches!(error.kind(), StartErrorKind::Config(ConfigError::Ordered)));
    let ((input, _ask), scans) = error.into_inner();
    assert_eq!((input, scans.len()), (0..7, 0));

    let config = Config::new().pool(Pool::with_max_threads(0));
    let error = (0..7).try_par_distribute_dynamic_with(&config, || [sum()]).unwrap_err();
    let ((input, _ask), scans) = error.into_inner();
    assert_eq!((input, scans.len()), (0..7, 1));
}
