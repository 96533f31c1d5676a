//! How many items are stepped over between two looks at whether the run goes on.

use std::time::Duration;

/// The greatest number of items between two looks.
const MOST: usize = 256;

/// How long it may be between two looks, if the next items take as long as the last ones.
const LONGEST: Duration = Duration::from_millis(1);

/// The number of items between two looks: fewer if their steps are slow.
#[derive(Debug)]
pub(super) struct Pace {
    items: usize,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { items: 1 }
    }

    /// Returns the items up to the next look, and those behind it.
    pub(super) fn split<'a, T>(&self, items: &'a [T]) -> (&'a [T], &'a [T]) {
        items.split_at(self.items.min(items.len()))
    }

    /// Adapts to the time that the items up to the last look have taken.
    pub(super) fn adapt(&mut self, taken: Duration) {
        if taken > LONGEST {
            self.items = 1;
        } else if taken < LONGEST / 2 {
            self.items = (self.items * 2).min(MOST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, MOST, Pace};

    /// Returns the number of items between two looks.
    fn step(pace: &mut Pace, micros_per_item: u32) -> usize {
        let items = pace.split(&[(); 1_000]).0.len();
        pace.adapt(std::time::Duration::from_micros(u64::from(micros_per_item)) * items as u32);
        items
    }

    #[test]
    fn slow_steps_are_looked_at_one_by_one() {
        let mut pace = Pace::new();
        assert!((0..20).all(|_| step(&mut pace, 5_000) == 1));
        assert_eq!((0..20).map(|_| step(&mut pace, 0)).max(), Some(MOST));
        step(&mut pace, 5_000);
        assert_eq!(step(&mut pace, 5_000), 1);
    }

    #[test]
    fn steps_between_are_taken_for_a_millisecond_at_most() {
        let mut pace = Pace::new();
        let most = (0..20).map(|_| step(&mut pace, 10)).max().unwrap();
        assert!((16..=(LONGEST.as_micros() / 10) as usize).contains(&most), "{most}");
    }

    #[test]
    fn no_item_is_left_out() {
        let pace = Pace::new();
        assert_eq!(pace.split(&[1, 2]), (&[1][..], &[2][..]));
        assert_eq!(pace.split::<u8>(&[]), (&[][..], &[][..]));
    }
}
