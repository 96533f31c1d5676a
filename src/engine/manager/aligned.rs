//! Taking outputs scan by scan, for verbs that put them in order.

use super::Manager;
use crate::engine::batch::Outputs;
use crate::engine::fan_in::FanIn;
use crate::engine::id::ScanId;
use crate::engine::panic_origin::PanicOrigin;
use crate::engine::source::Source;
use crate::engine::turns::Turns;

impl<S: Source, O> Manager<S, O> {
    /// Lets the consumer take outputs [scan by scan](Self::next_of).
    pub(crate) fn in_turns(mut self) -> Self {
        self.turns = Some(Turns::new(self.known));
        self.consumer.takes_from_each(self.known);
        self
    }

    /// Returns the next outputs of the `index`th scan, or `None` if all its outputs were taken and
    /// it has exited. The outputs of all other scans wait, and hold their scans back.
    ///
    /// A caller that takes outputs scan by scan must do so until [`finish`](Self::finish), and item
    /// by item: it must not wait for a scan that has emitted everything for an item while another
    /// has not. Then waiting for a scan never deadlocks. Suppose that the manager sleeps. The scan
    /// has nothing to do: it has processed every item that was dispatched, and all its outputs for
    /// them were taken. So the outputs of the other scans for these items were taken too, and none
    /// of them is owed an item. With nothing owed, the manager does not sleep: it fills the next
    /// batch, unless the input's own thread is the one that sleeps.
    // MODEL: loom-tests/tests/aligned.rs::silent_scan_beside_a_chatty_one
    pub(crate) fn next_of(&mut self, index: usize) -> Option<Outputs<O>> {
        match self.work(index, |fan_in| fan_in.receive(index))? {
            Some((outputs, pace)) => {
                self.consumer.has(index, pace, outputs.len());
                Some(outputs)
            }
            None => {
                self.await_exit(index);
                self.pass(index);
                None
            }
        }
    }

    /// The same for a caller that needs all of `hands`, the `current`th first: fills that one, or a
    /// later one that is empty. Returns `None` if the scan of one of these has emitted its last
    /// output.
    // MODEL: loom-tests/tests/ahead.rs::tee_ends_while_the_input_blocks
    pub(crate) fn next_of_any(&mut self, hands: &mut [Outputs<O>], current: usize) -> Option<()> {
        let (index, received) = self.work(current, |fan_in| {
            let empty = (current..hands.len()).filter(|index| hands[*index].len() == 0);
            empty.into_iter().find_map(|index| Some((index, fan_in.receive(index)?)))
        })?;
        match received {
            Some((outputs, pace)) => {
                self.consumer.has(index, pace, outputs.len());
                hands[index] = outputs;
                Some(())
            }
            None => {
                self.await_exit(index);
                self.pass(index);
                None
            }
        }
    }

    /// Waits for the exit of a scan whose outputs have ended: no user code is left to run before
    /// it.
    // MODEL: loom-tests/tests/aligned.rs::panic_ends_the_order
    fn await_exit(&mut self, index: usize) {
        loop {
            self.read_events();
            if self.turns.as_ref().is_none_or(|turns| turns.has_exited(index)) {
                return;
            }
            // WAKE: the exit.
            self.run.wait();
        }
    }

    /// Records that all outputs of the `index`th scan were taken, in order. If it has panicked, or
    /// panics in its drop, that takes effect from now on.
    pub(crate) fn pass(&mut self, index: usize) {
        if let Some(payload) = self.turns.as_mut().and_then(|turns| turns.pass(index)) {
            self.fail(PanicOrigin::Scan(ScanId::new(index)), payload);
        }
    }

    /// Drops the remaining outputs, and ends the run.
    ///
    /// Resumes the run's first panic.
    pub(crate) fn finish(&mut self) {
        for (id, payload) in self.turns.as_mut().map(Turns::end).unwrap_or_default() {
            self.fail(PanicOrigin::Scan(id), payload);
        }
        while self.work(0, FanIn::collect).is_some() {}
    }
}
