//! How many items make a batch. Pure: no thread, no clock.

use std::time::Duration;

/// About how long filling a batch may take, and how long its contents may keep the receiver busy.
pub(crate) const LINGER: Duration = Duration::from_micros(200);

/// The policy that sizes batches of items, as far as it depends on the input.
///
/// Large batches make dispatch cheap, small ones make it prompt. The adaptive policy starts at one
/// item, grows while batches fill within the linger, and halves when they take longer, so that the
/// items of a slow source are dispatched as they arrive. After a batch that filled in a small part
/// of the linger, the next may be much longer: a fast source reaches full batches after a few,
/// which matters when each batch wakes a thousand threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BatchSize {
    /// How many items arrive in about half the linger.
    target: usize,
    /// How many items the current batch should have.
    goal: usize,
    max: usize,
    fixed: bool,
}

impl BatchSize {
    /// Batches of `size` items, however long they take to fill.
    pub(crate) fn fixed(size: usize) -> Self {
        Self { target: size, goal: size, max: size, fixed: true }
    }

    /// Batches of 1 to `max` items that take about the linger to fill at most.
    pub(crate) fn adaptive(max: usize) -> Self {
        Self { target: 1, goal: 1, max, fixed: false }
    }

    /// Returns the most items that a batch will ever have.
    pub(crate) fn max(&self) -> usize {
        self.max
    }

    /// Returns how many items to give at once to a receiver of unknown speed.
    pub(super) fn first_guess(&self) -> usize {
        self.max.min(MOST_GROWTH as usize)
    }

    /// Begins a batch for receivers, the slowest of which takes `most` items at once.
    pub(crate) fn begin(&mut self, most: usize) {
        if !self.fixed {
            self.goal = self.target.min(most).max(1);
        }
    }

    /// Returns how many items the batch should have.
    pub(crate) fn goal(&self) -> usize {
        self.goal
    }

    /// Returns how many items to pull on top of `filled` before checking again whether the batch
    /// [is full](Self::is_full). Reading the clock after 1, 2, 4, … items costs a fast source next
    /// to nothing, and detects a slow one at its first item.
    pub(crate) fn chunk(&self, filled: usize) -> usize {
        let missing = self.goal - filled;
        if self.fixed { missing } else { missing.min(filled.clamp(1, LONGEST_CHUNK)) }
    }

    /// Returns the length at which to check again, where items come one by one and reading the
    /// clock must cost next to nothing. A source that was fast before is checked only a few times.
    pub(crate) fn next_look(&self, filled: usize) -> usize {
        if self.fixed { self.goal } else { (2 * filled).max(self.goal / 64).clamp(1, self.goal) }
    }

    /// Returns whether the clock is never read.
    pub(crate) fn is_fixed(&self) -> bool {
        self.fixed
    }

    /// Returns whether to send a batch of `filled` items. `elapsed` returns how long it took to
    /// fill, and is called only if that matters.
    pub(crate) fn is_full(&self, filled: usize, elapsed: impl FnOnce() -> Duration) -> bool {
        filled >= self.goal || !self.fixed && filled > 0 && elapsed() >= LINGER
    }

    /// Learns from a batch of `filled` items.
    pub(crate) fn learn(&mut self, filled: usize, elapsed: impl FnOnce() -> Duration) {
        if !self.fixed {
            self.target = learned(self.target, self.max, filled, elapsed());
        }
    }
}

/// Returns the target after a batch of `filled` items that had the target `target` and took
/// `elapsed`.
pub(super) fn learned(target: usize, max: usize, filled: usize, elapsed: Duration) -> usize {
    if elapsed >= LINGER {
        (filled / 2).max(1)
    } else if filled >= target {
        // What would fit into half the linger at this rate.
        let growth = LINGER.as_nanos() / 2 / elapsed.as_nanos().max(1);
        let growth = growth.clamp(2, MOST_GROWTH) as usize;
        target.saturating_mul(growth).min(max)
    } else {
        target
    }
}

/// The constants that shape control flow. They are small in model builds, so that a model checker
/// sees several batches, chunks and steps of growth with a handful of items.
#[cfg(not(any(loom, shuttle)))]
mod constants {
    /// How many times as long as the previous batch a batch can be.
    pub(super) const MOST_GROWTH: u128 = 64;

    /// The most items that are pulled between two readings of the clock, and so the most that a
    /// source can hold back when it turns slow within a batch.
    pub(super) const LONGEST_CHUNK: usize = 256;
}

#[cfg(any(loom, shuttle))]
mod constants {
    pub(super) const MOST_GROWTH: u128 = 2;
    pub(super) const LONGEST_CHUNK: usize = 2;
}

use constants::{LONGEST_CHUNK, MOST_GROWTH};

#[cfg(test)]
mod tests {
    use super::*;

    /// Fills one batch from a source that takes `per_item` for an item, and returns its length.
    fn fill(size: &mut BatchSize, per_item: Duration) -> usize {
        let mut filled = 0;
        size.begin(usize::MAX);
        loop {
            filled += size.chunk(filled);
            let elapsed = per_item * u32::try_from(filled).unwrap();
            if size.is_full(filled, || elapsed) {
                size.learn(filled, || elapsed);
                return filled;
            }
        }
    }

