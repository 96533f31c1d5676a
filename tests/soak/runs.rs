//! Runs of all kinds, each compared with the sequential one.

use std::cell::Cell;
use std::convert::Infallible;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::rc::Rc;
use std::sync::Arc;

use anabranch::scan::{self, BoxScan, Scan};

use super::layer::{self, On, Remote, Run, Settings, Threads};
use super::random::Random;
use super::support::kinds::Kind;

/// How many scans a run begins with at most.
const WIDEST: usize = 64;

/// How many are added to it at most.
const ADDED: usize = 20;

/// How many threads a run has at most, that of its input included.
pub(crate) const THREADS: usize = WIDEST + ADDED + 1;

/// About how many outputs a run has.
const OUTPUTS: u64 = 100_000;

/// A run that has as many threads as any.
pub(crate) fn widest(threads: &Threads) -> u64 {
    let settings = Settings { read_ahead: true, ..Settings::default() };
    let kinds = vec![Kind::Running; THREADS - 1];
    Distribute { settings, kinds, items: 100, take: None, panics: None, adds: 0 }.run(threads)
}

/// A run of any member, and how many outputs it had.
pub(crate) fn any(threads: &Threads, random: &mut Random) -> u64 {
    let mut capacity = || random.percent(70).then(|| random.between(1, 8) as usize);
    let settings = Settings {
        input_capacity: capacity(),
        output_capacity: capacity(),
        batch: random.percent(50).then(|| random.one_of(&[1, 7, 64, 1_000])),
        shards: random.between(1, 4) as usize,
        read_ahead: random.percent(40),
        until_error: random.percent(20),
        ..Settings::default()
    };
    let width = match random.below(10) {
        0..6 => random.between(1, 4),
        6..9 => random.between(5, 16),
        _ => random.between(17, WIDEST as u64),
    };
    let kinds: Vec<_> = (0..width).map(|_| kind(random)).collect();
    // Where each batch has one item, an output costs a hundred times as much.
    let cost = if settings.batch == Some(1) { 20 } else { 1 };
    let items = random.below(OUTPUTS / cost / width) + 1;
    match random.below(20) {
        0 => ordered(threads, settings, &kinds, items / 4),
        1 => tee(threads, settings, random, width, items / 4),
        2 => fold(threads, settings, &kinds, items),
        3 => demux(threads, settings, &kinds, items, random.between(1, 100)),
        rest => {
            let take = (rest == 4).then(|| random.below(items));
            let panics = (rest == 5).then(|| random.below(items));
            let adds = if rest == 6 { ADDED } else { 0 };
            Distribute { settings, kinds, items, take, panics, adds }.run(threads)
        }
    }
}

fn kind(random: &mut Random) -> Kind {
    match random.below(12) {
        0..4 => Kind::Running,
        4..8 => Kind::Repeat(random.between(1, 8)),
        8 => Kind::Every(random.between(1, 8)),
        9 => Kind::AtEnd,
        10 => Kind::EndsAt(random.below(1_000) as usize),
        _ => Kind::Chain(random.below(1_000) as usize),
    }
}

/// What a sequence of outputs comes to, its order included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Checksum {
    count: u64,
    sum: u64,
    last: Option<u64>,
}

