//! What the manager and the other threads of one run share.

use super::contain::{Payload, discard};
use super::doorbell::Doorbell;
pub(crate) use super::events::Request;
use super::events::{Events, Exit, InputLeft, Mailbox};
use super::id::ScanId;
use super::panic_origin::PanicOrigin;
use super::trace;
use crate::sync::{AtomicBool, AtomicU8, Counter, OnceLock, Ordering};

/// The stage of a run. It only ever moves to a later stage.
///
/// ```text
///            the input panics
///   Going ─────────────────────► Severed
///     │                             │
///     └──────────────┬──────────────┘
///                    │ a panic elsewhere, or a request
///                    ▼
///                 Aborted ──────► Unheard
///                          drop
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Scans step; the end of a channel is Stop.
    Going,
    /// Scans step over what was pulled before; at the end of its channel, each leaves without a
    /// flush.
    Severed,
    /// No further step begins. What was emitted is delivered.
    Aborted,
    /// Nobody takes outputs any more.
    Unheard,
}

/// The shared side of a run. The only user values in it are the payloads of panics, on their way to
/// the manager.
#[allow(unnameable_types, reason = "only passes through what is public")]
#[derive(Debug)]
pub struct Run {
    /// A [`Stage`]. Raised before any channel is dropped because of it; read by scan
    /// threads between any two items, and when a channel has come to its end.
    stage: AtomicU8,
    events: Mailbox,
    /// Whether there are events that must be read before the next outputs.
    called: AtomicBool,
    /// How many scans have started. Used only to decide whether to ignore a request.
    begun: Counter,
    /// Whether the input has ended with an error.
    input_failed: AtomicBool,
    /// The origin of the first panic, for verbs that return no iterator.
    panicked: OnceLock<PanicOrigin>,
    /// The scan whose error has ended the run, for verbs that return an error alone.
    failed: OnceLock<ScanId>,
    /// Where the manager sleeps.
    doorbell: Doorbell,
    /// Where the input's own thread sleeps, if it has one.
    room: Option<Doorbell>,
}

impl Run {
    /// Creates what the threads of a run share, including the input's own thread if it has one.
    pub(super) fn new(input_has_thread: bool) -> Self {
        Self {
            stage: AtomicU8::new(Stage::Going as u8),
            events: Mailbox::new(),
            called: AtomicBool::new(false),
            begun: Counter::new(0),
            input_failed: AtomicBool::new(false),
            panicked: OnceLock::new(),
            failed: OnceLock::new(),
            doorbell: Doorbell::default(),
            room: input_has_thread.then(Doorbell::default),
        }
    }

    /// Whether the input is pulled on a thread of its own.
    pub(super) fn has_input_thread(&self) -> bool {
        self.room.is_some()
    }

    /// Moves to `stage`, unless the run is already past it.
    pub(super) fn advance(&self, stage: Stage) {
        // ORDERING: a thread that reads the stage late comes to the end of a channel,
        // whose other end is dropped after this; that publishes the stage.
        self.stage.fetch_max(stage as u8, Ordering::Relaxed);
    }

    /// Returns whether the run has reached `stage`.
    #[inline]
    pub(super) fn is(&self, stage: Stage) -> bool {
        // ORDERING: pairs with nothing; see `advance`.
        self.stage.load(Ordering::Relaxed) >= stage as u8
    }

    /// Returns whether no further step may begin.
    #[inline]
    pub(crate) fn is_aborted(&self) -> bool {
        self.is(Stage::Aborted)
    }

    /// Returns whether the run is aborted, or its input has panicked.
    pub(crate) fn is_severed(&self) -> bool {
        self.is(Stage::Severed)
    }

    /// Returns whether items are missing: the run is aborted, or its input has panicked or ended
    /// with an error.
    pub(crate) fn is_cut_short(&self) -> bool {
        // ORDERING: raised before the end of the items is sent, which publishes it.
        self.is_severed() || self.input_failed.load(Ordering::Relaxed)
    }

    /// Records that the input ends with an error.
    pub(crate) fn note_input_error(&self) {
        self.input_failed.store(true, Ordering::Relaxed);
    }

