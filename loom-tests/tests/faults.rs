//! The faults that the engine exists to be free of: full buffers, endless scans, scans that end
//! early, both sides full, filters and floods. Every run ends, and gives what the sequential
//! one gives.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use anabranch::scan::{self, Scan};
use anabranch::{IteratorExt, Pool, ScanId};
use anabranch_models::Bound::{Preemptions, Unbounded};
use anabranch_models::config::{Config, With as _};
use anabranch_models::models;
use anabranch_models::runs::{Item, count, each, first, outputs, repeat, start, tally, tight};

/// Capacities of one batch, batches of the default lengths.
fn adaptive() -> Config {
    Config::new().input_capacity(1).output_capacity(1).pool(Pool::with_max_idle(0))
}

models! {
    /// A full input buffer holds the input back: one item in the step, one in the
    /// channel, one in the manager's hands.
    full_input_buffer(Preemptions(4)) {
        assert_eq!(outputs(start(3, [count()])), [[3]]);
    }

    /// The same with a channel that holds more than the scan rings for.
    full_input_buffer_of_three(Preemptions(4)) {
        let run = (0..6).fan_out().with(&tight().input_capacity(3)).distribute([count()]);
        assert_eq!(outputs(run), [[6]]);
    }

    /// A scan that never ends by itself is stopped, and flushes.
    endless_scan_and_finite_input(Unbounded) {
        assert_eq!(outputs(start(1, [count()])), [[1]]);
    }

    /// The same without any item.
    endless_scan_and_no_input(Unbounded) {
        assert_eq!(outputs(start(0, [count()])), [[0]]);
    }

    /// Stop reaches every scan, the last one included.
    endless_scans_and_finite_input(Preemptions(2)) {
        assert_eq!(outputs(start(1, [count(), count()])), [[1], [1]]);
    }

    /// Three of them.
    endless_scans_and_finite_input_three(Preemptions(1)) {
        assert_eq!(outputs(start(1, [count(), count(), count()])), [[1], [1], [1]]);
    }

    /// A scan that has ended takes nothing more, and holds nobody back.
    scan_that_ends_early_with_a_buffer_of_one(Preemptions(4)) {
        assert_eq!(outputs(start(3, [first(1)])), [[0]]);
    }

    /// The same beside one that goes on to the end.
    scan_that_ends_early_beside_an_endless_one(Preemptions(2)) {
        assert_eq!(outputs(start(3, [first(1), count()])), [vec![0], vec![3]]);
    }

    /// All scans have ended: an endless input is left.
    all_scans_ended_while_the_input_goes_on(Preemptions(4)) {
        assert_eq!(outputs((0..).fan_out().with(&tight()).distribute([first(1)])), [[0]]);
    }

    /// A scan that ends at its first item without a word, all by itself.
    scan_that_ends_silently(Preemptions(4)) {
        assert_eq!(outputs((0..).fan_out().with(&tight()).distribute([first(0)])), [[0; 0]]);
    }

    /// The manager waits for input room at a scan that waits for output room.
    both_sides_full(Preemptions(4)) {
        assert_eq!(outputs(start(3, [repeat(2)])), [[0, 0, 1, 1, 2, 2]]);
    }

    /// The same with a second scan that has nothing to say.
    both_sides_full_beside_a_silent_scan(Preemptions(2)) {
        assert_eq!(outputs(start(2, [repeat(2), first(0)])), [vec![0, 0, 1, 1], vec![]]);
    }

    /// A step emits more than the output buffer holds.
    multi_output_step_against_an_output_bound_of_one(Preemptions(4)) {
        assert_eq!(outputs(start(1, [repeat(3)])), [[0, 0, 0]]);
    }

    /// Nothing is said until the last item: each wake-up but the last is one for
    /// input room.
    filter_until_the_last_item(Preemptions(4)) {
        assert_eq!(outputs(start(4, [count()])), [[4]]);
    }

    /// One output for each item.
    one_output_per_item(Unbounded) {
        assert_eq!(outputs(start(1, [each()])), [[0]]);
    }

    /// One scan says something at each item, the other never.
    uneven_rates(Preemptions(2)) {
        assert_eq!(outputs(start(3, [each(), first(0)])), [vec![0, 1, 2], vec![]]);
    }

    /// Batches of two, of which the last is not full.
    batches_of_more_than_one(Preemptions(4)) {
        let run = (0..3).fan_out().with(&tight().batch(2)).distribute([each()]);
        assert_eq!(outputs(run), [[0, 1, 2]]);
    }

    /// An output that does not fill a batch is not held back for the next: it may
    /// be the last for a long time.
    output_that_does_not_fill_a_batch(Preemptions(4)) {
        let input = std::iter::once(0).chain(std::iter::repeat(1));
        let zeros = scan::filter(|item: &u8| *item == 0).boxed();
        let mut run = input.fan_out().with(&tight().batch(2)).distribute([zeros]);
        assert_eq!(run.next().map(|(_, output)| output), Some(0));
    }

    /// However slow the scan, no more items are alive than the capacity says: one
    /// in the step, one in the channel, one in the manager's hands.
    slow_scan_and_memory(Preemptions(4)) {
        let (made, dropped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (made_before, drops) = (Arc::clone(&made), Arc::clone(&dropped));
        let input = (0..4).map(move |_| {
            let alive = 1 + made_before.fetch_add(1, Relaxed) - drops.load(Relaxed);
            assert!(alive <= 3, "{alive} items are alive");
            Item { drops: Arc::clone(&drops), panics: false }
        });
        assert_eq!(outputs(input.fan_out().with(&tight()).distribute([tally()])), [[4]]);
        assert_eq!(made.load(Relaxed), dropped.load(Relaxed));
    }

    /// Batches as they are by default: they grow, and with them the pieces.
    adaptive_batches(Preemptions(3)) {
        let run = (0..4).fan_out().with(&adaptive()).distribute([each()]);
        assert_eq!(outputs(run), [[0, 1, 2, 3]]);
    }

    /// Time goes by: nothing is ever gathered.
    adaptive_batches_of_who_is_slow(Preemptions(3)) {
        anabranch::tick_clock(std::time::Duration::from_millis(1));
        assert_eq!(outputs((0..3).fan_out().with(&adaptive()).distribute([each()])), [[0, 1, 2]]);
    }

    /// A step that emits more than a batch of outputs holds.
    adaptive_batches_of_outputs(Preemptions(3)) {
        assert_eq!(outputs((0..1).fan_out().with(&adaptive()).distribute([repeat(6)])), [[0; 6]]);
    }

    /// Lanes leave the list before, in and behind the window that is looked at.
    more_lanes_than_a_window(Preemptions(1)) {
        assert_eq!(
            outputs(start(2, [first(0), count(), each()])),
            [vec![], vec![2], vec![0, 1]]
        );
    }

    /// Room for more than one batch.
    deeper_channels(Preemptions(4)) {
        let config = tight().input_capacity(2).output_capacity(2);
        assert_eq!(outputs((0..3).fan_out().with(&config).distribute([each()])), [[0, 1, 2]]);
    }

    /// The consumer stops to look at what it got, and goes on.
    slow_consumer(Preemptions(4)) {
        let mut run = start(2, [each()]);
        let (id, output): (ScanId, u8) = run.next().expect("an output");
        assert_eq!((id.index(), output), (0, 0));
        assert_eq!(outputs(run), [[1]]);
    }
}
