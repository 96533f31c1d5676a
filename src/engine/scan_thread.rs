//! The life of a scan on its thread.

use super::contain::contain;
use super::exit_guard::ExitGuard;
use super::message::Message;
use super::outlet::Outlet;
use super::run::Run;
use crate::scan::{Emitter, Scan};
use crate::sync::{Arc, Receiver};

/// One scan with its two channels. It blocks on these alone, and each of the two
/// waits ends when the manager drops the other side.
#[derive(Debug)]
pub(super) struct ScanThread<T, S: Scan<T>> {
    pub(super) scan: S,
    pub(super) inlet: Receiver<Message<T>>,
    pub(super) outlet: Outlet<S::Output>,
    pub(super) run: Arc<Run>,
}

impl<T, S: Scan<T>> ScanThread<T, S> {
    /// Runs the scan to its end, and leaves through `exit`.
    ///
    /// Outputs that were emitted before a panic are published like any others.
    // MODEL: loom-tests/tests/panics.rs::outputs_before_a_panic_are_delivered
    pub(super) fn live(self, mut exit: ExitGuard) {
        let Self { mut scan, inlet, mut outlet, run } = self;
        if let Err(payload) = contain(|| take_messages(&mut scan, &inlet, &mut outlet, &run)) {
            exit.record(payload);
        }
        outlet.publish();
        if let Err(payload) = contain(|| drop(scan)) {
            exit.record(payload);
        }
        drop((inlet, outlet));
        drop(exit);
    }
}

/// Takes batches until the scan ends, Stop comes, or the run is aborted.
fn take_messages<T, S: Scan<T>>(
    scan: &mut S,
    inlet: &Receiver<Message<T>>,
    outlet: &mut Outlet<S::Output>,
    run: &Run,
) {
    while let Ok(message) = inlet.recv() {
        match message {
            Message::Batch(batch) => {
                // WAKE: the manager, which may be waiting for room in this
                // channel. Behind Stop there is nothing left to be sent.
                // MODEL: loom-tests/tests/faults.rs::full_input_buffer
                run.ring();
                let flow = scan.step_batch(batch.items(), &mut Emitter::outlet(outlet));
                drop(batch);
                if flow.is_break() {
                    return;
                }
                outlet.publish();
            }
            // Messages outlive their sender in the channel: there is no flush in
            // a run that has been aborted.
            // MODEL: loom-tests/tests/drop.rs::stop_in_the_channel_of_an_aborted_run
            Message::Stop if outlet.is_closed() => return,
            Message::Stop => return scan.flush(&mut Emitter::outlet(outlet)),
        }
    }
}
