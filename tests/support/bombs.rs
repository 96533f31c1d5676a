//! Values that panic in their drops.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};

use crate::support::{Tallied, Tally};

/// What the drop of an armed bomb panics with.
pub(crate) const BOMB: &str = "expected: bomb";

/// A value whose drop is counted, and panics if the value is armed.
pub(crate) struct Bomb {
    armed: bool,
    tally: Tally,
    counted: Tallied<()>,
}

impl Bomb {
    pub(crate) fn new(tally: &Tally, armed: bool) -> Self {
        Self { armed, tally: tally.clone(), counted: tally.make(()) }
    }

    pub(crate) fn arm(&mut self, armed: bool) {
        self.armed = armed;
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        if self.armed {
            panic_any(BOMB);
        }
    }
}

/// Clones are not armed, so that the consumer may drop what it is given.
impl Clone for Bomb {
    fn clone(&self) -> Self {
        Self::new(&self.tally, false)
    }
}

/// What `f` returns, or the string literal that it panics with.
#[track_caller]
pub(crate) fn caught<R>(f: impl FnOnce() -> R) -> Result<R, &'static str> {
    catch_unwind(AssertUnwindSafe(f))
        .map_err(|payload| *payload.downcast::<&'static str>().expect("the original payload"))
}
