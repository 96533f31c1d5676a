//! The manager: collects outputs, and sees the run to its end.

use std::fmt;
use std::panic::resume_unwind;

use super::batch::Outputs;
use super::contain::{Payload, discard};
use super::entrance::Entrance;
use super::feeder::Feeder;
use super::lanes::Lanes;
use super::meter::{NOTHING, Timesheet, manager_does};
use super::run::{Notice, Request, Run};
use super::scan_thread::NearSide;
use crate::config::Settings;
use crate::error::PanicOrigin;
use crate::id::ScanId;
use crate::sync::Arc;

/// The near side of a run. It has no thread of its own: it works on the
/// consumer's, inside [`next`](Manager::next).
///
/// What goes to the scans is the [`Feeder`]'s, which either works in between here,
/// or has a thread of its own.
///
/// Invariants:
///
/// 1. The manager blocks on the doorbell alone, and only after a look that found
///    nothing to do. (A source that blocks in its `next` is the caller's.)
///    MODEL: loom-tests/tests/faults.rs::both_sides_full
/// 2. Outputs that are ready are delivered before the input is pulled here.
/// 3. The run has ended when every scan has exited, every output was collected, and
///    nothing is left of the input.
pub(crate) struct Manager<F: Feeder, O> {
    feeder: F,
    lanes: Lanes<O>,
    /// How many scans have not reported their exit.
    live: usize,
    /// How many scans there have been.
    known: usize,
    /// Where scans are added, if anybody wanted to know.
    entrance: Option<Arc<Entrance<F::Item, O>>>,
    ended: bool,
    /// The outputs that the consumer is being given, and whose they are.
    ready: (ScanId, Outputs<O>),
    panic: Option<Panic>,
    time: Arc<Timesheet>,
    settings: Arc<Settings>,
    run: Arc<Run>,
}

/// What comes after a look that found nothing.
enum Next {
    /// Another look: something has changed.
    Look,
    /// Sleep, until somebody rings.
    Sleep,
    /// Nothing: the run is over.
    End,
}

/// The first panic of a run.
struct Panic {
    origin: PanicOrigin,
    /// `None` once it has surfaced.
    payload: Option<Payload>,
}

impl<F: Feeder, O> Manager<F, O> {
    /// Takes charge of the scans that are running at the far ends of `lanes`.
    pub(super) fn new(
        mut feeder: F,
        lanes: Lanes<O>,
        time: Arc<Timesheet>,
        settings: Arc<Settings>,
        run: Arc<Run>,
    ) -> Self {
        if settings.control.is_some() {
            feeder.hold();
        }
        Self {
            feeder,
            live: lanes.len(),
            known: lanes.len(),
            entrance: None,
            lanes,
            ended: false,
            ready: (ScanId::new(0), Outputs::new(Vec::new())),
            panic: None,
            time,
            settings,
            run,
        }
    }

    /// Where scans can be added. Not for runs whose outputs are taken scan by scan.
    pub(crate) fn entrance(&mut self) -> Arc<Entrance<F::Item, O>> {
        let entrance = self.entrance.get_or_insert_with(|| {
            self.feeder.hold();
            let feed = Arc::clone(self.feeder.feed());
            Arc::new(Entrance::new(feed, Arc::clone(&self.settings), Arc::clone(&self.run)))
        });
        Arc::clone(entrance)
    }

