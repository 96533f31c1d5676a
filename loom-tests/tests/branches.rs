//! Branches, closures that pull their items: early returns, items dropped or leaked, outputs
//! before a wait, both sides full, aborts, panics, errors.

use std::mem;
use std::ops::Range;
use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use anabranch::branch::Items;
use anabranch::{Control, Distribute, FanOut, IteratorExt, Pool, scan};
use anabranch_models::Bound::{self, Preemptions};
use anabranch_models::config::{Config, With as _};
use anabranch_models::models;
use anabranch_models::runs::{Blocking, Gate, four_until_dropped, outputs, tight, until_panic};
use checker::sync::atomic::{AtomicBool, Ordering::SeqCst};
use checker::thread::spawn;
#[cfg(loom)]
use loom as checker;
#[cfg(shuttle)]
use shuttle as checker;

/// One branch: two threads.
const ONE: Bound = Preemptions(3);
/// Two branches: three threads.
const TWO: Bound = Preemptions(2);
/// A request comes from another thread.
const ASKED: Bound = Preemptions(1);

/// A run as tight as can be, over any input.
fn over<I: Iterator<Item = u8>>(input: I, config: &Config) -> FanOut<I, Pool> {
    input.fan_out().with(config).on(config.threads().clone())
}

/// The same over the items `0..items`.
fn run(items: u8) -> FanOut<Range<u8>, Pool> {
    over(0..items, &tight())
}

fn endless() -> impl Iterator<Item = u8> {
    (0..=u8::MAX).cycle()
}

fn count(items: Items<'static, u8>) -> usize {
    items.count()
}

