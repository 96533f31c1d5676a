//! The iterator behind `par_demux`, and the scan that keeps one scan per key.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::iter::FusedIterator;
use std::mem;
use std::ops::ControlFlow;
use std::panic::resume_unwind;

use crate::config::Config;
use crate::engine::{InHand, Kept, Manager, Ready, contain, contain_drop, discard, drop_each};
use crate::error::{PanicOrigin, StartError};
use crate::input::Input;
use crate::scan::{Emitter, Scan};
use crate::sync::{Arc, panicking};
use crate::threads::ThreadSource;

/// The outputs of one scan per key; made by
/// [`par_demux`](crate::IteratorExt::par_demux).
///
/// A factory that says no to some keys, and scans that end and start afresh:
///
/// ```
/// use anabranch::{IteratorExt, scan::{self, Scan}};
///
/// // The odd numbers in pairs, by their last digit.
/// let pairs = (0..40).par_demux(
///     |x| x % 10,
///     |digit| (digit % 2 == 1).then(|| scan::take(2).then(scan::collect::<_, Vec<i32>>())),
/// );
/// let mut pairs: Vec<_> = pairs.filter(|(digit, _)| *digit == 3).collect();
/// assert_eq!(pairs, [(3, vec![3, 13]), (3, vec![23, 33])]);
/// ```
#[must_use = "a run is driven by its consumer: without calls of `next` it stands still"]
pub struct ParDemux<I: Input, K, O> {
    manager: Manager<I::Feeder, (K, O)>,
}

impl<I: Input, K, O> ParDemux<I, K, O> {
    pub(crate) fn start<'a, F, G, S>(
        threads: impl ThreadSource<'a>,
        config: &Config,
        input: I,
        key: F,
        factory: G,
    ) -> Result<Self, StartError<I, (F, G)>>
    where
        I::Item: Send + Sync + 'a,
        F: Fn(&I::Item) -> K + Send + Sync + 'a,
        G: Fn(&K) -> S + Send + Sync + 'a,
        K: Hash + Eq + Clone + Send + 'a,
        S: Scan<I::Item, Output = O> + Send + 'a,
        O: Send + 'a,
    {
        let ready = config.shard_count().map_err(Into::into).and_then(|shards| {
            Ok((Ready::new::<I::Item, (K, O)>(threads, config, shards)?, shards))
        });
        let (ready, shards) = match ready {
            Ok(ready) => ready,
            Err(kind) => return Err(StartError::new(kind, input, (key, factory))),
        };
        let functions = Arc::new((key, factory));
        let shard = |index| Shard {
            index,
            shards,
            functions: Arc::clone(&functions),
            scans: HashMap::new(),
            flushing: Vec::new(),
            begun: 0,
        };
        let shards = (0..shards).map(shard).collect();
        Ok(Self { manager: ready.start(input, shards, Kept::Every) })
    }

    /// Where the panic came from that ended the run, once there was one. The
    /// number of a scan is that of the shard in which its key was.
    #[must_use]
    pub fn panicked(&self) -> Option<PanicOrigin> {
        self.manager.panicked().copied()
    }
}

impl<I: Input, K, O> Iterator for ParDemux<I, K, O> {
    type Item = (K, O);

    /// Gives the next output of any key's scan, with the key.
    ///
    /// # Blocking
    ///
    /// Blocks while no scan has emitted anything, inside the input's `next` or
    /// until a scan thread has something to say.
    ///
    /// # Panics
    ///
    /// Resumes a panic of a scan or of the two functions, of the input, or of the
    /// drop of an item, with the original payload, once all scan threads have
    /// left and everything that was emitted has been delivered.
    #[inline]
    fn next(&mut self) -> Option<(K, O)> {
        self.manager.next().map(|(_, output)| output)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.manager.size_hint()
    }
}

impl<I: Input, K, O> FusedIterator for ParDemux<I, K, O> {}

impl<I: Input, K, O> fmt::Debug for ParDemux<I, K, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParDemux").field("manager", &self.manager).finish_non_exhaustive()
    }
}

/// One of the scans of the run: the scans of all keys that fall to its index.
///
/// Every shard sees every item and steps over those of its own keys. A key is
/// never in two shards, so whatever becomes of its scan, its end and its fresh
/// start included, happens on one thread and in item order.
struct Shard<K, F, G, S> {
    index: usize,
    shards: usize,
    /// What gives an item's key, and a key's scan.
    functions: Arc<(F, G)>,
    scans: HashMap<K, Begun<S>>,
    /// Those whose flush is still to come, the last one first.
    flushing: Vec<(K, Begun<S>)>,
    /// How many scans have begun here.
    begun: u64,
}

/// A scan, and how many had begun before it.
struct Begun<S> {
    order: u64,
    scan: S,
}

impl<T, K, F, G, S> Scan<T> for Shard<K, F, G, S>
where
    F: Fn(&T) -> K,
    G: Fn(&K) -> S,
    K: Hash + Eq + Clone,
    S: Scan<T>,
{
    type Output = (K, S::Output);

    #[inline]
    fn step(&mut self, item: &T, out: &mut Emitter<'_, Self::Output>) -> ControlFlow<()> {
        let (key_of, factory) = &*self.functions;
        let key = InHand::new(key_of(item));
        if shard_of(&*key, self.shards) != self.index {
            return ControlFlow::Continue(());
        }
        if let Some(Begun { scan, .. }) = self.scans.get_mut(&key) {
            let flow = out.adapt(tagged(&*key), |out| scan.step(item, out));
            if flow.is_break() {
                drop(self.scans.remove(&key));
            }
            return ControlFlow::Continue(());
        }
        let mut scan = factory(&key);
        match contain(|| out.adapt(tagged(&*key), |out| scan.step(item, out))) {
            Ok(ControlFlow::Break(())) => {}
            Ok(ControlFlow::Continue(())) => {
                let order = self.begun;
                self.begun += 1;
                self.scans.insert(key.take(), Begun { order, scan });
            }
            Err(payload) => {
                // Of the two panics the first is told.
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
            out.adapt(tagged(key), |out| begun.scan.flush(out));
            drop(self.flushing.pop());
        }
    }
}

/// Drops the scans one by one: the panic of one keeps no other from being dropped. The first
/// is told.
impl<K, F, G, S> Drop for Shard<K, F, G, S> {
    fn drop(&mut self) {
        let scans = mem::take(&mut self.scans).into_iter();
        let left = scans.chain(mem::take(&mut self.flushing));
        if let Some(payload) = drop_each(left) {
            if panicking() { discard(payload) } else { resume_unwind(payload) }
        }
    }
}

/// Emits every output together with `key`.
fn tagged<K: Clone, O>(
    key: &K,
) -> impl FnMut(O, &mut Emitter<'_, (K, O)>) -> ControlFlow<()> + use<'_, K, O> {
    |output, out| {
        out.emit((key.clone(), output));
        ControlFlow::Continue(())
    }
}

/// Which of `shards` shards a key falls to.
///
/// Every shard asks this of every item, so it has to be cheap, and cheaper than
/// the hash that the shard's own map needs. If somebody made up keys that all fall
/// to one shard, that shard would have all the work, and no more.
fn shard_of(key: &impl Hash, shards: usize) -> usize {
    let mut spread = Spread(0);
    key.hash(&mut spread);
    // The upper half, as a fraction of the shards.
    (((spread.finish() >> 32) * shards as u64) >> 32) as usize
}

/// Multiplies what it is given, word by word, into its upper bits.
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

    /// How many of the keys fall to each shard.
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
}
