//! A panic in the drop of one key's scan, or of a key, is contained: it costs no other
//! key's scan its drop, and the process nothing.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "support/bombs.rs"]
mod bombs;
#[path = "support/child.rs"]
mod child;
mod support;

use std::hash::{Hash, Hasher};
use std::ops::ControlFlow;
use std::panic::panic_any;

use anabranch::scan::{Emitter, Scan};
use anabranch::{Control, Demux, IteratorExt, PanicOrigin, Pool};
use bombs::{BOMB, Bomb, caught};
use child::in_own_process;
use support::config::{Config, With as _};
use support::{Tally, deadline, hush, tight_and_default};

/// What the steps of these tests panic with.
const STEP: &str = "expected: step";

/// How many keys there are: so many that the one whose scan panics in its drop is hardly
/// ever the last of them.
const KEYS: u64 = 64;

/// The scan of one key: emits every item, and may panic at one and in its drop.
struct OfKey {
    panics_at: Option<u64>,
    #[allow(dead_code, reason = "it is dropped")]
    bomb: Bomb,
}

impl Scan<u64> for OfKey {
    type Output = u64;
    fn step(&mut self, item: &u64, out: &mut Emitter<'_, u64>) -> ControlFlow<()> {
        if self.panics_at == Some(*item) {
            panic_any(STEP);
        }
        out.emit(*item);
        ControlFlow::Continue(())
    }
    fn flush(&mut self, out: &mut Emitter<'_, u64>) {
        out.emit(u64::MAX);
    }
}

/// A run in which the scans of the `armed` keys panic in their drops, and the one whose
/// item it is at `panics_at`.
fn demux<I: Iterator<Item = u64>>(
    (config, shards): (&Config, usize),
    tally: &Tally,
    input: I,
    armed: impl Fn(u64) -> bool + Send + Sync + 'static,
    panics_at: Option<u64>,
) -> Demux<I, u64, u64> {
    let tally = tally.clone();
    input.fan_out().with(config).demux_over(
        shards,
        |item| item % KEYS,
        move |key| OfKey { panics_at, bomb: Bomb::new(&tally, armed(*key)) },
    )
}

/// Runs `check` with some settings and numbers of shards; all scans have to be dropped
/// after it, and the threads have to be back.
#[track_caller]
fn settled(check: impl Fn((&Config, usize), &Tally)) {
    hush();
    for config in tight_and_default() {
        for shards in [1, 3] {
            let (pool, tally) = (Pool::new(), Tally::default());
            check((&config.clone().pool(pool.clone()), shards), &tally);
            assert!(tally.made() > 0);
            tally.assert_settled();
            assert_eq!(pool.in_use(), 0);
        }
    }
}

/// Takes outputs until every key has one.
fn take_one_of_each(run: &mut impl Iterator<Item = (u64, u64)>) {
    run.find(|(_, output)| *output >= KEYS - 1).unwrap();
    let mut seen = vec![false; KEYS as usize];
    while seen.contains(&false) {
        seen[run.next().unwrap().0 as usize] = true;
    }
}

#[test]
fn a_scan_that_panics_in_its_drop_leaves_the_others_theirs_when_the_run_is_dropped() {
    deadline(|| {
        settled(|settings, tally| {
            let mut run = demux(settings, tally, 0.., |key| key == 5, None);
            take_one_of_each(&mut run);
            assert_eq!(caught(|| drop(run)), Ok(()));
        });
    });
}

#[test]
fn so_do_all_of_them_at_once() {
    in_own_process(|| {
        settled(|settings, tally| {
            let mut run = demux(settings, tally, 0.., |_| true, None);
            take_one_of_each(&mut run);
            assert_eq!(caught(|| drop(run)), Ok(()));
        });
    });
}

#[test]
fn a_scan_that_panics_in_its_drop_leaves_the_others_theirs_when_the_run_is_aborted() {
    deadline(|| {
        settled(|(config, shards), tally| {
            let control = Control::new();
            let config = config.clone().control(&control);
            let mut run = demux((&config, shards), tally, 0.., |key| key == 5, None);
            take_one_of_each(&mut run);
            control.abort();
            assert_eq!(caught(|| run.by_ref().count()), Err(BOMB));
            assert!(matches!(run.panicked(), Some(PanicOrigin::Scan(_))));
        });
    });
}

#[test]
fn a_scan_that_panics_in_its_drop_leaves_the_others_theirs_when_the_input_has_ended() {
    in_own_process(|| {
        settled(|settings, tally| {
            let mut run = demux(settings, tally, 0..3 * KEYS, |key| key == 5, None);
            assert_eq!(caught(|| run.by_ref().count()), Err(BOMB));
            assert!(run.next().is_none());
        });
    });
}

#[test]
fn all_scans_may_panic_in_their_drops_when_the_input_has_ended() {
    in_own_process(|| {
        settled(|settings, tally| {
            let mut run = demux(settings, tally, 0..3 * KEYS, |_| true, None);
            assert_eq!(caught(|| run.by_ref().count()), Err(BOMB));
            assert!(run.next().is_none());
        });
    });
}

