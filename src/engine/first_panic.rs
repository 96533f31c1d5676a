//! The panic that surfaces, of all the panics of a run.

use super::contain::{Payload, discard};
use super::panic_origin::PanicOrigin;
use super::trace;

/// The first panic of a run, if there was one. A panic of a scan takes precedence over one of the
/// input, because the scan stepped over earlier items.
#[derive(Debug, Default)]
pub(super) struct FirstPanic {
    origin: Option<PanicOrigin>,
    /// `None` without a panic, and once it has surfaced.
    payload: Option<Payload>,
}

impl FirstPanic {
    /// Records a panic, and drops the payload of the one that comes second.
    pub(super) fn note(&mut self, origin: PanicOrigin, payload: Payload) {
        trace::panicked(origin);
        let first = match self.origin {
            None => true,
            Some(before) => before == PanicOrigin::Input && matches!(origin, PanicOrigin::Scan(_)),
        };
        let second = if first {
            self.origin = Some(origin);
            self.payload.replace(payload)
        } else {
            Some(payload)
        };
        second.into_iter().for_each(discard);
    }

    pub(super) fn origin(&self) -> Option<&PanicOrigin> {
        self.origin.as_ref()
    }

    /// Takes the payload, which then surfaces.
    pub(super) fn take(&mut self) -> Option<Payload> {
        self.payload.take()
    }
}

/// A run may be dropped before its panic has surfaced.
impl Drop for FirstPanic {
    fn drop(&mut self) {
        self.take().into_iter().for_each(discard);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ScanId;

    fn surfaces(panics: [(PanicOrigin, &'static str); 2]) -> Option<&'static str> {
        let mut first = FirstPanic::default();
        for (origin, payload) in panics {
            first.note(origin, Box::new(payload));
        }
        first.take().and_then(|payload| payload.downcast_ref().copied())
    }

    #[test]
    fn the_first_surfaces_and_a_scan_comes_before_the_input() {
        let (scan, other) = (PanicOrigin::Scan(ScanId::new(0)), PanicOrigin::Scan(ScanId::new(1)));
        assert_eq!(surfaces([(scan, "first"), (other, "second")]), Some("first"));
        assert_eq!(surfaces([(scan, "first"), (PanicOrigin::Input, "second")]), Some("first"));
        assert_eq!(surfaces([(PanicOrigin::Input, "second"), (scan, "first")]), Some("first"));
        assert_eq!(surfaces([(PanicOrigin::Item, "first"), (scan, "second")]), Some("first"));
    }
}
