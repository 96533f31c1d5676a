//! What the manager says to a scan thread.

use super::batch::Batch;
use crate::sync::Arc;

/// What comes out of a scan's input channel.
///
/// Only batches are sent. Stop is the end of the channel: it is behind the last
/// batch, it needs no room, and anybody who holds the near end can give it. The end
/// of the channel in a run that was aborted is the third message: leave.
#[derive(Debug)]
pub(crate) enum Message<T> {
    /// The next items; the same batch goes to every scan.
    Batch(Arc<Batch<T>>),
    /// No more items: flush, then exit.
    Stop,
}