impl Checksum {
    fn add(&mut self, value: u64) {
        self.count += 1;
        self.sum = (self.sum.rotate_left(23) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.last = Some(value);
    }
}

/// What the first `limit` outputs of the sequential run come to, and how many it has.
fn sequential(kind: &Kind, items: impl Iterator<Item = u64>, limit: u64) -> (Checksum, u64) {
    let state = Rc::new(Cell::new((Checksum::default(), 0)));
    let noted = Rc::clone(&state);
    let note = move |value| {
        let (mut checksum, count) = noted.get();
        if count < limit {
            checksum.add(value);
        }
        noted.set((checksum, count + 1));
    };
    // What is collected has no size.
    drop(kind.build().map(note).apply(items));
    state.get()
}

/// A run of outputs as they come.
struct Distribute {
    settings: Settings,
    kinds: Vec<Kind>,
    items: u64,
    /// It is dropped after so many outputs.
    take: Option<u64>,
    /// One more scan panics at this item.
    panics: Option<u64>,
    /// So many scans are added, each of which emits every item that it is given.
    adds: usize,
}

impl Distribute {
    fn run(self, threads: &Threads) -> u64 {
        let Self { settings, kinds, items, take, panics, adds } = self;
        let mut scans: Vec<_> = kinds.iter().map(Kind::build).collect();
        scans.extend(panics.map(panics_at));
        let initial = scans.len();
        let remote = (adds > 0).then(|| Arc::new(Remote::new()));
        let mut run = layer::distribute(
            &settings,
            On::Pool(threads),
            remote.as_ref(),
            sound(0..items),
            scans,
        )
        .unwrap();
        let mut checksums = vec![Checksum::default(); initial];
        let (mut outputs, mut late) = (0, vec![None; adds]);
        let consumed = catch_unwind(AssertUnwindSafe(|| {
            while take.is_none_or(|take| outputs < take) {
                let Some(Ok((id, value))) = run.next() else { break };
                outputs += 1;
                match checksums.get_mut(id) {
                    Some(checksum) => checksum.add(value),
                    None => consecutive(&mut late[id - initial], value),
                }
                if let Some(remote) = remote.as_ref().filter(|_| outputs % 50 == 0) {
                    // It is refused at the end, and beyond what is asked for.
                    if outputs / 50 <= adds as u64 {
                        drop(remote.add(scan::cloned().boxed()));
                    }
                }
            }
        }));
        if let Err(payload) = consumed {
            assert_eq!(payload.downcast_ref(), Some(&"expected: soak"));
            assert!(panics.is_some());
        }
        drop(run);
        for (kind, checksum) in kinds.iter().zip(&checksums) {
            let (expected, count) = sequential(kind, 0..items, checksum.count);
            assert_eq!(*checksum, expected, "{kind:?}, {settings:?}");
            let whole = take.is_none() && panics.is_none();
            assert!(!whole || count == checksum.count, "{kind:?}, {settings:?}");
        }
        assert!(late.into_iter().flatten().all(|next| next == items), "{settings:?}");
        outputs
    }
}

fn panics_at(item: u64) -> BoxScan<'static, u64, u64> {
    let panics = move |x: &u64| if *x < item { *x } else { panic_any("expected: soak") };
    scan::map(panics).boxed()
}

/// Notes an output of a scan that emits every item.
fn consecutive(next: &mut Option<u64>, value: u64) {
    assert!(next.is_none_or(|next| next == value), "{value} and not {next:?}");
    *next = Some(value + 1);
}

/// Outputs in the order of the sequential run.
fn ordered(threads: &Threads, settings: Settings, kinds: &[Kind], items: u64) -> u64 {
    let settings = Settings { ordered: true, ..settings };
    let all: Vec<_> = (0..items).collect();
    let mut expected: Vec<(usize, usize, u64)> = Vec::new();
    for (scan, kind) in kinds.iter().enumerate() {
        let outputs = kind.outputs_by_item(&all).outputs;
        expected.extend(outputs.into_iter().map(|(item, value)| (item, scan, value)));
    }
    // Those of one item and scan stay as they are.
    expected.sort_by_key(|(item, scan, _)| (*item, *scan));
    let scans = kinds.iter().map(Kind::build).collect();
    let run =
        layer::distribute(&settings, On::Pool(threads), None, sound(0..items), scans).unwrap();
    let mut count = 0;
    for ((id, value), (_, scan, wanted)) in drain(run).zip(&expected) {
        assert_eq!((id, value), (*scan, *wanted), "output {count}, {settings:?}");
        count += 1;
    }
    assert_eq!(count, expected.len() as u64, "{settings:?}");
    count
}

/// Tuples of every item, and of the last that divides.
fn tee(threads: &Threads, settings: Settings, random: &mut Random, width: u64, items: u64) -> u64 {
    let divisors: Vec<_> = (0..width).map(|_| random.between(1, 9)).collect();
    let divides = |n: u64| scan::filter(move |x: &u64| x % n == 0).boxed();
    let scans = divisors.iter().map(|n| divides(*n)).collect();
    let run = layer::tee(&settings, On::Pool(threads), None, sound(0..items), scans).unwrap();
    let mut count = 0;
    for (item, tuple) in (0..).zip(drain(run)) {
        let wanted = divisors.iter().map(|n| item / n * n);
        assert!(tuple.into_iter().eq(wanted), "item {item}, {settings:?}");
        count += 1;
    }
    assert_eq!(count, items, "{settings:?}");
    count * width
}

