//! Containing panics of user code.

use std::any::Any;
use std::mem;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::sync::panicking;

/// The payload of a panic.
pub(crate) type Payload = Box<dyn Any + Send>;

/// Runs `f` and catches its panic.
///
/// Unwind safety is asserted here, once: whatever `f` left in an inconsistent state is only ever
/// dropped afterwards.
pub(crate) fn contain<R>(f: impl FnOnce() -> R) -> Result<R, Payload> {
    catch_unwind(AssertUnwindSafe(f))
}

/// Drops all of `values`, even if some drops panic, and returns the first payload.
pub(crate) fn drop_each<T>(values: impl IntoIterator<Item = T>) -> Option<Payload> {
    let mut values = values.into_iter();
    if !mem::needs_drop::<T>() {
        return None;
    }
    let mut first = None;
    while let Err(payload) = contain(|| values.by_ref().for_each(drop)) {
        keep_first(&mut first, payload);
    }
    first
}

/// Drops one value, and returns the payload if the drop panics.
pub(crate) fn contain_drop<T>(value: T) -> Option<Payload> {
    if mem::needs_drop::<T>() { contain(|| drop(value)).err() } else { None }
}

/// A value held while user code runs. If that code panics, the value is dropped during unwinding. A
/// panic of this drop is contained, since it would abort the process.
pub(crate) struct InHand<V>(Option<V>);

impl<V> InHand<V> {
    pub(crate) fn new(value: V) -> Self {
        Self(Some(value))
    }

    /// Returns the value.
    pub(crate) fn take(mut self) -> V {
        self.0.take().expect("a value stays in hand until it is taken")
    }
}

impl<V> Deref for InHand<V> {
    type Target = V;

    fn deref(&self) -> &V {
        self.0.as_ref().expect("a value stays in hand until it is taken")
    }
}

impl<V> Drop for InHand<V> {
    fn drop(&mut self) {
        if mem::needs_drop::<V>() && panicking() {
            contain_drop(self.0.take()).into_iter().for_each(discard);
        }
    }
}

/// Keeps `payload` if it is the first.
pub(crate) fn keep_first(first: &mut Option<Payload>, payload: Payload) {
    if first.is_none() {
        *first = Some(payload);
    } else {
        discard(payload);
    }
}

/// Drops a payload that nobody will see. If its drop panics too, the payload of that panic is
/// leaked.
pub(crate) fn discard(payload: Payload) {
    if let Err(payload) = contain(|| drop(payload)) {
        mem::forget(payload);
    }
}
