//! The life of a scan on its thread.

use std::ops::ControlFlow;

use super::batch::{BatchSender, Outputs};
use super::exit_guard::ExitGuard;
use super::inlet::Inlet;
use super::message::Message;
use super::meter::Meter;
use super::outlet::{Kept, Outlet};
use super::pace::Pace;
use super::run::Run;
use crate::config::Settings;
use crate::scan::{Emitter, Scan};
use crate::sync::{Arc, Instant, Receiver, bounded};

/// One scan with its two channels. It blocks on these alone, and each of the two
/// waits ends when the manager drops the other side.
#[derive(Debug)]
pub(super) struct ScanThread<T, S: Scan<T>> {
    pub(super) scan: S,
    inlet: Inlet<T>,
    outlet: Outlet<S::Output>,
    pace: Arc<Pace>,
}

/// Where a [`ScanThread`] gets its items from.
#[derive(Debug)]
pub(super) struct InputSide<T> {
    pub(super) batches: BatchSender<T>,
    pub(super) pace: Arc<Pace>,
}

/// Where the outputs of a [`ScanThread`] come out.
#[derive(Debug)]
pub(super) struct OutputSide<O> {
    pub(super) outputs: Receiver<Outputs<O>>,
    pub(super) pace: Arc<Pace>,
    pub(super) meter: Arc<Meter>,
}

impl<T, S: Scan<T>> ScanThread<T, S> {
    /// Connects a scan. Calls nothing of it.
    pub(super) fn new(
        scan: S,
        kept: Kept,
        settings: &Settings,
        run: &Arc<Run>,
    ) -> (Self, InputSide<T>, OutputSide<S::Output>) {
        let (batches, receiver) = bounded(settings.input_capacity);
        let (sender, outputs) = bounded(settings.output_capacity);
        let size = settings.output_batch_size::<S::Output>();
        let pace = Arc::new(Pace::new(&settings.batch_size, &size));
        let meter = Arc::new(Meter::new());
        let inlet = Inlet::new(receiver, settings.input_capacity, &meter, run);
        let sender = (sender, settings.output_capacity);
        let outlet = Outlet::new(size, kept, sender, &pace, &meter, run);
        let input = InputSide { batches, pace: Arc::clone(&pace) };
        let output = OutputSide { outputs, pace: Arc::clone(&pace), meter };
        (Self { scan, inlet, outlet, pace }, input, output)
    }

    /// Runs the scan to its end, and leaves through `exit`.
    ///
    /// Outputs that were emitted before a panic are published like any others.
    // MODEL: loom-tests/tests/panics.rs::outputs_before_a_panic_are_delivered
    pub(super) fn live(self, mut exit: ExitGuard) {
        let Self { mut scan, mut inlet, mut outlet, pace } = self;
        exit.contain(|| take_messages(&mut scan, &mut inlet, &mut outlet, &pace));
        exit.contain(|| outlet.finish());
        exit.contain(|| drop(scan));
        drop((inlet, outlet));
        drop(exit);
    }
}

/// Takes batches until the scan ends, Stop comes, or the run is aborted.
fn take_messages<T, S: Scan<T>>(
    scan: &mut S,
    inlet: &mut Inlet<T>,
    outlet: &mut Outlet<S::Output>,
    pace: &Pace,
) {
    while let Some(message) = inlet.next() {
        match message {
            Message::Batch(batch) => {
                let flow = step_over(batch.items(), scan, outlet, pace);
                drop(batch);
                if flow.is_break() {
                    return;
                }
                outlet.publish();
            }
            Message::Stop => {
                outlet.begin_piece(Instant::now());
                return scan.flush(&mut Emitter::outlet(outlet));
            }
        }
    }
}

/// Steps over a batch, piece by piece: what a slow scan emits is not to wait for the end
/// of a batch that is long because the scan was fast before. Pieces are as long as what
/// the scan deals with in about half a linger; those of a fast scan are whole batches.
fn step_over<T, S: Scan<T>>(
    mut items: &[T],
    scan: &mut S,
    outlet: &mut Outlet<S::Output>,
    pace: &Pace,
) -> ControlFlow<()> {
    loop {
        // Whatever the scan's own loop looks at: no further piece of an aborted run.
        // MODEL: loom-tests/tests/drop.rs::no_piece_is_begun_behind_an_abort
        if outlet.is_closed() {
            return ControlFlow::Break(());
        }
        let (piece, behind) = items.split_at(pace.items.get().min(items.len()));
        let began = Instant::now();
        outlet.begin_piece(began);
        scan.step_batch(piece, &mut Emitter::outlet(outlet))?;
        pace.items.learn(piece.len(), || began.elapsed().saturating_sub(outlet.waited()));
        if behind.is_empty() {
            return ControlFlow::Continue(());
        }
        outlet.publish();
        items = behind;
    }
}
