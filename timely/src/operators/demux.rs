//! Every item to the scan of its key.

use std::collections::{HashMap, hash_map};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::ControlFlow;
use std::rc::Rc;

use anabranch::{Emitter, Scan};
use timely::ExchangeData;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;

use super::Order;
use super::emit::{Residents, emit};
use super::parcel::Parcel;
use crate::contain::{Payload, contain, drop_contained};
use crate::job::Job;
use crate::outlet::Outlet;
use crate::site::Site;

/// The number of keys that are flushed between two looks at what was emitted.
const KEYS_AT_ONCE: usize = 256;

pub(super) fn demux<'scope, T, K, S, Key, F>(
    items: StreamVec<'scope, u64, T>,
    job: &Job<'scope>,
    order: Order,
    key: Key,
    factory: F,
) -> StreamVec<'scope, u64, (K, S::Output)>
where
    T: ExchangeData,
    K: Hash + Eq + Clone + 'static,
    S: Scan<T, Output: 'static> + 'static,
    Key: FnMut(&T) -> K + Clone + 'static,
    F: FnMut(&K) -> S + 'static,
{
    let site = Rc::clone(job.site());
    site.add_taker(&items, None);
    let parcels = sort_out(items, job, key.clone());
    let residents =
        Demuxed { site, key, factory, scans: HashMap::new(), leaving: None, scratch: Vec::new() };
    emit(parcels, job, order, "Demux", residents)
}

/// Makes a parcel of the items of each batch for every worker that has keys of theirs.
fn sort_out<'scope, T, K, Key>(
    items: StreamVec<'scope, u64, T>,
    job: &Job<'scope>,
    mut key: Key,
) -> StreamVec<'scope, u64, Parcel<T>>
where
    T: ExchangeData,
    K: Hash,
    Key: FnMut(&T) -> K + 'static,
{
    let site = Rc::clone(job.site());
    let mut builder = OperatorBuilder::new("Sort out".to_owned(), items.scope());
    let mut input = builder.new_input(items, Pipeline);
    let (output, parcels) = builder.new_output();
    builder.build(move |_| {
        let mut output = Outlet::from(output);
        move |_| {
            let mut output = output.activate();
            input.for_each(|capability, batch| {
                let mut items = std::mem::take(batch).into_iter();
                if site.halted() {
                    drop_contained(items);
                    return;
                }
                let mut shares: Vec<_> = (0..site.peers()).map(|_| Vec::new()).collect();
                let mut result = contain(|| {
                    for item in items.by_ref() {
                        let share = worker_of(&key(&item), shares.len());
                        shares[share].push(item);
                    }
                });
                let mut session = output.session(&capability);
                for (target, items) in (0..).zip(shares).filter(|(_, items)| !items.is_empty()) {
                    match site.rehearse(&items, target) {
                        Ok(()) => session.give(Parcel::new(&site, target, items)),
                        Err(payload) => result = Err(payload),
                    }
                }
                if let Err(payload) = result {
                    site.panicked(payload);
                    drop_contained(items);
                }
            });
        }
    });
    parcels
}

/// Returns the worker on which a key lives: the same one in every process of a program.
fn worker_of<K: Hash>(key: &K, peers: usize) -> usize {
    if peers == 1 {
        return 0;
    }
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    (hasher.finish() % peers as u64) as usize
}

/// The scans of the keys that live on one worker.
struct Demuxed<K, S, O, Key, F> {
    site: Rc<Site>,
    key: Key,
    factory: F,
    /// Nothing for a key whose scan has ended.
    scans: HashMap<K, Option<S>>,
    /// Those that are being flushed.
    leaving: Option<hash_map::IntoIter<K, Option<S>>>,
    scratch: Vec<O>,
}

impl<T, K, S, Key, F> Residents<T> for Demuxed<K, S, S::Output, Key, F>
where
    K: Hash + Eq + Clone,
    S: Scan<T>,
    Key: FnMut(&T) -> K,
    F: FnMut(&K) -> S,
{
    type Output = (K, S::Output);

    fn step(&mut self, items: &[T], out: &mut Vec<Self::Output>) -> Result<(), Payload> {
        let known = self.scans.len();
        let result = items.iter().try_for_each(|item| self.step_one(item, out));
        self.site.stats.borrow_mut().keys += (self.scans.len() - known) as u64;
        result
    }

    fn flush(&mut self, out: &mut Vec<Self::Output>) -> Result<bool, Payload> {
        let scans = &mut self.scans;
        let leaving = self.leaving.get_or_insert_with(|| std::mem::take(scans).into_iter());
        for (key, scan) in leaving.take(KEYS_AT_ONCE) {
            let Some(mut scan) = scan else { continue };
            let result = contain(|| scan.flush(&mut Emitter::from(&mut self.scratch)));
            drop_contained(scan);
            give(&key, &mut self.scratch, out)?;
            result?;
        }
        Ok(leaving.len() > 0)
    }

    /// There may always be another key.
    fn have_ended(&self) -> bool {
        false
    }
}

impl<K, S, O, Key, F> Demuxed<K, S, O, Key, F>
where
    K: Hash + Eq + Clone,
{
    fn step_one<T>(&mut self, item: &T, out: &mut Vec<(K, O)>) -> Result<(), Payload>
    where
        S: Scan<T, Output = O>,
        Key: FnMut(&T) -> K,
        F: FnMut(&K) -> S,
    {
        let key = contain(|| (self.key)(item))?;
        let stepped = contain(|| {
            if !self.scans.contains_key(&key) {
                self.scans.insert(key.clone(), Some((self.factory)(&key)));
            }
            let slot = self.scans.get_mut(&key);
            let Some(Some(scan)) = slot else { return ControlFlow::Continue(()) };
            scan.step(item, &mut Emitter::from(&mut self.scratch))
        });
        give(&key, &mut self.scratch, out)?;
        if stepped? == ControlFlow::Break(()) {
            drop_contained(self.scans.get_mut(&key).map(Option::take));
        }
        Ok(())
    }
}

/// Moves outputs over, each with the key.
fn give<K: Clone, O>(key: &K, from: &mut Vec<O>, out: &mut Vec<(K, O)>) -> Result<(), Payload> {
    if from.is_empty() {
        return Ok(());
    }
    contain(|| out.extend(from.drain(..).map(|output| (key.clone(), output))))
}

#[cfg(test)]
mod tests {
    use super::worker_of;

    #[test]
    fn a_key_lives_on_the_same_worker_in_every_process() {
        // A hash with a random state would differ from call to call.
        let workers: Vec<_> = (0..99_usize).map(|key| worker_of(&key, 3)).collect();
        assert!((0..99).all(|key| worker_of(&key, 3) == workers[key]));
        assert!((0..3).all(|worker| workers.iter().filter(|&&its| its == worker).count() > 20));
    }
}
