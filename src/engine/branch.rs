//! What one thread of a run executes, and the two channels that connect it.

use super::batch::{BatchSender, Outputs};
use super::contain::{Payload, contain, keep_first};
use super::exit_guard::ExitGuard;
use super::inlet::Inlet;
use super::meter::Meter;
use super::outlet::{Kept, Outlet};
use super::pace::Pace;
use super::run::Run;
use super::settings::Settings;
use super::trace::ScanSpan;
use crate::sync::{Arc, AtomicBool, Receiver, bounded};

/// What one thread of a run executes: a scan, or anything else that takes items from an inlet
/// and emits into an outlet.
pub(crate) trait Branch<T> {
    /// The type of output that it emits.
    type Output;

    /// Returns its name, if it has one. Called once, before any thread starts.
    fn name(&self) -> Option<&str>;

    /// Takes items until the inlet ends, or until it needs no more.
    ///
    /// Drops itself and both ends before it returns. Contains every panic of user code, and returns
    /// the first. Blocks only on the inlet and the outlet.
    fn run(self, inlet: Inlet<T>, outlet: Outlet<Self::Output>) -> Option<Payload>;
}

/// Runs user code that may panic, and keeps the first panic.
pub(crate) fn contain_into(first: &mut Option<Payload>, f: impl FnOnce()) {
    if let Err(payload) = contain(f) {
        keep_first(first, payload);
    }
}

/// One branch with its two channels. Each of its two waits ends when the manager drops the
/// other side.
#[derive(Debug)]
pub(super) struct Connected<T, B: Branch<T>> {
    pub(super) branch: B,
    inlet: Inlet<T>,
    outlet: Outlet<B::Output>,
}

/// The end from which a branch receives items.
#[derive(Debug)]
pub(super) struct InputSide<T> {
    pub(super) batches: BatchSender<T>,
    /// Raised when the branch needs no more items.
    pub(super) gone: Arc<AtomicBool>,
    pub(super) pace: Arc<Pace>,
}

/// The end at which the outputs of a branch arrive.
#[derive(Debug)]
pub(super) struct OutputSide<O> {
    pub(super) outputs: Receiver<Outputs<O>>,
    pub(super) pace: Arc<Pace>,
    pub(super) meter: Arc<Meter>,
}

/// Connects a branch. Calls none of its methods.
pub(super) fn connect<T, B: Branch<T>>(
    branch: B,
    kept: Kept,
    settings: &Settings,
    run: &Arc<Run>,
) -> (Connected<T, B>, InputSide<T>, OutputSide<B::Output>) {
    let (batches, receiver) = bounded(settings.input_capacity);
    let (sender, outputs) = bounded(settings.output_capacity);
    let size = settings.outputs::<B::Output>();
    let pace = Arc::new(Pace::new(&settings.items::<T>(), &size));
    let meter = Arc::new(Meter::new());
    let gone = Arc::new(AtomicBool::new(false));
    let inlet = Inlet::new((receiver, settings.input_capacity), &gone, &meter, run);
    let sender = (sender, settings.output_capacity);
    let outlet = Outlet::new(size, kept, sender, &pace, &meter, run);
    let input = InputSide { batches, gone, pace: Arc::clone(&pace) };
    let output = OutputSide { outputs, pace, meter };
    (Connected { branch, inlet, outlet }, input, output)
}

impl<T, B: Branch<T>> Connected<T, B> {
    /// Runs the branch to its end, within its span, and leaves through `exit`.
    // MODEL: loom-tests/tests/panics.rs::outputs_before_a_panic_are_delivered
    pub(super) fn run(self, span: ScanSpan, mut exit: ExitGuard) {
        let Self { branch, inlet, outlet } = self;
        let panic = span.run(exit.id(), exit.meter(), || branch.run(inlet, outlet));
        exit.note(panic);
        drop(exit);
    }
}
