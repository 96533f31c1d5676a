//! Which items are whose: found once per run, by whichever shard comes to them first.

use std::collections::VecDeque;
use std::mem;
use std::ops::ControlFlow;
use std::panic::resume_unwind;

use crate::engine::{contain, contain_drop, discard, drop_each};
use crate::sync::{Arc, AtomicBool, Mutex, Ordering, panicking};

/// The routes of all batches that some shards have taken, and others not yet. Every shard is sent
/// the same batches, so their numbers are enough to tell them apart.
pub(super) struct Routes<S> {
    shards: usize,
    // INVARIANT: no user code runs under this lock, and no value of the user's is dropped.
    open: Mutex<Open<S>>,
    // INVARIANT: as above. Any shard adds, the shard of that index takes all.
    returned: Vec<Mutex<Vec<Mine<S>>>>,
}

struct Open<S> {
    /// How many batches all shards have taken.
    taken: u64,
    /// The routes of the batches behind these, and how many shards have taken each.
    routes: VecDeque<(Arc<Route<S>>, usize)>,
}

impl<S> Routes<S> {
    pub(super) fn new(shards: usize) -> Self {
        Self {
            shards,
            open: Mutex::new(Open { taken: 0, routes: VecDeque::new() }),
            returned: (0..shards).map(|_| Mutex::default()).collect(),
        }
    }

    /// Returns the route of a batch of so many items, the `batch`th from zero, to a shard that has
    /// taken it. Each shard takes each batch once, in order.
    pub(super) fn take(&self, batch: u64, items: usize) -> Arc<Route<S>> {
        let mut open = self.open.lock();
        let Open { taken, routes } = &mut *open;
        let place = (batch - *taken) as usize;
        if place == routes.len() {
            routes.push_back((Arc::new(Route::new(items, self.shards)), 0));
        }
        let (route, takers) = &mut routes[place];
        let route = Arc::clone(route);
        *takers += 1;
        // A shard that takes a batch has taken all before it.
        if *takers == self.shards {
            routes.pop_front();
            *taken += 1;
        }
        route
    }

    /// Returns the items of a shard in a part of a batch. If no shard has begun to find them, this
    /// one does: `find` returns an item's shard, and what is sent beside it, or `None` to give up.
    ///
    /// Blocks while another shard finds them. Before it does, this one finds the next part that
    /// nobody has begun.
    // MODEL: loom-tests/tests/keys.rs::two_parts_of_a_batch
    pub(super) fn part<T>(
        &self,
        shard: usize,
        (route, items): (&Route<S>, &[T]),
        index: usize,
        find: impl Fn(&T) -> Option<(usize, S)>,
    ) -> ControlFlow<(), Mine<S>> {
        let mut parts = (index..).zip(&route.parts[index..]);
        // ORDERING: relaxed; what is found goes through the lock.
        let next = parts.find(|(_, part)| !part.begun.swap(true, Ordering::Relaxed));
        if let Some((next, _)) = next.filter(|(next, _)| *next != index) {
            self.with(shard, (route, items), next, &find, |_| ())?;
        }
        self.with(shard, (route, items), index, find, |lists| {
            mem::replace(&mut lists[shard], Mine { found_by: shard, items: Vec::new() })
        })
    }

    /// Calls `f` with the lists of a part, which are found unless they were before.
    fn with<T, R>(
        &self,
        shard: usize,
        (route, items): (&Route<S>, &[T]),
        index: usize,
        find: impl Fn(&T) -> Option<(usize, S)>,
        f: impl FnOnce(&mut [Mine<S>]) -> R,
    ) -> ControlFlow<(), R> {
        let mut found = route.parts[index].lists.lock();
        if let Some(lists) = &mut *found {
            return ControlFlow::Continue(f(lists));
        }
        let from = route.start_of(index);
        let items = &items[from..items.len().min(from + route.length)];
        let mut lists = Vec::new();
        let all = contain(|| {
            lists = self.lists(shard);
            (0..).zip(items).all(|(place, item)| match find(item) {
                Some((shard, sent)) => {
                    lists[shard].items.push((place, sent));
                    true
                }
                None => false,
            })
        });
        match all {
            Ok(true) => ControlFlow::Continue(f(found.insert(lists))),
            Ok(false) => {
                drop(found);
                drop(lists);
                ControlFlow::Break(())
            }
            Err(payload) => {
                // The lock is not released, and values are not dropped, in an unwinding.
                drop(found);
                contain_drop(lists).into_iter().for_each(discard);
                resume_unwind(payload)
            }
        }
    }

    /// Returns empty lists, one for each shard: those that `shard` was given back, and new ones.
    fn lists(&self, shard: usize) -> Vec<Mine<S>> {
        let mut lists = mem::take(&mut *self.returned[shard].lock());
        // The values are dropped on the thread that made them: anywhere else, this is several times
        // as expensive for the allocator.
        lists.iter_mut().for_each(Mine::clear);
        lists.resize_with(self.shards, || Mine { found_by: shard, items: Vec::new() });
        lists
    }

    /// Gives a list back to the shard that made it.
    pub(super) fn give_back(&self, list: Mine<S>) {
        self.returned[list.found_by].lock().push(list);
    }
}

/// The items of one shard in a part of a batch.
pub(super) struct Mine<S> {
    /// The shard that has found them.
    found_by: usize,
    /// Their places in the part, each with what was sent beside it.
    pub(super) items: Vec<(u16, S)>,
}

