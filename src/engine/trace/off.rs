//! Without the feature `tracing`: nothing, in the same words.

use crate::engine::fan_out::FanOut;
use crate::engine::id::ScanId;
use crate::engine::meter::Meter;
use crate::engine::panic_origin::PanicOrigin;
use crate::sync::Arc;

pub(crate) struct Entered;

#[inline]
pub(crate) fn step(_: usize) -> Entered {
    Entered
}

#[inline]
pub(crate) fn flush() -> Entered {
    Entered
}

#[inline]
pub(crate) fn publish(_: usize) -> Entered {
    Entered
}

#[inline]
pub(crate) fn wait_for_input() -> Entered {
    Entered
}

#[inline]
pub(crate) fn wait_for_consumer() -> Entered {
    Entered
}

#[inline]
pub(crate) fn collect() -> Entered {
    Entered
}

#[inline]
pub(crate) fn dispatch() -> Entered {
    Entered
}

#[inline]
pub(crate) fn wait_for_room() -> Entered {
    Entered
}

#[inline]
pub(crate) fn wait_for_scans() -> Entered {
    Entered
}

#[inline]
pub(crate) fn pull<T>(_: &Arc<FanOut<T>>) -> Entered {
    Entered
}

#[derive(Debug)]
pub(crate) struct ScanSpan;

impl ScanSpan {
    #[inline]
    pub(crate) fn new(_: Option<&str>) -> Self {
        Self
    }

    #[inline]
    pub(crate) fn run<R>(self, _: ScanId, _: &Meter, scan: impl FnOnce() -> R) -> R {
        scan()
    }
}

#[inline]
pub(crate) fn started(_: usize, _: bool) {}

#[inline]
pub(crate) fn added(_: ScanId, _: Option<&str>) {}

#[inline]
pub(crate) fn stopped() {}

#[inline]
pub(crate) fn scan_stopped(_: ScanId) {}

#[inline]
pub(crate) fn aborted() {}

#[inline]
pub(crate) fn panicked(_: PanicOrigin) {}

#[inline]
pub(crate) fn ended<T>(_: &FanOut<T>) {}

#[inline]
pub(crate) fn dropped<T>(_: &FanOut<T>) {}
