//! The settings of a run, as the user set them.

use super::control::Control;
use crate::engine::Settings;
use crate::threads::ThreadKind;

const DEFAULT_CAPACITY: usize = 8;
const MAX_CAPACITY: usize = 1 << 16;
const MAX_BATCH: usize = 1 << 20;
/// The largest size of a value.
pub(super) const MAX_BYTES: usize = 1 << 30;

/// The values stored by the setters of [`FanOut`](crate::FanOut).
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) settings: Settings,
    pub(super) control: Option<Control>,
}

impl Options {
    pub(super) fn new() -> Self {
        let settings = Settings {
            input_capacity: DEFAULT_CAPACITY,
            output_capacity: DEFAULT_CAPACITY,
            batch: None,
            item_bytes: 1,
            output_bytes: 1,
            discards: false,
            threads: ThreadKind::default(),
        };
        Self { settings, control: None }
    }

    #[track_caller]
    pub(super) fn capacity(setting: &str, batches: usize) -> usize {
        checked(setting, batches, MAX_CAPACITY)
    }

    #[track_caller]
    pub(super) fn length(setting: &str, items: usize) -> usize {
        checked(setting, items, MAX_BATCH)
    }

    #[track_caller]
    pub(super) fn bytes(setting: &str, bytes: usize) -> usize {
        checked(setting, bytes, MAX_BYTES)
    }
}

/// Returns the value of a setting; panics if it is out of range.
#[track_caller]
pub(super) fn checked(setting: &str, asked: usize, max: usize) -> usize {
    assert!(asked > 0, "`{setting}` must be at least 1, and is 0");
    assert!(asked <= max, "`{setting}` must be at most {max}, and is {asked}");
    asked
}
