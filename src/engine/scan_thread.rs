//! The life of a scan on its thread.

use super::exit_guard::ExitGuard;
use super::inlet::Inlet;
use super::message::Message;
use super::outlet::Outlet;
use crate::scan::{Emitter, Scan};

/// One scan with its two channels. It blocks on these alone, and each of the two
/// waits ends when the manager drops the other side.
#[derive(Debug)]
pub(super) struct ScanThread<T, S: Scan<T>> {
    pub(super) scan: S,
    pub(super) inlet: Inlet<T>,
    pub(super) outlet: Outlet<S::Output>,
}

impl<T, S: Scan<T>> ScanThread<T, S> {
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
