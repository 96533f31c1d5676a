//! The figures and levels in spans and events.
#![cfg(feature = "tracing")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::fmt::Debug;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use anabranch::prelude::*;
use anabranch::scan::{Emitter, Scan};
use support::{deadline, echo, hush, panic_at};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Span, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Registry, prelude::*};

/// Keeps every field.
struct Log;

static LOGGED: Mutex<Vec<Entry>> = Mutex::new(Vec::new());

/// A field of a span or an event.
struct Entry {
    of: &'static str,
    level: Level,
    field: &'static str,
    value: String,
}

struct Fields(&'static str, Level);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let Self(of, level) = *self;
        let entry = Entry { of, level, field: field.name(), value: format!("{value:?}") };
        LOGGED.lock().unwrap().push(entry);
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Log {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        event.record(&mut Fields(event.metadata().name(), *event.metadata().level()));
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        attributes.record(&mut Fields(attributes.metadata().name(), Level::TRACE));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        values.record(&mut Fields(context.span(id).unwrap().name(), Level::TRACE));
    }
}

/// Returns the sum of a field's values.
fn sum(of: &str, field: &str) -> u64 {
    let logged = LOGGED.lock().unwrap();
    let entries = logged.iter().filter(|entry| (entry.of, entry.field) == (of, field));
    entries.map(|entry| entry.value.parse::<u64>().unwrap()).sum()
}

/// Emits every item, and looks where it is flushed.
struct Flushed;

impl Scan<u64> for Flushed {
    type Output = u64;
    fn step(&mut self, item: &u64, out: &mut Emitter<'_, u64>) -> ControlFlow<()> {
        out.emit(*item);
        ControlFlow::Continue(())
    }
    fn flush(&mut self, _: &mut Emitter<'_, u64>) {
        assert_eq!(Span::current().metadata().map(|metadata| metadata.name()), Some("flush"));
    }
}

#[test]
fn spans_and_events_have_the_right_figures() {
    deadline(|| {
        hush();
        Registry::default().with(Log).init();
        assert_eq!((0..70_u64).fan_out().batch(7).distribute([Flushed, Flushed]).count(), 140);
        assert_eq!((sum("step", "items"), sum("publish", "outputs")), (140, 140));
        assert_eq!((sum("pull", "items"), sum("end", "items")), (70, 70));

        let run = (0..10).fan_out().distribute([panic_at(3, "scan")]);
        assert!(catch_unwind(AssertUnwindSafe(|| run.count())).is_err());
        let is_error = |entry: &Entry| entry.of == "panic" && entry.level == Level::ERROR;
        assert!(LOGGED.lock().unwrap().iter().any(is_error));

        let mut run = (0_u64..).fan_out().batch(1).distribute([echo()]);
        assert!(run.next().is_some());
        drop(run);
        assert!(sum("drop", "items") > 0);
    });
}
