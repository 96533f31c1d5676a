//! Inputs that fill their items again.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "support/bombs.rs"]
mod bombs;
mod support;

use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use anabranch::branch::SharedHandle;
use anabranch::refill::{FromFn, Refill};
use anabranch::{Control, PanicOrigin, prelude::*};
use bombs::{BOMB, Bomb, caught};
use support::config::With as _;
use support::{Tallied, Tally, deadline, hush, tight_and_default};

const ITEMS: usize = 5_000;

/// Says whether anybody uses an item while it is filled.
#[derive(Default)]
struct Row {
    number: usize,
    users: AtomicUsize,
}

impl Row {
    fn fill(&mut self, number: usize) {
        assert_eq!(*self.users.get_mut(), 0, "somebody still has row {}", self.number);
        self.number = number;
    }

    fn with<R>(&self, f: impl FnOnce(usize) -> R) -> R {
        self.users.fetch_add(1, SeqCst);
        let result = f(self.number);
        self.users.fetch_sub(1, SeqCst);
        result
    }
}

/// So many numbered rows.
#[allow(clippy::type_complexity, reason = "an alias would say no more")]
fn rows(
    count: usize,
    made: &Arc<AtomicUsize>,
) -> Refill<
    FromFn<
        Row,
        bool,
        impl FnMut() -> Row + Send + use<>,
        impl FnMut(&mut Row) -> bool + Send + use<>,
    >,
> {
    let (mut numbers, made) = (0..count, Arc::clone(made));
    let make = move || {
        made.fetch_add(1, SeqCst);
        Row::default()
    };
    refill::from_fn(make, move |row: &mut Row| {
        numbers.next().map(|number| row.fill(number)).is_some()
    })
}

#[test]
fn no_item_is_filled_while_somebody_has_it() {
    for config in tight_and_default() {
        for ahead in [false, true] {
            let config = config.clone();
            deadline(move || {
                let made = Arc::default();
                let run = rows(ITEMS, &made).fan_out().with(&config);
                let numbers = || scan::map(|row: &Row| row.with(|number| number));
                let scans = [numbers(), numbers(), numbers()];
                let outputs: Vec<_> = match ahead {
                    false => run.ordered(scans).map(|(_, number)| number).collect(),
                    true => run.read_ahead().ordered(scans).map(|(_, number)| number).collect(),
                };
                assert!(outputs.into_iter().eq((0..ITEMS).flat_map(|number| [number; 3])));
            });
        }
    }
}

/// With batches of one item, as many are made as are in flight: in a queue, at a scan, and being
/// sent.
#[test]
fn few_items_are_made() {
    for (ahead, capacity) in [(false, 4), (true, 4), (false, 40), (true, 40)] {
        deadline(move || {
            let made = Arc::default();
            let run = rows(ITEMS, &made).fan_out().batch(1).input_capacity(capacity);
            let counts = [scan::count(), scan::count()];
            let counts = if ahead { run.read_ahead().fold(counts) } else { run.fold(counts) };
            assert_eq!(counts, [ITEMS; 2]);
            assert!(made.load(SeqCst) <= capacity + 4, "{made:?} made, read ahead: {ahead}");
        });
    }
}

#[test]
fn items_that_a_branch_keeps_are_not_filled_again() {
    for (tight, config) in [true, false].into_iter().zip(tight_and_default()) {
        deadline(move || {
            let made = Arc::default();
            let run = rows(ITEMS, &made).fan_out().with(&config);
            let (kept, count) = run
                .branch(|rows| -> Vec<SharedHandle<Row>> {
                    rows.step_by(100).map(|row| row.shared()).collect()
                })
                .branch(|rows| rows.count())
                .join();
            assert_eq!(count, ITEMS);
            assert!(kept.iter().map(|row| row.number).eq((0..ITEMS).step_by(100)));
            // With batches of one item, others are made in the place of these alone.
            if tight {
                assert!(made.load(SeqCst) <= ITEMS / 100 + 10, "{made:?}");
            }
        });
    }
}

#[test]
fn lines_are_those_of_std() {
    let texts = ["", "\n", "a", "a\n", "\r\n", "\r", "a\r\nb\n\nc\rd\n\r\n", "ä\nö\n\n", "\n\n\n"];
    for text in texts.into_iter().chain([&"a longer line\n".repeat(1_000)[..]]) {
        let text = text.to_owned();
        for config in tight_and_default() {
            let text = text.clone();
            deadline(move || {
                let expected: Vec<_> = text.lines().map(str::to_owned).collect();
                let reader = io::Cursor::new(text.clone());
                let (lines,) = refill::lines(BufReader::with_capacity(3, reader))
                    .fan_out()
                    .with(&config)
                    .read_ahead()
                    .branch(|lines| lines.cloned().collect::<Vec<_>>())
                    .join()
                    .unwrap();
                assert_eq!(lines, expected);
                assert!(lines.into_iter().eq(text.as_bytes().lines().map(Result::unwrap)));
            });
        }
    }
}

/// Returns as much as it likes, and is interrupted now and then.
struct Halting(io::Cursor<Vec<u8>>, usize);

impl Read for Halting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 += 1;
        if self.1 % 3 == 0 {
            return Err(ErrorKind::Interrupted.into());
        }
        let length = buffer.len().min(1 + self.1 % 7);
        self.0.read(&mut buffer[..length])
    }
}

