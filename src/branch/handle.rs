//! Items in the hands of a branch.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::rc::Rc;

use crate::engine::Batch;
use crate::sync::Arc;

/// A batch in the hands of a branch. On one thread, counting these in an `Rc` costs a tenth of
/// counting the batch itself.
pub(super) struct Lent<T>(pub(super) Arc<Batch<T>>);

impl<T> Lent<T> {
    #[inline]
    pub(super) fn items(&self) -> &[T] {
        self.0.items()
    }
}

/// One item, as a branch gets it: a pointer into the batch that all branches share. Dereferences to
/// the item.
///
/// Cloning a handle does not clone the item. A handle keeps its whole batch alive, so what is kept
/// for long is better [cloned](super::Items::cloned). It stays on its thread;
/// [`shared`](Self::shared) makes one that can leave.
///
/// # Examples
///
/// ```
/// use anabranch::prelude::*;
///
/// let words = ["a", "rose", "is", "a", "rose"].map(String::from);
/// let (repeated,) = words
///     .into_iter()
///     .fan_out()
///     .branch(|words| {
///         let mut before = None;
///         let mut repeated = 0;
///         for word in words {
///             // Compares the items, not the pointers.
///             repeated += usize::from(before.as_ref().is_some_and(|before| word < *before));
///             before = Some(word);
///         }
///         repeated
///     })
///     .join();
/// assert_eq!(repeated, 2);
/// ```
pub struct Handle<T> {
    batch: Rc<Lent<T>>,
    index: usize,
}

impl<T> Handle<T> {
    #[inline]
    pub(super) fn new(batch: &Rc<Lent<T>>, index: usize) -> Self {
        Self { batch: Rc::clone(batch), index }
    }

    /// Returns a handle that can go to other threads: with a result, or into a run inside this one.
    ///
    /// ```
    /// use anabranch::prelude::*;
    ///
    /// let lines = ["one", "three", "two"].map(String::from).into_iter();
    /// let (longest,) = lines
    ///     .fan_out()
    ///     .branch(|lines| lines.max_by_key(|line| line.len()).map(|line| line.shared()))
    ///     .join();
    /// assert_eq!(longest.as_deref().map(String::as_str), Some("three"));
    /// ```
    #[must_use]
    pub fn shared(&self) -> SharedHandle<T> {
        SharedHandle { batch: Lent(Arc::clone(&self.batch.0)), index: self.index }
    }
}

/// A [`Handle`] that can go to other threads, returned by [`Handle::shared`]. Counting these is
/// more expensive.
pub struct SharedHandle<T> {
    batch: Lent<T>,
    index: usize,
}

impl<T> Clone for Handle<T> {
    #[inline]
    fn clone(&self) -> Self {
        Self { batch: Rc::clone(&self.batch), index: self.index }
    }
}

impl<T> Clone for SharedHandle<T> {
    fn clone(&self) -> Self {
        Self { batch: Lent(Arc::clone(&self.batch.0)), index: self.index }
    }
}

/// Makes a handle behave as its item does.
macro_rules! transparent {
    ($($handle:ident)+) => {$(
        impl<T> Deref for $handle<T> {
            type Target = T;

            #[inline]
            fn deref(&self) -> &T {
                &self.batch.items()[self.index]
            }
        }

        impl<T: AsRef<U>, U: ?Sized> AsRef<U> for $handle<T> {
            fn as_ref(&self) -> &U {
                (**self).as_ref()
            }
        }

        impl<T> Borrow<T> for $handle<T> {
            fn borrow(&self) -> &T {
                self
            }
        }

        impl<T: PartialEq> PartialEq for $handle<T> {
            fn eq(&self, other: &Self) -> bool {
                **self == **other
            }
        }

        impl<T: Eq> Eq for $handle<T> {}

        impl<T: PartialOrd> PartialOrd for $handle<T> {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                (**self).partial_cmp(&**other)
            }
        }

        impl<T: Ord> Ord for $handle<T> {
            fn cmp(&self, other: &Self) -> Ordering {
                (**self).cmp(&**other)
            }
        }

        impl<T: Hash> Hash for $handle<T> {
            fn hash<H: Hasher>(&self, state: &mut H) {
                (**self).hash(state);
            }
        }

        impl<T: fmt::Debug> fmt::Debug for $handle<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }

        impl<T: fmt::Display> fmt::Display for $handle<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }
    )+};
}

transparent! { Handle SharedHandle }
