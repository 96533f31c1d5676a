//! Which scan.

use std::fmt;

/// Names one scan of a run: its place in the list that the run was started with,
/// from zero; scans that are [added](crate::Adder) later have the numbers behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScanId(usize);

impl ScanId {
    /// Names the scan at this place, from zero.
    #[must_use]
    pub const fn new(index: usize) -> Self {
        Self(index)
    }

    /// The scan's place, from zero.
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