/// The last output of each.
fn fold(threads: &Threads, settings: Settings, kinds: &[Kind], items: u64) -> u64 {
    let scans = kinds.iter().map(Kind::build).collect();
    let last = layer::fold(&settings, On::Pool(threads), None, sound(0..items), scans);
    let Ok(last) = last.unwrap();
    for (kind, last) in kinds.iter().zip(&last) {
        let (expected, _) = sequential(kind, 0..items, u64::MAX);
        assert_eq!(*last, expected.last, "{kind:?}, {settings:?}");
    }
    last.len() as u64
}

/// A scan for each key; where one ends, a fresh one begins.
fn demux(threads: &Threads, settings: Settings, kinds: &[Kind], items: u64, keys: u64) -> u64 {
    let (mut outputs, mut checksums) = (0, vec![Checksum::default(); keys as usize]);
    let made: Vec<_> = kinds.to_vec();
    let make = move |key: &u64| Some(made[*key as usize % made.len()].build());
    let run =
        layer::demux(&settings, On::Pool(threads), None, sound(0..items), move |x| x % keys, make)
            .unwrap();
    for (key, value) in drain(run) {
        checksums[key as usize].add(value);
        outputs += 1;
    }
    for (key, checksum) in (0..).zip(checksums) {
        let mut rest: Vec<_> = (key..items).step_by(keys as usize).collect();
        let mut expected = Checksum::default();
        while !rest.is_empty() {
            let sequential = kinds[key as usize % kinds.len()].outputs_by_item(&rest);
            sequential.outputs.iter().for_each(|(_, value)| expected.add(*value));
            rest = sequential.ended_at.map_or(Vec::new(), |ended| rest.split_off(ended + 1));
        }
        assert_eq!(checksum, expected, "key {key} of {keys}, {settings:?}");
    }
    outputs
}

/// What a run gives, until it ends.
fn drain<V>(mut run: Box<dyn Run<V, Infallible>>) -> impl Iterator<Item = V> {
    std::iter::from_fn(move || run.next().map(|Ok(output)| output))
}

/// An input that might fail, and does not.
fn sound(input: Range<u64>) -> impl Iterator<Item = Result<u64, Infallible>> {
    input.map(Ok)
}

/// A run to which scans are added, which end soon; gives how many bytes more there are in
/// its second half than after its first tenth.
pub(crate) fn scans_come_and_go(threads: &Threads, adds: u64, bytes: fn() -> usize) -> usize {
    let settings = Settings { batch: Some(1), input_capacity: Some(1), ..Settings::default() };
    let remote = Arc::new(Remote::new());
    let scans = vec![scan::cloned().boxed()];
    let mut run =
        layer::distribute(&settings, On::Pool(threads), Some(&remote), sound(0..u64::MAX), scans)
            .unwrap();
    let (mut added, mut warm) = (0, 0);
    while added < adds {
        // Each of them emits once. Nobody but the first one emits more.
        let Ok((scan, _)) = run.next().unwrap();
        if scan == 0 {
            assert!(remote.add(scan::take(1).boxed()).is_ok());
            added += 1;
        }
        if added == adds / 10 {
            warm = bytes();
        }
    }
    bytes().saturating_sub(warm)
}

/// A run that has ended and is asked for all sorts of things; gives how many bytes more
/// there are then.
pub(crate) fn asks_in_vain(threads: &Threads, asks: usize, bytes: fn() -> usize) -> usize {
    let remote = Arc::new(Remote::new());
    let scans = vec![Kind::Running.build()];
    let settings = Settings::default();
    let run = layer::distribute(&settings, On::Pool(threads), Some(&remote), sound(0..10), scans)
        .unwrap();
    assert_eq!(drain(run).count(), 10);
    let warm = bytes();
    (0..asks).for_each(|ask| remote.stop_scan(ask));
    bytes().saturating_sub(warm)
}
