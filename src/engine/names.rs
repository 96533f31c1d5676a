//! The names of scans.

use std::collections::BTreeMap;

use super::id::ScanId;

/// The names of scans, for as long as a caller may ask for them.
#[derive(Debug)]
pub(super) struct Names {
    names: BTreeMap<ScanId, Box<str>>,
    /// The added scans that have exited.
    left: Vec<ScanId>,
}

impl Names {
    /// Creates the names of the scans that a run starts with, which are kept to the end.
    pub(super) fn new(names: BTreeMap<ScanId, Box<str>>) -> Self {
        Self { names, left: Vec::new() }
    }

    pub(super) fn get(&self, id: ScanId) -> Option<&str> {
        self.names.get(&id).map(|name| &**name)
    }

    /// Records the name of an added scan.
    pub(super) fn add(&mut self, id: ScanId, name: Option<Box<str>>) {
        self.names.extend(name.map(|name| (id, name)));
    }

    /// Records that an added scan has exited without a panic.
    pub(super) fn left(&mut self, id: ScanId) {
        self.left.push(id);
    }

    /// Forgets the names of scans that have exited and have no more outputs.
    pub(super) fn forget(&mut self, has_outputs: impl Fn(ScanId) -> bool) {
        let Self { names, left } = self;
        left.retain(|id| {
            let keep = has_outputs(*id);
            if !keep {
                names.remove(id);
            }
            keep
        });
    }
}
