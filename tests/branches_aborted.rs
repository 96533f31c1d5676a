//! What a branch is handed out when its run is aborted.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use anabranch::branch::Items;
use anabranch::{Control, prelude::*};
use support::{Gate, deadline};

/// Opens a gate when it is dropped.
struct Opens(Option<Gate>);

impl Drop for Opens {
    fn drop(&mut self) {
        self.0.iter().for_each(Gate::open);
    }
}

/// Returns what a branch makes of an item, and of one more that the input gives behind an abort.
///
/// When the branch drops the first item, it has looked at the run, and is about to wait.
fn aborted_by_the_input<R: Send + 'static>(branch: fn(Items<'static, Opens>) -> R) -> R {
    deadline(move || {
        let (control, gate) = (Control::new(), Gate::default());
        let first = Opens(Some(gate.clone()));
        let aborts = control.clone();
        let second = std::iter::once_with(move || {
            gate.pass();
            aborts.abort();
            Opens(None)
        });
        let input = std::iter::once(first).chain(second);
        let run = input.fan_out().read_ahead().batch(1).control(&control);
        run.branch(branch).join().0
    })
}

#[test]
fn an_item_that_comes_behind_an_abort_is_not_handed_out() {
    assert_eq!(aborted_by_the_input(|items| items.map(|_| ()).fold(0, |n, ()| n + 1)), 1);
    assert_eq!(aborted_by_the_input(|mut items| items.by_ref().map(drop).count()), 1);
}

#[test]
fn a_slice_that_comes_behind_an_abort_is_not_lent() {
    assert_eq!(aborted_by_the_input(Iterator::count), 1);
    let slices = |mut items: Items<'static, Opens>| {
        std::iter::from_fn(|| items.next_slice().map(<[_]>::len)).sum::<usize>()
    };
    assert_eq!(aborted_by_the_input(slices), 1);
}
