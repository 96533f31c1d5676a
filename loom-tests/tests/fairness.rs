//! However much one scan emits, and however slow the consumer is, what is asked for, a panic
//! and an added scan take effect behind no more than what is queued.

use std::iter::Cycle;
use std::ops::{ControlFlow, RangeInclusive};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use anabranch::scan::{self, BoxScan, Emitter, Scan};
use anabranch::{Control, Distribute, IteratorExt, Pool, ReadAhead};
use anabranch_models::Bound::Preemptions;
use anabranch_models::runs::{
    Item, count, each, first, outputs, panic_at, repeat, tight, until_panic,
};
use anabranch_models::{Bound, models};

use anabranch_models::config::With as _;
use checker::thread::yield_now;
#[cfg(loom)]
use loom as checker;
#[cfg(shuttle)]
use shuttle as checker;

/// One scan and the input's own thread.
const ONE: Bound = Preemptions(2);
/// Two scans and the input's own thread.
const TWO: Bound = Preemptions(1);

/// How many outputs a scan emits for each item.
const MANY: u8 = 2;
/// So many items of an endless input are on their way at most: one in the step, one in the
/// channel, one that is being sent. The outputs for one more may be on their way back.
const ON_THEIR_WAY: usize = 3;

/// A run over an endless input, which is pulled ahead.
fn endless<const N: usize>(
    control: &Control,
    scans: [BoxScan<'static, u8, u8>; N],
) -> Distribute<ReadAhead<Cycle<RangeInclusive<u8>>>, u8> {
    let config = tight().control(control);
    (0..=u8::MAX).cycle().fan_out().with(&config).read_ahead().distribute(scans)
}

models! {
    /// Outputs are ready at every look.
    stop_behind_what_is_queued(ONE) {
        let control = Control::new();
        let mut run = endless(&control, [repeat(MANY)]);
        assert!(run.next().is_some());
        control.stop();
        assert!(run.count() <= (ON_THEIR_WAY + 1) * usize::from(MANY));
    }

    /// The scan that is stopped is the one that emits.
    stop_of_a_scan_behind_what_is_queued(ONE) {
        let control = Control::new();
        let mut run = endless(&control, [repeat(MANY)]);
        let Some((id, _)) = run.next() else { panic!("an output") };
        control.stop_scan(id);
        assert!(run.count() <= (ON_THEIR_WAY + 1) * usize::from(MANY));
    }

    /// One output in the channel, and those of the step in hand.
    abort_behind_what_is_queued(ONE) {
        let control = Control::new();
        let mut run = endless(&control, [repeat(MANY)]);
        assert!(run.next().is_some());
        control.abort();
        assert!(run.count() <= 1 + usize::from(MANY));
    }

    /// Another scan panics while outputs are ready at every look. What is queued by then are
    /// the outputs for the items that are on their way. Not under shuttle, where the thread
    /// of the scan may stand for ever between the drop of its input and its exit, while the
    /// input goes on for the others.
    #[cfg(loom)]
    panic_behind_what_is_queued(TWO) {
        let control = Control::new();
        let mut run = endless(&control, [panic_at(0), each()]);
        let ([_, others], payload) = until_panic(&mut run);
        assert_eq!(payload, "expected: step");
        assert!(others.len() <= ON_THEIR_WAY + 1, "{others:?}");
    }

    /// The panic of a scan takes effect before the next output of one that always has some: no
    /// further step is begun.
    panic_beside_a_scan_that_is_ready(TWO) {
        let pool = Pool::with_max_idle(0);
        let config = tight().pool(pool.clone());
        let run = (0..3).fan_out().with(&config).distribute([panic_at(0), repeat(6)]);
        // The other scan is in its first step, and what it has emitted is there.
        let mut run = run.inspect(|_| {
            while pool.in_use() > 1 {
                yield_now();
            }
            yield_now();
        });
        let ([_, others], payload) = until_panic(&mut run);
        assert_eq!(payload, "expected: step");
        assert!(others.len() <= 6, "{others:?}");
    }

    /// Of two scans that are ready, the one that has just had its turn waits.
    turn_of_a_scan_that_is_ready(TWO) {
        let pool = Pool::with_max_idle(0);
        let config = tight().pool(pool.clone());
        let mut run = (0..1).fan_out().with(&config).distribute([repeat(6), first(1)]);
        let mut next = || run.next().map(|(id, _)| id.index());
        if next() == Some(0) {
            while pool.in_use() > 1 {
                yield_now();
            }
            assert_eq!(next(), Some(1));
        }
    }

    /// The drop of an item panics while outputs are ready at every look.
    item_panic_behind_what_is_queued(Preemptions(1)) {
        let config = tight();
        let drops = Arc::new(AtomicUsize::new(0));
        let items = (0_usize..).map(move |n| Item { drops: Arc::clone(&drops), panics: n == 0 });
        let speaks = scan::from_fn(|_: &Item, out: &mut Emitter<'_, u8>| {
            (0..MANY).for_each(|n| out.emit(n));
            ControlFlow::Continue(())
        });
        let run = items.fan_out().with(&config).read_ahead().distribute([speaks]);
        let ([given], payload) = until_panic(&mut run.inspect(|_| yield_now()));
        assert_eq!(payload, "expected: item");
        assert!(given.len() <= (ON_THEIR_WAY + 1) * usize::from(MANY), "{given:?}");
    }

    /// A scan that is added has its turn, whatever the other one emits.
    output_of_an_added_scan_behind_what_is_queued(TWO) {
        let control = Control::new();
        let config = tight().control(&control);
        let input = (0..=u8::MAX).cycle().fan_out().with(&config);
        let mut run = input.distribute([repeat(MANY)]);
        assert!(run.next().is_some());
        let adder = run.adder();
        let id = adder.add(scan::take(1).boxed()).expect("the run goes on");
        let turn = run.by_ref().position(|(of, _)| of == id).expect("it has an output");
        assert!(turn <= 3 * ON_THEIR_WAY * usize::from(MANY), "the {turn}th output");
        control.abort();
    }

    /// And one that is silent is heard of at the end.
    stop_beside_a_silent_scan(TWO) {
        let control = Control::new();
        let config = tight().control(&control);
        let mut run = (0..2).fan_out().with(&config).distribute([count(), each()]);
        let before = run.next();
        control.stop();
        let [counted, emitted] = outputs(before.into_iter().chain(run));
        assert_eq!(counted, [emitted.len() as u8]);
    }

    /// The same where the input may be pulled, wait for room or have ended meanwhile.
    stop_beside_a_silent_scan_while_the_input_is_pulled(TWO) {
        let control = Control::new();
        let config = tight().control(&control);
        let mut run = (0..2).fan_out().with(&config).read_ahead().distribute([count(), each()]);
        let before = run.next();
        control.stop();
        let [counted, emitted] = outputs(before.into_iter().chain(run));
        assert_eq!(counted, [emitted.len() as u8]);
    }
}
