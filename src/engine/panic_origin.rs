//! Where a panic came from.

use std::fmt;

use super::id::ScanId;

/// Where the panic that ended a run came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PanicOrigin {
    /// A call of this scan: its step, its flush, or its drop.
    Scan(ScanId),
    /// The input: its `next`, or its drop; or whoever is asked for new scans along
    /// with it.
    Input,
    /// The drop of an item. It happens on whichever thread lets go of the item's
    /// batch last, so it belongs to no scan.
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
