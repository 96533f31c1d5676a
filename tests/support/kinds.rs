//! Scans of all kinds, for tests that compare a run with the sequential one.

use std::cell::Cell;
use std::iter;
use std::ops::ControlFlow;
use std::rc::Rc;

use anabranch::scan::{self, BoxScan, Emitter, Scan};
use proptest::prelude::*;

/// A scan of any of the kinds there are.
#[derive(Clone, Debug)]
pub enum Kind {
    /// One output per item.
    Running,
    /// Outputs for every nth item only.
    Every(u64),
    /// Several outputs per item, also none.
    Repeat(u64),
    /// Nothing but the flush.
    AtEnd,
    /// Several outputs at the flush.
    Tail(usize),
    /// Ends at the nth item.
    EndsAt(usize),
    /// Ends after the nth output, several per item.
    EndsAfter(usize),
    /// A scan after a scan, the first ending early.
    Chain(usize),
    /// Emits and ends in the same step.
    LastWords(u64),
    /// Ends at the first item that is a multiple of n, with the number of items before it.
    Fails(u64),
    /// The greatest item so far.
    RunningMax,
    /// Silent for ever.
    Silent,
}

impl Kind {
    pub fn build(&self) -> BoxScan<'static, u64, u64> {
        match *self {
            Kind::Running => scan::scan(0, |sum, x: &u64| {
                *sum += x;
                Some(*sum)
            })
            .boxed(),
            Kind::Every(n) => scan::filter(move |x: &u64| x % n == 0).boxed(),
            Kind::Repeat(n) => repeat(n).boxed(),
            Kind::AtEnd => scan::sum().boxed(),
            Kind::Tail(n) => Tail { n, seen: Vec::new() }.boxed(),
            Kind::EndsAt(n) => scan::take(n).boxed(),
            Kind::EndsAfter(n) => repeat(5).take(n).boxed(),
            Kind::Chain(n) => scan::take(n).then(scan::sum::<u64, u64>()).boxed(),
            Kind::LastWords(at) => scan::from_fn(move |x: &u64, out: &mut Emitter<'_, u64>| {
                if *x < at {
                    return ControlFlow::Continue(());
                }
                (0..3).for_each(|i| out.emit(x + i));
                ControlFlow::Break(())
            })
            .boxed(),
            Kind::Fails(n) => {
                let count =
                    move |count, x: &u64| if x % n == 0 { Err(count) } else { Ok(count + 1) };
                scan::try_fold(0, count).map(|ended| ended.unwrap_or_else(|count| count)).boxed()
            }
            Kind::RunningMax => scan::max().running().boxed(),
            Kind::Silent => scan::filter(|_: &u64| false).boxed(),
        }
    }

    /// What the sequential run emits, each output with the number of the item that
    /// it was emitted for, from zero. Those of the flush come with the number of
    /// items.
    pub fn outputs_by_item(&self, items: &[u64]) -> Sequential {
        let taken = Rc::new(Cell::new(0));
        let (count, exhausted) = (Rc::clone(&taken), Rc::new(Cell::new(false)));
        let (mut rest, flushed) = (items.iter().copied(), Rc::clone(&exhausted));
        let input = iter::from_fn(move || {
            count.set(count.get() + 1);
            rest.next().or_else(|| {
                flushed.set(true);
                None
            })
        });
        let now = Rc::clone(&taken);
        let outputs = self.build().map(move |output| (now.get() - 1, output)).apply(input);
        Sequential { outputs, ended_at: (!exhausted.get()).then(|| taken.get() - 1) }
    }
}

/// What one scan does in the sequential run.
pub struct Sequential {
    pub outputs: Vec<(usize, u64)>,
    /// The item at which it ended by itself.
    pub ended_at: Option<usize>,
}

/// Emits each item as often as it says, modulo `n`.
fn repeat(n: u64) -> impl Scan<u64, Output = u64> + Send {
    scan::from_fn(move |x: &u64, out: &mut Emitter<'_, u64>| {
        (0..x % n).for_each(|_| out.emit(*x));
        ControlFlow::Continue(())
    })
}

/// Emits the last `n` items at the flush.
struct Tail {
    n: usize,
    seen: Vec<u64>,
}

impl Scan<u64> for Tail {
    type Output = u64;
    fn step(&mut self, item: &u64, _: &mut Emitter<'_, u64>) -> ControlFlow<()> {
        self.seen.push(*item);
        ControlFlow::Continue(())
    }
    fn flush(&mut self, out: &mut Emitter<'_, u64>) {
        self.seen.iter().rev().take(self.n).for_each(|x| out.emit(*x));
    }
}

pub fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Running),
        (1..9_u64).prop_map(Kind::Every),
        (1..9_u64).prop_map(Kind::Repeat),
        Just(Kind::AtEnd),
        (0..20_usize).prop_map(Kind::Tail),
        (0..40_usize).prop_map(Kind::EndsAt),
        (0..40_usize).prop_map(Kind::EndsAfter),
        (0..40_usize).prop_map(Kind::Chain),
        (0..100_u64).prop_map(Kind::LastWords),
        (1..100_u64).prop_map(Kind::Fails),
        Just(Kind::RunningMax),
        Just(Kind::Silent),
    ]
}
