//! What runs are fed with.

use crate::engine::{Dispatch, Feeder, Pull};

/// What can be given to scans: any [`Iterator`], which is then pulled on the
/// consumer's thread, or a [`ReadAhead`](crate::ReadAhead), which has a thread of its own.
///
/// It is implemented for these two alone.
pub trait Input: Sized {
    /// What the scans are given.
    type Item;

    #[doc(hidden)]
    type Feeder: Feeder<Item = Self::Item>;

    /// Whether the input is pulled on a thread of its own.
    #[doc(hidden)]
    const HAS_THREAD: bool;

    #[doc(hidden)]
    fn feeder(self, dispatch: Dispatch<Self::Item>) -> Self::Feeder;
}

impl<I: Iterator> Input for I {
    type Item = I::Item;
    type Feeder = Pull<I>;

    const HAS_THREAD: bool = false;

    fn feeder(self, dispatch: Dispatch<I::Item>) -> Pull<I> {
        Pull::new(self, dispatch)
    }
}
