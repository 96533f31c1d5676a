//! A scan thread's way in: messages are received, and rung for.

use std::fmt;

use super::message::Message;
use super::run::Run;
use crate::sync::{Arc, Receiver};

/// The input side of a scan thread.
///
/// The manager may be waiting for room in this channel, so what is received has
/// to be rung for; but a wake-up for every batch would cost more than many a
/// batch does. It is enough to ring for every so many messages, as many as fill
/// half the channel.
///
/// Why no ring is missing. If the manager waits for room here, its last look
/// found the channel full. The thread receives all of these messages without
/// waiting for another, and they are at least as many as it rings for.
// MODEL: loom-tests/tests/faults.rs::full_input_buffer
// MODEL: loom-tests/tests/faults.rs::full_input_buffer_of_three
pub(super) struct Inlet<T> {
    receiver: Receiver<Message<T>>,
    /// How many messages it takes to ring: at most the channel's capacity.
    half: usize,
    /// How many messages have been received since the last ring.
    unannounced: usize,
    run: Arc<Run>,
}

impl<T> Inlet<T> {
    pub(super) fn new(receiver: Receiver<Message<T>>, capacity: usize, run: &Arc<Run>) -> Self {
        Self { receiver, half: capacity.div_ceil(2), unannounced: 0, run: Arc::clone(run) }
    }

    /// The next message; `None` if the run has been aborted. Blocks while there
    /// is none, until the manager sends one or drops its end.
    pub(super) fn next(&mut self) -> Option<Message<T>> {
        let message = self.receiver.recv().ok()?;
        self.unannounced += 1;
        // Behind Stop nothing is left to be sent.
        if self.unannounced >= self.half && matches!(message, Message::Batch(_)) {
            self.unannounced = 0;
            // WAKE: the manager's look for room in the input channels.
            self.run.ring();
        }
        Some(message)
    }
}

impl<T> fmt::Debug for Inlet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inlet").field("unannounced", &self.unannounced).finish_non_exhaustive()
    }
}
