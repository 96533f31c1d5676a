//! Runs over an input that fills its items again: only when no scan has them, with two scans,
//! read ahead, with errors and panics.

use std::sync::Arc;
use std::sync::atomic::{
    AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};

use anabranch::PanicOrigin;
use anabranch::refill::{self, FromFn, Refill};
use anabranch::scan::{self, BoxScan, Scan};
use anabranch_models::Bound::Preemptions;
use anabranch_models::config::With as _;
use anabranch_models::runs::{Item, count, outputs, tally, tight, until_panic};
use anabranch_models::{Bound, models};
use checker::sync::atomic::AtomicUsize as Users;
#[cfg(loom)]
use loom as checker;
#[cfg(shuttle)]
use shuttle as checker;

/// One scan.
const ONE: Bound = Preemptions(3);
/// Two scans, or a thread for the input.
const MORE: Bound = Preemptions(1);

/// Says whether a scan has it while it is filled.
struct Row {
    number: u8,
    users: Users,
}

/// So many rows, made as they are needed.
fn rows(count: u8) -> Refill<FromFn<Row, bool, impl FnMut() -> Row, impl FnMut(&mut Row) -> bool>> {
    let mut numbers = 0..count;
    let make = || Row { number: 0, users: Users::new(0) };
    refill::from_fn(make, move |row: &mut Row| {
        assert_eq!(row.users.load(SeqCst), 0);
        numbers.next().map(|number| row.number = number).is_some()
    })
}

/// Emits the numbers.
fn numbers() -> BoxScan<'static, Row, u8> {
    let scan = scan::map(|row: &Row| {
        row.users.fetch_add(1, SeqCst);
        let number = row.number;
        row.users.fetch_sub(1, SeqCst);
        number
    });
    scan.boxed()
}

/// Emits nothing.
fn last() -> BoxScan<'static, Row, u8> {
    scan::fold(0, |_, row: &Row| row.number).boxed()
}

models! {
    /// An item is filled again only when the scan is done with it.
    items_of_one_scan(ONE) {
        let run = rows(4).fan_out().with(&tight()).distribute([numbers()]);
        assert_eq!(outputs(run), [[0, 1, 2, 3]]);
    }

    /// Or both scans.
    items_of_two_scans(MORE) {
        let run = rows(3).fan_out().with(&tight()).distribute([last(), last()]);
        assert_eq!(outputs(run), [[2], [2]]);
    }

    /// The batches grow while they are taken.
    items_read_ahead(Preemptions(2)) {
        let config = tight().batch(2);
        let run = rows(4).fan_out().with(&config).read_ahead().distribute([numbers()]);
        assert_eq!(outputs(run), [[0, 1, 2, 3]]);
    }

    /// Two items whose drops panic are dropped when the input has ended: nothing is lost.
    panics_in_the_drops_of_old_items(ONE) {
        let drops = Arc::new(AtomicUsize::new(0));
        let made = Arc::new(AtomicUsize::new(0));
        let (counts, makes) = (Arc::clone(&drops), Arc::clone(&made));
        let make = move || {
            makes.fetch_add(1, Relaxed);
            Item { drops: Arc::clone(&counts), panics: true }
        };
        let mut left = 0..3;
        let input = refill::from_fn(make, move |_: &mut Item| left.next().is_some());
        let mut run = input.fan_out().with(&tight()).distribute([tally()]);
        until_panic::<1>(&mut run);
        assert_eq!(run.panicked(), Some(PanicOrigin::Item));
        drop(run);
        assert_eq!(drops.load(Relaxed), made.load(Relaxed));
    }

    /// The error comes behind the outputs for the items before.
    error_while_an_item_is_filled(Preemptions(4)) {
        let mut numbers = 0..2;
        let input = refill::from_fn(u8::default, move |item: &mut u8| {
            *item = numbers.next().ok_or("expected")?;
            Ok(true)
        });
        let run = input.fan_out().with(&tight()).fold([count().last()]);
        assert_eq!(run, Err("expected"));
    }
}