#[test]
fn blocks_are_what_is_read() {
    for config in tight_and_default() {
        deadline(move || {
            let bytes: Vec<_> = (0..10_000_u32).map(|n| n as u8).collect();
            let reader = Halting(io::Cursor::new(bytes.clone()), 0);
            let run = refill::blocks(reader, 5).fan_out().with(&config);
            let blocks = run.branch(|blocks| blocks.cloned().collect::<Vec<_>>()).join();
            let (blocks,) = blocks.unwrap();
            assert!(blocks.iter().all(|block| (1..=5).contains(&block.len())));
            assert_eq!(blocks.concat(), bytes);
        });
    }
}

/// A short block does not make the next ones short.
#[test]
fn blocks_are_long_again_behind_a_short_one() {
    let reader = io::repeat(1).take(10).chain(io::repeat(2).take(1_000));
    let run = refill::blocks(reader, 100).fan_out().batch(1).input_capacity(1);
    let lengths = run.branch(|blocks| blocks.map(|block| block.len()).collect::<Vec<_>>());
    let (lengths,) = lengths.join().unwrap();
    assert_eq!(lengths, [vec![10], vec![100; 10]].concat());
}

/// Blocks are big behind their pointers, so a batch has one.
#[test]
fn few_blocks_are_in_flight() {
    deadline(|| {
        let blocks = refill::blocks(io::repeat(1).take(64 << 20), 64 << 10).fan_out();
        let different = Arc::new(Mutex::new(std::collections::HashSet::new()));
        let seen = Arc::clone(&different);
        let see = scan::for_each(move |block: &Vec<u8>| {
            seen.lock().unwrap().insert(block.as_ptr().addr());
        });
        assert!(blocks.fold([see]).is_ok());
        let different = different.lock().unwrap().len();
        // Of 128 KiB, ten at a time.
        assert!(different <= 2 * 12 + 1, "{different} blocks");
    });
}

#[test]
#[should_panic(expected = "at least one byte")]
fn blocks_of_nothing_are_refused() {
    drop(refill::blocks(io::empty(), 0));
}

#[test]
fn the_first_error_ends_the_run_behind_what_came_before() {
    for config in tight_and_default() {
        deadline(move || {
            let text = &b"one\ntwo\n\xff\nfour\n"[..];
            let seen = Arc::new(Mutex::new(Vec::new()));
            let see = Arc::clone(&seen);
            let run = refill::lines(text).fan_out().with(&config);
            let outputs = run.distribute([scan::cloned()]).map(move |output| {
                output.map(|(_, line): (_, String)| see.lock().unwrap().push(line))
            });
            let error = outputs.collect::<Result<Vec<()>, _>>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidData);
            assert_eq!(*seen.lock().unwrap(), ["one", "two"]);
        });
    }
}

#[test]
fn all_items_are_dropped_whatever_ends_the_run() {
    for config in tight_and_default() {
        for ahead in [false, true] {
            let config = config.clone();
            deadline(move || {
                let (tally, makes) = (Tally::default(), Tally::default());
                let control = Control::new();
                let made = makes.clone();
                let rows = refill::from_fn(move || made.make(0), |_: &mut Tallied<i32>| true);
                let config = config.clone().control(&control);
                let run = rows.fan_out().with(&config);
                let emitted = tally.clone();
                let scans = [scan::map(move |_: &Tallied<i32>| emitted.make(()))];
                if ahead {
                    let mut run = run.read_ahead().distribute(scans);
                    assert_eq!(run.by_ref().take(100).count(), 100);
                } else {
                    let mut run = run.distribute(scans);
                    assert_eq!(run.by_ref().take(100).count(), 100);
                }
                while config.threads().in_use() > 0 {
                    std::thread::yield_now();
                }
                tally.assert_settled();
                makes.assert_settled();
            });
        }
    }
}

/// The item that is left at the end panics in its drop, and the others if they are `armed`, too.
/// One panic surfaces.
fn assert_a_panic_of_a_drop_surfaces(armed: bool) {
    hush();
    for config in tight_and_default() {
        deadline(move || {
            let (tally, control) = (Tally::default(), Control::new());
            let (made, mut left) = (tally.clone(), 0..100);
            let bombs = refill::from_fn(
                move || Bomb::new(&made, armed),
                move |bomb: &mut Bomb| {
                    let filled = left.next().is_some();
                    bomb.arm(armed || !filled);
                    filled
                },
            );
            let config = config.clone().control(&control);
            let counts = bombs.fan_out().with(&config);
            assert_eq!(caught(|| counts.fold([scan::count(), scan::count()])), Err(BOMB));
            assert_eq!(control.panicked(), Some(PanicOrigin::Item));
            tally.assert_settled();
        });
    }
}

#[test]
fn panics_in_the_drops_of_items_are_contained() {
    assert_a_panic_of_a_drop_surfaces(true);
}

#[test]
fn a_panic_in_the_drop_of_the_item_that_is_left_surfaces() {
    assert_a_panic_of_a_drop_surfaces(false);
}

#[test]
fn a_panic_while_an_item_is_filled_surfaces() {
    hush();
    for config in tight_and_default() {
        for ahead in [false, true] {
            let config = config.clone();
            deadline(move || {
                let (tally, control) = (Tally::default(), Control::new());
                let (made, mut left) = (tally.clone(), 0..100);
                let bombs = refill::from_fn(
                    move || Bomb::new(&made, true),
                    move |_: &mut Bomb| -> bool {
                        left.next().expect("expected: fill");
                        true
                    },
                );
                let config = config.clone().control(&control);
                let run = bombs.fan_out().with(&config);
                let ended =
                    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| match ahead {
                        false => run.fold([scan::count()]),
                        true => run.read_ahead().fold([scan::count()]),
                    }));
                assert!(ended.is_err());
                assert!(control.panicked().is_some());
                while config.threads().in_use() > 0 {
                    std::thread::yield_now();
                }
                tally.assert_settled();
            });
        }
    }
}
