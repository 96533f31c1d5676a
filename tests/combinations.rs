//! The table in the documentation of the crate: every input runs on all threads, with every
//! verb.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::mem;
use std::thread;

use anabranch::prelude::*;
use anabranch::{Global, Pool};
use support::deadline;

const ITEMS: i32 = 10;
const ERROR: &str = "no more numbers";

/// The numbers below `ITEMS`, and then an error.
fn fallible() -> impl Iterator<Item = Result<i32, &'static str>> + Send + 'static {
    (0..ITEMS).map(Ok).chain([Err(ERROR)])
}

fn squares() -> BoxScan<'static, i32, i32> {
    scan::map(|x: &i32| x * x).boxed()
}

/// Returns the outputs of a run that cannot fail, and no error.
fn all<X>(run: impl Iterator<Item = X>) -> (Vec<X>, Option<&'static str>) {
    (run.collect(), None)
}

/// Returns the outputs of a run that can fail, and its error, which comes last.
fn up_to_error<X>(
    run: impl Iterator<Item = Result<X, &'static str>>,
) -> (Vec<X>, Option<&'static str>) {
    let (mut outputs, mut error) = (Vec::new(), None);
    for result in run {
        assert_eq!(error, None, "an output behind the error");
        match result {
            Ok(output) => outputs.push(output),
            Err(last) => error = Some(last),
        }
    }
    (outputs, error)
}

/// Runs every verb. `$run` makes the builder; `$all` takes a run apart.
macro_rules! verbs {
    ($run:expr, $all:ident, $error:expr, $fold:expr) => {
        let numbered = |index: usize| (0..ITEMS).map(move |x| (index, x * x));
        let error: Option<&str> = $error;

        let (outputs, ended) = $all($run.distribute([squares(), squares()]));
        let mut outputs: Vec<_> = outputs.into_iter().map(|(id, x)| (id.index(), x)).collect();
        outputs.sort();
        assert!(outputs.into_iter().eq(numbered(0).chain(numbered(1))));
        assert_eq!(ended, error);

        let (outputs, ended) = $all($run.ordered((squares(), scan::cloned())));
        let outputs = outputs.into_iter().map(|(id, x)| (id.index(), x));
        assert!(outputs.eq((0..ITEMS).flat_map(|x| [(0, x * x), (1, x)])));
        assert_eq!(ended, error);

        let (rows, ended) = $all($run.zip_latest((squares(), scan::cloned())));
        assert!(rows.into_iter().eq((0..ITEMS).map(|x| (x * x, x))));
        assert_eq!(ended, error);

        let (mut counts, ended) = $all($run.demux(|x| x % 2, |_| scan::count()));
        counts.sort();
        assert_eq!((counts, ended), (vec![(0, 5), (1, 5)], error));

        let mut wanted = Some(squares());
        let (outputs, ended) = $all($run.dynamic(move || mem::take(&mut wanted)));
        assert!(outputs.into_iter().map(|(id, x)| (id.index(), x)).eq(numbered(0)));
        assert_eq!(ended, error);

        assert_eq!($run.fold((scan::count(), scan::max())), $fold);
    };
}

/// Runs every verb over every input. `$threads` takes the threads for one run.
macro_rules! inputs {
    ($threads:expr) => {
        let results = (10, Some(9));
        verbs!((0..ITEMS).fan_out().on($threads), all, None, results);
        verbs!((0..ITEMS).fan_out().read_ahead().on($threads), all, None, results);
        let (error, result) = (Some(ERROR), Err(ERROR));
        verbs!(fallible().fan_out().until_error().on($threads), up_to_error, error, result);
        verbs!(
            fallible().fan_out().read_ahead().until_error().on($threads),
            up_to_error,
            error,
            result
        );
        verbs!(
            fallible().fan_out().until_error().read_ahead().on($threads),
            up_to_error,
            error,
            result
        );
    };
}

#[test]
fn every_input_runs_on_the_global_pool_with_every_verb() {
    deadline(|| {
        inputs!(Global);
    });
}

#[test]
fn every_input_runs_on_a_pool_with_every_verb() {
    deadline(|| {
        let pool = Pool::new();
        inputs!(&pool);
    });
}

#[test]
fn every_input_runs_on_a_lease_with_every_verb() {
    deadline(|| {
        let pool = Pool::with_max_threads(3);
        // Two for the scans, and one for an input that is read ahead.
        inputs!(pool.lease(3).unwrap());
        assert_eq!(pool.live(), 0);
    });
}

#[test]
fn every_input_runs_in_a_scope_with_every_verb() {
    deadline(|| {
        thread::scope(|scope| {
            inputs!(scope);
        });
    });
}
