//! `fold`, `ordered`, `zip_latest` and `demux` give, output
//! by output, what the sequential loop gives, wherever the input is pulled.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::collections::{BTreeMap, HashMap};
use std::thread;

use anabranch::scan::Scan;
use anabranch::{IteratorExt, Pool};
use proptest::prelude::*;
use support::config::{Config, With as _};
use support::deadline;
use support::kinds::{Kind, Sequential, kind};

/// Scans, items and settings.
#[derive(Clone, Debug)]
struct Case {
    kinds: Vec<Kind>,
    items: Vec<u64>,
    config: Config,
}

fn cases() -> impl Strategy<Value = Case> {
    (
        proptest::collection::vec(kind(), 1..=8),
        proptest::collection::vec(0..100_u64, 0..200),
        (1..=3_usize, 1..=3_usize, proptest::option::of(1..=20_usize)),
    )
        .prop_map(|(kinds, items, (input, output, batch))| {
            let config = Config::new().input_capacity(input).output_capacity(output);
            Case { kinds, items, config: batch.into_iter().fold(config, Config::batch) }
        })
}

/// Asserts what a run over the items of a case gives, with an input that is pulled on the
/// consumer's thread, and with one that is read ahead.
macro_rules! assert_gives {
    ($case:ident, |$run:ident| $result:expr, $expected:expr) => {{
        let expected = $expected;
        let $run = $case.items.clone().into_iter().fan_out().with(&$case.config);
        assert_eq!($result, expected, "pulled");
        let $run = $case.items.clone().into_iter().fan_out().read_ahead().with(&$case.config);
        assert_eq!($result, expected, "read ahead");
    }};
}

/// Runs `check` on any number of cases, under a deadline for each.
fn for_any_case(check: impl Fn(Case) + Copy + Send + 'static) {
    let config = ProptestConfig { cases: 500, failure_persistence: None, ..Default::default() };
    proptest!(config, |(case in cases())| {
        deadline(move || {
            let pool = Pool::new();
            check(Case { config: case.config.pool(pool.clone()), ..case });
            // A thread that was inside the input when all scans had ended is on its way.
            while pool.in_use() > 0 {
                thread::yield_now();
            }
        });
    });
}

impl Case {
    fn sequential(&self) -> Vec<Sequential> {
        self.kinds.iter().map(|kind| kind.outputs_by_item(&self.items)).collect()
    }
}

#[test]
fn a_fold_gives_the_last_output_of_each_scan() {
    for_any_case(|case| {
        let expected: Vec<_> =
            case.sequential().into_iter().map(|scan| scan.outputs.last().copied()).collect();
        let expected: Vec<_> = expected.into_iter().map(|last| last.map(|(_, x)| x)).collect();
        let totals = || case.kinds.iter().map(|kind| kind.build().last()).collect::<Vec<_>>();
        assert_gives!(case, |run| run.fold(totals()), expected);
    });
}

#[test]
fn ordered_outputs_come_item_by_item_and_scan_by_scan() {
    for_any_case(|case| {
        let mut expected = Vec::new();
        for (scan, sequential) in case.sequential().into_iter().enumerate() {
            expected.extend(sequential.outputs.into_iter().map(|(item, x)| (item, scan, x)));
        }
        expected.sort_by_key(|(item, scan, _)| (*item, *scan));
        let expected: Vec<_> = expected.into_iter().map(|(_, scan, x)| (scan, x)).collect();
        let scans = || case.kinds.iter().map(Kind::build).collect::<Vec<_>>();
        assert_gives!(
            case,
            |run| run.ordered(scans()).map(|(id, x)| (id.index(), x)).collect::<Vec<_>>(),
            expected
        );
    });
}

/// The rows of `zip_latest`, from what each scan does alone.
fn aligned(scans: &[Sequential], items: usize) -> Vec<Vec<u64>> {
    let mut outputs: Vec<_> = scans.iter().map(|scan| scan.outputs.iter().peekable()).collect();
    let mut latest = vec![None; scans.len()];
    let mut rows = Vec::new();
    for item in 0..items {
        for ((scan, outputs), latest) in scans.iter().zip(&mut outputs).zip(&mut latest) {
            let mut emitted = false;
            while let Some((_, x)) = outputs.next_if(|(at, _)| *at == item) {
                *latest = Some(*x);
                emitted = true;
            }
            let over = scan.ended_at.is_some_and(|end| end < item || end == item && !emitted);
            if over {
                return rows;
            }
        }
        rows.extend(latest.iter().copied().collect::<Option<Vec<_>>>());
    }
    rows
}

#[test]
fn a_row_has_the_latest_output_of_each_scan_after_each_item() {
    for_any_case(|case| {
        let expected = aligned(&case.sequential(), case.items.len());
        let scans = || case.kinds.iter().map(Kind::build).collect::<Vec<_>>();
        assert_gives!(case, |run| run.zip_latest(scans()).collect::<Vec<_>>(), expected);
    });
}

#[test]
fn a_demux_gives_each_key_what_its_items_alone_give() {
    for_any_case(|case| {
        // A key whose number the factory does not like has no scan.
        let likes = |key: u64| key % 7 != 3;
        let mut by_key: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for item in &case.items {
            by_key.entry(item % 30).or_default().push(*item);
        }
        let mut expected = HashMap::new();
        for (key, items) in by_key.into_iter().filter(|(key, _)| likes(*key)) {
            let mut items = items.into_iter().peekable();
            let outputs: &mut Vec<_> = expected.entry(key).or_default();
            // Each scan that ends is followed by a fresh one.
            while items.peek().is_some() {
                outputs
                    .extend(case.kinds[key as usize % case.kinds.len()].build().apply(&mut items));
            }
        }
        expected.retain(|_, outputs| !outputs.is_empty());

        for shards in [1, 2, 5] {
            assert_gives!(
                case,
                |run| {
                    let kinds = case.kinds.clone();
                    let factory = move |key: &u64| {
                        likes(*key).then(|| kinds[*key as usize % kinds.len()].build())
                    };
                    let mut outputs: HashMap<u64, Vec<u64>> = HashMap::new();
                    for (key, output) in run.demux_over(shards, |item| item % 30, factory) {
                        outputs.entry(key).or_default().push(output);
                    }
                    outputs
                },
                expected.clone()
            );
        }
    });
}
