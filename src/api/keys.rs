//! How a run finds the key of an item.

use std::borrow::Borrow;
use std::hash::Hash;

/// The function that returns an item's key: owned, or borrowed from the item.
///
/// The key is found on the shard that comes to the item first, and needed on the shard whose key it
/// is.
pub(super) trait Keys<T> {
    /// What the map of a shard is searched for.
    type As: Hash + Eq + ?Sized;
    /// What the map keeps, and what comes with each output.
    type Key: Borrow<Self::As> + Hash + Eq;
    /// What goes from the one shard to the other.
    type Sent;

    fn send(&self, item: &T) -> Self::Sent;

    /// Returns the key that was sent with an item.
    fn key<'t>(&self, sent: &'t Self::Sent, item: &'t T) -> &'t Self::As;

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
    type Sent = K;

    #[inline]
    fn send(&self, item: &T) -> K {
        (self.0)(item)
    }

    #[inline]
    fn key<'t>(&self, sent: &'t K, _: &'t T) -> &'t K {
        sent
    }

    #[inline]
    fn copy(key: &K) -> K {
        key.clone()
    }
}

/// Keys that are parts of their items. The other shard looks again, as a reference into an item
/// cannot be sent beside it.
pub(super) struct Borrowed<F>(pub(super) F);

impl<T, Q, F> Keys<T> for Borrowed<F>
where
    F: Fn(&T) -> &Q,
    Q: Hash + Eq + ToOwned<Owned: Hash + Eq> + ?Sized,
{
    type As = Q;
    type Key = Q::Owned;
    type Sent = ();

    fn send(&self, _: &T) {}

    #[inline]
    fn key<'t>(&self, (): &'t (), item: &'t T) -> &'t Q {
        (self.0)(item)
    }

    #[inline]
    fn copy(key: &Q) -> Q::Owned {
        key.to_owned()
    }
}
