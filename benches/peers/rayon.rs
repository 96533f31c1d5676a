//! rayon: a chunk of items is collected, and every scan is a task that goes
//! through it.

use std::iter::zip;
use std::mem;

use crate::support::{Consumer, Step, seed};

/// Everything happens on the threads of rayon, the pulling of the input included,
/// so that a chunk is handed out without waking anybody who is not at work. That
/// was measured to be two to seven times as fast as pulling on the caller's
/// thread; collecting the next chunk meanwhile gained nothing more.
pub(crate) fn fold<T, S>(mut source: impl Iterator<Item = T> + Send, scans: &[S]) -> Vec<u64>
where
    T: Send + Sync,
    S: Step<T>,
{
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
                        *state = chunk.iter().fold(*state, |state, item| scan.step(state, item));
                    });
                }
            });
        }
    });
    states
}

/// The consumer stays on the caller's thread. While the scans go through a chunk
/// it takes what they emitted for the one before, and collects the next. The
/// chunks are longer than above, because each of them wakes the threads of rayon.
pub(crate) fn outputs<T, S>(
    mut source: impl Iterator<Item = T>,
    scans: &[S],
    consumer: &mut Consumer,
) where
    T: Send + Sync,
    S: Step<T>,
{
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
            return;
        }
        chunk = next;
        for (_, values, before) in &mut lanes {
            mem::swap(values, before);
        }
    }
}
