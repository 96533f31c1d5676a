//! What the workers of a process have done.

use std::fmt;

/// What a run has done in this process. Returned by [`Run::join`](crate::Run::join), displayed as a
/// table.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// The workers of this process, in order.
    pub workers: Vec<WorkerStats>,
    /// Whether the run was cancelled, here or in another process, before it was complete in this one:
    /// [`Run::cancel`](crate::Run::cancel) was called, or an iterator over outputs dropped.
    pub cancelled: bool,
    /// Bytes that this process sent to the others.
    pub bytes_sent: u64,
    /// Bytes that this process received from the others.
    pub bytes_received: u64,
}

/// What one worker has done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerStats {
    /// The index of the worker, among those of all processes.
    pub worker: usize,
    /// Items that its sources have sent on. Their inputs may have yielded some more.
    pub pulled: u64,
    /// Epochs in which its sources have sent items.
    pub epochs: u64,
    /// Items that were given to its scans; an item counts once for each operator.
    pub items: u64,
    /// Keys that it had scans for.
    pub keys: u64,
    /// Outputs that its scans have emitted.
    pub outputs: u64,
}

impl WorkerStats {
    pub(crate) fn new(worker: usize) -> Self {
        Self { worker, pulled: 0, epochs: 0, items: 0, keys: 0, outputs: 0 }
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:>6}  {:>12}  {:>8}  {:>12}  {:>10}  {:>10}",
            "worker", "pulled", "epochs", "items", "keys", "outputs"
        )?;
        for WorkerStats { worker, pulled, epochs, items, keys, outputs } in &self.workers {
            writeln!(
                f,
                "{worker:>6}  {pulled:>12}  {epochs:>8}  {items:>12}  {keys:>10}  {outputs:>10}"
            )?;
        }
        write!(f, "bytes sent: {}, received: {}", self.bytes_sent, self.bytes_received)?;
        if self.cancelled { f.write_str("; cancelled") } else { Ok(()) }
    }
}
