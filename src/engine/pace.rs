//! How fast a scan and the consumer of its outputs are, as measured so far.
//!
//! Each figure is a guess that shapes batches and nothing else: any is correct.
// ORDERING: all relaxed; each figure has one writer.

use std::time::Duration;

use super::batch_size::{BatchSize, learned};
use crate::sync::{Counter, Ordering};

/// How much one scan, and the consumer of its outputs, process in about half a linger. Neither is
/// sent more at once: a batch that takes long holds memory for as long, and no request can overtake
/// it.
#[derive(Debug)]
pub(super) struct Pace {
    /// How many items the scan steps over. Learned on its thread.
    pub(super) items: Guess,
    /// How many of its outputs the consumer takes. Learned on the consumer's thread.
    pub(super) outputs: Guess,
}

impl Pace {
    /// Creates the pace of a scan and a consumer of unknown speed.
    ///
    /// The scan counts as fast until measured to be slow: its first batches are short anyway,
    /// because the input begins with one item. The consumer does not, because requests take effect
    /// only after what has been published.
    pub(super) fn new(items: &BatchSize, outputs: &BatchSize) -> Self {
        let of_items = Guess::new(items, items.max());
        Self { items: of_items, outputs: Guess::new(outputs, outputs.first_guess()) }
    }
}

/// How much one party processes in about half a linger: at most `max`, or the fixed size of batches
/// if there is one.
#[derive(Debug)]
pub(super) struct Guess {
    now: Counter,
    max: usize,
    fixed: bool,
}

impl Guess {
    fn new(size: &BatchSize, first: usize) -> Self {
        let now = if size.is_fixed() { size.max() } else { first };
        Self { now: Counter::new(now as u64), max: size.max(), fixed: size.is_fixed() }
    }

    pub(super) fn get(&self) -> usize {
        self.now.load(Ordering::Relaxed) as usize
    }

    /// Learns from values that were processed.
    pub(super) fn learn(&self, dealt_with: usize, elapsed: impl FnOnce() -> Duration) {
        if !self.fixed {
            let before = self.get();
            let now = learned(before, self.max, dealt_with, elapsed());
            // Another thread reads this for each batch, on another processor.
            if now != before {
                self.now.store(now as u64, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guess_follows_who_is_fast_and_who_is_slow() {
        let guess = Guess::new(&BatchSize::adaptive(8192), 64);
        let mut guesses = Vec::new();
        for nanos in [1, 1, 1, 20_000_000, 20_000_000] {
            let dealt_with = guess.get().min(5_000);
            guess.learn(dealt_with, || Duration::from_nanos(nanos) * dealt_with as u32);
            guesses.push(guess.get());
        }
        assert_eq!(guesses, [4096, 8192, 8192, 2500, 1250]);
    }

    #[test]
    fn part_of_a_batch_tells_nothing_as_long_as_it_is_fast() {
        let guess = Guess::new(&BatchSize::adaptive(8192), 64);
        guess.learn(1, || Duration::ZERO);
        guess.learn(63, || Duration::ZERO);
        assert_eq!(guess.get(), 64);
        guess.learn(1, || Duration::from_secs(1));
        assert_eq!(guess.get(), 1);
    }

    #[test]
    fn where_there_is_no_choice_the_clock_is_not_asked() {
        let guess = Guess::new(&BatchSize::fixed(7), 1);
        guess.learn(7, || unreachable!());
        assert_eq!(guess.get(), 7);
    }
}
