//! The id of a scan.

use std::fmt;

/// Identifies one scan of a run by its place in the list that the run started with, counting from
/// zero. Scans [added](crate::Adder) later get the numbers after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScanId(usize);

impl ScanId {
    /// Returns the id of the scan at this place, counting from zero.
    #[must_use]
    pub const fn new(index: usize) -> Self {
        Self(index)
    }

    /// Returns the scan's place, counting from zero.
    #[must_use]
    pub fn index(self) -> usize {
        self.0
    }
}

impl fmt::Display for ScanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "scan {}", self.0)
    }
}
