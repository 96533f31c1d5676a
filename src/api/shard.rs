//! Shards: the scans of the keys that share one thread.

use std::borrow::Borrow;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::mem;
use std::ops::{ControlFlow, Range};
use std::panic::resume_unwind;

use super::keys::Keys;
use super::routes::{Mine, Route, Routes};
use crate::engine::{
    Branch, InHand, Inlet, Outlet, Payload, contain, contain_drop, discard, drop_each,
};
use crate::scan::{Drive, Emitter, Scan, drive_to_the_end};
use crate::sync::{Arc, panicking};

/// One shard of the run: the scans of all keys that map to its index.
///
/// Every shard gets every batch and processes the items of its own keys. A key is never in two
/// shards, so everything that happens to its scan, including its end and a restart, happens on one
/// thread and in item order.
pub(super) struct Shard<T, K: Keys<T>, G, S> {
    index: usize,
    shards: usize,
    /// The functions that return an item's key and a key's scan.
    functions: InHand<Arc<(K, G)>>,
    routes: Arc<Routes<K::Sent>>,
    /// How many batches have come.
    batches: u64,
    /// The route of the last one.
    route: Option<Arc<Route<K::Sent>>>,
    /// The part of it that is in hand.
    part: Option<Part<K::Sent>>,
    scans: HashMap<K::Key, Begun<S>>,
    /// The scans still to be flushed, the last one first.
    flushing: Vec<(K::Key, Begun<S>)>,
    /// How many scans have started here.
    begun: u64,
}

/// The items of a shard in a part of a batch.
struct Part<S> {
    /// Where the part begins in its batch, and where the next one does.
    place: Range<usize>,
    mine: Mine<S>,
    /// How many of these the shard has stepped over.
    done: usize,
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
        let routes = Arc::new(Routes::new(shards));
        let shard = |index| Self {
            index,
            shards,
            functions: InHand::new(Arc::clone(&functions)),
            routes: Arc::clone(&routes),
            batches: 0,
            route: None,
            part: None,
            scans: HashMap::new(),
            flushing: Vec::new(),
            begun: 0,
        };
        (0..shards).map(shard).collect()
    }
}

impl<T, K, G, S> Branch<T> for Shard<T, K, G, S>
where
    K: Keys<T>,
    G: Fn(&K::As) -> S,
    S: Scan<T>,
{
    type Output = (K::Key, S::Output);

    fn name(&self) -> Option<&str> {
        None
    }

    fn run(self, inlet: Inlet<T>, outlet: Outlet<Self::Output>) -> Option<Payload> {
        drive_to_the_end(self, inlet, outlet)
    }
}

impl<T, K, G, S> Drive<T> for Shard<T, K, G, S>
where
    K: Keys<T>,
    G: Fn(&K::As) -> S,
    S: Scan<T>,
{
    type Output = (K::Key, S::Output);

    fn step_piece(
        &mut self,
        items: &[T],
        piece: Range<usize>,
        out: &mut Emitter<'_, Self::Output>,
    ) -> ControlFlow<()> {
        let route = match self.route.take() {
            Some(route) if piece.start > 0 => route,
            _ => {
                self.batches += 1;
                self.routes.take(self.batches - 1, items.len())
            }
        };
        let mut at = piece.start;
        while at < piece.end {
            let mut part = match self.part.take() {
                Some(part) => part,
                None => self.find((&route, items), at, out)?,
            };
            while let Some((place, sent)) = part.mine.items.get(part.done) {
                let place = part.place.start + usize::from(*place);
                if place >= piece.end {
                    break;
                }
                if out.is_closed() {
                    return ControlFlow::Break(());
                }
                part.done += 1;
                self.step(&items[place], sent, out);
            }
            at = part.place.end;
            if at <= piece.end {
                self.routes.give_back(part.mine);
            } else {
                self.part = Some(part);
            }
        }
        self.route = Some(route);
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

impl<T, K, G, S> Shard<T, K, G, S>
where
    K: Keys<T>,
    G: Fn(&K::As) -> S,
    S: Scan<T>,
{
    /// Takes the part that begins at `at`.
    fn find(
        &self,
        (route, items): (&Route<K::Sent>, &[T]),
        at: usize,
        out: &Emitter<'_, Out<T, K, S>>,
    ) -> ControlFlow<(), Part<K::Sent>> {
        let (keys, _) = &**self.functions;
        let find = |item: &T| {
            if out.is_closed() {
                return None;
            }
            let sent = InHand::new(keys.send(item));
            let shard = shard_of(keys.key(&sent, item), self.shards);
            Some((shard, sent.take()))
        };
        let part = route.part_of(at);
        let mine = self.routes.part(self.index, (route, items), part, find)?;
        let place = route.start_of(part)..route.start_of(part + 1).min(items.len());
        ControlFlow::Continue(Part { place, mine, done: 0 })
    }

    /// Steps over one item with the scan of its key.
    #[inline]
    fn step(&mut self, item: &T, sent: &K::Sent, out: &mut Emitter<'_, Out<T, K, S>>) {
        let (keys, factory) = &**self.functions;
        let key = keys.key(sent, item);
        if let Some(Begun { scan, .. }) = self.scans.get_mut(key) {
            let flow = out.adapt(tagged::<T, K, _>(key), |out| scan.step(item, out));
            if flow.is_break() {
                drop(self.scans.remove(key));
            }
            return;
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
    }
}

/// An output with its key.
type Out<T, K, S> = (<K as Keys<T>>::Key, <S as Scan<T>>::Output);

/// Drops what is left one by one, so that a panic of one drop does not keep the rest from being
/// dropped. Reports the first panic.
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
/// This must be cheaper than the hash that the shard's map needs. Adversarial keys that all map to
/// one shard would give that shard all the work, and do no other harm.
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
