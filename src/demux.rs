//! The iterator behind `par_demux`, and the scan that keeps one scan per key.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};
use std::iter::FusedIterator;
use std::mem;
use std::ops::ControlFlow;

use crate::config::Config;
use crate::engine::{Kept, Manager, Ready};
use crate::error::{PanicOrigin, StartError};
use crate::scan::{Emitter, Scan};
use crate::sync::{Arc, RandomState};

/// The outputs of one scan per key; made by
/// [`par_demux`](crate::IteratorExt::par_demux).
#[must_use = "a run is driven by its consumer: without calls of `next` it stands still"]
pub struct ParDemux<I: Iterator, K, O> {
    manager: Manager<I, (K, O)>,
}

impl<I: Iterator, K, O> ParDemux<I, K, O> {
    pub(crate) fn start<F, G, S>(
        config: &Config,
        input: I,
        key: F,
        factory: G,
    ) -> Result<Self, StartError<I, (F, G)>>
    where
        I::Item: Send + Sync + 'static,
        F: Fn(&I::Item) -> K + Send + Sync + 'static,
        G: Fn(&K) -> S + Send + Sync + 'static,
        K: Hash + Eq + Clone + Send + 'static,
        S: Scan<I::Item, Output = O> + Send + 'static,
        O: Send + 'static,
    {
        let ready = config
            .shard_count()
            .map_err(Into::into)
            .and_then(|shards| Ok((Ready::new::<I::Item>(config, shards)?, shards)));
        let (ready, shards) = match ready {
            Ok(ready) => ready,
            Err(kind) => return Err(StartError::new(kind, input, (key, factory))),
        };
        let functions = Arc::new((key, factory));
        let hasher = RandomState::default();
        let shard = |index| Shard {
            index,
            shards,
            functions: Arc::clone(&functions),
            hasher: hasher.clone(),
            scans: HashMap::default(),
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

impl<I: Iterator, K, O> Iterator for ParDemux<I, K, O> {
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

impl<I: Iterator, K, O> FusedIterator for ParDemux<I, K, O> {}

impl<I: Iterator, K, O> fmt::Debug for ParDemux<I, K, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParDemux").field("manager", &self.manager).finish_non_exhaustive()
    }
}

/// One of the scans of the run: the scans of all keys that hash to its index.
///
/// Every shard sees every item and steps over those of its own keys. A key is
/// never in two shards, so whatever becomes of its scan, its end and its fresh
/// start included, happens on one thread and in item order.
struct Shard<K, F, G, S> {
    index: usize,
    shards: usize,
    /// What gives an item's key, and a key's scan.
    functions: Arc<(F, G)>,
    hasher: RandomState,
    scans: HashMap<Hashed<K>, Begun<S>, BuildHasherDefault<AsIs>>,
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
        let key = key_of(item);
        let hash = self.hasher.hash_one(&key);
        if shard_of(hash, self.shards) != self.index {
            return ControlFlow::Continue(());
        }
        let hashed = Hashed { hash, key };
        if let Some(known) = self.scans.get_mut(&hashed) {
            let flow = out.adapt(tagged(&hashed.key), |out| known.scan.step(item, out));
            if flow.is_break() {
                drop(self.scans.remove(&hashed));
            }
        } else {
            let mut scan = factory(&hashed.key);
            let flow = out.adapt(tagged(&hashed.key), |out| scan.step(item, out));
            if flow.is_continue() {
                let order = self.begun;
                self.begun += 1;
                self.scans.insert(hashed, Begun { order, scan });
            }
        }
        ControlFlow::Continue(())
    }

    fn flush(&mut self, out: &mut Emitter<'_, Self::Output>) {
        let mut scans: Vec<_> = mem::take(&mut self.scans).into_iter().collect();
        scans.sort_unstable_by_key(|(_, begun)| begun.order);
        for (hashed, mut begun) in scans {
            if out.is_closed() {
                return;
            }
            out.adapt(tagged(&hashed.key), |out| begun.scan.flush(out));
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

/// Which of `shards` shards a key with this hash is in. It goes by bits that the
/// hash tables inside a shard make no use of, the upper ones of the lower half.
fn shard_of(hash: u64, shards: usize) -> usize {
    let bits = hash & u64::from(u32::MAX);
    // At most `shards`, which fits.
    ((bits * shards as u64) >> 32) as usize
}

/// A key with its hash, which is computed once.
struct Hashed<K> {
    hash: u64,
    key: K,
}

impl<K> Hash for Hashed<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl<K: Eq> PartialEq for Hashed<K> {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.key == other.key
    }
}

impl<K: Eq> Eq for Hashed<K> {}

/// Takes the hash that a [`Hashed`] brings as it is.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn write(&mut self, _: &[u8]) {
        unreachable!("a hashed key writes its hash and nothing else");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
