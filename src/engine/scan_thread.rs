//! The life of a scan on its thread.

use std::ops::ControlFlow;
use std::time::Instant;

use super::batch::{BatchSender, Outputs};
use super::batch_size::BatchSize;
use super::exit_guard::ExitGuard;
use super::inlet::Inlet;
use super::message::Message;
use super::meter::Meter;
use super::outlet::{Kept, Outlet};
use super::run::Run;
use crate::config::Settings;
use crate::scan::{Emitter, Scan};
use crate::sync::{Arc, Receiver, bounded};

/// One scan with its two channels. It blocks on these alone, and each of the two
/// waits ends when the manager drops the other side.
#[derive(Debug)]
pub(super) struct ScanThread<T, S: Scan<T>> {
    pub(super) scan: S,
    pub(super) inlet: Inlet<T>,
    pub(super) outlet: Outlet<S::Output>,
    /// How many items are stepped over before outputs are published.
    pub(super) pieces: BatchSize,
}

/// What comes from a [`ScanThread`].
#[derive(Debug)]
pub(super) struct NearSide<O> {
    pub(super) output: Receiver<Outputs<O>>,
    pub(super) name: Option<Box<str>>,
    pub(super) meter: Arc<Meter>,
}

impl<T, S: Scan<T>> ScanThread<T, S> {
    /// Connects a scan: gives what its thread has, where its input goes in, and where
    /// its outputs come out.
    pub(super) fn new(
        scan: S,
        kept: Kept,
        settings: &Settings,
        run: &Arc<Run>,
    ) -> (Self, BatchSender<T>, NearSide<S::Output>) {
        let (input, receiver) = bounded(settings.input_capacity);
        let (sender, output) = bounded(settings.output_capacity);
        let meter = Arc::new(Meter::new());
        let inlet = Inlet::new(receiver, settings.input_capacity, &meter, run);
        let sender = (sender, settings.output_capacity);
        let outlet = Outlet::new(settings.batch_size.max(), kept, sender, &meter, run);
        let name = settings.control.as_ref().and_then(|_| scan.name().map(Box::from));
        let pieces = settings.batch_size.clone();
        (Self { scan, inlet, outlet, pieces }, input, NearSide { output, name, meter })
    }

    /// Runs the scan to its end, and leaves through `exit`.
    ///
    /// Outputs that were emitted before a panic are published like any others.
    // MODEL: loom-tests/tests/panics.rs::outputs_before_a_panic_are_delivered
    pub(super) fn live(self, mut exit: ExitGuard) {
        let Self { mut scan, mut inlet, mut outlet, mut pieces } = self;
        exit.contain(|| take_messages(&mut scan, &mut inlet, &mut outlet, &mut pieces));
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
    pieces: &mut BatchSize,
) {
    while let Some(message) = inlet.next() {
        match message {
            Message::Batch(batch) => {
                let flow = step_over(batch.items(), scan, outlet, pieces);
                drop(batch);
                if flow.is_break() {
                    return;
                }
                outlet.publish();
            }
            Message::Stop => return scan.flush(&mut Emitter::outlet(outlet)),
        }
    }
}

/// Steps over a batch, piece by piece: what a slow scan emits is not to wait for the end
/// of a batch that is long because the input is fast. Pieces are found like batches, by
/// the time that they take; those of a fast scan are whole batches.
fn step_over<T, S: Scan<T>>(
    mut items: &[T],
    scan: &mut S,
    outlet: &mut Outlet<S::Output>,
    pieces: &mut BatchSize,
) -> ControlFlow<()> {
    loop {
        let (piece, behind) = items.split_at(pieces.target().min(items.len()));
        let began = Instant::now();
        scan.step_batch(piece, &mut Emitter::outlet(outlet))?;
        pieces.learn(piece.len(), || began.elapsed());
        if behind.is_empty() {
            return ControlFlow::Continue(());
        }
        outlet.publish();
        items = behind;
    }
}
