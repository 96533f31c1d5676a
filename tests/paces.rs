//! Batches are as short as the slowest scan needs them, whatever the others could take.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use anabranch::IteratorExt;
use anabranch::scan::{self, Scan};
use support::deadline;

/// Much longer than a batch may take.
const LONG: Duration = Duration::from_millis(1);

/// Asserts that a slow scan is given short batches, though fast ones are beside it and the
/// consumer takes a pause after the first output.
fn short_batches(pause: Duration) {
    deadline(move || {
        let pulled = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&pulled);
        let input = (0..200_usize).inspect(move |item| {
            count.fetch_add(1, SeqCst);
            // Until the slow scan has stepped over the first ones, the input is slow, too.
            if *item < 5 {
                thread::sleep(LONG);
            }
        });
        let slow = scan::map(move |item: &usize| {
            thread::sleep(LONG);
            pulled.load(SeqCst) - item
        });
        let fast = || scan::filter(|_: &usize| false).boxed();
        let input = input.fan_out().input_capacity(1).output_capacity(1);
        let mut run = input.distribute([fast(), slow.boxed(), fast()]);
        assert!(run.next().is_some());
        thread::sleep(pause);
        // One item in its hands, one in its channel, one that is being sent.
        let most = run.map(|(_, ahead)| ahead).max();
        assert!(most.is_some_and(|most| most <= 3), "{most:?} items were on their way");
    });
}

#[test]
fn a_slow_scan_is_given_short_batches_beside_fast_ones() {
    short_batches(Duration::ZERO);
}

#[test]
fn so_it_is_when_it_has_waited_for_the_consumer() {
    short_batches(Duration::from_millis(500));
}
