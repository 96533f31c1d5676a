//! Scans that note what they do, and that ask and panic where the program says so.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use anabranch::scan::{BoxScan, Emitter, Scan};

use super::board::{Board, From, Who, lock};
use super::log::Log;
use super::program::{Kind, Plan, ScanFault, Steps};
use super::values::{Item, Output};

/// A scan that does as `plan` says, and what it notes.
pub(crate) fn watched(
    board: &Arc<Board>,
    plan: Plan,
    key: Option<u64>,
) -> (Arc<Log>, BoxScan<'static, Item, Output>) {
    let log = {
        let mut logs = lock(&board.logs);
        let log = Arc::new(Log::new(logs.len(), plan, key));
        logs.push(Arc::clone(&log));
        log
    };
    board.scans.make();
    let scan = Watched {
        inner: observed(board, &log),
        name: format!("scan {}", log.number),
        log: Arc::clone(&log),
        board: Arc::clone(board),
    };
    (log, Box::new(scan))
}

/// The scan of the plan, each of whose items and outputs is noted.
fn observed(board: &Arc<Board>, log: &Arc<Log>) -> BoxScan<'static, Item, Output> {
    let (notes, here) = (Arc::clone(log), Arc::clone(board));
    let observe = move |item: &Item| {
        step_begins(&here, &notes, item.value);
        item.value
    };
    let (notes, here) = (Arc::clone(log), Arc::clone(board));
    let scan = log.plan.kind.build().map_input(observe).map(move |value| {
        let number = notes.note_output(value, here.tick(), here.delivered.load(SeqCst));
        let panics = notes.plan.bad_output == Some(number);
        Output::new(value, notes.number, panics, Arc::clone(&here))
    });
    scan.boxed()
}

fn step_begins(board: &Arc<Board>, log: &Log, item: u64) {
    board.begins("a step");
    log.note_step(item, board.tick());
    board.dawdle(log.plan.pace, item);
    for (at, ask) in &log.plan.asks {
        if *at == item {
            board.ask(From::Scan, ask);
        }
    }
    if log.plan.faults.contains(&ScanFault::Before(item)) {
        board.raise(Who::Step(log.number));
    }
    if let Kind::Caught { below: Some(below), at } = log.plan.kind {
        // It is the library's own adaptor that panics there.
        if below == item && below < at {
            board.note_panic(Who::Downstream(log.number));
        }
    }
}

struct Watched {
    inner: BoxScan<'static, Item, Output>,
    name: String,
    log: Arc<Log>,
    board: Arc<Board>,
}

impl Watched {
    fn panics(&self, fault: ScanFault) -> bool {
        self.log.plan.faults.contains(&fault)
    }
}

impl Scan<Item> for Watched {
    type Output = Output;

    fn step(&mut self, item: &Item, out: &mut Emitter<'_, Output>) -> ControlFlow<()> {
        let flow = self.inner.step(item, out);
        if self.panics(ScanFault::After(item.value)) {
            self.board.raise(Who::Step(self.log.number));
        }
        self.log.note_completion(flow.is_break());
        flow
    }

    fn step_batch(&mut self, batch: &[Item], out: &mut Emitter<'_, Output>) -> ControlFlow<()> {
        self.log.note_batch(self.board.tick());
        match self.log.plan.steps {
            Steps::Default => {
                for item in batch {
                    if out.is_closed() {
                        return ControlFlow::Break(());
                    }
                    self.step(item, out)?;
                }
                ControlFlow::Continue(())
            }
            Steps::Blind => batch.iter().try_for_each(|item| self.step(item, out)),
            Steps::Whole => {
                let flow = self.inner.step_batch(batch, out);
                // It also leaves when nobody listens.
                self.log.note_completion(flow.is_break() && !out.is_closed());
                flow
            }
        }
    }

    fn flush(&mut self, out: &mut Emitter<'_, Output>) {
        self.board.begins("a flush");
        self.log.note_flush();
        if self.panics(ScanFault::FlushBefore) {
            self.board.raise(Who::Flush(self.log.number));
        }
        self.inner.flush(out);
        if self.panics(ScanFault::FlushAfter) {
            self.board.raise(Who::Flush(self.log.number));
        }
        self.log.note_flushed();
    }

    fn name(&self) -> Option<&str> {
        if self.panics(ScanFault::Name) {
            self.board.raise(Who::Name);
        }
        Some(&self.name)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.board.scans.drop_one();
        if self.panics(ScanFault::Drop) {
            self.board.raise(Who::ScanDrop(self.log.number));
        }
    }
}
