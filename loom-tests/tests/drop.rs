//! Early drops, in every state of a run: the drop returns, all threads are gone, nothing goes
//! on.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anabranch::scan::{self, BoxScan, Emitter, Scan};
use anabranch::{Control, Distribute, IteratorExt};
use anabranch_models::Bound::{Preemptions, Unbounded};
use anabranch_models::config::With as _;
use anabranch_models::models;
use anabranch_models::runs::{Seen, Witness, count, each, repeat, start, tight, until_closed};

fn endless<const N: usize>(
    scans: [BoxScan<'static, u8, u8>; N],
) -> Distribute<impl Iterator<Item = u8>, u8> {
    (0..=u8::MAX).cycle().fan_out().with(&tight()).distribute(scans)
}

models! {
    /// The scan waits for its first input.
    before_the_first_next(Unbounded) {
        drop(start(1, [each()]));
    }

    /// Two that wait.
    before_the_first_next_of_two(Preemptions(2)) {
        drop(start(1, [each(), each()]));
    }

    /// The next batch is to be filled, the scan may be anywhere.
    while_filling(Preemptions(4)) {
        let mut run = endless([each()]);
        assert_eq!(run.next().map(|(_, output)| output), Some(0));
    }

    /// Both sides are full: input waits in the channel and in the manager's hands,
    /// output in the channel and in the step.
    while_dispatching_with_both_sides_full(Preemptions(4)) {
        let mut run = endless([repeat(3)]);
        assert_eq!(run.next().map(|(_, output)| output), Some(0));
    }

    /// The same with two scans.
    while_dispatching_with_both_sides_of_two_full(Preemptions(2)) {
        let mut run = endless([repeat(2), repeat(2)]);
        assert_eq!(run.next().map(|(_, output)| output), Some(0));
    }

    /// Stop was sent; a flush may be in flight, or its output undelivered.
    while_draining(Preemptions(4)) {
        let mut run = start(1, [Witness::new(&Seen::default()).boxed()]);
        assert_eq!(run.next().map(|(_, output)| output), Some(0));
    }

    /// Nothing is left to do.
    after_the_end(Unbounded) {
        let mut run = start(0, [count()]);
        assert_eq!(run.by_ref().count(), 1);
        assert_eq!(run.next(), None);
    }

    /// Right after the last output, with the end not yet seen.
    between_the_last_output_and_the_end(Unbounded) {
        let mut run = start(0, [count()]);
        assert!(run.next().is_some());
    }

    /// When the drop returns, no step and no flush is yet to come.
    nothing_goes_on_behind_the_drop(Preemptions(4)) {
        let seen = Seen::default();
        let mut run = endless([Witness::new(&seen).boxed()]);
        assert!(run.next().is_some());
        drop(run);
        let before = (seen.steps(), seen.flushes());
        assert_eq!(seen.drops(), 1, "the scan is gone when the drop returns");
        assert_eq!(before.1, 0);
    }

    /// Stop may be in the channel when the run is dropped; a scan that finds it
    /// afterwards is not flushed into nowhere, and the step count tells no tale.
    stop_in_the_channel_of_an_aborted_run(Preemptions(4)) {
        let seen = Seen::default();
        let mut run = start(1, [repeat(2).then(Witness::new(&seen)).boxed()]);
        assert!(run.next().is_some());
        drop(run);
        assert_eq!(seen.drops(), 1);
        assert!(seen.flushes() <= 1);
    }

    /// The scan leaves its step only when it is told that nobody listens; Stop may
    /// be in the channel by then, and is not obeyed.
    scan_that_stays_until_nobody_listens(Preemptions(4)) {
        let seen = Seen::default();
        let stays = scan::from_fn(|item: &u8, out: &mut Emitter<'_, u8>| {
            out.emit(*item);
            until_closed(out);
            ControlFlow::Continue(())
        });
        let mut run = start(1, [stays.then(Witness::new(&seen)).boxed()]);
        assert_eq!(run.next().map(|(_, output)| output), Some(0));
        drop(run);
        assert_eq!((seen.steps(), seen.flushes(), seen.drops()), (1, 0, 1));
    }

    /// A scan whose own loop does not look whether anybody listens: it is given no further
    /// piece, though batches are queued.
    no_piece_is_begun_behind_an_abort(Preemptions(4)) {
        struct Deaf(Arc<AtomicUsize>);
        impl Scan<u8> for Deaf {
            type Output = u8;
            fn step(&mut self, item: &u8, out: &mut Emitter<'_, u8>) -> ControlFlow<()> {
                out.emit(*item);
                until_closed(out);
                ControlFlow::Continue(())
            }
            fn step_batch(&mut self, batch: &[u8], out: &mut Emitter<'_, u8>) -> ControlFlow<()> {
                self.0.fetch_add(1, Ordering::Relaxed);
                batch.iter().try_for_each(|item| self.step(item, out))
            }
        }
        let pieces = Arc::new(AtomicUsize::new(0));
        let config = tight().input_capacity(2);
        let deaf = Deaf(Arc::clone(&pieces));
        let mut run = (0..4).fan_out().with(&config).distribute([deaf]);
        assert_eq!(run.next().map(|(_, output)| output), Some(0));
        drop(run);
        assert_eq!(pieces.load(Ordering::Relaxed), 1);
    }

    /// A total behind a scan whose flush aborts the run hands over what it has, and has a
    /// result.
    abort_inside_a_flush(Preemptions(2)) {
        let control = Control::new();
        let config = tight().control(&control);
        let total = AtTheFlush(control).then(scan::fold(0, |count, _: &u8| count + 1));
        let (counted,) = (0..2).fan_out().with(&config).fold((total,));
        assert_eq!(counted, 2);
    }

    /// The run ends on another thread than the one that started it.
    on_another_thread(Preemptions(4)) {
        let mut run = start(2, [each()]);
        assert!(run.next().is_some());
        let elsewhere = checker::thread::spawn(move || drop(run));
        elsewhere.join().expect("a drop does not panic");
    }
}

#[cfg(loom)]
use loom as checker;
#[cfg(shuttle)]
use shuttle as checker;

/// Emits every item, and aborts the run in its flush.
struct AtTheFlush(Control);

impl Scan<u8> for AtTheFlush {
    type Output = u8;

    fn step(&mut self, item: &u8, out: &mut Emitter<'_, u8>) -> ControlFlow<()> {
        out.emit(*item);
        ControlFlow::Continue(())
    }

    fn flush(&mut self, _: &mut Emitter<'_, u8>) {
        self.0.abort();
    }
}
