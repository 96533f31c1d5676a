//! What a type does not tell of the size of its values, the user may: batches of adaptive
//! length are then no longer than a mebibyte by that measure.

mod support;

use std::ops::Range;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use anabranch::scan::{self, Scan};
use anabranch::{FanOut, IteratorExt};
use support::config::{Config, With as _};
use support::deadline;

const ITEMS: usize = 200_000;
/// Sixteen make a mebibyte.
const BYTES: usize = 64 << 10;
/// Batches that may be alive per scan at the default capacities.
const BATCHES: usize = 8 + 2;

/// How many of its values are alive, and the most there were.
#[derive(Clone, Default)]
struct Census(Arc<(AtomicUsize, AtomicUsize)>);

/// One that is counted.
struct Value(Census);

impl Census {
    fn value(&self) -> Value {
        let alive = self.0.0.fetch_add(1, SeqCst) + 1;
        self.0.1.fetch_max(alive, SeqCst);
        Value(self.clone())
    }

    fn most(&self) -> usize {
        self.0.1.load(SeqCst)
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.0.0.0.fetch_sub(1, SeqCst);
    }
}

#[test]
fn batches_of_heavy_items_are_short() {
    deadline(|| {
        let most = |config: &Config| {
            let census = Census::default();
            let values = (0..ITEMS).map(|_| census.value());
            let mut counts = values.fan_out().with(config).distribute([scan::count()]);
            assert_eq!(counts.next().map(|(_, count)| count), Some(ITEMS));
            census.most()
        };
        let heavy = most(&Config::new().item_bytes(BYTES));
        assert!(heavy <= BATCHES * 16 + 1, "{heavy} were alive");
        // A batch is no shorter than one item.
        let heavier = most(&Config::new().item_bytes(1 << 30));
        assert!(heavier <= BATCHES + 1, "{heavier} were alive");
        // The batches that are ruled out.
        let light = most(&Config::new());
        assert!(light > 1_000, "only {light} were alive: this shows nothing");
    });
}

#[test]
fn batches_of_heavy_outputs_are_short() {
    deadline(|| {
        let most = |config: &Config| {
            let census = Census::default();
            let made = census.clone();
            let scan = scan::map(move |_: &usize| made.value());
            let run = (0..ITEMS).fan_out().with(config).distribute([scan]);
            assert_eq!(run.count(), ITEMS);
            census.most()
        };
        // The consumer has one batch besides.
        let heavy = most(&Config::new().output_bytes(BYTES));
        assert!(heavy <= (BATCHES + 1) * 16, "{heavy} were alive");
        let light = most(&Config::new());
        assert!(light > 1_000, "only {light} were alive: this shows nothing");
    });
}

#[test]
fn a_weight_below_the_size_of_the_type_and_one_beside_a_fixed_length_have_no_effect() {
    let run = |config: &Config| {
        let batches = scan::map(|x: &[u64; 100]| x[0]).boxed();
        (0..1_000).map(|n| [n; 100]).fan_out().with(config).distribute([batches]).count()
    };
    assert_eq!(run(&Config::new().item_bytes(1).output_bytes(1)), 1_000);
    assert_eq!(run(&Config::new().batch(10).item_bytes(1 << 30)), 1_000);
}

#[test]
fn a_weight_out_of_range_is_refused() {
    type Setter = fn(FanOut<Range<i32>>, usize) -> FanOut<Range<i32>>;
    let setters: [(&str, Setter); 2] =
        [("item_bytes", FanOut::item_bytes), ("output_bytes", FanOut::output_bytes)];
    for (setting, set) in setters {
        let refused = |bytes| {
            let refused = catch_unwind(|| drop(set((0..1).fan_out(), bytes)));
            *refused.expect_err("a panic").downcast::<String>().expect("a message")
        };
        assert_eq!(refused(0), format!("`{setting}` must be at least 1, and is 0"));
        let most = 1 << 30;
        let expected = format!("`{setting}` must be at most {most}, and is {}", most + 1);
        assert_eq!(refused(most + 1), expected);
        drop(set((0..1).fan_out(), most));
    }
}
