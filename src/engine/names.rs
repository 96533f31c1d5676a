//! The names of scans.

use std::collections::BTreeMap;

use super::id::ScanId;

/// The names that scans were given, as long as they may be asked for.
#[derive(Debug)]
pub(super) struct Names {
    names: BTreeMap<ScanId, Box<str>>,
    /// Those of scans that were added and have exited.
    left: Vec<ScanId>,
}

impl Names {
    /// Names that are kept to the end: of the scans that a run is started with.
    pub(super) fn new(names: BTreeMap<ScanId, Box<str>>) -> Self {
        Self { names, left: Vec::new() }
    }

    pub(super) fn get(&self, id: ScanId) -> Option<&str> {
        self.names.get(&id).map(|name| &**name)
    }

    /// Notes the name of a scan that was added.
    pub(super) fn add(&mut self, id: ScanId, name: Option<Box<str>>) {
        self.names.extend(name.map(|name| (id, name)));
    }

    /// Notes that a scan which was added has exited without a panic.
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
