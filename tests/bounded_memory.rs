//! The memory that a run takes is bounded, though the bulk of its values is on the heap,
//! where no type tells of it: no batch holds more than was worth a short time's work.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::iter;
use std::mem;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use anabranch::IteratorExt;
use anabranch::scan::{self, BoxScan, Emitter, Scan};
use support::deadline;

/// The most megabytes that may be alive at once in a run with the default settings.
const BOUND: usize = 64;

/// Makes blocks of a megabyte, and counts how many are alive and the most there were.
#[derive(Clone, Default)]
struct Store(Arc<(AtomicUsize, AtomicUsize)>);

impl Store {
    fn block(&self) -> Block {
        let alive = self.0.0.fetch_add(1, SeqCst) + 1;
        self.0.1.fetch_max(alive, SeqCst);
        // Written to, and so resident.
        Block { bytes: vec![1; 1 << 20].into(), store: self.clone() }
    }

    fn alive(&self) -> usize {
        self.0.0.load(SeqCst)
    }

    fn most(&self) -> usize {
        self.0.1.load(SeqCst)
    }

    /// Whether the bound has been passed. Then there is no point in making more, and the
    /// machine may be small.
    fn is_over(&self) -> bool {
        self.most() >= BOUND
    }

    #[track_caller]
    fn assert_bounded(&self) {
        assert!(self.most() > 0);
        assert!(!self.is_over(), "{} MB were alive at once", self.most());
        assert_eq!(self.alive(), 0, "blocks were leaked");
    }
}

/// A megabyte on the heap.
struct Block {
    bytes: Box<[u8]>,
    store: Store,
}

impl Drop for Block {
    fn drop(&mut self) {
        self.store.0.0.fetch_sub(1, SeqCst);
    }
}

/// As many blocks as are wanted.
fn blocks(store: &Store) -> impl Iterator<Item = Block> + Send + use<> {
    let store = store.clone();
    iter::from_fn(move || (!store.is_over()).then(|| store.block()))
}

/// Takes 20 milliseconds for an item.
fn slow() -> BoxScan<'static, Block, usize> {
    let step = |block: &Block| {
        thread::sleep(Duration::from_millis(20));
        block.bytes.len()
    };
    scan::map(step).boxed()
}

mod items {
    use super::*;

    /// Takes so many outputs of a run over blocks, then drops it.
    fn take(count: usize, run: impl Iterator) {
        run.take(count).for_each(drop);
    }

    #[test]
    fn that_are_read_ahead_are_not_heaped_up_before_a_slow_scan() {
        deadline(|| {
            let store = Store::default();
            take(75, blocks(&store).fan_out().read_ahead().distribute([slow()]));
            store.assert_bounded();
        });
    }

    #[test]
    fn that_are_read_ahead_are_not_heaped_up_before_the_slower_of_two() {
        deadline(|| {
            let store = Store::default();
            let fast = scan::filter_map(|_: &Block| None).boxed();
            take(75, blocks(&store).fan_out().read_ahead().distribute([fast, slow()]));
            store.assert_bounded();
        });
    }

    #[test]
    fn that_are_read_ahead_are_not_heaped_up_before_a_scan_that_turns_slow() {
        deadline(|| {
            let store = Store::default();
            let mut nth = 0;
            let turns_slow = scan::map(move |_: &Block| {
                nth += 1;
                if nth > 200 {
                    thread::sleep(Duration::from_millis(20));
                }
            });
            take(250, blocks(&store).fan_out().read_ahead().distribute([turns_slow]));
            store.assert_bounded();
        });
    }

    #[test]
    fn that_are_read_ahead_are_not_heaped_up_before_a_slow_consumer() {
        deadline(|| {
            let store = Store::default();
            let lengths = scan::map(|block: &Block| block.bytes.len());
            let slow = |_| thread::sleep(Duration::from_millis(20));
            let run = blocks(&store).fan_out().read_ahead().distribute([lengths]);
            take(75, run.map(slow));
            store.assert_bounded();
        });
    }

    #[test]
    fn are_not_heaped_up_before_a_slow_scan() {
        deadline(|| {
            let store = Store::default();
            take(75, blocks(&store).par_distribute([slow()]));
            store.assert_bounded();
        });
    }
}

mod outputs {
    use super::*;

    /// Emits so many blocks in one step, or at the flush.
    struct Many {
        store: Store,
        count: usize,
        at_flush: bool,
    }

    impl Many {
        fn emit(&self, out: &mut Emitter<'_, Block>) {
            for _ in 0..self.count {
                if out.is_closed() || self.store.is_over() {
                    return;
                }
                out.emit(self.store.block());
            }
        }
    }

    impl Scan<u64> for Many {
        type Output = Block;
        fn step(&mut self, _: &u64, out: &mut Emitter<'_, Block>) -> ControlFlow<()> {
            if !self.at_flush {
                self.emit(out);
            }
            ControlFlow::Continue(())
        }
        fn flush(&mut self, out: &mut Emitter<'_, Block>) {
            if self.at_flush {
                self.emit(out);
            }
        }
    }

    /// Has one item make a scan emit `count` blocks, at the item and at the flush, and
    /// consumes them, a millisecond for each.
    #[track_caller]
    fn are_bounded(count: usize, run: impl Fn(Many) -> usize + Clone + Send + 'static) {
        for at_flush in [false, true] {
            let run = run.clone();
            deadline(move || {
                let store = Store::default();
                let given = run(Many { store: store.clone(), count, at_flush });
                store.assert_bounded();
                assert_eq!(given, count);
            });
        }
    }

    /// How many there are, when each takes the consumer a millisecond.
    fn consumed(outputs: impl Iterator) -> usize {
        outputs.inspect(|_| thread::sleep(Duration::from_millis(1))).count()
    }

    #[test]
    fn of_one_call_are_published_as_it_goes() {
        are_bounded(1_000, |scan| consumed((0..1).par_distribute([scan])));
    }

    #[test]
    fn of_one_call_are_published_as_it_goes_in_an_ordered_run() {
        are_bounded(200, |scan| consumed((0..1).fan_out().ordered([scan])));
    }

    #[test]
    fn of_one_call_are_published_as_it_goes_by_the_scan_of_a_key() {
        are_bounded(200, |scan| {
            let scan = Mutex::new(Some(scan));
            consumed((0..1).par_demux(|_| 0, move |_| mem::take(&mut *scan.lock().unwrap())))
        });
    }

    #[test]
    fn of_one_call_are_published_as_it_goes_by_a_scan_in_adaptors() {
        are_bounded(200, |scan| {
            let scan = scan.named("many").map(Some).filter(Option::is_some).catch_unwind();
            consumed((0..1).par_distribute([scan.take(1_000).boxed()]))
        });
    }

    #[test]
    fn of_one_call_are_left_but_for_the_last_one_by_a_fold() {
        are_bounded(200, |scan| {
            let (last,) = (0..1).par_fold((scan.last(),));
            if last.is_some() { 200 } else { 0 }
        });
    }
}
