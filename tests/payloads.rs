//! What is left of a run is dropped under no lock: the payload of a panic that nobody took
//! may ask the control of the run, which by then may hold the next one.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::cell::RefCell;
use std::iter;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use anabranch::scan;
use anabranch::{Control, IteratorExt, Pool, ScanId};
use support::config::{Config, With as _};
use support::{Gate, deadline, sum, tight_and_default};

/// How long an answer that needs no more than a free lock may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A payload that asks when it is dropped, and notes whether there was an answer.
///
/// Another thread does the asking, so that a lock which is held during this drop makes
/// a failure and not a deadlock.
struct Asks {
    control: Control,
    ask: fn(&Control),
    answered: Arc<AtomicUsize>,
}

impl Drop for Asks {
    fn drop(&mut self) {
        let (control, ask, (answer, answered)) = (self.control.clone(), self.ask, mpsc::channel());
        thread::spawn(move || {
            ask(&control);
            answer.send(()).unwrap_or_default();
        });
        if answered.recv_timeout(PATIENCE).is_ok() {
            self.answered.fetch_add(1, SeqCst);
        }
    }
}

/// An item whose drop panics with what it holds.
struct Item(Option<Asks>);

impl Drop for Item {
    fn drop(&mut self) {
        if let Some(payload) = self.0.take() {
            resume_unwind(Box::new(payload));
        }
    }
}

/// Opens a gate when it is dropped.
struct Opens(Gate);

impl Drop for Opens {
    fn drop(&mut self) {
        self.0.open();
    }
}

thread_local! {
    /// What is dropped at the end of a thread.
    static AT_THE_END: RefCell<Option<Opens>> = const { RefCell::new(None) };
}

/// What comes of an input's `next` when the run has gone.
#[derive(Clone, Copy)]
enum Then {
    /// It panics.
    Panics,
    /// It gives an item, for which nobody is left, and whose drop panics.
    GivesAnItem,
}

/// Drops a run that is read ahead while the input blocks, and has the input's thread leave
/// a payload behind; then starts the next run with the same settings.
fn leave_a_payload_and_go_on(config: &Config, control: &Control, ask: fn(&Control), then: Then) {
    let answered = Arc::new(AtomicUsize::new(0));
    let mut payload = Some(Asks { control: control.clone(), ask, answered: Arc::clone(&answered) });
    let gates = [(); 3].map(|()| Gate::default());
    let [inside, leave, end] = gates.clone();
    let input = iter::from_fn(move || -> Option<Item> {
        AT_THE_END.with(|at_the_end| *at_the_end.borrow_mut() = Some(Opens(end.clone())));
        inside.open();
        leave.pass();
        match then {
            Then::Panics => resume_unwind(Box::new(payload.take())),
            Then::GivesAnItem => Some(Item(payload.take())),
        }
    });
    let run = input.fan_out().with(config).read_ahead().distribute([scan::count()]);
    let [inside, leave, end] = gates;
    inside.pass();
    drop(run);
    leave.open();
    // Now the control alone holds what is left of the run.
    end.pass();
    let next = (0..10).fan_out().with(config).distribute([sum()]);
    assert_eq!(next.map(|(_, sum)| sum).collect::<Vec<_>>(), [45]);
    assert_eq!(answered.load(SeqCst), 1, "answers");
}

#[test]
fn a_payload_that_nobody_took_may_ask_the_control_when_the_next_run_starts() {
    let asks: [fn(&Control); 3] = [
        |control| drop(control.stats()),
        |control| drop(format!("{control:?}")),
        |control| control.stop_scan(ScanId::new(99)),
    ];
    for config in tight_and_default() {
        for ask in asks {
            for then in [Then::Panics, Then::GivesAnItem] {
                let config = config.clone();
                deadline(move || {
                    let control = Control::new();
                    // Without idle threads, so that the input's own one ends.
                    let config = config.pool(Pool::with_max_idle(0)).control(&control);
                    leave_a_payload_and_go_on(&config, &control, ask, then);
                });
            }
        }
    }
}