    fn settle(size: &mut BatchSize, per_item: Duration) {
        for _ in 0..20 {
            fill(size, per_item);
        }
    }

    #[test]
    fn fixed_batches_stay_fixed_and_never_ask_for_the_time() {
        let mut size = BatchSize::fixed(7);
        for _ in 0..3 {
            assert_eq!(size.chunk(0), 7);
            assert!(!size.is_full(6, || unreachable!()));
            assert!(size.is_full(7, || unreachable!()));
            size.learn(7, || unreachable!());
        }
    }

    #[test]
    fn a_fast_source_reaches_full_batches_at_once() {
        let mut size = BatchSize::adaptive(8192);
        let sizes: Vec<_> = (0..5).map(|_| fill(&mut size, Duration::from_nanos(1))).collect();
        assert_eq!(sizes, [1, 64, 4096, 8192, 8192]);
    }

    #[test]
    fn an_empty_batch_is_never_full() {
        let mut size = BatchSize::adaptive(64);
        size.begin(usize::MAX);
        assert!(!size.is_full(0, || LINGER));
        assert!(size.is_full(1, || LINGER));
    }

    #[test]
    fn where_values_come_one_by_one_the_next_look_is_twice_as_far() {
        let mut size = BatchSize::adaptive(8192);
        settle(&mut size, Duration::from_nanos(1));
        size.begin(usize::MAX);
        let looks = std::iter::successors(Some(0), |filled| Some(size.next_look(*filled)));
        let looks: Vec<_> = looks.skip(1).take(8).collect();
        assert_eq!(looks, [128, 256, 512, 1024, 2048, 4096, 8192, 8192]);
        size.begin(1);
        assert_eq!(size.next_look(0), 1);
        assert_eq!(BatchSize::fixed(7).next_look(0), 7);
    }

    #[test]
    fn a_slow_taker_is_given_no_more_than_it_takes() {
        let mut size = BatchSize::adaptive(8192);
        settle(&mut size, Duration::from_nanos(1));
        for most in [1, 5, 300] {
            size.begin(most);
            assert_eq!(size.goal(), most);
            assert!(size.chunk(0) <= most && size.is_full(most, || Duration::ZERO));
            size.learn(most, || Duration::ZERO);
        }
        size.begin(usize::MAX);
        assert_eq!(size.goal(), 8192);
        let mut size = BatchSize::fixed(7);
        size.begin(1);
        assert_eq!(size.goal(), 7);
    }

    #[test]
    fn a_batch_that_filled_in_half_the_linger_is_followed_by_one_twice_as_long() {
        let mut size = BatchSize::adaptive(8192);
        let sizes: Vec<_> = (0..3).map(|_| fill(&mut size, Duration::from_micros(40))).collect();
        assert_eq!(sizes, [1, 2, 4]);
    }

    #[test]
    fn a_slow_source_has_its_items_sent_one_by_one() {
        let mut size = BatchSize::adaptive(64);
        for _ in 0..5 {
            assert_eq!(fill(&mut size, Duration::from_millis(1)), 1);
        }
    }

    #[test]
    fn a_source_that_turns_slow_is_noticed_at_the_next_look_at_the_clock() {
        let mut size = BatchSize::adaptive(4096);
        settle(&mut size, Duration::from_nanos(1));
        assert_eq!(size.target, 4096);
        assert_eq!(fill(&mut size, Duration::from_millis(1)), 1);
        assert_eq!(size.target, 1);
        assert_eq!(fill(&mut size, Duration::from_millis(1)), 1);
    }

    #[test]
    fn a_source_that_turns_fast_again_is_followed() {
        let mut size = BatchSize::adaptive(64);
        settle(&mut size, Duration::from_millis(1));
        let sizes: Vec<_> = (0..2).map(|_| fill(&mut size, Duration::from_nanos(1))).collect();
        assert_eq!(sizes, [1, 64]);
    }

    #[test]
    fn a_source_in_between_settles_below_the_linger() {
        let mut size = BatchSize::adaptive(4096);
        let per_item = Duration::from_micros(10);
        settle(&mut size, per_item);
        for _ in 0..20 {
            let filled = fill(&mut size, per_item);
            assert!((8..=32).contains(&filled), "{filled} items of 10 µs in a linger of 200 µs");
        }
    }

    #[test]
    fn a_chunk_never_overfills_and_is_never_empty() {
        for max in [1, 2, 3, 100, 5000] {
            let mut size = BatchSize::adaptive(max);
            for _ in 0..16 {
                let mut filled = 0;
                size.begin(usize::MAX);
                while filled < size.goal() {
                    let chunk = size.chunk(filled);
                    assert!(chunk >= 1);
                    filled += chunk;
                    assert!(filled <= size.goal());
                }
                size.learn(filled, || Duration::ZERO);
            }
            assert_eq!(size.target, max);
        }
    }
}
