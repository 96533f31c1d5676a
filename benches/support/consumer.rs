//! Consumers of outputs.

use anabranch::ScanId;

/// Takes the outputs of the scans, one by one.
pub(crate) trait Consumer {
    /// Takes one output of the scan with this index.
    fn take(&mut self, scan: usize, output: u64);

    /// Takes all outputs of a run of this crate.
    #[inline]
    fn take_all(mut self, run: impl Iterator<Item = (ScanId, u64)>) -> Self
    where
        Self: Sized,
    {
        for (id, output) in run {
            self.take(id.index(), output);
        }
        self
    }
}

/// Adds them up: next to no work for each.
#[derive(Default)]
pub(crate) struct Adding(u64);

impl Consumer for Adding {
    #[inline]
    fn take(&mut self, scan: usize, output: u64) {
        self.0 = self.0.wrapping_add(output ^ scan as u64);
    }
}

/// Collects those of each scan, in order.
#[derive(Default, PartialEq)]
pub(crate) struct Keeping(Vec<Vec<u64>>);

impl Consumer for Keeping {
    fn take(&mut self, scan: usize, output: u64) {
        if scan >= self.0.len() {
            self.0.resize(scan + 1, Vec::new());
        }
        self.0[scan].push(output);
    }
}
