//! The input of all runs.

use std::slice;
use std::sync::Arc;

use crate::ledger::{Kind, Ledger, Mark};
use crate::probe::Prompt;
use crate::values::{Item, Origin, Torn, throw};

/// Gives as many items as the cell wants, and does what it wants beside.
pub(crate) struct Source<'a> {
    numbers: slice::Iter<'a, usize>,
    acts: SourceActs,
    mark: Mark,
}

/// What a source does beside giving items.
#[derive(Clone, Default)]
pub(crate) struct SourceActs {
    pub(crate) next_panics: Option<usize>,
    pub(crate) drop_panics: bool,
    /// The item whose drop panics.
    pub(crate) item_panics: Option<usize>,
    pub(crate) asks: Option<(usize, Prompt)>,
    /// What it does before each item.
    pub(crate) nudges: Option<Prompt>,
    /// Whether it ends with an error, where errors are taken.
    pub(crate) fails: bool,
    /// Whether it does not come back from behind its last item until the run is over.
    pub(crate) blocks: bool,
}

impl<'a> Source<'a> {
    pub(crate) fn new(numbers: &'a [usize], acts: SourceActs, ledger: &Arc<Ledger>) -> Self {
        Self { numbers: numbers.iter(), acts, mark: Mark::new(Kind::Input, ledger) }
    }

    /// The same as an input that may fail.
    pub(crate) fn fallible(self) -> Fallible<'a> {
        Fallible(self)
    }
}

impl<'a> Iterator for Source<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        let ledger = self.mark.ledger();
        ledger.begin_next();
        let Some(number) = self.numbers.next() else {
            ledger.end_input();
            if self.acts.blocks {
                ledger.wait_for_the_end();
            }
            return None;
        };
        if let Some(nudge) = &self.acts.nudges {
            nudge();
        }
        if let Some((_, ask)) = self.acts.asks.as_ref().filter(|(at, _)| at == number) {
            ask();
        }
        if self.acts.next_panics == Some(*number) {
            throw(Origin::Next, false, ledger);
        }
        let item = Item::new(number, self.acts.item_panics == Some(*number), ledger);
        ledger.give();
        Some(item)
    }
}

impl Drop for Source<'_> {
    fn drop(&mut self) {
        if self.acts.drop_panics {
            throw(Origin::InputDrop, false, self.mark.ledger());
        }
    }
}

/// A source that ends with an error if its cell wants it to.
pub(crate) struct Fallible<'a>(Source<'a>);

impl<'a> Iterator for Fallible<'a> {
    type Item = Result<Item<'a>, Torn>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.0.next();
        let fails = self.0.acts.fails;
        item.map(Ok).or_else(|| fails.then(|| Err(Torn::new(self.0.mark.ledger()))))
    }
}
