//! Batches are as short as the slowest scan needs them, whatever the others could take.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use anabranch::scan::{self, BoxScan, Scan};
use anabranch::{IteratorExt, ScanId};
use support::deadline;

/// Much longer than a batch may take.
const LONG: Duration = Duration::from_millis(1);

/// Two hundred items, and a slow scan of them. It emits how many items have been pulled, from
/// the one in its hands on.
fn slow() -> (impl Iterator<Item = usize> + Send, BoxScan<'static, usize, usize>) {
    let pulled = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&pulled);
    let input = (0..200).inspect(move |item| {
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
    (input, slow.boxed())
}

/// Asserts that there are batches of one item: one in the hands of the scan, one in its
/// channel, one that is being sent.
#[track_caller]
fn assert_short(run: impl Iterator<Item = (ScanId, usize)>) {
    let most = run.map(|(_, pulled)| pulled).max();
    assert!(most.is_some_and(|most| most <= 3), "{most:?} items were on their way");
}

#[test]
fn a_slow_scan_is_given_short_batches_beside_fast_ones() {
    deadline(|| {
        let (input, slow) = slow();
        let fast = || scan::filter(|_: &usize| false).boxed();
        assert_short(input.fan_out().input_capacity(1).distribute([fast(), slow, fast()]));
    });
}

#[test]
fn so_it_is_when_it_has_waited_for_the_consumer() {
    deadline(|| {
        let (input, slow) = slow();
        let input = input.fan_out().input_capacity(1).output_capacity(1).read_ahead();
        let mut run = input.distribute([slow]);
        assert!(run.next().is_some());
        thread::sleep(Duration::from_millis(500));
        assert_short(run);
    });
}
