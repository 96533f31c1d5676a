//! What the models share: how one is checked, and the runs that they check.

#[cfg(not(any(loom, shuttle)))]
compile_error!("the models run under a checker: `cargo loom` or `cargo shuttle`");

#[cfg(loom)]
mod exhaustive;
#[cfg(loom)]
pub use exhaustive::check;

#[cfg(shuttle)]
mod random;
#[cfg(shuttle)]
pub use random::check;

#[path = "../../tests/support/config.rs"]
pub mod config;
pub mod runs;

use std::panic;
use std::sync::Once;

/// How far a model's schedules are explored under loom.
#[derive(Clone, Copy, Debug)]
pub enum Bound {
    /// Every schedule there is.
    Unbounded,
    /// Every schedule with at most this many preemptions, and with as many more
    /// as `ANABRANCH_DEEPER` says.
    Preemptions(usize),
}

/// Declares models: functions that are tests, each checked within its bound.
#[macro_export]
macro_rules! models {
    ($($(#[$meta:meta])* $name:ident($bound:expr) $body:block)+) => {$(
        $(#[$meta])*
        #[test]
        fn $name() {
            $crate::check(concat!(module_path!(), "::", stringify!($name)), $bound, || {
                $crate::undisturbed();
                $body
            });
        }
    )+};
}

/// Has time stand still and threads be there, as long as the model says nothing else.
pub fn undisturbed() {
    anabranch::tick_clock(std::time::Duration::ZERO);
    anabranch::allow_threads(usize::MAX);
}

/// What a run says that has no threads begins with this.
pub const NO_THREADS: &str = "a run that needs";

/// Keeps the panics that models raise on purpose, whose payloads are `expected`
/// something, or who have no threads, from the output.
fn hush() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let show = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let payload = info.payload();
            let owned = payload.downcast_ref::<String>().map(String::as_str);
            let payload = payload.downcast_ref::<&str>().copied().or(owned);
            let on_purpose = ["expected", NO_THREADS];
            if !payload.is_some_and(|text| on_purpose.iter().any(|say| text.starts_with(say))) {
                show(info);
            }
        }));
    });
}
