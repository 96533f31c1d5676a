//! rayon: collects a chunk of items, and steps over it in a task for every scan.

use std::iter::zip;
use std::mem;

use super::{Folds, Outputs, Peer};
use crate::support::{Consumer, Step, seed};

/// Tasks on the global pool.
pub(crate) struct RayonChunks;

impl Peer for RayonChunks {
    fn name(&self) -> &'static str {
        "rayon_chunks"
    }
}

/// Everything happens on the threads of rayon, the pulling of the input included: no
/// other thread is woken to hand out a chunk. This was measured to be two to seven times
/// as fast as pulling on the caller's thread. Collecting the next chunk meanwhile gained
/// nothing more.
impl<T: Send + Sync> Folds<T> for RayonChunks {
    fn fold<S: Step<T>>(
        &self,
        mut source: impl Iterator<Item = T> + Send,
        scans: &[S],
    ) -> Vec<u64> {
        const CHUNK: usize = 8192;
        let mut states: Vec<_> = (0..scans.len()).map(seed).collect();
        let mut chunk = Vec::with_capacity(CHUNK);
        rayon::scope(|_| {
            loop {
                chunk.clear();
                chunk.extend(source.by_ref().take(CHUNK));
                if chunk.is_empty() {
                    return;
                }
                rayon::scope(|scope| {
                    for (state, scan) in zip(&mut states, scans) {
                        let chunk = &chunk;
                        scope.spawn(move |_| {
                            *state =
                                chunk.iter().fold(*state, |state, item| scan.step(state, item));
                        });
                    }
                });
            }
        });
        states
    }
}

/// The consumer stays on the caller's thread. While the scans step over a chunk, it takes
/// the outputs for the chunk before, and collects the next one. The chunks are longer than
/// above, because each of them wakes the threads of rayon.
impl<T: Send + Sync> Outputs<T> for RayonChunks {
    fn outputs<S: Step<T>, C: Consumer>(
        &self,
        mut source: impl Iterator<Item = T>,
        scans: &[S],
        mut consumer: C,
    ) -> C {
        const CHUNK: usize = 1 << 15;
        // Of each scan the state, what it emits now, and what it emitted before.
        let mut lanes: Vec<_> =
            (0..scans.len()).map(|index| (seed(index), Vec::new(), Vec::new())).collect();
        let mut chunk: Vec<_> = source.by_ref().take(CHUNK).collect();
        loop {
            let mut next = Vec::with_capacity(CHUNK);
            rayon::in_place_scope(|scope| {
                let mut ready = Vec::with_capacity(scans.len());
                for ((state, values, before), scan) in zip(&mut lanes, scans) {
                    ready.push(before);
                    let chunk = &chunk;
                    scope.spawn(move |_| {
                        values.extend(chunk.iter().map(|item| {
                            *state = scan.step(*state, item);
                            *state
                        }));
                    });
                }
                next.extend(source.by_ref().take(CHUNK));
                for (index, values) in ready.into_iter().enumerate() {
                    values.drain(..).for_each(|value| consumer.take(index, value));
                }
            });
            if chunk.is_empty() {
                return consumer;
            }
            chunk = next;
            for (_, values, before) in &mut lanes {
                mem::swap(values, before);
            }
        }
    }
}
