//! Messages from the manager to a scan thread.

use super::batch::Batch;
use crate::sync::Arc;

/// A message from a scan's input channel.
///
/// Only batches are sent. Stop is the end of the channel: it follows the last batch, needs no room,
/// and any owner of the near end can give it. In an aborted run, the end of the channel is the
/// third message: leave.
#[derive(Debug)]
pub(crate) enum Message<T> {
    /// The next items; the same batch goes to every scan.
    Batch(Arc<Batch<T>>),
    /// No more items: flush, then exit.
    Stop,
}
