//! The conformance suite of the sync facade, against the side that the model
//! checkers run. The crate's own tests run the same cases against the side that
//! ships, in `tests/conformance`.

#[path = "../../../tests/conformance/cases.rs"]
mod cases;
#[path = "../../../src/sync/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the cases do not need all of the facade")]
mod sync;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How much there is to explore in a case; see `each_case!`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Alone,
    Together,
    Crowded,
    #[cfg_attr(loom, expect(dead_code, reason = "loom cannot run these"))]
    Unwinding,
}

/// Goes through every schedule of `case`, or through all with up to three
/// preemptions if it is crowded.
#[cfg(loom)]
fn check(name: &str, kind: Kind, case: fn()) {
    let mut model = loom::model::Builder::new();
    model.max_branches = 100_000;
    model.preemption_bound = (kind == Kind::Crowded).then_some(3);
    let executions = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&executions);
    model.check(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        case();
    });
    let executions = executions.load(Ordering::Relaxed);
    println!("{name}: {executions} executions");
    assert_eq!(executions == 1, kind == Kind::Alone, "{name}: {executions} executions");
}

/// Runs `case` under random schedules, and under those that change priorities
/// at a few points.
#[cfg(shuttle)]
fn check(name: &str, kind: Kind, case: fn()) {
    let executions = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&executions);
    let counted = move || {
        counter.fetch_add(1, Ordering::Relaxed);
        case();
    };
    shuttle::check_random(counted.clone(), 1000);
    if kind != Kind::Alone {
        shuttle::check_pct(counted, 500, 3);
    }
    let executions = executions.load(Ordering::Relaxed);
    println!("{name}: {executions} executions");
    assert_eq!(executions, if kind == Kind::Alone { 1000 } else { 1500 }, "{name}");
}

macro_rules! checked {
    ($module:ident Unwinding $($case:ident)*) => {$(
        #[cfg(loom)]
        const _: fn() = cases::$module::$case;
        #[cfg(shuttle)]
        #[test]
        fn $case() {
            check(stringify!($case), Kind::Unwinding, cases::$module::$case);
        }
    )*};
    ($module:ident $kind:ident $($case:ident)*) => {$(
        #[test]
        fn $case() {
            check(stringify!($case), Kind::$kind, cases::$module::$case);
        }
    )*};
}
cases::each_case!(checked);
