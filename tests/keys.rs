//! Keys are cloned for new scans and outputs only, and may be borrowed from their items.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "support/bombs.rs"]
mod bombs;
mod support;

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use anabranch::Pool;
use anabranch::prelude::*;
use bombs::{BOMB, Bomb, caught};
use support::config::With as _;
use support::{Tally, deadline, hush, tight_and_default};

const WIDTHS: [usize; 5] = [1, 2, 3, 17, 100];

/// A key that counts its clones.
struct Key {
    number: u64,
    clones: Arc<AtomicUsize>,
}

impl Clone for Key {
    fn clone(&self) -> Self {
        self.clones.fetch_add(1, SeqCst);
        Self { number: self.number, clones: Arc::clone(&self.clones) }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

#[test]
fn a_key_is_cloned_for_a_new_scan_and_for_outputs() {
    for shards in WIDTHS {
        for config in tight_and_default() {
            deadline(move || {
                let clones = Arc::default();
                let key = {
                    let clones = Arc::clone(&clones);
                    move |item: &u64| Key { number: item % 10, clones: Arc::clone(&clones) }
                };
                let run = (0..5000).fan_out().with(&config);
                let counts = run.demux_over(shards, key, |_| scan::count());
                assert!(counts.map(|(_, count)| count).eq([500; 10]));
                assert_eq!(clones.load(SeqCst), 20);
            });
        }
    }
}

#[test]
fn scans_are_flushed_in_the_order_in_which_they_started() {
    deadline(|| {
        let keys: Vec<u64> = (0..50).map(|n| n * 37 % 50).collect();
        let run = keys.clone().into_iter().chain(0..50).fan_out();
        let flushed = run.demux_over(1, |item| *item, |_| scan::count());
        assert!(flushed.map(|(key, _)| key).eq(keys));
    });
}

#[test]
fn a_run_with_borrowed_keys_gives_what_one_with_owned_keys_gives() {
    let lines = || (0..3000).map(|n| format!("{} {n}", n * n % 41));
    #[allow(clippy::ptr_arg, reason = "the item is a `String`")]
    fn word(line: &String) -> &str {
        line.split(' ').next().unwrap()
    }
    // Some scans end and start afresh, and some keys have none.
    let factory = |key: &str| {
        let scan = (!key.ends_with('4')).then(|| scan::cloned().take(3));
        scan.map(|scan| scan.then(scan::map(|line: &String| line.len())).boxed())
    };
    let mut expected: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for line in lines().filter(|line| !word(line).ends_with('4')) {
        expected.entry(word(&line).to_owned()).or_default().push(line.len());
    }
    for shards in WIDTHS {
        for config in tight_and_default() {
            let expected = expected.clone();
            deadline(move || {
                for read_ahead in [false, true] {
                    let mut outputs: BTreeMap<String, Vec<usize>> = BTreeMap::new();
                    let mut take = |key, length| outputs.entry(key).or_default().push(length);
                    let run = lines().fan_out().with(&config);
                    match read_ahead {
                        false => run
                            .demux_ref_over(shards, word, factory)
                            .for_each(|(key, length)| take(key, length)),
                        true => run
                            .read_ahead()
                            .demux_ref_over(shards, word, factory)
                            .for_each(|(key, length)| take(key, length)),
                    }
                    assert_eq!(outputs, expected);
                }
            });
        }
    }
}

#[test]
fn closures_that_borrow_keys_need_no_annotations() {
    struct Record {
        name: String,
        fields: Vec<u8>,
    }
    let records = || {
        [("a", 1), ("b", 2), ("a", 3)]
            .map(|(name, n)| Record { name: name.into(), fields: vec![n] })
    };
    let records = || records().into_iter().fan_out();
    let sorted = |counts: &mut dyn Iterator<Item = usize>| {
        let mut counts: Vec<_> = counts.collect();
        counts.sort_unstable();
        counts
    };
    let by_name = records().demux_ref(|record| &record.name, |_| scan::count());
    assert_eq!(sorted(&mut by_name.map(|(_, count)| count)), [1, 2]);
    let by_text = records().demux_ref(
        |record| record.name.as_str(),
        |name| {
            assert_eq!(name.len(), 1);
            scan::count()
        },
    );
    assert_eq!(sorted(&mut by_text.map(|(_, count)| count)), [1, 2]);
    let by_fields = records().demux_ref(|record| &record.fields[..], |_| scan::count());
    assert_eq!(sorted(&mut by_fields.map(|(_, count)| count)), [1, 1, 1]);
}

#[test]
fn a_panic_of_a_key_function_surfaces_wherever_it_happens() {
    hush();
    for shards in WIDTHS {
        for at in [0, 1, 999, 4999] {
            deadline(move || {
                let pool = Pool::new();
                let key = move |item: &u64| {
                    if *item == at { panic_any("expected: key") } else { item % 7 }
                };
                let mut run =
                    (0..5000).fan_out().on(pool.clone()).demux_over(shards, key, |_| scan::count());
                assert_eq!(caught(|| run.by_ref().for_each(drop)), Err("expected: key"));
                assert!(run.next().is_none());
                drop(run);
                while pool.in_use() > 0 {
                    std::thread::yield_now();
                }
            });
        }
    }
}

/// A key whose drop panics, all of those behind the first few.
struct Armed {
    number: u64,
    bomb: Bomb,
}

impl Clone for Armed {
    fn clone(&self) -> Self {
        Self { number: self.number, bomb: self.bomb.clone() }
    }
}

impl PartialEq for Armed {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Armed {}

impl Hash for Armed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

#[test]
fn keys_whose_drops_panic_are_all_dropped_once() {
    hush();
    for shards in WIDTHS {
        for config in tight_and_default() {
            for panics in [false, true] {
                let config = config.clone();
                deadline(move || {
                    let tally = Tally::default();
                    let keys = tally.clone();
                    let key = move |item: &u64| Armed {
                        number: item % 5,
                        bomb: Bomb::new(&keys, *item >= 90),
                    };
                    // A scan that panics leaves the keys of others behind.
                    let step = move |item: &u64| {
                        if panics && *item == 95 { panic_any(BOMB) } else { *item }
                    };
                    let run = (0..3000).fan_out().with(&config);
                    let mut run = run.demux_over(shards, key, move |_| scan::map(step));
                    assert_eq!(caught(|| run.by_ref().for_each(drop)), Err(BOMB));
                    drop(run);
                    tally.assert_settled();
                });
            }
        }
    }
}
