//! Runs whose input is pulled on a thread of its own: batches that grow while they are taken,
//! both sides full, drops and ends while the input blocks.

use std::iter;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use anabranch::scan::{BoxScan, Scan};
use anabranch::{Distribute, IteratorExt, PanicOrigin, Pool, ReadAhead, scan};
use anabranch_models::Bound::Preemptions;
use anabranch_models::config::{Config, With as _};
use anabranch_models::runs::{
    Blocking, Gate, Seen, Witness, count, each, first, outputs, panic_at, repeat, start_ahead,
    tight, until_panic,
};
use anabranch_models::{Bound, NO_THREADS, models};

/// One scan: three threads.
const ONE: Bound = Preemptions(3);
/// One scan, with a message for each item and outputs for each.
const MORE: Bound = Preemptions(2);
/// Two scans: four threads.
const TWO: Bound = Preemptions(1);

/// A run over `items` that blocks at `blocks_at` until the gate is opened, and how
/// often its input was dropped.
fn blocking<const N: usize>(
    items: u8,
    blocks_at: u8,
    scans: [BoxScan<'static, u8, u8>; N],
) -> (Distribute<ReadAhead<Blocking>, u8>, Gate, Arc<AtomicUsize>) {
    let (gate, dropped) = (Gate::default(), Arc::default());
    let input =
        Blocking { items: 0..items, blocks_at, gate: gate.clone(), dropped: Arc::clone(&dropped) };
    let config = tight();
    (input.fan_out().with(&config).read_ahead().distribute(scans), gate, dropped)
}

models! {
    /// One item after the other, each in a batch of its own.
    one_output_per_item(MORE) {
        assert_eq!(outputs(start_ahead(2, 1, [each()])), [[0, 1]]);
    }

    /// A batch that grows, or is taken before it can, or while it does.
    item_added_while_the_batch_is_taken(ONE) {
        assert_eq!(outputs(start_ahead(2, 2, [each()])), [[0, 1]]);
    }

    /// Three items in batches of up to two: one is full.
    batch_that_is_full(ONE) {
        assert_eq!(outputs(start_ahead(3, 2, [count()])), [[3]]);
    }

    /// No more is pulled than there is room for: one in the hands of the scan, one in the
    /// channel, one that is being sent.
    items_that_were_pulled_are_bounded(Preemptions(1)) {
        let pulled = Arc::new(AtomicUsize::new(0));
        let stepped = Arc::clone(&pulled);
        let input = (0..5_u8).inspect(move |_| assert!(pulled.fetch_add(1, Relaxed) < 3));
        let config = tight();
        let steps = scan::inspect(move |_: &u8| {
            stepped.fetch_sub(1, Relaxed);
        });
        let scans = [steps.then(count()).boxed()];
        let run = input.fan_out().with(&config).read_ahead().distribute(scans);
        assert_eq!(outputs(run), [[5]]);
    }

    /// The batch that two scans take at once grows for neither or for both.
    batch_taken_by_two_at_once(MORE) {
        assert_eq!(outputs(start_ahead(2, 2, [count(), each()])), [vec![2], vec![0, 1]]);
    }

    /// The scan waits for room for outputs, the input's thread for room at the scan.
    both_sides_full(MORE) {
        assert_eq!(outputs(start_ahead(2, 1, [repeat(2)])), [[0, 0, 1, 1]]);
    }

    /// A scan that ends makes room for all.
    scan_that_ends_while_the_input_waits_for_room(ONE) {
        assert_eq!(outputs(start_ahead(3, 1, [first(1)])), [[0]]);
    }

    /// The same beside one that goes on.
    scan_that_ends_beside_another(TWO) {
        assert_eq!(outputs(start_ahead(2, 1, [first(0), count()])), [vec![], vec![2]]);
    }

    /// An output is given while the input blocks.
    output_while_the_input_blocks(ONE) {
        let (mut run, gate, _) = blocking(1, 1, [each()]);
        assert_eq!(run.next().map(|(_, output)| output), Some(0));
        gate.open();
        assert!(run.next().is_none());
    }

    /// All scans have ended while the input blocks: so has the run.
    end_while_the_input_blocks(ONE) {
        let (run, gate, dropped) = blocking(2, 1, [first(1)]);
        assert_eq!(outputs(run), [[0]]);
        assert!(dropped.load(Relaxed) <= 1);
        gate.open();
    }

    /// The drop of a run does not wait for the input. A thread that was not inside it leaves
    /// without a look at it.
    drop_while_the_input_blocks(ONE) {
        let seen = Seen::default();
        let (run, gate, dropped) = blocking(1, 0, [Witness::new(&seen).boxed()]);
        drop(run);
        assert_eq!((seen.steps(), seen.flushes(), seen.drops()), (0, 0, 1));
        assert!(dropped.load(Relaxed) <= 1);
        gate.open();
    }

    /// When the input was dropped by then, nothing is pulled behind the drop.
    nothing_is_pulled_behind_a_drop(ONE) {
        let (pulled, dropped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let pool = Pool::with_max_idle(0);
        let config = tight().pool(pool.clone());
        let (pulls, drops) = (Arc::clone(&pulled), Arc::clone(&dropped));
        let never = Gate::default();
        never.open();
        let input = Blocking { items: 0..1, blocks_at: u8::MAX, gate: never, dropped: drops };
        let input = input.inspect(move |_| _ = pulls.fetch_add(1, Relaxed));
        drop(input.fan_out().with(&config).read_ahead().distribute([count()]));
        // Its thread is back, or it was inside the input.
        if pool.in_use() == 0 {
            assert_eq!(dropped.load(Relaxed), 1);
        }
    }

    /// Nor for one that waits for room.
    drop_while_the_input_waits_for_room(MORE) {
        let mut run = start_ahead(3, 1, [repeat(2)]);
        assert!(run.next().is_some());
    }

    /// Before the first item.
    drop_before_the_first_next(ONE) {
        drop(start_ahead(1, 1, [each()]));
    }

    /// When the run has ended, the input and all scans have been dropped.
    input_is_dropped_before_the_end(ONE) {
        let seen = Seen::default();
        let (run, gate, dropped) = blocking(1, 1, [Witness::new(&seen).boxed()]);
        gate.open();
        assert_eq!(outputs(run), [[0, 100]]);
        assert_eq!((seen.flushes(), seen.drops(), dropped.load(Relaxed)), (1, 1, 1));
    }

    /// A panic of the input surfaces behind what was emitted.
    panic_of_the_input(ONE) {
        let input = iter::once(0).chain(iter::once_with(|| panic_any("expected: input")));
        let config = tight();
        let mut run = input.fan_out().with(&config).read_ahead().distribute([each()]);
        let ([before], payload) = until_panic(&mut run);
        assert_eq!((before, payload), (vec![0], "expected: input"));
        assert_eq!(run.panicked(), Some(PanicOrigin::Input));
        assert!(run.next().is_none());
    }

    /// Nobody is told of one that comes after the drop.
    panic_of_an_input_that_was_let_go(ONE) {
        let gate = Gate::default();
        let passed = gate.clone();
        let blocks = Blocking { items: 0..1, blocks_at: 0, gate: passed, dropped: Arc::default() };
        let input = blocks.map(|_| -> u8 { panic_any("expected: input") });
        let config = tight();
        drop(input.fan_out().with(&config).read_ahead().distribute([each()]));
        gate.open();
    }

    /// A panic of a scan reaches the input's thread, which waits for room there.
    panic_of_a_scan(ONE) {
        let panics = scan::map(|_: &u8| -> u8 { panic_any("expected: step") }).boxed();
        let mut run = start_ahead(3, 1, [panics]);
        let ([before], payload) = until_panic(&mut run);
        assert_eq!((before, payload), (vec![], "expected: step"));
    }

    /// No scans, and nothing is pulled; the input has been dropped when the run is over.
    no_scans(ONE) {
        let (mut run, _gate, dropped) = blocking::<0>(1, 0, []);
        assert!(run.next().is_none());
        assert_eq!(dropped.load(Relaxed), 1);
    }

    /// Outputs that are put in order are the sequential ones up to the panic, whenever the
    /// input leaves.
    order_before_a_panic_of_a_scan(TWO) {
        let config = tight();
        let scans = [each(), panic_at(0)];
        let mut run = (0..2).fan_out().with(&config).read_ahead().ordered(scans);
        assert_eq!(until_panic(&mut run), ([vec![0], vec![]], "expected: step"));
    }

    /// Batches as long as they are by default: they grow as long as everybody is fast.
    adaptive_batches(MORE) {
        let new_threads = Pool::with_max_idle(0);
        let config = Config::new().input_capacity(1).output_capacity(1).pool(new_threads);
        let run = (0..4).fan_out().with(&config).read_ahead().distribute([each()]);
        assert_eq!(outputs(run), [[0, 1, 2, 3]]);
    }

    /// Nothing is started before the verb.
    input_without_a_run(ONE) {
        let pool = Pool::with_max_idle(0);
        let config = tight().pool(pool.clone());
        let builder = (0..1_u8).fan_out().with(&config).read_ahead();
        drop(builder.clone());
        assert_eq!((pool.in_use(), pool.idle()), (0, 0));
        drop(builder.distribute([each()]));
    }

    /// The system refuses one of two threads: nothing was pulled, all was dropped, and the
    /// thread that was started is idle.
    input_whose_run_is_refused(ONE) {
        let pool = Pool::new();
        let config = tight().pool(pool.clone());
        anabranch::allow_threads(1);
        let (seen, dropped) = (Seen::default(), Arc::new(AtomicUsize::new(0)));
        let (gate, drops) = (Gate::default(), Arc::clone(&dropped));
        let input = Blocking { items: 0..1, blocks_at: 0, gate, dropped: drops };
        let scans = [Witness::new(&seen).boxed()];
        let start = || drop(input.fan_out().with(&config).read_ahead().distribute(scans));
        let payload = catch_unwind(AssertUnwindSafe(start)).expect_err("there is one thread");
        let message = payload.downcast::<String>().expect("a message");
        assert!(message.starts_with(NO_THREADS), "{message}");
        assert_eq!((seen.flushes(), seen.drops(), dropped.load(Relaxed)), (0, 1, 1));
        assert_eq!((pool.in_use(), pool.idle()), (0, 1));
    }

    /// One scan is ahead of the other, and the input of both.
    tee_of_an_input_that_is_read_ahead(TWO) {
        let config = tight();
        let run = (0..1).fan_out().with(&config).read_ahead().zip_latest((each(), repeat(2)));
        assert_eq!(run.collect::<Vec<_>>(), [(0, 0)]);
    }

    /// A tee whose second scan has ended does not wait for an item for the first.
    tee_ends_while_the_input_blocks(TWO) {
        let (gate, dropped) = (Gate::default(), Arc::default());
        let input = Blocking { items: 0..2, blocks_at: 1, gate: gate.clone(), dropped };
        let config = tight();
        let mut run = input.fan_out().with(&config).read_ahead().zip_latest((each(), first(1)));
        assert_eq!(run.next(), Some((0, 0)));
        assert_eq!(run.next(), None);
        gate.open();
    }

    /// The threads are back when the end is seen, that of the input included.
    a_full_pool_is_free_again(Preemptions(2)) {
        let pool = Pool::with_max_threads(2);
        let config = tight().pool(pool.clone());
        let run = (0..1).fan_out().with(&config).read_ahead().distribute([each()]);
        assert_eq!(outputs(run), [[0]]);
        assert_eq!(pool.in_use(), 0);
    }
}
