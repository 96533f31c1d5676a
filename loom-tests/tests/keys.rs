//! Keys that are found on whichever shard comes to them first.

use std::sync::Arc;

use anabranch::IteratorExt;
use anabranch_models::Bound::Preemptions;
use anabranch_models::config::With as _;
use anabranch_models::runs::{count, each, panic_at, tight};
use anabranch_models::{Bound, models};
use checker::sync::atomic::{AtomicUsize, Ordering::SeqCst};
#[cfg(loom)]
use loom as checker;
#[cfg(shuttle)]
use shuttle as checker;

/// Two shards.
const TWO: Bound = Preemptions(2);

/// How often a key function was called. Between two calls, another thread may run.
#[derive(Clone)]
struct Calls(Arc<AtomicUsize>);

impl Calls {
    fn new() -> Self {
        Self(Arc::new(AtomicUsize::new(0)))
    }

    /// The key of an item: the item.
    fn key(&self) -> impl Fn(&u8) -> u8 + Send + Sync + 'static + use<> {
        let calls = self.clone();
        move |item| {
            calls.0.fetch_add(1, SeqCst);
            *item
        }
    }

    fn so_far(&self) -> usize {
        self.0.load(SeqCst)
    }
}

/// The items of two shards: 0 is the one's, 1 the other's.
macro_rules! two_shards {
    ($items:expr, $batch:expr, $key:expr, $factory:expr) => {
        (0..$items).fan_out().with(&tight().batch($batch)).demux_over(2, $key, $factory)
    };
}

models! {
    /// Two parts of one batch, which the shards share: each key is found once.
    two_parts_of_a_batch(TWO) {
        let calls = Calls::new();
        let mut counts: Vec<_> = two_shards!(2, 2, calls.key(), |_| count()).collect();
        counts.sort_unstable();
        assert_eq!((counts, calls.so_far()), (vec![(0, 1), (1, 1)], 2));
    }

    /// One shard is a batch ahead of the other.
    one_part_of_each_of_two_batches(TWO) {
        let calls = Calls::new();
        let mut counts: Vec<_> = two_shards!(2, 1, calls.key(), |_| count()).collect();
        counts.sort_unstable();
        assert_eq!((counts, calls.so_far()), (vec![(0, 1), (1, 1)], 2));
    }

    /// The items of a key stay in order across the parts.
    items_of_a_key_in_several_parts(Preemptions(3)) {
        let config = tight().batch(3);
        let run = (0..3).fan_out().with(&config).demux_over(1, |_| (), |()| each());
        assert_eq!(run.map(|((), output)| output).collect::<Vec<_>>(), [0, 1, 2]);
    }

    /// A key function panics on one shard while the other waits for it, or calls it again.
    panic_of_a_key_that_another_shard_needs(TWO) {
        let key = |item: &u8| {
            assert!(*item == 0, "expected: key");
            *item
        };
        let mut run = two_shards!(2, 2, key, |_| count());
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            run.by_ref().for_each(drop);
        }));
        assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"expected: key"));
        assert!(run.next().is_none());
    }

    /// A shard leaves with a part that the other needs.
    panic_of_a_scan_behind_whose_key_the_other_waits(TWO) {
        let calls = Calls::new();
        let mut run = two_shards!(2, 2, calls.key(), |_| panic_at(0));
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            run.by_ref().for_each(drop);
        }));
        assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"expected: step"));
        assert!(calls.so_far() <= 2);
    }

    /// The run is dropped while keys are found: none is found afterwards.
    drop_while_keys_are_found(TWO) {
        let (calls, gone) = (Calls::new(), Arc::new(AtomicUsize::new(0)));
        let (key, left) = (calls.key(), Arc::clone(&gone));
        let key = move |item: &u8| {
            assert_eq!(left.load(SeqCst), 0, "the run is gone");
            key(item)
        };
        let mut run = two_shards!(4, 2, key, |_| each());
        assert!(run.next().is_some());
        drop(run);
        gone.store(1, SeqCst);
    }
}
