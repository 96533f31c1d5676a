//! The scan that all runs consist of: says all it knows, and does what the cell wants. A branch
//! does the same with it in its own loop.

use std::ops::ControlFlow;
use std::sync::Arc;

use anabranch::scan::{Emitter, Scan};

use crate::ledger::{Kind, Ledger, Mark, ScanRecord};
use crate::values::{FLUSH, Item, Origin, Seen, Value, throw};

/// Something that is asked for in the midst of a run.
pub(crate) type Prompt = Arc<dyn Fn() + Send + Sync>;

/// Counts and sums, and emits more or less of that, depending on its number.
pub(crate) struct Probe {
    number: usize,
    manner: Manner,
    acts: Acts,
    sum: usize,
    /// The item that it expects next, once there was one, and how far apart they are.
    next: Option<usize>,
    stride: usize,
    /// Whether it has ended, was flushed, or has panicked.
    done: bool,
    name: String,
    mark: Mark,
}

/// When a probe emits how much.
#[derive(Clone, Copy, Debug)]
enum Manner {
    /// One output per item.
    Each,
    /// None, one or two.
    Some,
    /// One for every third item.
    Thirds,
    /// Many at once, seldom.
    Burst,
    /// At the flush alone.
    AtEnd,
}

/// What a probe does beside.
#[derive(Clone, Default)]
pub(crate) struct Acts {
    pub(crate) step_panics: Option<usize>,
    pub(crate) flush_panics: bool,
    pub(crate) drop_panics: bool,
    /// Whether what it panics with panics when it is dropped.
    pub(crate) payloads_armed: bool,
    /// From which item on, and up to which, the drops of its outputs panic.
    pub(crate) outputs_armed: Option<(usize, usize)>,
    /// The item at which it ends; a later one will do.
    pub(crate) ends: Option<usize>,
    pub(crate) asks: Option<(usize, Prompt)>,
    /// Whether a branch keeps its last item until it has another.
    pub(crate) keeps: bool,
}

impl Probe {
    /// A probe that will see items `stride` apart. With `talks`, it does not keep all it
    /// has to say for the flush.
    pub(crate) fn new(
        number: usize,
        talks: bool,
        stride: usize,
        acts: Acts,
        ledger: &Arc<Ledger>,
    ) -> Self {
        let manners = [Manner::Each, Manner::Some, Manner::Thirds, Manner::Burst, Manner::AtEnd];
        let manner = manners[number % if talks { 4 } else { 5 }];
        let name = name_of(number);
        let mark = Mark::new(Kind::Scan, ledger);
        Self { number, manner, acts, sum: 0, next: None, stride, done: false, name, mark }
    }

    pub(crate) fn ledger(&self) -> &Arc<Ledger> {
        self.mark.ledger()
    }

    pub(crate) fn record(&self) -> &ScanRecord {
        self.ledger().scan(self.number)
    }

    pub(crate) fn number(&self) -> usize {
        self.number
    }

    pub(crate) fn keeps(&self) -> bool {
        self.acts.keeps
    }

    /// Whether it ends before its items do.
    pub(crate) fn ends(&self) -> bool {
        self.acts.ends.is_some()
    }

    /// The output of this number for an item, or for the end.
    pub(crate) fn output(&self, at: usize, nth: usize) -> Value {
        let seen = Seen { scan: self.number, at, nth, sum: self.sum };
        let armed = self.acts.outputs_armed.is_some_and(|(from, to)| from <= at && at <= to);
        Value::new(seen, armed, self.ledger())
    }

    fn emit(&self, at: usize, count: usize, out: &mut Emitter<'_, Value>) {
        for nth in 0..count {
            out.emit(self.output(at, nth));
            self.record().emit();
        }
    }

    /// Takes an item: says how many outputs there are for it.
    pub(crate) fn take(&mut self, item: usize) -> usize {
        self.look();
        if self.next.is_some_and(|next| next != item) {
            self.ledger().wrong("a scan missed an item, or saw one twice");
        }
        self.next = Some(item + self.stride);
        self.record().step(item, self.ledger().is_aborted());
        self.sum = self.sum.wrapping_mul(31).wrapping_add(item + 1);
        self.manner.at_item(item)
    }

    /// Does what is to be done behind the outputs for an item. Breaks where the scan ends.
    pub(crate) fn act(&mut self, item: usize) -> ControlFlow<()> {
        if let Some((_, ask)) = self.acts.asks.as_ref().filter(|(at, _)| *at == item) {
            ask();
        }
        if self.acts.step_panics == Some(item) {
            self.done = true;
            throw(Origin::Step(self.number), self.acts.payloads_armed, self.ledger());
        }
        if self.acts.ends.is_some_and(|at| item >= at) {
            self.done = true;
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    /// Comes to the end of the items: says how many outputs there are for it.
    pub(crate) fn end(&mut self) -> usize {
        self.look();
        self.done = true;
        self.manner.at_flush(self.number)
    }

    /// Does what is to be done behind the outputs for the end.
    pub(crate) fn act_at_end(&self) -> ControlFlow<()> {
        if self.acts.flush_panics {
            throw(Origin::Flush(self.number), self.acts.payloads_armed, self.ledger());
        }
        ControlFlow::Break(())
    }

    /// Complains about a call that should not be.
    fn look(&self) {
        if self.ledger().is_closed() {
            self.ledger().wrong("a scan was called when the run was over");
        }
        if self.done {
            self.ledger().wrong("a scan was called behind its end");
        }
    }
}

/// What the scan of this number is named.
pub(crate) fn name_of(number: usize) -> String {
    format!("probe {number}")
}

impl Manner {
    fn at_item(self, item: usize) -> usize {
        match self {
            Self::Each => 1,
            Self::Some => item % 3,
            Self::Thirds => usize::from(item % 3 == 0),
            Self::Burst => 6 * usize::from(item % 8 == 2),
            Self::AtEnd => 0,
        }
    }

    fn at_flush(self, number: usize) -> usize {
        number % 3 + usize::from(matches!(self, Self::AtEnd))
    }
}

impl Scan<Item<'_>> for Probe {
    type Output = Value;

    fn step(&mut self, item: &Item<'_>, out: &mut Emitter<'_, Value>) -> ControlFlow<()> {
        let item = item.number();
        let outputs = self.take(item);
        self.emit(item, outputs, out);
        self.act(item)
    }

    fn flush(&mut self, out: &mut Emitter<'_, Value>) {
        let outputs = self.end();
        self.record().flush();
        self.emit(FLUSH, outputs, out);
        _ = self.act_at_end();
    }

    fn name(&self) -> Option<&str> {
        Some(&self.name)
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        if self.acts.drop_panics {
            throw(Origin::ScanDrop(self.number), self.acts.payloads_armed, self.ledger());
        }
    }
}
