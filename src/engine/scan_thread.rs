//! The life of a scan on its thread.

use super::batch::{Batch, Outputs};
use super::exit_guard::ExitGuard;
use super::inlet::Inlet;
use super::message::Message;
use super::meter::Meter;
use super::outlet::{Kept, Outlet};
use super::run::Run;
use crate::config::Settings;
use crate::scan::{Emitter, Scan};
use crate::sync::{Arc, Receiver, Sender, bounded};

/// One scan with its two channels. It blocks on these alone, and each of the two
/// waits ends when the manager drops the other side.
#[derive(Debug)]
pub(super) struct ScanThread<T, S: Scan<T>> {
    pub(super) scan: S,
    pub(super) inlet: Inlet<T>,
    pub(super) outlet: Outlet<S::Output>,
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
    ) -> (Self, Sender<Arc<Batch<T>>>, NearSide<S::Output>) {
        let (input, receiver) = bounded(settings.input_capacity);
        let (sender, output) = bounded(settings.output_capacity);
        let meter = Arc::new(Meter::new());
        let inlet = Inlet::new(receiver, settings.input_capacity, &meter, run);
        let sender = (sender, settings.output_capacity);
        let outlet = Outlet::new(settings.batch_size.max(), kept, sender, &meter, run);
        let name = settings.control.as_ref().and_then(|_| scan.name().map(Box::from));
        (Self { scan, inlet, outlet }, input, NearSide { output, name, meter })
    }

    /// Runs the scan to its end, and leaves through `exit`.
    ///
    /// Outputs that were emitted before a panic are published like any others.
    // MODEL: loom-tests/tests/panics.rs::outputs_before_a_panic_are_delivered
    pub(super) fn live(self, mut exit: ExitGuard) {
        let Self { mut scan, mut inlet, mut outlet } = self;
        exit.contain(|| take_messages(&mut scan, &mut inlet, &mut outlet));
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
) {
    while let Some(message) = inlet.next() {
        match message {
            Message::Batch(batch) => {
                let flow = scan.step_batch(batch.items(), &mut Emitter::outlet(outlet));
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
