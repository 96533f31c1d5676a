//! Where a panic came from.

use std::fmt;

use super::id::ScanId;

/// The origin of the panic that ended a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PanicOrigin {
    /// A call of this scan: its step, its flush, or its drop.
    Scan(ScanId),
    /// The input: its `next` or its drop, or the closure that [`dynamic`](crate::FanOut::dynamic)
    /// asks for new scans.
    Input,
    /// The drop of an item. It happens on the thread that drops the item's batch last, so it
    /// belongs to no scan.
    Item,
}

impl fmt::Display for PanicOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scan(id) => write!(f, "{id}"),
            Self::Input => f.write_str("the input"),
            Self::Item => f.write_str("the drop of an item"),
        }
    }
}