impl<S> Mine<S> {
    /// Drops what was sent, all of it even if some drops panic; then panics with the first payload.
    fn clear(&mut self) {
        if let Some(payload) = drop_each(self.items.drain(..)) {
            if panicking() { discard(payload) } else { resume_unwind(payload) }
        }
    }
}

impl<S> Drop for Mine<S> {
    fn drop(&mut self) {
        self.clear();
    }
}

/// The routes of the items of one batch, in parts, so that the shards can share the work.
pub(super) struct Route<S> {
    /// How many items make a part.
    length: usize,
    parts: Vec<Part<S>>,
}

struct Part<S> {
    /// Whether a shard has begun to find the lists.
    begun: AtomicBool,
    // INVARIANT: the key function runs under this lock. A shard holds one at a time, and waits for
    // nothing else meanwhile; who waits for it needs what is being found.
    lists: Mutex<Option<Vec<Mine<S>>>>,
}

impl<S> Route<S> {
    fn new(items: usize, shards: usize) -> Self {
        let length = items.div_ceil(shards).clamp(SHORTEST_PART, LONGEST_PART);
        let part = |_| Part { begun: AtomicBool::new(false), lists: Mutex::new(None) };
        Self { length, parts: (0..items.div_ceil(length)).map(part).collect() }
    }

    /// Returns the part that an item is in.
    pub(super) fn part_of(&self, place: usize) -> usize {
        place / self.length
    }

    /// Returns where a part begins.
    pub(super) fn start_of(&self, part: usize) -> usize {
        part * self.length
    }
}

/// The constants that shape control flow. They are small in model builds, so that a few items are
/// several parts.
#[cfg(not(any(loom, shuttle)))]
mod constants {
    /// How few items are not worth the lock of a part.
    pub(super) const SHORTEST_PART: usize = 16;

    /// The most items that are found at once: with their keys, they stay in the nearest cache.
    pub(super) const LONGEST_PART: usize = 1024;
}

#[cfg(any(loom, shuttle))]
mod constants {
    pub(super) const SHORTEST_PART: usize = 1;
    pub(super) const LONGEST_PART: usize = 1;
}

use constants::{LONGEST_PART, SHORTEST_PART};

#[cfg(test)]
mod tests {
    use super::*;

    /// Follows one batch on one of three shards; the key of an item is itself.
    fn follow(routes: &Routes<usize>, shard: usize, batch: u64, items: &[usize]) -> Vec<usize> {
        let route = routes.take(batch, items.len());
        let find = |item: &usize| Some((item % 3, 10 * item));
        let mut mine = Vec::new();
        for part in 0..=route.part_of(items.len() - 1) {
            let ControlFlow::Continue(list) = routes.part(shard, (&route, items), part, find)
            else {
                panic!("it was given up");
            };
            for (place, sent) in &list.items {
                let item = items[route.start_of(part) + usize::from(*place)];
                assert_eq!(*sent, 10 * item);
                mine.push(item);
            }
            routes.give_back(list);
        }
        mine
    }

    #[test]
    fn each_shard_gets_its_items_in_order_whoever_comes_first() {
        let batches = [0..1, 1..64, 64..200, 200..9000].map(Vec::from_iter);
        for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
            let routes = Routes::new(3);
            for shard in order {
                for (batch, items) in (0..).zip(&batches) {
                    let expected = items.iter().copied().filter(|item| item % 3 == shard);
                    assert!(expected.eq(follow(&routes, shard, batch, items)));
                }
            }
            assert!(routes.open.lock().routes.is_empty());
        }
    }

    #[test]
    fn lists_are_used_again_by_the_shard_that_made_them() {
        let routes = Routes::new(3);
        let items = Vec::from_iter(0..300);
        for batch in 0..10 {
            for shard in [2, 0, 1] {
                follow(&routes, shard, batch, &items);
            }
        }
        // The first to come found all three parts, and its own list of the first was back at once.
        let lists = routes.returned.iter().map(|returned| returned.lock().len());
        assert_eq!(lists.collect::<Vec<_>>(), [0, 0, 7]);
        assert!(routes.returned[2].lock().iter().all(|list| list.items.capacity() >= 33));
    }

    #[test]
    fn a_shard_that_comes_second_finds_the_next_part_meanwhile() {
        let routes = Routes::new(2);
        let items = Vec::from_iter(0..64);
        let route = routes.take(0, items.len());
        let find = |item: &usize| Some((item % 2, ()));
        assert!(routes.part(0, (&route, &items), 0, find).is_continue());
        let begun = || route.parts.iter().filter(|part| part.begun.load(Ordering::Relaxed)).count();
        assert_eq!((begun(), route.parts.len()), (1, 2));
        assert!(routes.part(1, (&route, &items), 0, find).is_continue());
        assert_eq!(begun(), 2);
        assert!(route.parts.iter().all(|part| part.lists.lock().is_some()));
    }

    #[test]
    fn a_part_that_was_given_up_is_found_again() {
        let routes = Routes::new(1);
        let route = routes.take(0, 2);
        let give_up = |item: &i32| (*item < 1).then_some((0, ()));
        assert!(routes.part(0, (&route, &[0, 1]), 0, give_up).is_break());
        let found = routes.part(0, (&route, &[0, 1]), 0, |_: &i32| Some((0, ())));
        assert!(matches!(found, ControlFlow::Continue(list) if list.items.len() == 2));
    }
}
