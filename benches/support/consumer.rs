//! Where outputs go.

/// What the caller does with the outputs of the scans.
#[derive(PartialEq)]
pub(crate) enum Consumer {
    /// Adds them up: as little as one can do with each, for timing.
    Add(u64),
    /// Keeps those of each scan in their order, for checking.
    Keep(Vec<Vec<u64>>),
}

impl Consumer {
    /// One that adds.
    pub(crate) fn adding() -> Self {
        Self::Add(0)
    }

    /// One that keeps.
    pub(crate) fn keeping() -> Self {
        Self::Keep(Vec::new())
    }

    /// Takes one output of the scan with this index.
    #[inline]
    pub(crate) fn take(&mut self, scan: usize, output: u64) {
        match self {
            Self::Add(sum) => *sum = sum.wrapping_add(output ^ scan as u64),
            Self::Keep(scans) => keep(scans, scan, output),
        }
    }
}

#[cold]
fn keep(scans: &mut Vec<Vec<u64>>, scan: usize, output: u64) {
    if scan >= scans.len() {
        scans.resize(scan + 1, Vec::new());
    }
    scans[scan].push(output);
}
