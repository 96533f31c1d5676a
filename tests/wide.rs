//! No run deadlocks, however many scans it has: a look for outputs that found nothing
//! has looked at every scan, though scans end and emit meanwhile.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::ops::{ControlFlow, Range};
use std::thread;

use anabranch::scan::{Emitter, Scan};
use anabranch::{Control, IteratorExt, Pool};
use support::busy::Busy;
use support::config::With as _;
use support::kinds::Kind;
use support::limit::{SOON, deadline_of};
use support::random::Random;
use support::{Gate, by_scan, deadline, distribute, tight, tight_and_default};

/// Who does what while the consumer's thread is elsewhere: one scan speaks up, some end,
/// all others stay and are silent.
#[derive(Clone, Debug)]
struct Case {
    width: usize,
    speaker: usize,
    /// The speaker is not among them, though it be in the range.
    ending: Range<usize>,
}

impl Case {
    fn has_ending(&self, index: usize) -> bool {
        self.ending.contains(&index) && index != self.speaker
    }

    fn ending(&self) -> usize {
        (0..self.width).filter(|index| self.has_ending(*index)).count()
    }
}

/// What the threads of a run wait for.
#[derive(Clone, Default)]
struct Gates {
    /// The first output was emitted.
    spoken: Gate,
    /// Those that end do so, and the speaker goes on.
    elsewhere: Gate,
    /// All outputs have arrived.
    heard: Gate,
}

/// How many outputs the speaker has: many more than there is room for, so that it is
/// heard of no more unless they are taken.
const OUTPUTS: usize = 30;

enum Part {
    Speaks,
    Ends,
    IsSilent,
}

struct Player(Part, Gates);

impl Scan<u64> for Player {
    type Output = usize;

    fn step(&mut self, item: &u64, out: &mut Emitter<'_, usize>) -> ControlFlow<()> {
        let Self(part, gates) = self;
        match part {
            Part::Speaks if *item == 0 => {
                out.emit(0);
                gates.spoken.open();
                gates.elsewhere.pass();
                (1..OUTPUTS).for_each(|n| out.emit(n));
            }
            Part::Ends => {
                gates.elsewhere.pass();
                return ControlFlow::Break(());
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    /// Nobody but those who are to ends before all has arrived, as an end is heard of.
    fn flush(&mut self, _: &mut Emitter<'_, usize>) {
        self.1.heard.pass();
    }
}

/// Gives the second item when the speaker has spoken. Dropped on the consumer's thread,
/// it has all that is to happen there happen.
struct Input {
    items: Range<u64>,
    gates: Gates,
    case: Case,
    pool: Pool,
    control: Control,
}

impl Iterator for Input {
    type Item = u64;
    fn next(&mut self) -> Option<u64> {
        if self.items.start > 0 {
            self.gates.spoken.pass();
        }
        self.items.next()
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        self.gates.elsewhere.open();
        let left = self.case.width - self.case.ending();
        let published = || self.control.stats().scans[self.case.speaker].outputs;
        while self.pool.in_use() > left || published() < 2 {
            thread::yield_now();
        }
    }
}

/// Has the consumer's thread find all at once, when it comes back to the run from the
/// drop of the input: the outputs of the speaker, and the ends of the others.
fn play(case: &Case) {
    let (gates, pool, control) = (Gates::default(), Pool::new(), Control::new());
    let config = tight().pool(pool.clone()).control(&control);
    let player = |index| {
        let part = match index {
            _ if index == case.speaker => Part::Speaks,
            _ if case.has_ending(index) => Part::Ends,
            _ => Part::IsSilent,
        };
        Player(part, gates.clone())
    };
    let scans: Vec<_> = (0..case.width).map(player).collect();
    let input = Input {
        items: 0..1_000,
        gates: gates.clone(),
        case: case.clone(),
        pool: pool.clone(),
        control: control.clone(),
    };
    let mut run = input.fan_out().with(&config).distribute(scans);
    assert_eq!(run.next().map(|(_, n)| n), Some(0));
    control.stop();
    let outputs: Vec<_> = run.by_ref().take(OUTPUTS - 1).map(|(_, n)| n).collect();
    assert!(outputs.into_iter().eq(1..OUTPUTS));
    gates.heard.open();
    assert!(run.next().is_none());
    assert_eq!(pool.in_use(), 0);
}

/// Plays all cases of a width, each with a deadline: any speaker, with one scan of any
/// sixteen that ends, or all of them, or all from there on.
fn play_all(width: usize) {
    for speaker in (0..width).step_by(7) {
        for first in (0..width).step_by(16) {
            for ending in [first..first + 1, first..width.min(first + 16), first..width] {
                let case = Case { width, speaker, ending };
                eprintln!("{case:?}");
                deadline_of(SOON, move || play(&case));
            }
        }
    }
}

#[test]
fn outputs_arrive_though_others_of_17_scans_end_meanwhile() {
    play_all(17);
}

#[test]
fn outputs_arrive_though_others_of_33_scans_end_meanwhile() {
    play_all(33);
}

#[test]
fn outputs_arrive_though_others_of_48_scans_end_meanwhile() {
    play_all(48);
}

#[test]
fn outputs_arrive_though_others_of_50_scans_end_meanwhile() {
    play_all(50);
}

#[test]
fn outputs_arrive_though_others_of_64_scans_end_meanwhile() {
    play_all(64);
}

#[test]
fn outputs_arrive_though_others_of_100_scans_end_meanwhile() {
    play_all(100);
}

/// A scan of any kind.
fn any_kind(random: &mut Random) -> Kind {
    let n = random.below(30);
    match random.below(8) {
        0 => Kind::Running,
        1 => Kind::Every(1 + n),
        2 => Kind::Repeat(1 + n),
        3 => Kind::AtEnd,
        4 => Kind::EndsAt(n as usize),
        5 => Kind::EndsAfter(n as usize),
        6 => Kind::LastWords(n),
        _ => Kind::Silent,
    }
}

#[test]
fn at_any_width_each_scan_gives_what_it_gives_alone() {
    for (busy, seeds) in [(0, 6), (1, 1)] {
        let _busy = Busy::new(busy);
        for width in [17, 33, 48, 50, 64, 100] {
            for seed in 1..=seeds {
                eprintln!("{width} scans, seed {seed}, {busy} busy threads per processor");
                deadline(move || {
                    let mut random = Random::new(seed);
                    let kinds: Vec<_> = (0..width).map(|_| any_kind(&mut random)).collect();
                    let items = 0..random.below(60);
                    let alone: Vec<_> =
                        kinds.iter().map(|kind| kind.build().apply(items.clone())).collect();
                    for config in tight_and_default() {
                        let scans = kinds.iter().map(Kind::build).collect();
                        assert_eq!(distribute(&config, items.clone(), scans), alone);
                        let ahead = items.clone().fan_out().read_ahead().with(&config);
                        let scans: Vec<_> = kinds.iter().map(Kind::build).collect();
                        assert_eq!(by_scan(width, ahead.distribute(scans)), alone, "read ahead");
                    }
                });
            }
        }
    }
}
