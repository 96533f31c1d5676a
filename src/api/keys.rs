//! How a shard finds the key of an item.

use std::borrow::Borrow;
use std::hash::Hash;

/// The function that returns an item's key: owned, or borrowed from the item.
pub(super) trait Keys<T> {
    /// What the map of a shard is searched for.
    type As: Hash + Eq + ?Sized;
    /// What the map keeps, and what comes with each output.
    type Key: Borrow<Self::As> + Hash + Eq;
    /// A key that is not part of its item.
    type Made;

    fn make(&self, item: &T) -> Self::Made;

    fn key<'t>(&self, made: &'t Self::Made, item: &'t T) -> &'t Self::As;

    /// Returns another one, for the map or an output.
    fn copy(key: &Self::As) -> Self::Key;
}

/// Keys that are values of their own.
pub(super) struct Owned<F>(pub(super) F);

impl<T, K, F> Keys<T> for Owned<F>
where
    F: Fn(&T) -> K,
    K: Hash + Eq + Clone,
{
    type As = K;
    type Key = K;
    type Made = K;

    #[inline]
    fn make(&self, item: &T) -> K {
        (self.0)(item)
    }

    #[inline]
    fn key<'t>(&self, made: &'t K, _: &'t T) -> &'t K {
        made
    }

    #[inline]
    fn copy(key: &K) -> K {
        key.clone()
    }
}

/// Keys that are parts of their items.
pub(super) struct Borrowed<F>(pub(super) F);

impl<T, Q, F> Keys<T> for Borrowed<F>
where
    F: Fn(&T) -> &Q,
    Q: Hash + Eq + ToOwned<Owned: Hash + Eq> + ?Sized,
{
    type As = Q;
    type Key = Q::Owned;
    type Made = ();

    #[inline]
    fn make(&self, _: &T) {}

    #[inline]
    fn key<'t>(&self, (): &'t (), item: &'t T) -> &'t Q {
        (self.0)(item)
    }

    #[inline]
    fn copy(key: &Q) -> Q::Owned {
        key.to_owned()
    }
}
