//! Runs whose outputs are put in an order, at rates as uneven as can be: in the order of the
//! sequential run, and as the latest of each scan; folds; keys that start afresh.

use anabranch::scan::{self, Scan};
use anabranch::{IteratorExt, PanicOrigin};
use anabranch_models::Bound::Preemptions;
use anabranch_models::config::With as _;
use anabranch_models::runs::{
    Seen, Witness, count, each, first, panic_at, repeat, tight, until_panic,
};
use anabranch_models::{Bound, models};

/// What an ordered run over `0..items` gives, each output with its scan.
macro_rules! ordered {
    ($items:expr, [$($scan:expr),+]) => {{
        let run = (0..$items).fan_out().with(&tight()).ordered([$($scan),+]);
        run.map(|(id, output)| (id.index(), output)).collect::<Vec<_>>()
    }};
}

/// These runs have a message for each item, and more schedules than others.
const TWO: Bound = Preemptions(1);

models! {
    /// One scan: the order is its own.
    one_scan_in_order(Preemptions(4)) {
        assert_eq!(ordered!(2, [each()]), [(0, 0), (0, 1)]);
    }

    /// One scan fills its output channel while the consumer waits for the other,
    /// which has nothing to say.
    silent_scan_beside_a_chatty_one(TWO) {
        assert_eq!(ordered!(1, [count(), each()]), [(1, 0), (0, 1)]);
    }

    /// The same with the chatty one in front.
    chatty_scan_in_front_of_a_silent_one(TWO) {
        assert_eq!(ordered!(1, [repeat(2), first(0)]), [(0, 0), (0, 0)]);
    }

    /// Both sides are full at the scan that is not waited for.
    both_sides_full_at_the_scan_ahead(Preemptions(1)) {
        let expected = [(1, 0), (1, 0), (1, 1), (1, 1), (0, 2)];
        assert_eq!(ordered!(2, [count(), repeat(2)]), expected);
    }

    /// A scan that ends is left out of the order from there on.
    scan_that_ends_leaves_the_order(TWO) {
        assert_eq!(ordered!(1, [first(0), each()]), [(1, 0)]);
    }

    /// What was given before a panic is a prefix of the sequential run.
    panic_ends_the_order(TWO) {
        let run = (0..2).fan_out().with(&tight()).ordered([each(), panic_at(0)]);
        let mut run = run;
        let (before, payload) = until_panic::<2>(&mut run);
        assert_eq!((before, payload), ([vec![0], vec![]], "expected: step"));
        assert!(matches!(run.panicked(), Some(PanicOrigin::Scan(_))));
        assert!(run.next().is_none());
    }

    /// An early drop with one scan ahead of the other.
    drop_of_an_ordered_run(TWO) {
        let scans = [count(), repeat(2)];
        let mut run = (0..2).fan_out().with(&tight()).ordered(scans);
        assert_eq!(run.next().map(|(_, output)| output), Some(0));
    }

    /// No tuple for an item as long as one of the scans has said nothing.
    tee_beside_a_silent_scan(TWO) {
        let config = tight();
        let run = (0..1).fan_out().with(&config).zip_latest((repeat(2), count()));
        assert_eq!(run.collect::<Vec<_>>(), []);
    }

    /// One tuple for each item, though one scan says nothing for the second.
    tee_at_uneven_rates(Preemptions(1)) {
        let zeros = scan::filter(|item: &u8| *item == 0);
        let tuples: Vec<_> = (0..2).fan_out().with(&tight()).zip_latest((each(), zeros)).collect();
        assert_eq!(tuples, [(0, 0), (1, 0)]);
    }

    /// A scan that ends, ends the run, and the other one with it.
    tee_ends_with_the_first_scan_that_does(TWO) {
        let endless = (0..=u8::MAX).cycle();
        let config = tight();
        let run = endless.fan_out().with(&config).zip_latest((first(1), repeat(2)));
        assert_eq!(run.collect::<Vec<_>>(), [(0, 0)]);
    }

    /// All scans are flushed, though none of what they emit then is in a tuple.
    tee_flushes_every_scan(TWO) {
        let seen = [Seen::default(), Seen::default()];
        let scans = (Witness::new(&seen[0]), Witness::new(&seen[1]));
        assert_eq!((0..1).fan_out().with(&tight()).zip_latest(scans).collect::<Vec<_>>(), [(0, 0)]);
        assert_eq!(seen.map(|seen| (seen.flushes(), seen.drops())), [(1, 1), (1, 1)]);
    }

    /// A panic in a flush that nobody waits for surfaces.
    panic_in_the_flush_of_a_tee(TWO) {
        let mut second = Witness::new(&Seen::default());
        second.panics_in_flush = true;
        let mut run = (0..1).fan_out().with(&tight()).zip_latest((each(), second.boxed()));
        assert_eq!(run.next(), Some((0, 0)));
        let ended = std::panic::AssertUnwindSafe(|| run.next());
        let payload = std::panic::catch_unwind(ended).expect_err("a panic");
        assert_eq!(payload.downcast_ref(), Some(&"expected: flush"));
    }

    /// A panic in the drop of a scan that has ended takes effect when the order has passed it. It
    /// may be the last thing that happens: the closed channel holds nobody back.
    panic_in_the_drop_of_a_scan_in_order(TWO) {
        let mut first = Witness::new(&Seen::default());
        (first.ends, first.panics_in_drop) = (true, true);
        let scans = [first.boxed(), each()];
        let mut run = (0..3).fan_out().with(&tight()).ordered(scans);
        let (before, payload) = until_panic::<2>(&mut run);
        assert_eq!((&before[0], payload), (&vec![0], "expected: drop"));
    }

    /// Only the last outputs travel.
    fold_of_two(TWO) {
        let last = (0..2).fan_out().with(&tight()).fold((repeat(3).last(), scan::count::<u8>()));
        assert_eq!(last, (Some(1), 2));
    }

    /// A key's scan that ends and starts afresh.
    demux_starts_afresh(Preemptions(4)) {
        let run = (0..2).fan_out().with(&tight()).demux_over(1, |_| (), |()| scan::take::<u8>(1));
        assert_eq!(run.map(|((), output)| output).collect::<Vec<_>>(), [0, 1]);
    }

    /// Keys on two threads.
    demux_over_two_shards(TWO) {
        let run = (0..1).fan_out().with(&tight()).demux_over(2, |_| (), |()| count());
        assert_eq!(run.map(|((), output)| output).collect::<Vec<_>>(), [1]);
    }
}