    /// The next output, in the order in which batches of outputs are found.
    ///
    /// Resumes the run's first panic once everything else was delivered.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<(ScanId, O)> {
        loop {
            if let Some(output) = self.ready.1.next() {
                return Some((self.ready.0, output));
            }
            self.ready = self.work(Lanes::collect)?;
        }
    }

    /// The next outputs of one scan, the `index`th; `None` if it has emitted its
    /// last. The outputs of all others wait, and hold their scans back.
    ///
    /// Whoever takes outputs scan by scan does so to the end, which is
    /// [`finish`](Self::finish), and item by item: no scan may be waited for that
    /// has emitted all there is for an item while another one has not. Then
    /// waiting for one never deadlocks. For suppose that the manager sleeps. The
    /// scan has nothing to do: it has had every item that was dispatched, and all
    /// that it emitted for them was taken. So the others, too, have had what they
    /// emitted for all of these items taken; none of them is owed one; and with
    /// nobody owed anything the manager does not sleep, it fills the next batch, or it
    /// sleeps because the input's own thread does.
    // MODEL: loom-tests/tests/aligned.rs::silent_scan_beside_a_chatty_one
    pub(crate) fn next_of(&mut self, index: usize) -> Option<Outputs<O>> {
        self.work(|lanes| lanes.receive(index))?
    }

    /// Drops what outputs are still to come, and ends the run.
    ///
    /// Resumes the run's first panic.
    pub(crate) fn finish(&mut self) {
        while self.work(Lanes::collect).is_some() {}
    }

    /// How many outputs are at hand, and whether that is all there will be.
    pub(crate) fn size_hint(&self) -> (usize, Option<usize>) {
        let ready = self.ready.1.len();
        (ready, self.ended.then_some(ready))
    }

    /// Where the panic that ended the run came from.
    pub(crate) fn panicked(&self) -> Option<&PanicOrigin> {
        self.panic.as_ref().map(|panic| &panic.origin)
    }

    /// Works until a look at the lanes finds something; `None` if the run is over.
    #[inline(never)]
    fn work<R>(&mut self, mut look: impl FnMut(&mut Lanes<O>) -> Option<R>) -> Option<R> {
        if self.ended {
            return None;
        }
        self.time.turn_to(manager_does::WAIT_FOR_SCANS);
        loop {
            // One look. It ends with the notices, as it is the disconnection of
            // an output channel that makes the manager expect an exit.
            // MODEL: loom-tests/tests/end.rs::end_races_with_the_last_output
            self.feeder.dispatch();
            if let Some(found) = look(&mut self.lanes) {
                self.time.turn_to(manager_does::LET_CONSUME);
                return Some(found);
            }
            if self.read_notices() {
                continue;
            }
            match self.go_on() {
                Ok(Next::Look) => {}
                // WAKE: an output batch, room in an input channel, an exit, the leaving
                // of the input's thread, a scan that was added, something asked for;
                // each is published before it is rung for.
                Ok(Next::Sleep) => self.run.wait(),
                Ok(Next::End) => {
                    self.end();
                    return None;
                }
                Err(payload) => self.fail(PanicOrigin::Input, payload),
            }
        }
    }

    /// Goes on with the input, when nothing else is to be done; if there is nothing to
    /// be done there either, says whether the run is over.
    fn go_on(&mut self) -> Result<Next, Payload> {
        if self.feeder.fill()? {
            return Ok(Next::Look);
        }
        let gone = self.live == 0 && self.lanes.len() == 0;
        let over = gone && self.feeder.retire(self.known)? && self.feeder.is_done();
        Ok(if over { Next::End } else { Next::Sleep })
    }

    /// Reads what other threads have said beside the outputs, if they can have
    /// said anything: a scan disconnects its output channel, then it exits. With
    /// the notices that this look expects may come one of a scan that was found
    /// connected a moment ago; its ring is then still to come, or has come since.
    ///
    /// Says whether something has changed that has to be looked at again.
    fn read_notices(&mut self) -> bool {
        let exit_expected = self.live > self.lanes.len();
        let notices = self.run.take_notices(exit_expected);
        if !notices.is_empty() {
            // First, as the exit of a scan that was added may be among the notices.
            self.admit();
        }
        let mut changed = false;
        for notice in notices {
            match notice {
                Notice::Exited { id, panic } => {
                    self.live -= 1;
                    if let Some(payload) = panic {
                        self.fail(PanicOrigin::Scan(id), payload);
                    }
                }
                Notice::ItemPanicked(payload) => self.fail(PanicOrigin::Item, payload),
                // Its outputs may have been published, and rung for, before this.
                // MODEL: loom-tests/tests/control.rs::add_to_a_run_without_scans
                Notice::Added => changed = true,
                Notice::Asked(request) => {
                    self.grant(request);
                    changed = true;
                }
                Notice::InputLeft(panic) => {
                    self.feeder.let_go();
                    if let Some(payload) = panic {
                        self.fail(PanicOrigin::Input, payload);
                    }
                }
            }
        }
        changed
    }

    /// Does what is asked for from outside.
    fn grant(&mut self, request: Request) {
        match request {
            Request::Stop => self.feeder.feed().stop(),
            Request::StopScan(id) => self.feeder.feed().stop_scan(id),
            Request::Abort => self.abort(),
        }
    }

    /// Takes charge of the scans that were added.
    fn admit(&mut self) {
        let Some(entrance) = &self.entrance else { return };
        for (id, NearSide { output, name, meter }) in entrance.take_entered() {
            self.live += 1;
            self.known += 1;
            self.lanes.add(id, output);
            if let Some(control) = &self.settings.control {
                control.note(&self.run, name, meter);
            }
        }
    }

    /// Aborts the run because of a panic. What was emitted before is delivered,
    /// then the first panic surfaces.
    // MODEL: loom-tests/tests/panics.rs::panic_while_the_manager_waits_for_room
    fn fail(&mut self, origin: PanicOrigin, payload: Payload) {
        if self.panic.is_some() {
            discard(payload);
        } else {
            self.panic = Some(Panic { origin, payload: Some(payload) });
        }
        self.abort();
    }

    /// Makes every scan thread leave. One that waits for input finds its channel
    /// at its end; one that waits for room for outputs gets it from the consumer or
    /// from [`drop`](Drop::drop).
    pub(crate) fn abort(&mut self) {
        self.run.abort();
        if let Err(payload) = self.feeder.close() {
            self.fail(PanicOrigin::Input, payload);
        }
    }

    /// Ends the run, with the panic that it had, if it had one.
    fn end(&mut self) {
        // The last batch may have been dropped since the look began, here.
        self.read_notices();
        self.ended = true;
        self.time.turn_to(NOTHING);
        let payload = self.panic.as_mut().and_then(|panic| panic.payload.take());
        if let Some(payload) = payload {
            resume_unwind(payload);
        }
    }
}

/// Aborts what is left of the run, and waits until every scan thread has left it:
/// for at most the one call of user code that each is in.
// MODEL: loom-tests/tests/drop.rs::while_dispatching_with_both_sides_full
impl<F: Feeder, O> Drop for Manager<F, O> {
    fn drop(&mut self) {
        self.time.turn_to(NOTHING);
        self.abort();
        loop {
            self.lanes.close();
            if self.read_notices() {
                // There may be lanes of scans that were added since the last look, and
                // nobody may be left to ring for them.
                // MODEL: loom-tests/tests/control.rs::add_races_with_the_drop
                continue;
            }
            if matches!(self.go_on(), Ok(Next::End)) {
                break;
            }
            // WAKE: an exit, the leaving of the input's thread, a scan that was added;
            // each is published before it is rung for.
            self.run.wait();
        }
        if let Some(payload) = self.panic.take().and_then(|panic| panic.payload) {
            discard(payload);
        }
    }
}

impl<F: Feeder, O> fmt::Debug for Manager<F, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manager")
            .field("live", &self.live)
            .field("ready", &self.ready)
            .finish_non_exhaustive()
    }
}
