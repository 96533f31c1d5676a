//! The manager: collects outputs, and carries the run to its end.

mod aligned;

use std::fmt;
use std::panic::resume_unwind;

use super::admission::{Admission, Admitted};
use super::batch::Outputs;
use super::consumer::Consumer;
use super::contain::Payload;
use super::events::Events;
use super::fan_in::FanIn;
use super::fan_out::FanOut;
use super::figures::Figures;
use super::first_panic::FirstPanic;
use super::id::ScanId;
use super::meter::{Managing, Timesheet};
use super::names::Names;
use super::panic_origin::PanicOrigin;
use super::run::{Run, Stage};
use super::settings::Settings;
use super::source::{Left, Source};
use super::trace;
use super::turns::Turns;
use crate::sync::Arc;
use crate::threads::Pool;

/// The near side of a run. It has no thread of its own: it works on the
/// consumer's, inside [`next`](Manager::next).
///
/// The [`Source`] sends items to the scans, either in between on the same thread, or on a thread of
/// its own.
///
/// Invariants:
///
/// 1. The manager blocks only on the doorbell, and only after a look that found nothing to do. (An
///    input that blocks in its `next` is the caller's.)
///    MODEL: loom-tests/tests/faults.rs::both_sides_full
/// 2. Requests, panics and added scans are handled before the next batch of outputs is delivered,
///    however many are ready.
///    MODEL: loom-tests/tests/fairness.rs::stop_behind_what_is_queued
/// 3. Outputs that are ready are delivered before the input is pulled here.
/// 4. The run has ended when every scan has exited, every output was collected, and
///    nothing is left of the input.
pub(crate) struct Manager<S: Source, O> {
    source: S,
    fan_out: Arc<FanOut<S::Item>>,
    fan_in: FanIn<O>,
    /// How many scans have not reported their exit.
    live: usize,
    /// How many scans have started.
    known: usize,
    /// How many of them the run started with.
    started: usize,
    /// The names of scans that may still emit or panic, or have panicked.
    names: Names,
    /// Where scans are admitted, if an adder was ever created.
    admission: Option<Arc<Admission<S::Item, O>>>,
    ended: bool,
    /// The outputs that are being delivered, and the scan that emitted them.
    ready: (ScanId, Outputs<O>),
    consumer: Consumer,
    /// In a run whose outputs are put in order.
    turns: Option<Turns>,
    panic: FirstPanic,
    /// The figures of the run, if it is watched.
    figures: Option<Arc<Figures>>,
    settings: Arc<Settings>,
    pool: Pool,
    run: Arc<Run>,
}

/// What the manager shares with the other threads of its run.
pub(super) struct Shared<T, O> {
    pub(super) fan_out: Arc<FanOut<T>>,
    pub(super) admission: Option<Arc<Admission<T, O>>>,
    pub(super) settings: Arc<Settings>,
    pub(super) pool: Pool,
    pub(super) run: Arc<Run>,
}

/// What to do after a look that found nothing.
enum Next {
    /// Look again: something has changed.
    Look,
    /// Sleep until the bell rings.
    Sleep,
    /// Nothing: the run has ended.
    End,
}

impl<S: Source, O> Manager<S, O> {
    /// Creates the manager of the scans that run at the far ends of `fan_in`.
    pub(super) fn new(
        source: S,
        shared: Shared<S::Item, O>,
        fan_in: FanIn<O>,
        names: Names,
        time: Arc<Timesheet<Managing>>,
        figures: Option<Arc<Figures>>,
    ) -> Self {
        let Shared { fan_out, admission, settings, pool, run } = shared;
        Self {
            source,
            fan_out,
            live: fan_in.len(),
            known: fan_in.len(),
            started: fan_in.len(),
            fan_in,
            names,
            admission,
            ended: false,
            ready: (ScanId::new(0), Outputs::new(Vec::new())),
            consumer: Consumer::new(time),
            turns: None,
            panic: FirstPanic::default(),
            figures,
            settings,
            pool,
            run,
        }
    }

    /// Returns where scans are admitted. Not for runs whose outputs are taken scan by scan.
    pub(crate) fn admission(&mut self) -> Arc<Admission<S::Item, O>> {
        let Self { admission, fan_out, settings, pool, run, .. } = self;
        let admission = admission.get_or_insert_with(|| {
            fan_out.interrupt();
            let (fan_out, settings) = (Arc::clone(fan_out), Arc::clone(settings));
            Arc::new(Admission::new(fan_out, settings, pool.clone(), Arc::clone(run)))
        });
        Arc::clone(admission)
    }

    /// Returns the name of a scan that may still emit, or has panicked.
    pub(crate) fn name(&self, id: ScanId) -> Option<&str> {
        self.names.get(id)
    }

