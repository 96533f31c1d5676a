//! `scoped`: a blocking verb in a scope of its own.

use super::blocking::{Blocking, Job};
use super::fan_out::FanOut;
use crate::sync::scope;
use crate::threads::Scoped;

impl<I, Th> FanOut<I, Th> {
    /// Lets the scans and items of a blocking verb borrow, by running it in its own
    /// [`std::thread::scope`].
    ///
    /// The scope waits for all of its threads. So if the input is [read ahead](Self::read_ahead), the
    /// verb returns only when the input's `next` has, even if the run has ended before.
    ///
    /// ```
    /// use anabranch::prelude::*;
    ///
    /// let words = ["to", "be"].map(String::from);
    /// let longest = scan::max_by_key(|word: &&String| word.len());
    /// assert_eq!(words.iter().fan_out().scoped().fold([longest]), [Some(&words[1])]);
    /// ```
    pub fn scoped(self) -> FanOut<I, Scoped> {
        self.on(Scoped)
    }
}

impl<'a> Blocking<'a> for Scoped {
    #[track_caller]
    fn run<J: Job<'a>>(self, job: J) -> J::Result {
        scope(|scope| job.on(scope))
    }
}
