//! The branches that some runs consist of: each has a probe, pulls its items, and does what the
//! probe would do as a scan.

use std::ops::{ControlFlow, Deref};

use anabranch::branch::{AbortToken, Items};

use crate::probe::Probe;
use crate::values::{FLUSH, Item, Value};

/// How much the outputs are out of order that nobody may see.
const HIDDEN: usize = 1_000;

/// A branch that yields the outputs of its probe.
pub(crate) fn yielding<'a, 'n: 'a>(
    probe: Probe,
) -> impl FnOnce(Items<'a, Item<'n>>) -> Outputs<Items<'a, Item<'n>>> + Send {
    move |items| {
        let token = items.abort_token();
        Outputs::new(probe, items, Some(token))
    }
}

/// A branch that returns the last output of its probe.
pub(crate) fn returning<'a, 'n: 'a>(
    probe: Probe,
) -> impl FnOnce(Items<'a, Item<'n>>) -> Option<Value> + Send {
    move |items| last(probe, items)
}

/// The outputs of a probe over some items.
///
/// Code behind the end of the items runs in an aborted run, too. There it yields outputs that
/// nobody may see.
pub(crate) struct Outputs<I: Iterator> {
    /// `None` when the probe has ended.
    items: Option<I>,
    /// The item before, so that its batch stays.
    before: Option<I::Item>,
    pending: Option<Pending>,
    /// Says whether the items ended early; of a run alone.
    token: Option<AbortToken>,
    probe: Probe,
}

/// The outputs for an item, or for the end.
struct Pending {
    at: usize,
    next: usize,
    count: usize,
    is_hidden: bool,
}

impl<'n, I: Iterator<Item: Deref<Target = Item<'n>>>> Outputs<I> {
    pub(crate) fn new(probe: Probe, items: I, token: Option<AbortToken>) -> Self {
        Self { items: Some(items), before: None, pending: None, token, probe }
    }

    /// Pulls an item, or comes to the end of the items.
    fn pull(&mut self) -> Option<Pending> {
        let items = self.items.as_mut()?;
        if let Some(item) = items.next() {
            let at = item.number();
            let count = self.probe.take(at);
            self.before = Some(item).filter(|_| self.probe.keeps());
            return Some(Pending { at, next: 0, count, is_hidden: false });
        }
        if items.next().is_some() {
            self.probe.ledger().wrong("an item came behind the end");
        }
        let mut count = self.probe.end();
        let is_hidden = self.token.as_ref().is_some_and(AbortToken::is_aborted);
        if is_hidden {
            count += 1;
        } else {
            self.probe.record().flush();
        }
        Some(Pending { at: FLUSH, next: 0, count, is_hidden })
    }
}

impl<'n, I: Iterator<Item: Deref<Target = Item<'n>>>> Iterator for Outputs<I> {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        if self.items.is_none() {
            self.probe.ledger().wrong("a branch was asked for outputs behind its end");
        }
        loop {
            if self.pending.is_none() {
                self.pending = self.pull();
            }
            let Pending { at, next, count, is_hidden } = self.pending.as_mut()?;
            let (at, nth) = (*at, *next);
            if nth < *count {
                *next += 1;
                if *is_hidden {
                    return Some(self.probe.output(at, HIDDEN + nth));
                }
                self.probe.record().emit();
                return Some(self.probe.output(at, nth));
            }
            let is_hidden = *is_hidden;
            self.pending = None;
            let flow = match at {
                FLUSH if is_hidden => ControlFlow::Break(()),
                FLUSH => self.probe.act_at_end(),
                item => self.probe.act(item),
            };
            if flow.is_break() {
                // The items are dropped before the branch.
                self.items = None;
                return None;
            }
        }
    }
}

/// Returns the last output of a probe: what there is so far, if the items end early.
fn last<'n>(mut probe: Probe, mut items: Items<'_, Item<'n>>) -> Option<Value> {
    let token = items.abort_token();
    let mut last = None;
    // What is replaced goes in peace: while a value is dropped, the user's code has another.
    let mut emit = |probe: &Probe, at, count| {
        for nth in 0..count {
            probe.record().emit();
            last.replace(probe.output(at, nth)).map(Value::take);
        }
    };
    let mut step = |probe: &mut Probe, item: &Item<'n>| {
        let at = item.number();
        let count = probe.take(at);
        emit(probe, at, count);
        probe.act(at)
    };
    // Each other one leaves the loop to the iterator, if it wants all items.
    if probe.number() % 2 == 1 && !probe.ends() {
        items.for_each(|item| assert!(step(&mut probe, &item).is_continue()));
    } else {
        for item in items.by_ref() {
            if step(&mut probe, &item).is_break() {
                // While it is a local variable still: a value that is being returned is leaked by
                // a panic of what is dropped behind it (rust-lang/rust#47949).
                drop(probe);
                return last;
            }
        }
        if items.next().is_some() {
            probe.ledger().wrong("an item came behind the end");
        }
    }
    let count = probe.end();
    if !token.is_aborted() {
        probe.record().flush();
        emit(&probe, FLUSH, count);
        _ = probe.act_at_end();
    }
    drop(probe);
    last
}