    /// Returns the next output, in the order in which batches of outputs are found.
    ///
    /// Resumes the run's first panic once everything else has been delivered.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<(ScanId, O)> {
        loop {
            if let Some(output) = self.ready.1.next() {
                return Some((self.ready.0, output));
            }
            self.collect()?;
        }
    }

    /// Folds all outputs from here to the end.
    #[inline]
    pub(crate) fn fold<B>(&mut self, initial: B, mut f: impl FnMut(B, (ScanId, O)) -> B) -> B {
        let mut folded = initial;
        loop {
            let (id, outputs) = &mut self.ready;
            folded = outputs.fold(folded, |folded, output| f(folded, (*id, output)));
            if self.collect().is_none() {
                return folded;
            }
        }
    }

    /// Collects the next batch of outputs.
    #[inline(never)]
    fn collect(&mut self) -> Option<()> {
        let (id, outputs, pace) = self.work(0, FanIn::collect)?;
        self.consumer.has(0, pace, outputs.len());
        self.ready = (id, outputs);
        let Self { names, fan_in, .. } = self;
        names.forget(|of| of == id || fan_in.has(of));
        Some(())
    }

    /// Returns how many outputs are ready and, once the run has ended, the same as the upper bound.
    pub(crate) fn size_hint(&self) -> (usize, Option<usize>) {
        let ready = self.ready.1.len();
        (ready, self.ended.then_some(ready))
    }

    /// What the threads of the run share.
    pub(crate) fn run(&self) -> &Run {
        &self.run
    }

    /// Returns the origin of the panic that ended the run.
    pub(crate) fn panicked(&self) -> Option<&PanicOrigin> {
        self.panic.origin()
    }

    /// Works until a look at the lanes finds something; returns `None` if the run has ended. The
    /// consumer has finished its previous batch from this place.
    #[inline(never)]
    fn work<R>(
        &mut self,
        place: usize,
        mut look: impl FnMut(&mut FanIn<O>) -> Option<R>,
    ) -> Option<R> {
        if self.ended {
            return None;
        }
        self.consumer.asks(place);
        let _span = trace::collect();
        loop {
            // One look. Events that must not wait for outputs come first.
            // MODEL: loom-tests/tests/fairness.rs::panic_behind_what_is_queued
            if self.run.is_called() {
                self.read_events();
            }
            self.source.send();
            if let Some(found) = look(&mut self.fan_in) {
                self.consumer.goes_on();
                return Some(found);
            }
            // The disconnection of an output channel makes the manager expect an exit, so exits
            // come last.
            // MODEL: loom-tests/tests/end.rs::end_races_with_the_last_output
            if self.live > self.fan_in.len() && self.read_events() {
                continue;
            }
            match self.go_on() {
                Next::Look => {}
                // WAKE: an output batch, room in an input channel, an exit, the leaving
                // of the input's thread, a scan that was added, something asked for;
                // each is published before it is rung for.
                Next::Sleep => {
                    self.run.wait();
                    self.read_events();
                }
                Next::End => {
                    self.end();
                    return None;
                }
            }
        }
    }

    /// Goes on with the input when there is nothing else to do. If there is nothing to do there
    /// either, returns whether the run has ended.
    fn go_on(&mut self) -> Next {
        let pulled = self.source.pull();
        match self.of_input(pulled) {
            Some(false) => {}
            Some(true) | None => return Next::Look,
        }
        if self.live > 0 || self.fan_in.len() > 0 {
            return Next::Sleep;
        }
        let Some(pulling) = self.fan_out.retire(self.known) else { return Next::Sleep };
        let released = self.source.release(pulling);
        if self.of_input(released).is_none() {
            return Next::Look;
        }
        match self.source.has_left() {
            Left::Yes => Next::End,
            Left::Soon => Next::Look,
            Left::No => Next::Sleep,
        }
    }

    /// Records the panic of the input. It has severed the run: scans still step over what was
    /// pulled before.
    // MODEL: loom-tests/tests/panics.rs::panic_in_the_input
    fn of_input<R>(&mut self, result: Result<R, Payload>) -> Option<R> {
        result.map_err(|payload| self.panic.note(PanicOrigin::Input, payload)).ok()
    }

    /// Reads the events. Besides those that this look expects, there may be the exit of a scan that
    /// was found connected a moment ago; its ring is then still to come, or has come since.
    ///
    /// Returns whether a change requires another look.
    fn read_events(&mut self) -> bool {
        let events = self.run.take_events();
        self.heed(events)
    }

    fn heed(&mut self, events: Events) -> bool {
        let Events { exits, item_panic, input_left, added, stop, stop_scans, abort } = events;
        // First, as the exit of a scan that was added may be among the events. Its outputs
        // may have been published, and rung for, before this.
        // MODEL: loom-tests/tests/control.rs::add_to_a_run_without_scans
        self.admit();
        for exit in exits {
            self.live -= 1;
            self.exited(exit.id, exit.panic);
        }
        if let Some(payload) = item_panic {
            self.fail(PanicOrigin::Item, payload);
        }
        if let Some(left) = input_left {
            self.source.left();
            if let Some(payload) = left.panic {
                self.panic.note(PanicOrigin::Input, payload);
            }
        }
        if abort {
            self.abort();
        } else if stop {
            self.stop();
        } else {
            stop_scans.iter().for_each(|id| self.stop_scan(*id));
        }
        added || abort || stop || !stop_scans.is_empty()
    }

    /// Records the exit of a scan, and its panic if there was one.
    fn exited(&mut self, id: ScanId, panic: Option<Payload>) {
        if panic.is_none() {
            self.forget(id);
        }
        let panic = match &mut self.turns {
            Some(turns) => turns.exited(id, panic),
            None => panic,
        };
        if let Some(payload) = panic {
            self.fail(PanicOrigin::Scan(id), payload);
        }
    }

    /// Begins to forget an added scan that has ended.
    fn forget(&mut self, id: ScanId) {
        if id.index() >= self.started {
            self.names.left(id);
            if let Some(figures) = &self.figures {
                figures.ended(id);
            }
        }
    }

    /// Takes over the scans that were added.
    fn admit(&mut self) {
        let Some(admission) = &self.admission else { return };
        for Admitted { id, name, side } in admission.take_admitted() {
            trace::added(id, name.as_deref());
            self.live += 1;
            self.known += 1;
            if let Some(figures) = &self.figures {
                figures.add(id, name.clone(), Arc::clone(&side.meter));
            }
            self.names.add(id, name);
            self.fan_in.add(id, side);
        }
    }

    /// Aborts the run because of a panic. What was emitted before is delivered; then the first
    /// panic surfaces.
    // MODEL: loom-tests/tests/panics.rs::panic_while_the_manager_waits_for_room
    fn fail(&mut self, origin: PanicOrigin, payload: Payload) {
        self.panic.note(origin, payload);
        self.abort();
    }

    /// Ends the run as if its input had ended.
    pub(crate) fn stop(&mut self) {
        trace::stopped();
        self.fan_out.stop();
    }

    fn stop_scan(&mut self, id: ScanId) {
        trace::scan_stopped(id);
        self.fan_out.stop_scan(id);
    }

    /// Makes every scan thread leave. A thread that waits for input finds the end of its channel;
    /// one that waits for room for outputs gets it from the consumer or from [`drop`](Drop::drop).
    pub(crate) fn abort(&mut self) {
        trace::aborted();
        self.run.advance(Stage::Aborted);
        let released = self.source.release(self.fan_out.close());
        self.of_input(released);
    }

    /// Aborts the run, unless its input has panicked: then all scans end by themselves.
    pub(crate) fn abort_unless_severed(&mut self) {
        if !self.run.is(Stage::Severed) {
            self.abort();
        }
    }

    /// Ends the run, and resumes its panic, if there was one.
    fn end(&mut self) {
        // The last batch may have been dropped since the look began, here.
        let events = self.run.close_events();
        self.heed(events);
        self.ended = true;
        trace::ended(&self.fan_out);
        self.consumer.leaves();
        let Some(payload) = self.panic.take() else { return };
        self.panic.origin().into_iter().for_each(|origin| self.run.note_panic(*origin));
        resume_unwind(payload);
    }
}

