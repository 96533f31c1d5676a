//! Shards: the scans of the keys that share one thread.

use std::borrow::Borrow;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::mem;
use std::ops::ControlFlow;
use std::panic::resume_unwind;

use super::keys::Keys;
use crate::engine::{InHand, contain, contain_drop, discard, drop_each};
use crate::scan::{Emitter, Scan};
use crate::sync::{Arc, panicking};

/// One shard of the run: the scans of all keys that map to its index.
///
/// Every shard sees every item and processes those of its own keys. A key is never in two shards,
/// so everything that happens to its scan, including its end and a restart, happens on one thread
/// and in item order.
pub(super) struct Shard<T, K: Keys<T>, G, S> {
    index: usize,
    shards: usize,
    /// The functions that return an item's key and a key's scan.
    functions: InHand<Arc<(K, G)>>,
    scans: HashMap<K::Key, Begun<S>>,
    /// The scans still to be flushed, the last one first.
    flushing: Vec<(K::Key, Begun<S>)>,
    /// How many scans have started here.
    begun: u64,
}

/// A scan, and how many started before it.
struct Begun<S> {
    order: u64,
    scan: S,
}

impl<T, K: Keys<T>, G, S> Shard<T, K, G, S> {
    /// Creates the given number of shards.
    pub(super) fn split(shards: usize, keys: K, factory: G) -> Vec<Self> {
        let functions = Arc::new((keys, factory));
        let shard = |index| Self {
            index,
            shards,
            functions: InHand::new(Arc::clone(&functions)),
            scans: HashMap::new(),
            flushing: Vec::new(),
            begun: 0,
        };
        (0..shards).map(shard).collect()
    }
}

impl<T, K, G, S> Scan<T> for Shard<T, K, G, S>
where
    K: Keys<T>,
    G: Fn(&K::As) -> S,
    S: Scan<T>,
{
    type Output = (K::Key, S::Output);

    #[inline]
    fn step(&mut self, item: &T, out: &mut Emitter<'_, Self::Output>) -> ControlFlow<()> {
        let (keys, factory) = &**self.functions;
        let made = InHand::new(keys.make(item));
        let key = keys.key(&made, item);
        if shard_of(key, self.shards) != self.index {
            return ControlFlow::Continue(());
        }
        if let Some(Begun { scan, .. }) = self.scans.get_mut(key) {
            let flow = out.adapt(tagged::<T, K, _>(key), |out| scan.step(item, out));
            if flow.is_break() {
                drop(self.scans.remove(key));
            }
            return ControlFlow::Continue(());
        }
        let mut scan = factory(key);
        match contain(|| out.adapt(tagged::<T, K, _>(key), |out| scan.step(item, out))) {
            Ok(ControlFlow::Break(())) => {}
            Ok(ControlFlow::Continue(())) => {
                let scan = InHand::new(scan);
                let key = K::copy(key);
                let order = self.begun;
                self.begun += 1;
                self.scans.insert(key, Begun { order, scan: scan.take() });
            }
            Err(payload) => {
                // Of the two panics, the first is reported.
                contain_drop(scan).into_iter().for_each(discard);
                resume_unwind(payload)
            }
        }
        ControlFlow::Continue(())
    }

    fn flush(&mut self, out: &mut Emitter<'_, Self::Output>) {
        self.flushing.extend(self.scans.drain());
        self.flushing.sort_unstable_by_key(|(_, begun)| Reverse(begun.order));
        while let Some((key, begun)) = self.flushing.last_mut() {
            if out.is_closed() {
                return;
            }
            out.adapt(tagged::<T, K, _>((*key).borrow()), |out| begun.scan.flush(out));
            drop(self.flushing.pop());
        }
    }
}

/// Drops the scans one by one, so that a panic of one does not keep the others from being dropped.
/// Reports the first panic.
impl<T, K: Keys<T>, G, S> Drop for Shard<T, K, G, S> {
    fn drop(&mut self) {
        let scans = mem::take(&mut self.scans).into_iter();
        let left = scans.chain(mem::take(&mut self.flushing));
        if let Some(payload) = drop_each(left) {
            if panicking() { discard(payload) } else { resume_unwind(payload) }
        }
    }
}

/// Emits every output together with `key`.
fn tagged<T, K: Keys<T>, O>(
    key: &K::As,
) -> impl FnMut(O, &mut Emitter<'_, (K::Key, O)>) -> ControlFlow<()> + use<'_, T, K, O> {
    |output, out| {
        let output = InHand::new(output);
        let key = K::copy(key);
        out.emit((key, output.take()));
        ControlFlow::Continue(())
    }
}

/// Returns which of `shards` shards a key maps to.
///
/// Every shard computes this for every item, so it must be cheap, cheaper than the hash that the
/// shard's own map needs. Adversarial keys that all map to one shard would give that shard all the
/// work, and do no other harm.
fn shard_of(key: &(impl Hash + ?Sized), shards: usize) -> usize {
    let mut spread = Spread(0);
    key.hash(&mut spread);
    // The upper half, as a fraction of the shards.
    (((spread.finish() >> 32) * shards as u64) >> 32) as usize
}

/// A hasher that multiplies its input, word by word, into its upper bits.
struct Spread(u64);

impl Spread {
    #[inline]
    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Hasher for Spread {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.add(u64::from_le_bytes(word));
        }
    }

    #[inline]
    fn write_u8(&mut self, value: u8) {
        self.add(value.into());
    }

    #[inline]
    fn write_u32(&mut self, value: u32) {
        self.add(value.into());
    }

    #[inline]
    fn write_u64(&mut self, value: u64) {
        self.add(value);
    }

    #[inline]
    fn write_usize(&mut self, value: usize) {
        self.add(value as u64);
    }

    fn finish(&self) -> u64 {
        // Once more, so that the last word's upper bits count as well.
        let Self(state) = self;
        (state ^ (state >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts the keys that map to each shard.
    fn spread<K: Hash>(keys: impl Iterator<Item = K>, shards: usize) -> Vec<usize> {
        let mut counts = vec![0; shards];
        keys.for_each(|key| counts[shard_of(&key, shards)] += 1);
        counts
    }

    #[test]
    fn usual_keys_spread_evenly() {
        for shards in [1, 2, 3, 8] {
            let fair = 8_000 / shards;
            for counts in [
                spread(0..8_000_u64, shards),
                spread((0..8_000_u32).map(|n| n << 12), shards),
                spread((0..8_000_i64).map(|n| -n), shards),
                spread((0..8_000).map(|n| format!("user{n}")), shards),
                spread((0..8_000).map(|n| (n % 90, n / 90)), shards),
            ] {
                let even = counts.iter().all(|n| (fair * 4 / 5..=fair * 6 / 5).contains(n));
                assert!(even, "{counts:?} keys in {shards} shards");
            }
        }
    }

    #[test]
    fn few_keys_leave_no_shard_without_any() {
        for shards in [2, 3, 8] {
            let counts = spread(0..=u8::MAX, shards);
            assert!(!counts.contains(&0), "{counts:?} keys in {shards} shards");
        }
    }
}
