//! Driving a scan on its own thread.

use std::ops::ControlFlow;

use super::total::HandOver;
use super::{Emitter, Scan};
use crate::engine::{Branch, Inlet, Message, Outlet, Payload, Run, contain_into, trace};
use crate::sync::{Arc, Instant};

/// A scan whose outputs are sent as it emits them.
#[derive(Debug)]
pub(crate) struct Driven<S>(pub(crate) S);

impl<T, S: Scan<T>> Branch<T> for Driven<S> {
    type Output = S::Output;

    fn name(&self) -> Option<&str> {
        self.0.name()
    }

    /// Outputs that were emitted before a panic are published like all others.
    fn run(self, inlet: Inlet<T>, outlet: Outlet<S::Output>) -> Option<Payload> {
        drive_to_the_end(self.0, inlet, outlet, |_, _| {})
    }
}

/// A total: in an aborted run, it emits its partial result.
#[derive(Debug)]
pub(crate) struct DrivenTotal<S>(pub(crate) S);

impl<T, S: HandOver<T>> Branch<T> for DrivenTotal<S> {
    type Output = S::Output;

    fn name(&self) -> Option<&str> {
        self.0.name()
    }

    fn run(self, inlet: Inlet<T>, outlet: Outlet<S::Output>) -> Option<Payload> {
        drive_to_the_end(self.0, inlet, outlet, S::hand_over)
    }
}

fn drive_to_the_end<T, S: Scan<T>>(
    mut scan: S,
    mut inlet: Inlet<T>,
    mut outlet: Outlet<S::Output>,
    aborted: impl FnOnce(&mut S, &mut Emitter<'_, S::Output>),
) -> Option<Payload> {
    let run = Arc::clone(inlet.run());
    let mut panic = None;
    contain_into(&mut panic, || match drive(&mut scan, &mut inlet, &mut outlet, &run) {
        ControlFlow::Continue(()) if outlet.is_closed() => {
            aborted(&mut scan, &mut Emitter::outlet(&mut outlet, &run));
        }
        _ => {}
    });
    // Its queue does not wait for room for its last outputs.
    // MODEL: loom-tests/tests/end.rs::queue_of_a_scan_that_waits_for_room
    drop(inlet);
    contain_into(&mut panic, || outlet.publish());
    contain_into(&mut panic, || drop(scan));
    panic
}

/// Takes batches until the scan ends by itself (`Break`), Stop comes and the scan is flushed,
/// or the run is aborted.
fn drive<T, S: Scan<T>>(
    scan: &mut S,
    inlet: &mut Inlet<T>,
    outlet: &mut Outlet<S::Output>,
    run: &Run,
) -> ControlFlow<()> {
    while let Some(message) = inlet.next() {
        match message {
            Message::Batch(batch) => {
                let flow = {
                    let _span = trace::step(batch.items().len());
                    step_over(batch.items(), scan, outlet, run)
                };
                drop(batch);
                if flow.is_break() {
                    return if outlet.is_closed() { ControlFlow::Continue(()) } else { flow };
                }
                outlet.publish();
            }
            Message::Stop => {
                outlet.begin_piece(Instant::now());
                let _span = trace::flush();
                scan.flush(&mut Emitter::outlet(outlet, run));
                // If the run was aborted during the flush, the scan may have kept something.
                // MODEL: loom-tests/tests/drop.rs::abort_inside_a_flush
                return match outlet.is_closed() {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                };
            }
        }
    }
    ControlFlow::Continue(())
}

/// Steps over a batch, piece by piece, so that the outputs of a slow scan do not wait for the end
/// of a batch that is long because the scan was fast before. A piece is what the scan processes in
/// about half a linger; for a fast scan it is the whole batch.
// Out of line where spans are around it, so that they leave the loop over items as it is.
#[cfg_attr(feature = "tracing", inline(never))]
fn step_over<T, S: Scan<T>>(
    mut items: &[T],
    scan: &mut S,
    outlet: &mut Outlet<S::Output>,
    run: &Run,
) -> ControlFlow<()> {
    loop {
        // Whatever the scan's own loop checks, an aborted run starts no further piece.
        // MODEL: loom-tests/tests/drop.rs::no_piece_is_begun_behind_an_abort
        if outlet.is_closed() {
            return ControlFlow::Break(());
        }
        let (piece, behind) = items.split_at(outlet.piece().min(items.len()));
        let began = Instant::now();
        outlet.begin_piece(began);
        scan.step_batch(piece, &mut Emitter::outlet(outlet, run))?;
        outlet.end_piece(piece.len(), began);
        if behind.is_empty() {
            return ControlFlow::Continue(());
        }
        outlet.publish();
        items = behind;
    }
}