models! {
    /// Everything comes, and the end.
    results_of_one(Preemptions(4)) {
        assert_eq!(run(1).branch(count).join(), (1,));
    }

    /// The same for two, with items that wait in the channels.
    results_of_two(Preemptions(1)) {
        assert_eq!(run(2).branch(count).branch(|items| items.cloned().sum::<u8>()).join(), (2, 1));
    }

    /// One returns with its input full; the other goes on to the end.
    branch_that_returns_early(TWO) {
        let run = run(3).branch(|mut items| items.next().map(|item| *item)).branch(count);
        assert_eq!(run.join(), (Some(0), 3));
    }

    /// One never pulls.
    branch_that_never_pulls(TWO) {
        assert_eq!(run(3).branch(|_| 7).branch(count).join(), (7, 3));
    }

    /// One drops its items while its input is full, and then waits for what the other computes:
    /// the room that it gives up must be noticed before it returns.
    branch_that_works_on_without_its_items(TWO) {
        let other = Gate::default();
        let waits = other.clone();
        let run = run(3)
            .branch(move |items| {
                drop(items);
                waits.pass();
                1
            })
            .branch(move |items| {
                let count = items.count();
                other.open();
                count
            });
        assert_eq!(run.join(), (1, 3));
    }

    /// Items that are never dropped do not keep the channel.
    leaked_items_do_not_hold_up_the_end(TWO) {
        let run = run(3)
            .branch(|mut items| {
                let first = items.next().map(|item| *item);
                mem::forget(items);
                first
            })
            .branch(count);
        assert_eq!(run.join(), (Some(0), 3));
    }

    /// Nor do they keep what was sent to them, though the last output finds no room.
    queue_of_leaked_items(ONE) {
        let config = tight().batch(2).input_capacity(2);
        let run = four_until_dropped().fan_out().with(&config).branch(|items| {
            mem::forget(items);
            0..3
        });
        assert_eq!(outputs(run.merge()), [[0, 1, 2]]);
    }

    /// A handle outlives the iterator, and the branch.
    handle_behind_the_end(ONE) {
        let (kept,) = run(2).branch(|items| items.last().map(|item| item.shared())).join();
        assert_eq!(kept.as_deref(), Some(&1));
    }

    /// What was yielded comes out before the branch waits for the next item.
    output_while_the_input_blocks(Preemptions(1)) {
        let gate = Gate::default();
        let dropped = Arc::new(AtomicUsize::new(0));
        let input = Blocking { items: 0..2, blocks_at: 1, gate: gate.clone(), dropped };
        let run = over(input, &tight().batch(2)).read_ahead();
        let mut run = run.branch(|items| items.cloned()).merge();
        assert_eq!(run.next().map(|(_, output)| output), Some(0));
        gate.open();
        assert_eq!(run.next().map(|(_, output)| output), Some(1));
        assert_eq!(run.next(), None);
    }

    /// Input waits in the channel and in the manager's hands, output in the channel and in the
    /// branch.
    both_sides_full(ONE) {
        let run = run(3).branch(|items| items.cloned().flat_map(|item| [item; 3])).merge();
        assert_eq!(outputs(run), [[0, 0, 0, 1, 1, 1, 2, 2, 2]]);
    }

    /// The same with two.
    both_sides_of_two_full(Preemptions(1)) {
        let run = run(2)
            .branch(|items| items.cloned().flat_map(|item| [item; 2]))
            .branch(|items| items.cloned().flat_map(|item| [item; 2]))
            .merge();
        assert_eq!(outputs(run), [[0, 0, 1, 1], [0, 0, 1, 1]]);
    }

    /// A scan and a branch, in one run.
    scan_beside_a_branch(Preemptions(1)) {
        let run = run(2).scan(scan::fold(0, |n, _: &u8| n + 1)).branch(count);
        assert_eq!(run.join(), (2, 2));
    }

    /// An endless input that only branches end.
    all_branches_have_returned_while_the_input_goes_on(Preemptions(4)) {
        let run = over(endless(), &tight());
        assert_eq!(run.branch(|items| items.take(1).count()).join(), (1,));
    }

    /// The consumer leaves while a branch has both sides full.
    drop_of_a_merge(ONE) {
        let run = over(endless(), &tight());
        let mut run = run.branch(|items| items.cloned().flat_map(|item| [item; 3])).merge();
        assert_eq!(run.next().map(|(_, output)| output), Some(0));
    }

    /// A branch panics, and the other gets to its end; what was yielded before is delivered.
    panic_of_a_branch(Preemptions(1)) {
        let scans = run(2)
            .branch(|items| items.map(|item| if *item == 1 { panic_any("expected: branch") } else { *item }))
            .branch(|items| items.cloned());
        let mut run = scans.merge();
        let ([first, _], payload) = until_panic::<2>(&mut run);
        assert_eq!((first, payload), (vec![0], "expected: branch"));
    }

    /// Items end at an abort, and results are kept. At most one item, which was on its way, is
    /// handed out when the abort has returned.
    abort_inside_the_items(ASKED) {
        let control = Control::new();
        let aborted = Arc::new(AtomicBool::new(false));
        let returned = Arc::clone(&aborted);
        let aborter = spawn({
            let control = control.clone();
            move || {
                control.abort();
                returned.store(true, SeqCst);
            }
        });
        let late = move |_: &_| aborted.load(SeqCst);
        let (late,) = over(0..3, &tight().batch(3).control(&control))
            .branch(move |items| items.filter(late).count())
            .join();
        aborter.join().expect("no panic");
        assert!(late <= 1, "{late} items");
    }

    /// The input itself aborts the run, and what it gives then is not handed out, though the branch
    /// may be waiting for it.
    abort_while_a_branch_waits(Preemptions(2)) {
        let control = Control::new();
        let aborts = control.clone();
        let input = (0..2_u8).inspect(move |item| if *item == 1 { aborts.abort() });
        let run = over(input, &tight().control(&control)).read_ahead();
        assert_eq!(run.branch(|mut items| items.any(|item| *item == 1)).join(), (false,));
    }

    /// What a branch yields because its items were cut short is no output.
    abort_of_a_merge(ASKED) {
        let control = Control::new();
        let aborter = spawn({
            let control = control.clone();
            move || control.abort()
        });
        let run = over(0..2, &tight().control(&control));
        let run: Distribute<_, u8> = run.branch(|items| [items.count() as u8]).merge();
        let [counts] = outputs(run);
        aborter.join().expect("no panic");
        assert!(counts.is_empty() || counts == [2], "{counts:?}");
    }

    /// The input panics: the items before it come, and no output of a cut-short input.
    panic_of_the_input(ONE) {
        let input = (0..2_u8).inspect(|item| assert!(*item < 1, "expected: input"));
        let run = over(input, &tight());
        let merged = run.branch(|items| items.map(|item| *item).chain([100]));
        let mut run = merged.merge();
        let ([outputs], payload) = until_panic::<1>(&mut run);
        assert_eq!((outputs, payload), (vec![0], "expected: input"));
    }

    /// The first error ends the run, though the other branch has not come to its end.
    error_of_a_branch(Preemptions(1)) {
        let run = run(3)
            .branch(|mut items| match items.next() {
                Some(item) => Err(*item),
                None => Ok(()),
            })
            .branch(|items| Ok(items.count()));
        assert_eq!(run.try_join(), Err(0));
    }
}