#[test]
fn a_scan_that_panics_in_its_first_step_may_panic_in_its_drop() {
    in_own_process(|| {
        settled(|settings, tally| {
            let last = KEYS - 1;
            let mut run = demux(settings, tally, 0..KEYS, move |key| key == last, Some(last));
            assert_eq!(caught(|| run.by_ref().count()), Err(STEP));
            assert!(matches!(run.panicked(), Some(PanicOrigin::Scan(_))));
            assert!(run.next().is_none());
        });
    });
}

#[test]
fn a_scan_that_panics_in_a_later_step_may_panic_in_its_drop_as_may_all_others() {
    in_own_process(|| {
        settled(|settings, tally| {
            let mut run = demux(settings, tally, 0.., |_| true, Some(2 * KEYS + 7));
            assert_eq!(caught(|| run.by_ref().count()), Err(STEP));
            assert!(run.next().is_none());
        });
    });
}

/// A key that may panic in its drop.
struct Key(u64, #[allow(dead_code, reason = "it is dropped")] Bomb);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Key {}

impl Clone for Key {
    fn clone(&self) -> Self {
        Self(self.0, self.1.clone())
    }
}

#[test]
fn a_key_may_panic_in_its_drop_when_its_scan_panics_in_a_step() {
    in_own_process(|| {
        hush();
        for config in tight_and_default() {
            let (pool, tally) = (Pool::new(), Tally::default());
            let (keys, scans) = (tally.clone(), tally.clone());
            let mut run = (0..10_u64).fan_out().with(&config.pool(pool.clone())).demux_over(
                1,
                move |item| Key(item % 2, Bomb::new(&keys, *item == 7)),
                move |_| OfKey { panics_at: Some(7), bomb: Bomb::new(&scans, false) },
            );
            assert_eq!(caught(|| run.by_ref().count()), Err(STEP));
            drop(run);
            tally.assert_settled();
            assert_eq!(pool.in_use(), 0);
        }
    });
}

/// Panics in its flush.
struct Flushed(#[allow(dead_code, reason = "it is dropped")] Bomb);

impl Scan<u64> for Flushed {
    type Output = u64;
    fn step(&mut self, _: &u64, _: &mut Emitter<'_, u64>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
    fn flush(&mut self, _: &mut Emitter<'_, u64>) {
        panic_any("expected: flush");
    }
}

#[test]
fn a_scan_that_panics_in_its_flush_may_panic_in_its_drop() {
    in_own_process(|| {
        settled(|(config, shards), tally| {
            let made = tally.clone();
            let run = (0..KEYS).fan_out().with(config);
            let scan = move |_: &u64| Flushed(Bomb::new(&made, true));
            let mut run = run.demux_over(shards, |item| *item, scan);
            assert_eq!(caught(|| run.next()), Err("expected: flush"));
        });
    });
}

/// A key whose hash or clone may panic, and then its drop, or that of its scan.
struct Twice {
    hash: bool,
    clone: bool,
    bomb: Bomb,
}

impl Hash for Twice {
    fn hash<H: Hasher>(&self, _: &mut H) {
        if self.hash {
            panic_any(STEP);
        }
    }
}

impl PartialEq for Twice {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Twice {}

impl Clone for Twice {
    fn clone(&self) -> Self {
        if self.clone {
            panic_any(STEP);
        }
        Self { hash: self.hash, clone: false, bomb: self.bomb.clone() }
    }
}

/// Emits nothing.
struct Silent {
    #[allow(dead_code, reason = "it is dropped")]
    bomb: Bomb,
}

impl Scan<u64> for Silent {
    type Output = u64;
    fn step(&mut self, _: &u64, _: &mut Emitter<'_, u64>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
    fn flush(&mut self, _: &mut Emitter<'_, u64>) {}
}

#[test]
fn a_key_that_panics_in_its_hash_may_panic_in_its_drop() {
    in_own_process(|| {
        settled(|(config, shards), tally| {
            let (keys, scans) = (tally.clone(), tally.clone());
            let run = (0..10_u64).fan_out().with(config);
            let key =
                move |_: &u64| Twice { hash: true, clone: false, bomb: Bomb::new(&keys, true) };
            let scan = move |_: &Twice| Silent { bomb: Bomb::new(&scans, false) };
            let mut run = run.demux_over(shards, key, scan);
            assert_eq!(caught(|| run.by_ref().count()), Err(STEP));
            drop(run);
        });
    });
}

#[test]
fn a_scan_whose_key_panics_in_its_clone_may_panic_in_its_drop() {
    in_own_process(|| {
        settled(|(config, shards), tally| {
            let (keys, scans) = (tally.clone(), tally.clone());
            let run = (0..10_u64).fan_out().with(config);
            let key =
                move |_: &u64| Twice { hash: false, clone: true, bomb: Bomb::new(&keys, false) };
            let scan = move |_: &Twice| Silent { bomb: Bomb::new(&scans, true) };
            let mut run = run.demux_over(shards, key, scan);
            assert_eq!(caught(|| run.by_ref().count()), Err(STEP));
            drop(run);
        });
    });
}
