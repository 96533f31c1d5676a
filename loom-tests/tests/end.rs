//! How runs end: no output is lost, nothing is left, and the end comes after every drop.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anabranch::IteratorExt;
use anabranch::scan::{self, Emitter, Scan};
use anabranch_models::Bound::{Preemptions, Unbounded};
use anabranch_models::config::With as _;
use anabranch_models::models;
use anabranch_models::runs::{
    Gate, Item, Opens, Seen, Witness, count, each, first, four_until_dropped, outputs, start,
    tally, tight,
};

models! {
    /// The last output and the exit come right after each other.
    end_races_with_the_last_output(Unbounded) {
        let mut run = start(1, [first(1)]);
        assert_eq!(run.next().map(|(_, output)| output), Some(0));
        assert_eq!(run.next(), None);
        assert_eq!(run.next(), None);
    }

    /// Two exits, two notices, in any order.
    two_scans_end_at_once(Preemptions(2)) {
        assert_eq!(outputs(start(1, [first(0), first(0)])), [[0; 0], [0; 0]]);
    }

    /// The same with last words.
    two_scans_end_at_once_with_an_output_each(Preemptions(2)) {
        assert_eq!(outputs(start(1, [first(1), first(1)])), [[0], [0]]);
    }

    /// Three of them.
    three_scans_end_at_once(Preemptions(1)) {
        assert_eq!(outputs(start(1, [first(0), first(0), first(0)])), [[0; 0], [0; 0], [0; 0]]);
    }

    /// When the end is seen, the scan was flushed once and dropped.
    flushed_once_and_dropped_before_the_end(Unbounded) {
        let seen = Seen::default();
        assert_eq!(outputs(start(0, [Witness::new(&seen).boxed()])), [[100]]);
        assert_eq!((seen.steps(), seen.flushes(), seen.drops()), (0, 1, 1));
    }

    /// A scan that ended by itself gets no more items, and is not flushed.
    scan_that_ended_is_not_flushed(Preemptions(4)) {
        let seen = Seen::default();
        let mut witness = Witness::new(&seen);
        witness.ends = true;
        assert_eq!(outputs(start(3, [witness.boxed()])), [[0]]);
        assert_eq!((seen.steps(), seen.flushes(), seen.drops()), (1, 0, 1));
    }

    /// When the end is seen, every item was dropped, once.
    everything_is_dropped_before_the_end(Unbounded) {
        let drops = Arc::new(AtomicUsize::new(0));
        let item = Item { drops: Arc::clone(&drops), panics: false };
        let run = std::iter::once(item).fan_out().with(&tight()).distribute([tally()]);
        assert_eq!(outputs(run), [[1]]);
        assert_eq!(drops.load(Ordering::Relaxed), 1);
    }

    /// Items that a scan left in its channel are dropped when the end is seen.
    items_behind_an_ended_scan_are_dropped_before_the_end(Preemptions(4)) {
        let drops = Arc::new(AtomicUsize::new(0));
        let made = Arc::new(AtomicUsize::new(0));
        let (dropped, counted) = (Arc::clone(&drops), Arc::clone(&made));
        let input = (0..4).map(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            Item { drops: Arc::clone(&dropped), panics: false }
        });
        let ended = first(0).map_input(|_: &Item| 0).boxed();
        assert_eq!(outputs(input.fan_out().with(&tight()).distribute([ended])), [[0; 0]]);
        assert_eq!(drops.load(Ordering::Relaxed), made.load(Ordering::Relaxed));
    }

    /// The input waits for the drop of an item that was sent to a scan which has ended, or is
    /// about to.
    queue_of_a_scan_that_has_ended(Preemptions(2)) {
        let gate = Gate::default();
        let mut items = [Opens(None), Opens(Some(gate.clone()))].into_iter();
        let input = std::iter::from_fn(move || {
            let item = items.next();
            if item.is_none() {
                gate.pass();
            }
            item
        });
        let ends = first(0).map_input(|_: &Opens| 0).boxed();
        let counts = count().map_input(|_: &Opens| 0).boxed();
        let run = input.fan_out().with(&tight()).distribute([ends, counts]);
        assert_eq!(outputs(run), [vec![], vec![2]]);
    }

    /// The same with a scan that has ended, and whose last output finds no room.
    queue_of_a_scan_that_waits_for_room(Preemptions(3)) {
        let ends = scan::from_fn(|_: &Opens, out: &mut Emitter<'_, u8>| {
            (0..3).for_each(|output| out.emit(output));
            ControlFlow::Break(())
        });
        let config = tight().batch(2).input_capacity(2);
        let run = four_until_dropped().fan_out().with(&config).distribute([ends]);
        assert_eq!(outputs(run), [[0, 1, 2]]);
    }

    /// A run without scans.
    no_scans_beside_a_run(Preemptions(4)) {
        assert_eq!(start(3, []).next(), None);
        assert_eq!(outputs(start(1, [each()])), [[0]]);
    }
}