    /// Records that another scan starts.
    pub(super) fn begin_scan(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    /// Records the origin of the first panic.
    pub(super) fn note_panic(&self, origin: PanicOrigin) {
        self.panicked.get_or_init(|| origin);
    }

    /// Returns the origin of the first panic, if there was one.
    pub(crate) fn panicked(&self) -> Option<PanicOrigin> {
        self.panicked.get().copied()
    }

    /// Records the scan whose error ends the run.
    pub(crate) fn note_failure(&self, id: ScanId) {
        self.failed.get_or_init(|| id);
    }

    /// Returns the scan whose error has ended the run, if one has.
    pub(crate) fn failed(&self) -> Option<ScanId> {
        self.failed.get().copied()
    }

    /// Publishes that a scan's thread has left the run, then rings.
    // MODEL: loom-tests/tests/end.rs::two_scans_end_at_once
    pub(super) fn exited(&self, id: ScanId, panic: Option<Payload>) {
        let panicked = panic.is_some();
        let unread = self.events.add(|events| match events {
            Some(events) => {
                events.exits.push(Exit { id, panic });
                None
            }
            None => panic,
        });
        unread.into_iter().for_each(discard);
        if panicked {
            self.call();
        } else {
            // Without a panic the end of the scan's outputs tells the manager to look.
            self.ring();
        }
        // WAKE: a scan that has gone has room for everything.
        if let Some(room) = &self.room {
            room.ring();
        }
    }

    /// Publishes that the drop of an item panicked, then rings.
    // MODEL: loom-tests/tests/panics.rs::panic_in_the_drop_of_an_item
    pub(super) fn item_panicked(&self, payload: Payload) {
        let unread = self.events.add(|events| match events {
            Some(Events { item_panic: first @ None, .. }) => first.replace(payload),
            _ => Some(payload),
        });
        unread.into_iter().for_each(discard);
        self.call();
    }

    /// Publishes that the input's own thread has left, then rings.
    // MODEL: loom-tests/tests/ahead.rs::input_is_dropped_before_the_end
    pub(super) fn input_left(&self, panic: Option<Payload>) {
        let unread = self.events.add(|events| match events {
            Some(events) => {
                events.input_left = Some(InputLeft { panic });
                None
            }
            None => panic,
        });
        unread.into_iter().for_each(discard);
        self.call();
    }

    /// Publishes that scans were added, then rings.
    // MODEL: loom-tests/tests/control.rs::add_races_with_the_end
    pub(super) fn added(&self) {
        self.events.add(|events| events.into_iter().for_each(|events| events.added = true));
        self.call();
    }

    /// Publishes a request, then rings. Ignores requests to a run that has ended, or for a scan
    /// that has not started.
    // MODEL: loom-tests/tests/control.rs::stop_from_another_thread
    pub(crate) fn ask(&self, request: Request) {
        if let Request::StopScan(id) = request {
            if id.index() as u64 >= self.begun.load(Ordering::Relaxed) {
                return;
            }
        }
        if request == Request::Abort {
            self.advance(Stage::Aborted);
        }
        self.events.add(|events| events.into_iter().for_each(|events| events.ask(request)));
        self.call();
    }

    /// Returns whether the end of the run was requested and has not begun yet.
    pub(super) fn is_asked_to_end(&self) -> bool {
        self.events.add(|events| events.is_some_and(|events| events.stop || events.abort))
    }

    /// Signals that there are events which must not wait. Called after publishing them.
    fn call(&self) {
        // ORDERING: the flag publishes nothing, it only tells where to look; the lock of the events
        // publishes. A manager that misses it goes on with what it has, and reads the events in any
        // case when it is woken.
        self.called.store(true, Ordering::Relaxed);
        self.ring();
    }

    /// Returns whether there are events that must not wait. If so, an input that is pulled on the
    /// consumer's thread ends its current batch.
    #[inline]
    pub(super) fn is_called(&self) -> bool {
        // ORDERING: see `call`. A call on this thread, or one before something that this thread has
        // seen, is seen here.
        self.called.load(Ordering::Relaxed)
    }

    /// Takes the events since the last call.
    // MODEL: loom-tests/tests/control.rs::stop_that_has_returned_leaves_the_batch
    pub(super) fn take_events(&self) -> Events {
        // ORDERING: cleared before the lock is taken. Events of a call that this overwrites were
        // added before: had they been added after the lock taken here, the lock would order this
        // store before that call.
        self.called.store(false, Ordering::Relaxed);
        self.events.take()
    }

    /// Takes what is left; no event or request is accepted from now on.
    pub(super) fn close_events(&self) -> Events {
        self.events.close()
    }

    /// Signals that there is something for the manager to see. Called after publishing it.
    pub(super) fn ring(&self) {
        self.doorbell.ring();
    }

    /// Signals to the sender of batches that there is room for them.
    pub(super) fn ring_for_room(&self) {
        self.room.as_ref().unwrap_or(&self.doorbell).ring();
    }

    /// Blocks the manager until something was published since it last woke.
    pub(super) fn wait(&self) {
        let _span = trace::wait_for_scans();
        self.doorbell.wait();
    }

    /// Blocks the input's own thread until there may be room.
    pub(super) fn wait_for_room(&self) {
        let _span = trace::wait_for_room();
        self.room.as_ref().unwrap_or(&self.doorbell).wait();
    }
}
