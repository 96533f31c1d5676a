//! The values that travel through a run. All are counted; some panic when they are
//! dropped.

use std::any::Any;
use std::hash::{Hash, Hasher};
use std::panic::resume_unwind;
use std::sync::Arc;

use crate::ledger::{Kind, Ledger, Mark};

/// What an output says that belongs to the flush and to no item.
pub(crate) const FLUSH: usize = usize::MAX;

/// Where a panic was thrown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Next,
    InputDrop,
    Step(usize),
    Flush(usize),
    ScanDrop(usize),
    ItemDrop,
    OutputDrop,
}

/// The payload of every panic that is meant to be.
#[derive(Debug)]
pub(crate) struct Thrown {
    origin: Origin,
    /// Whether the payload panics when it is dropped.
    armed: bool,
    _mark: Mark,
}

/// Panics, without a word on the screen.
pub(crate) fn throw(origin: Origin, armed: bool, ledger: &Arc<Ledger>) -> ! {
    resume_unwind(Box::new(Thrown { origin, armed, _mark: Mark::new(Kind::Payload, ledger) }))
}

/// Says where a payload comes from, or what else it is, and drops it.
pub(crate) fn origin_of(payload: Box<dyn Any + Send>) -> Result<Origin, String> {
    match payload.downcast::<Thrown>() {
        Ok(mut thrown) => {
            thrown.armed = false;
            Ok(thrown.origin)
        }
        Err(payload) => Err(match payload.downcast::<String>() {
            Ok(text) => *text,
            Err(payload) => match payload.downcast::<&str>() {
                Ok(text) => text.to_string(),
                Err(_) => "a payload of another type".to_owned(),
            },
        }),
    }
}

impl Drop for Thrown {
    fn drop(&mut self) {
        if self.armed {
            // Not counted: what the drop of a payload throws is leaked.
            resume_unwind(Box::new("the drop of a payload"));
        }
    }
}

/// One element of the input. Borrows its number.
#[derive(Debug)]
pub(crate) struct Item<'a> {
    number: &'a usize,
    armed: bool,
    mark: Mark,
}

impl<'a> Item<'a> {
    pub(crate) fn new(number: &'a usize, armed: bool, ledger: &Arc<Ledger>) -> Self {
        Self { number, armed, mark: Mark::new(Kind::Item, ledger) }
    }

    pub(crate) fn number(&self) -> usize {
        *self.number
    }

    pub(crate) fn ledger(&self) -> &Arc<Ledger> {
        self.mark.ledger()
    }
}

impl Drop for Item<'_> {
    fn drop(&mut self) {
        if self.armed {
            throw(Origin::ItemDrop, false, self.mark.ledger());
        }
    }
}

/// What an output says, without the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) scan: usize,
    /// The item that it was emitted for, or [`FLUSH`].
    pub(crate) at: usize,
    pub(crate) nth: usize,
    /// Depends on all the items that the scan has stepped over.
    pub(crate) sum: usize,
}

/// What a scan emits.
#[derive(Debug)]
pub(crate) struct Value {
    seen: Seen,
    armed: bool,
    mark: Mark,
}

impl Value {
    pub(crate) fn new(seen: Seen, armed: bool, ledger: &Arc<Ledger>) -> Self {
        Self { seen, armed, mark: Mark::new(Kind::Output, ledger) }
    }

    /// Takes what the output says, and lets the output go in peace.
    pub(crate) fn take(mut self) -> Seen {
        self.armed = false;
        self.seen
    }
}

/// A clone is the consumer's, and harmless.
impl Clone for Value {
    fn clone(&self) -> Self {
        Self { seen: self.seen, armed: false, mark: self.mark.clone() }
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        if self.armed {
            throw(Origin::OutputDrop, false, self.mark.ledger());
        }
    }
}

/// What an input ends with that fails.
#[derive(Debug)]
pub(crate) struct Torn(#[allow(dead_code, reason = "counts")] Mark);

impl Torn {
    pub(crate) fn new(ledger: &Arc<Ledger>) -> Self {
        Self(Mark::new(Kind::Error, ledger))
    }
}

/// The key of an item in a demux.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    number: usize,
    _mark: Mark,
}

impl Key {
    pub(crate) fn new(number: usize, ledger: &Arc<Ledger>) -> Self {
        Self { number, _mark: Mark::new(Kind::Key, ledger) }
    }

    pub(crate) fn number(&self) -> usize {
        self.number
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}
