//! Items that hold what their input waits for: whoever needs an item no longer gives it back at
//! once, whatever it does next.

mod support;

use std::io::Read;
use std::ops::ControlFlow;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anabranch::prelude::*;
use support::deadline;

/// How many more items there may be.
#[derive(Clone)]
struct Permits(Arc<(Mutex<usize>, Condvar)>);

/// An item, which counts until it is dropped.
struct Held {
    byte: [u8; 1],
    permits: Permits,
}

impl Permits {
    fn new(permits: usize) -> Self {
        Self(Arc::new((Mutex::new(permits), Condvar::new())))
    }

    /// Waits for a permit.
    fn item(&self, byte: u8) -> Held {
        let (permits, returned) = &*self.0;
        let permits = permits.lock().unwrap_or_else(PoisonError::into_inner);
        let permits = returned.wait_while(permits, |permits| *permits == 0);
        *permits.unwrap_or_else(PoisonError::into_inner) -= 1;
        Held { byte: [byte], permits: self.clone() }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let (permits, returned) = &*self.permits.0;
        *permits.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        returned.notify_one();
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.byte
    }
}

const ITEMS: u8 = 100;

/// Has `run` go over items of which so many may be at once, with such inputs.
fn each(run: impl Fn(usize, Permits) + Clone + Send + 'static) {
    for permits in [1, 2, 8] {
        for capacity in [1, 2, 8] {
            let run = run.clone();
            deadline(move || run(capacity, Permits::new(permits)));
        }
    }
}

fn slowly() {
    thread::sleep(Duration::from_millis(3));
}

#[test]
fn a_branch_that_leaves_gives_its_queue_back() {
    each(|capacity, permits| {
        let items = (0..ITEMS).map(move |n| permits.item(n));
        let run = items.fan_out().batch(1).input_capacity(capacity);
        let results = run
            .branch(|items| {
                slowly();
                drop(items);
                slowly();
            })
            .branch(|mut items| {
                let first = items.next().map(|item| item.byte);
                slowly();
                first
            })
            .branch(|items| items.count())
            .join();
        assert_eq!(results, ((), Some([0]), usize::from(ITEMS)));
    });
}

#[test]
fn a_branch_that_leaves_gives_its_queue_back_to_an_input_that_is_read_ahead() {
    each(|capacity, permits| {
        let items = (0..ITEMS).map(move |n| permits.item(n));
        let run = items.fan_out().batch(1).input_capacity(capacity).read_ahead();
        let results = run
            .branch(|items| {
                slowly();
                drop(items);
                slowly();
            })
            .branch(|mut items| items.next().map(|item| item.byte))
            .branch(|items| items.count())
            .join();
        assert_eq!(results, ((), Some([0]), usize::from(ITEMS)));
    });
}

#[test]
fn a_scan_that_ends_gives_its_queue_back() {
    each(|capacity, permits| {
        let items = (0..ITEMS).map(move |n| permits.item(n));
        let run = items.fan_out().batch(1).input_capacity(capacity);
        let ends = scan::from_fn(|_: &Held, _: &mut Emitter<'_, usize>| {
            slowly();
            ControlFlow::Break(())
        });
        let outputs = run.distribute((ends, scan::count()));
        assert!(outputs.map(|(_, count)| count).eq([usize::from(ITEMS)]));
    });
}

#[test]
fn a_reader_holds_nothing_while_it_waits() {
    each(|capacity, permits| {
        let items = (0..ITEMS).map(move |n| permits.item(n));
        let run = items.fan_out().batch(1).input_capacity(capacity);
        let (bytes,) = run
            .branch(|items| {
                let mut bytes = Vec::new();
                items.reader().read_to_end(&mut bytes).map(|_| bytes)
            })
            .join();
        assert!(bytes.is_ok_and(|bytes| bytes.into_iter().eq(0..ITEMS)));
    });
}
