//! Calls of user code, with its panics contained.

use std::any::Any;
use std::mem::needs_drop;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a panic carries.
pub(crate) type Payload = Box<dyn Any + Send>;

/// Calls `body`, and returns the payload of its panic as an error.
///
/// What `body` leaves half-done is dropped by the caller, or holds outputs only.
pub(crate) fn contain<R>(body: impl FnOnce() -> R) -> Result<R, Payload> {
    catch_unwind(AssertUnwindSafe(body))
}

/// Drops a value, and returns the payload if its drop panics.
pub(crate) fn contain_drop<V>(value: V) -> Result<(), Payload> {
    if !needs_drop::<V>() {
        return Ok(());
    }
    contain(|| drop(value))
}

/// Drops each of `values`, even if some drops panic, and returns the first payload. A collection
/// that drops two such values itself would abort the process.
pub(crate) fn drop_each<V>(values: impl IntoIterator<Item = V>) -> Result<(), Payload> {
    let mut values = values.into_iter();
    let mut result = Ok(());
    if !needs_drop::<V>() {
        return result;
    }
    while let Err(payload) = contain(|| values.by_ref().for_each(drop)) {
        result = first(result, Err(payload));
    }
    result
}

/// Returns the first of two payloads.
pub(crate) fn first(one: Result<(), Payload>, other: Result<(), Payload>) -> Result<(), Payload> {
    match (one, other) {
        (Err(payload), Err(spare)) => {
            drop_contained(spare);
            Err(payload)
        }
        (one, other) => one.and(other),
    }
}

/// Drops a value of which nobody hears, and contains a panic of its drop.
pub(crate) fn drop_contained<V>(value: V) {
    if let Err(payload) = contain_drop(value) {
        // The payload may panic in its own drop; there is nowhere left to report that to.
        std::mem::forget(payload);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::{contain, drop_each};

    struct Bomb<'a>(&'a Cell<usize>, usize);

    impl Drop for Bomb<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
            if self.1 % 2 == 1 {
                std::panic::panic_any(self.1);
            }
        }
    }

    #[test]
    fn every_value_is_dropped_and_the_first_panic_returned() {
        let dropped = Cell::new(0);
        let lists: Vec<Vec<_>> =
            (0..4).map(|i| (0..i).map(|n| Bomb(&dropped, n)).collect()).collect();
        let payload = drop_each(lists.into_iter().flatten()).unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&1_usize));
        assert_eq!(dropped.get(), 6);
        assert!(contain(|| drop_each([Bomb(&dropped, 0)])).is_ok_and(|result| result.is_ok()));
    }
}
