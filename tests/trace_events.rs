//! What a subscriber is told of a run, and where spans are entered.
#![cfg(feature = "tracing")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::fmt::Debug;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, Once};

use anabranch::{Control, ScanId, prelude::*};
use support::{deadline, echo, hush, panic_at};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Span, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Registry, prelude::*};

/// Keeps every event, and every new `scan` span with the span that it belongs to.
struct Log;

static LOGGED: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() != "message" {
            self.0 += &format!(" {field}={value:?}");
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Log {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        assert_eq!(metadata.target(), "anabranch");
        let mut fields = Fields(metadata.name().to_owned());
        event.record(&mut fields);
        LOGGED.lock().unwrap().push(fields.0);
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, context: Context<'_, S>) {
        if attributes.metadata().name() == "scan" {
            let parent = context.lookup_current().map(|span| span.name());
            let mut fields = Fields(format!("in {}: scan", parent.unwrap_or("none")));
            attributes.record(&mut fields);
            LOGGED.lock().unwrap().push(fields.0);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if context.span(id).unwrap().name() == "scan" {
            let mut fields = Fields("recorded".to_owned());
            values.record(&mut fields);
            LOGGED.lock().unwrap().push(fields.0);
        }
    }
}

/// Returns what is logged during `run`, apart from what scans record.
fn logged(run: impl FnOnce()) -> Vec<String> {
    let mut log = all_logged(run);
    log.retain(|line| !line.starts_with("recorded"));
    log
}

fn all_logged(run: impl FnOnce()) -> Vec<String> {
    static ONE_BY_ONE: Mutex<()> = Mutex::new(());
    static LOG: Once = Once::new();
    let _alone = ONE_BY_ONE.lock();
    LOG.call_once(|| Registry::default().with(Log).init());
    LOGGED.lock().unwrap().clear();
    run();
    mem::take(&mut *LOGGED.lock().unwrap())
}

#[test]
fn a_run_that_ends_and_its_scans() {
    deadline(|| {
        let mut log = all_logged(|| {
            let _request = tracing::info_span!("request").entered();
            let scans = [scan::count().named("count").boxed(), scan::count().boxed()];
            assert_eq!((0..7).fan_out().distribute(scans).count(), 2);
        });
        log[3..].sort_unstable();
        let expected = [
            "start scans=2 read_ahead=false",
            "in request: scan name=count",
            "in request: scan",
            "end items=7",
            "recorded items=7",
            "recorded items=7",
            "recorded outputs=1",
            "recorded outputs=1",
            "recorded scan=0",
            "recorded scan=1",
        ];
        // Scans start beside each other.
        log[1..3].sort_unstable_by(|a, b| b.cmp(a));
        assert_eq!(log, expected);
    });
}

#[test]
fn stops_and_aborts() {
    deadline(|| {
        let of = |request: fn(&Control)| {
            logged(|| {
                let control = Control::new();
                let run = (0..10).fan_out().control(&control).batch(1);
                let mut outputs = run.distribute([echo(), echo()]);
                assert!(outputs.next().is_some());
                request(&control);
                outputs.for_each(drop);
            })
        };
        assert!(of(Control::stop).contains(&"stop".to_owned()));
        let of_a_scan = of(|control| control.stop_scan(ScanId::new(1)));
        assert!(of_a_scan.contains(&"stop scan=1".to_owned()), "{of_a_scan:?}");
        let aborted = of(Control::abort);
        assert_eq!(aborted[aborted.len() - 2], "abort", "{aborted:?}");

        let dropped = logged(|| {
            let mut outputs = (0_u64..).fan_out().batch(1).distribute([echo()]);
            assert!(outputs.next().is_some());
        });
        assert!(dropped[2].starts_with("drop items="), "{dropped:?}");
        assert!(!dropped.iter().any(|line| line.starts_with("end")), "{dropped:?}");

        let latched = logged(|| {
            let control = Control::new();
            control.stop();
            assert_eq!((0..10).fan_out().control(&control).distribute([scan::cloned()]).count(), 0);
        });
        assert_eq!(latched.last().map(String::as_str), Some("end items=0"), "{latched:?}");
        assert!(latched.contains(&"stop".to_owned()), "{latched:?}");
    });
}

#[test]
fn panics() {
    deadline(|| {
        hush();
        let log = logged(|| {
            let run = (0..10).fan_out().distribute([echo(), panic_at(3, "scan")]);
            assert!(catch_unwind(AssertUnwindSafe(|| run.count())).is_err());
        });
        assert!(log.contains(&"panic scan=1 origin=scan 1".to_owned()), "{log:?}");
        for read_ahead in [false, true] {
            let log = logged(|| {
                let input = (0..10).inspect(|item| assert!(*item < 5, "input")).fan_out();
                let panicked = match read_ahead {
                    true => catch_unwind(|| input.read_ahead().distribute([echo()]).count()),
                    false => catch_unwind(|| input.distribute([echo()]).count()),
                };
                assert!(panicked.is_err());
            });
            assert!(log.contains(&"panic origin=the input".to_owned()), "{log:?}");
            assert!(log.last().unwrap().starts_with("end "), "{log:?}");
        }
    });
}

#[test]
fn scans_that_are_added() {
    deadline(|| {
        let log = logged(|| {
            let mut run = (0..10).fan_out().batch(1).distribute([echo()]);
            let adder = run.adder();
            assert!(run.next().is_some());
            adder.add(echo().named("late").boxed()).unwrap();
            run.for_each(drop);
        });
        assert!(log.contains(&"added scan=1 name=late".to_owned()), "{log:?}");
        assert!(log.iter().any(|line| line.ends_with(": scan name=late")), "{log:?}");
    });
}

/// Returns the name of the span that this thread is in.
fn current() -> Option<&'static str> {
    Span::current().metadata().map(|metadata| metadata.name())
}

#[test]
fn user_code_finds_no_span_that_it_could_leave_too_late() {
    deadline(|| {
        logged(|| {
            // What calls user code and waits for it is a span around it.
            for read_ahead in [false, true] {
                let input = (0..10).inspect(|_| assert_eq!(current(), Some("pull"))).fan_out();
                let scans = [
                    scan::map(|_: &i32| assert_eq!(current(), Some("step"))).boxed(),
                    scan::scan((), |(), _: &i32| Some(())).boxed(),
                ];
                let check = |_| assert_eq!(current(), None);
                match read_ahead {
                    true => input.read_ahead().distribute(scans).for_each(check),
                    false => input.distribute(scans).for_each(check),
                }
            }
            // What returns to user code leaves its span first.
            let (seen,) = (0..10)
                .fan_out()
                .branch(|items| items.inspect(|_| assert_eq!(current(), Some("scan"))).count())
                .join();
            assert_eq!(seen, 10);
        });
    });
}
