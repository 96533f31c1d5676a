//! With the feature `tracing`.

use std::fmt;

use tracing::span::EnteredSpan;
use tracing::{Level, Span, event, field, span};

use crate::engine::fan_out::FanOut;
use crate::engine::id::ScanId;
use crate::engine::meter::Meter;
use crate::engine::panic_origin::PanicOrigin;
use crate::sync::Arc;

/// A span that this thread leaves when this is dropped.
#[must_use]
pub(crate) struct Entered {
    _span: EnteredSpan,
}

/// Enters a span for what happens once per batch.
macro_rules! enter {
    ($name:literal $($fields:tt)*) => {
        Entered { _span: span!(target: "anabranch", Level::TRACE, $name $($fields)*).entered() }
    };
}

/// Records what happens a few times per run.
macro_rules! tell {
    ($level:ident, $name:literal, $($fields:tt)*) => {
        event!(name: $name, target: "anabranch", Level::$level, $($fields)*)
    };
}

/// A scan goes over a batch of items.
pub(crate) fn step(items: usize) -> Entered {
    enter!("step", items)
}

/// A scan is flushed.
pub(crate) fn flush() -> Entered {
    enter!("flush")
}

/// A scan thread publishes a batch of outputs.
pub(crate) fn publish(outputs: usize) -> Entered {
    enter!("publish", outputs)
}

/// A scan thread waits for a batch.
pub(crate) fn wait_for_input() -> Entered {
    enter!("wait_for_input")
}

/// A scan thread waits until the consumer has taken outputs.
pub(crate) fn wait_for_consumer() -> Entered {
    enter!("wait_for_consumer")
}

/// The consumer's thread looks for outputs.
pub(crate) fn collect() -> Entered {
    enter!("collect")
}

/// The thread that pulls sends a batch to the scans.
pub(crate) fn dispatch() -> Entered {
    enter!("dispatch")
}

/// The input's own thread waits until scans have room for a batch.
pub(crate) fn wait_for_room() -> Entered {
    enter!("wait_for_room")
}

/// The consumer's thread waits for scans.
pub(crate) fn wait_for_scans() -> Entered {
    enter!("wait_for_scans")
}

/// A batch is pulled from the input. Counts its items when this is dropped.
pub(crate) fn pull<T>(fan_out: &Arc<FanOut<T>>) -> Pull<T> {
    let span = span!(target: "anabranch", Level::TRACE, "pull", items = field::Empty);
    let counted = (!span.is_disabled()).then(|| (Arc::clone(fan_out), fan_out.pulled()));
    Pull { span: span.entered(), counted }
}

/// A batch that is being pulled.
#[must_use]
pub(crate) struct Pull<T> {
    span: EnteredSpan,
    /// How many items were pulled before; `None` if nobody listens.
    counted: Option<(Arc<FanOut<T>>, u64)>,
}

impl<T> Drop for Pull<T> {
    fn drop(&mut self) {
        if let Some((fan_out, before)) = &self.counted {
            self.span.record("items", fan_out.pulled() - before);
        }
    }
}

/// The life of a scan on its thread. Created where the scan is started, so it belongs to the span
/// that is entered there.
pub(crate) struct ScanSpan(Span);

impl ScanSpan {
    pub(crate) fn new(name: Option<&str>) -> Self {
        Self(span!(
            target: "anabranch",
            Level::DEBUG,
            "scan",
            scan = field::Empty,
            name = name.map(field::display),
            items = field::Empty,
            outputs = field::Empty,
        ))
    }

    /// Runs the scan, which has this number.
    pub(crate) fn run<R>(self, id: ScanId, meter: &Meter, scan: impl FnOnce() -> R) -> R {
        self.0.record("scan", id.index());
        let entered = self.0.entered();
        let result = scan();
        entered.record("items", meter.items());
        entered.record("outputs", meter.outputs());
        result
    }
}

/// A run starts.
pub(crate) fn started(scans: usize, read_ahead: bool) {
    tell!(DEBUG, "start", scans, read_ahead, "a run starts");
}

/// A scan was added.
pub(crate) fn added(id: ScanId, name: Option<&str>) {
    let name = name.map(field::display);
    tell!(DEBUG, "added", scan = id.index(), name = name, "a scan was added");
}

/// The run is to end behind what was pulled.
pub(crate) fn stopped() {
    tell!(DEBUG, "stop", "the run stops");
}

/// A scan is to end behind what it is owed.
pub(crate) fn scan_stopped(id: ScanId) {
    tell!(DEBUG, "stop", scan = id.index(), "a scan stops");
}

/// No further step begins.
pub(crate) fn aborted() {
    tell!(DEBUG, "abort", "the run is aborted");
}

/// User code has panicked.
pub(crate) fn panicked(origin: PanicOrigin) {
    let scan = match origin {
        PanicOrigin::Scan(id) => Some(id.index()),
        _ => None,
    };
    tell!(ERROR, "panic", scan, origin = %origin, "user code has panicked");
}

/// The run has ended.
pub(crate) fn ended<T>(fan_out: &FanOut<T>) {
    tell!(DEBUG, "end", items = fan_out.pulled(), "the run has ended");
}

/// The run was dropped before its end.
pub(crate) fn dropped<T>(fan_out: &FanOut<T>) {
    tell!(DEBUG, "drop", items = fan_out.pulled(), "the run is dropped");
}

impl fmt::Debug for ScanSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ScanSpan").field(&self.0).finish()
    }
}
