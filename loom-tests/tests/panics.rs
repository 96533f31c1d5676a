//! Panics, wherever they come from: everybody leaves, one surfaces, once, with its payload,
//! behind what was emitted.

use std::ops::ControlFlow;
use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anabranch::scan::{self, Emitter, Scan};
use anabranch::{Control, IteratorExt, PanicOrigin};
use anabranch_models::Bound::{Preemptions, Unbounded};
use anabranch_models::config::With as _;
use anabranch_models::models;
use anabranch_models::runs::{
    Item, Lingers, Seen, Witness, count, each, outputs, panic_at, repeat, start, tally, tight,
    until_panic,
};

models! {
    /// At the first item.
    panic_in_a_step(Preemptions(4)) {
        let mut run = start(1, [panic_at(0)]);
        assert_eq!(until_panic(&mut run), ([vec![]], "expected: step"));
        assert_eq!(run.next(), None);
    }

    /// The manager waits for room at the scan that panics.
    panic_while_the_manager_waits_for_room(Preemptions(4)) {
        let mut run = start(4, [panic_at(0)]);
        assert_eq!(until_panic(&mut run), ([vec![]], "expected: step"));
    }

    /// Another scan is in the middle of anything.
    panic_beside_another_scan(Preemptions(2)) {
        let mut run = start(2, [panic_at(0), count()]);
        let ([panicked, counted], message) = until_panic(&mut run);
        assert_eq!((panicked, message), (vec![], "expected: step"));
        assert!(counted.is_empty() || counted == [2], "it was flushed before, or not at all");
        assert!(matches!(run.panicked(), Some(PanicOrigin::Scan(id)) if id.index() == 0));
    }

    /// Another scan says its last words and exits, all at once: nothing is left
    /// to come after the panic.
    panic_beside_last_words(Preemptions(2)) {
        let mut witness = Witness::new(&Seen::default());
        witness.panics_in_flush = true;
        let mut run = start(0, [witness.boxed(), count()]);
        let ([panicked, counted], message) = until_panic(&mut run);
        assert_eq!((panicked, message), (vec![100], "expected: flush"));
        assert!(counted.is_empty() || counted == [0], "it was flushed before, or not at all");
        assert_eq!(run.next(), None);
    }

    /// Another scan waits for room for its outputs.
    panic_beside_a_scan_with_full_outputs(Preemptions(2)) {
        let mut run = start(2, [panic_at(0), repeat(3)]);
        let ([panicked, _], message) = until_panic(&mut run);
        assert_eq!((panicked, message), (vec![], "expected: step"));
    }

    /// Two at once: one of them surfaces.
    two_scans_panic_at_once(Preemptions(2)) {
        let mut run = start(1, [panic_at(0), panic_at(0)]);
        assert_eq!(until_panic(&mut run), ([vec![], vec![]], "expected: step"));
        assert_eq!(run.next(), None);
    }

    /// What the scan emitted before it panicked comes first.
    outputs_before_a_panic_are_delivered(Preemptions(4)) {
        let mut run = start(2, [panic_at(1)]);
        assert_eq!(until_panic(&mut run), ([vec![0]], "expected: step"));
    }

    /// The same with an output of the batch in which it panicked.
    outputs_of_the_same_batch_before_a_panic_are_delivered(Preemptions(4)) {
        let mut run = (0..2).fan_out().with(&tight().batch(2)).distribute([panic_at(1)]);
        assert_eq!(until_panic(&mut run), ([vec![0]], "expected: step"));
    }

    /// Another scan ends its flush only when the run is aborted.
    panic_beside_a_scan_that_stays_until_nobody_listens(Preemptions(2)) {
        let mut run = start(1, [panic_at(0), Lingers.boxed()]);
        assert_eq!(until_panic(&mut run), ([vec![], vec![]], "expected: step"));
    }

    /// In the flush, after an output.
    panic_in_a_flush(Unbounded) {
        let seen = Seen::default();
        let mut witness = Witness::new(&seen);
        witness.panics_in_flush = true;
        let mut run = start(0, [witness.boxed()]);
        assert_eq!(until_panic(&mut run), ([vec![100]], "expected: flush"));
        assert_eq!((seen.flushes(), seen.drops()), (1, 1));
    }

    /// In the drop of a scan that is done.
    panic_in_the_drop_of_a_scan(Unbounded) {
        let seen = Seen::default();
        let mut witness = Witness::new(&seen);
        witness.panics_in_drop = true;
        let mut run = start(0, [witness.boxed()]);
        assert_eq!(until_panic(&mut run), ([vec![100]], "expected: drop"));
        assert_eq!(seen.drops(), 1);
    }

    /// In the flush, and then in the drop: the first one surfaces.
    panic_in_a_flush_and_in_the_drop(Unbounded) {
        let seen = Seen::default();
        let mut witness = Witness::new(&seen);
        (witness.panics_in_flush, witness.panics_in_drop) = (true, true);
        let mut run = start(0, [witness.boxed()]);
        assert_eq!(until_panic(&mut run), ([vec![100]], "expected: flush"));
        assert_eq!((seen.flushes(), seen.drops()), (1, 1));
    }

    /// In the input, and then in the drop of a scan: that of the scan surfaces.
    panic_in_the_input_and_in_the_drop_of_a_scan(Preemptions(4)) {
        let seen = Seen::default();
        let mut witness = Witness::new(&seen);
        witness.panics_in_drop = true;
        let input = (0..2).inspect(|item| if *item == 1 { panic_any("expected: input") });
        let mut run = input.fan_out().with(&tight()).distribute([witness.boxed()]);
        let (_, message) = until_panic::<1>(&mut run);
        assert_eq!((message, seen.drops()), ("expected: drop", 1));
        assert!(matches!(run.panicked(), Some(PanicOrigin::Scan(_))));
    }

    /// In a step, and then in the drop of the input that is let go: the first one surfaces.
    panic_in_a_step_and_in_the_drop_of_the_input(Preemptions(3)) {
        let dropped = Item { drops: Arc::default(), panics: true };
        let input = (0..4).inspect(move |_| assert!({ &dropped }.panics));
        let mut run = input.fan_out().with(&tight()).distribute([panic_at(0)]);
        assert_eq!(until_panic(&mut run), ([vec![]], "expected: step"));
    }

    /// In the drop of an item, on whichever thread lets go of it last.
    panic_in_the_drop_of_an_item(Preemptions(4)) {
        let drops = Arc::new(AtomicUsize::new(0));
        let item = Item { drops: Arc::clone(&drops), panics: true };
        let mut run = std::iter::once(item).fan_out().with(&tight()).distribute([tally()]);
        let (_, message) = until_panic::<1>(&mut run);
        assert_eq!(message, "expected: item");
        assert_eq!(run.panicked(), Some(PanicOrigin::Item));
        assert_eq!(drops.load(Ordering::Relaxed), 1);
    }

    /// The same with two scans that hold it.
    panic_in_the_drop_of_an_item_that_two_scans_hold(Preemptions(2)) {
        let drops = Arc::new(AtomicUsize::new(0));
        let item = Item { drops: Arc::clone(&drops), panics: true };
        let mut run = std::iter::once(item).fan_out().with(&tight()).distribute([tally(), tally()]);
        let (_, message) = until_panic::<2>(&mut run);
        assert_eq!((message, drops.load(Ordering::Relaxed)), ("expected: item", 1));
    }

    /// In the drop of an item, by a scan whose flush lasts until the run is
    /// aborted: nothing else tells the manager.
    panic_in_the_drop_of_an_item_aborts_at_once(Preemptions(4)) {
        let drops = Arc::new(AtomicUsize::new(0));
        let item = Item { drops: Arc::clone(&drops), panics: true };
        let mut run = std::iter::once(item).fan_out().with(&tight()).distribute([Lingers.boxed()]);
        assert_eq!(until_panic(&mut run), ([vec![]], "expected: item"));
        assert_eq!(drops.load(Ordering::Relaxed), 1);
    }

    /// In the input, while the scan is at work: what was pulled before is stepped over, and
    /// nothing is flushed.
    panic_in_the_input(Preemptions(4)) {
        let seen = Seen::default();
        let input = (0..3).inspect(|item| if *item == 2 { panic_any("expected: input") });
        let mut run = input.fan_out().with(&tight()).distribute([Witness::new(&seen).boxed()]);
        assert_eq!(until_panic(&mut run), ([vec![0, 1]], "expected: input"));
        assert_eq!(run.panicked(), Some(PanicOrigin::Input));
        assert_eq!((seen.flushes(), seen.drops()), (0, 1));
    }

    /// The same with items that were pulled for the same batch.
    panic_in_the_input_in_the_midst_of_a_batch(Preemptions(4)) {
        let input = (0..3).inspect(|item| if *item == 2 { panic_any("expected: input") });
        let mut run = input.fan_out().with(&tight().batch(3)).distribute([each()]);
        assert_eq!(until_panic(&mut run), ([vec![0, 1]], "expected: input"));
    }

    /// In the drop of the input, behind its last item.
    panic_in_the_drop_of_the_input(Preemptions(4)) {
        let dropped = Item { drops: Arc::default(), panics: true };
        let input = (0..2).inspect(move |_| assert!({ &dropped }.panics));
        let mut run = input.fan_out().with(&tight().batch(4)).distribute([each()]);
        assert_eq!(until_panic(&mut run), ([vec![0, 1]], "expected: item"));
        assert_eq!(run.panicked(), Some(PanicOrigin::Input));
    }

    /// What was emitted before an abort is delivered, published or not.
    outputs_before_an_abort_are_delivered(Preemptions(4)) {
        let control = Control::new();
        let config = tight().batch(3).control(&control);
        let aborts = scan::from_fn(move |item: &u8, out: &mut Emitter<'_, u8>| {
            out.emit(*item);
            if *item == 1 {
                control.abort();
            }
            ControlFlow::Continue(())
        });
        let run = (0..3).fan_out().with(&config).distribute([aborts.boxed()]);
        assert_eq!(outputs(run), [[0, 1]]);
    }

    /// The run is dropped while a scan panics: nobody is told, nobody waits.
    panic_while_the_run_is_dropped(Preemptions(4)) {
        let mut run = start(3, [panic_at(1)]);
        assert_eq!(run.next().map(|(_, output)| output), Some(0));
    }
}