/// Aborts what is left of the run, and waits until every scan thread has left it. Each finishes at
/// most the call of user code that it is in.
// MODEL: loom-tests/tests/drop.rs::while_dispatching_with_both_sides_full
impl<S: Source, O> Drop for Manager<S, O> {
    fn drop(&mut self) {
        if self.ended {
            // Nothing is left to abort.
            self.pool.end_lease();
            return;
        }
        trace::dropped(&self.fan_out);
        self.consumer.leaves();
        self.run.advance(Stage::Unheard);
        self.abort();
        loop {
            self.fan_in.close();
            if self.read_events() {
                // Scans added since the last look may have lanes, and no thread may be left to ring
                // for them.
                // MODEL: loom-tests/tests/control.rs::add_races_with_the_drop
                continue;
            }
            match self.go_on() {
                Next::Look => {}
                Next::End => break,
                // WAKE: an exit, the leaving of the input's thread, a scan that was added;
                // each is published before it is rung for.
                Next::Sleep => self.run.wait(),
            }
        }
        self.run.close_events().discard();
        self.pool.end_lease();
    }
}

impl<S: Source, O> fmt::Debug for Manager<S, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manager")
            .field("live", &self.live)
            .field("ready", &self.ready)
            .finish_non_exhaustive()
    }
}
