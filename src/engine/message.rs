//! What the manager sends to a scan thread.

use super::batch::Batch;
use crate::sync::Arc;

/// One entry of a scan's input channel. The channel's disconnection is the third
/// message, never sent: abort.
#[derive(Debug)]
pub(super) enum Message<T> {
    /// The next items; the same batch goes to every scan.
    Batch(Arc<Batch<T>>),
    /// No more items: flush, then exit. In-band, so it cannot overtake a batch.
    Stop,
}

impl<T> Clone for Message<T> {
    fn clone(&self) -> Self {
        match self {
            Message::Batch(batch) => Message::Batch(Arc::clone(batch)),
            Message::Stop => Message::Stop,
        }
    }
}
