//! Calls of user code, with its panics contained.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a panic carries.
pub(crate) type Payload = Box<dyn Any + Send>;

/// Calls `body`, and returns the payload of its panic as an error.
///
/// What `body` leaves half-done is dropped by the caller, or holds outputs only.
pub(crate) fn contain<R>(body: impl FnOnce() -> R) -> Result<R, Payload> {
    catch_unwind(AssertUnwindSafe(body))
}

/// Drops a value, and contains a panic of its drop.
pub(crate) fn drop_contained<V>(value: V) {
    if let Err(payload) = contain(|| drop(value)) {
        // The payload may panic in its own drop; there is nowhere left to report that to.
        std::mem::forget(payload);
    }
}
