//! Every item to the scan of its key.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::ControlFlow;
use std::rc::Rc;
use std::vec;

use anabranch::{Emitter, Scan};
use timely::ExchangeData;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;

use super::Order;
use super::emit::{Residents, emit};
use super::parcel::Parcel;
use crate::contain::{Payload, contain, contain_drop, drop_each, first};
use crate::job::Job;
use crate::outlet::Outlet;
use crate::site::Site;

/// The number of outputs of a flush that are sent at once.
const OUTPUTS_AT_ONCE: usize = 256;

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
    let residents = Demuxed {
        site,
        key,
        factory,
        places: HashMap::new(),
        scans: Vec::new(),
        leaving: None,
        scratch: Vec::new(),
    };
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
                    site.report(drop_each(items));
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
                        Err(payload) => {
                            result = first(result, Err(payload));
                            result = first(result, drop_each(items));
                        }
                    }
                }
                site.report(first(result, drop_each(items)));
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
    /// Where the scan of each key is.
    places: HashMap<K, usize>,
    /// In the order of their first items. Nothing for a scan that has ended.
    scans: Vec<Option<S>>,
    /// Those that are being flushed.
    leaving: Option<vec::IntoIter<(K, Option<S>)>>,
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
        let site = Rc::clone(&self.site);
        let mut items = items.iter().take_while(|_| !site.is_ending());
        let result = items.try_for_each(|item| self.step_one(item, out));
        site.stats.borrow_mut().keys += (self.scans.len() - known) as u64;
        result
    }

    fn flush(&mut self, out: &mut Vec<Self::Output>) -> Result<bool, Payload> {
        let mut leaving = self.leaving.take().unwrap_or_else(|| self.leave());
        let result = self.flush_some(&mut leaving, out);
        let more = leaving.len() > 0;
        self.leaving = Some(leaving);
        result.map(|()| more)
    }

    /// There may always be another key.
    fn have_ended(&self) -> bool {
        false
    }

    fn clear(&mut self) -> Result<(), Payload> {
        let leaving = self.leaving.take().unwrap_or_else(|| self.leave());
        let (keys, scans): (Vec<_>, Vec<_>) = leaving.unzip();
        let result = first(drop_each(scans), drop_each(keys));
        first(result, drop_each(self.scratch.drain(..)))
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
        let result = self.step_key(&key, item, out);
        first(result, contain_drop(key))
    }

    fn step_key<T>(&mut self, key: &K, item: &T, out: &mut Vec<(K, O)>) -> Result<(), Payload>
    where
        S: Scan<T, Output = O>,
        F: FnMut(&K) -> S,
    {
        let stepped = contain(|| {
            let place = self.place(key);
            let scan = self.scans[place].as_mut()?;
            Some((place, scan.step(item, &mut Emitter::from(&mut self.scratch))))
        });
        let given = give(key, &mut self.scratch, out);
        let ended = match stepped {
            Ok(Some((place, ControlFlow::Break(())))) => {
                contain_drop(Option::take(&mut self.scans[place]))
            }
            Ok(_) => Ok(()),
            Err(payload) => Err(payload),
        };
        first(ended, given)
    }

    /// Returns the place of a key's scan, which is made at its first item.
    fn place(&mut self, key: &K) -> usize
    where
        F: FnMut(&K) -> S,
    {
        if let Some(place) = self.places.get(key) {
            return *place;
        }
        let (key, scan, place) = (key.clone(), (self.factory)(key), self.scans.len());
        self.places.insert(key, place);
        self.scans.push(Some(scan));
        place
    }

    /// Returns the scans, each with its key, in the order of their first items.
    fn leave(&mut self) -> vec::IntoIter<(K, Option<S>)> {
        let mut places: Vec<_> = self.places.drain().collect();
        places.sort_unstable_by_key(|(_, place)| *place);
        let keys = places.into_iter().map(|(key, _)| key);
        keys.zip(self.scans.drain(..)).collect::<Vec<_>>().into_iter()
    }

    fn flush_some<T>(
        &mut self,
        leaving: &mut vec::IntoIter<(K, Option<S>)>,
        out: &mut Vec<(K, O)>,
    ) -> Result<(), Payload>
    where
        S: Scan<T, Output = O>,
    {
        while !self.site.is_ending() && out.len() < OUTPUTS_AT_ONCE {
            let Some((key, scan)) = leaving.next() else { break };
            let result = match scan {
                Some(scan) => self.flush_one(&key, scan, out),
                None => Ok(()),
            };
            first(result, contain_drop(key))?;
        }
        Ok(())
    }

    fn flush_one<T>(&mut self, key: &K, mut scan: S, out: &mut Vec<(K, O)>) -> Result<(), Payload>
    where
        S: Scan<T, Output = O>,
    {
        let flushed = contain(|| scan.flush(&mut Emitter::from(&mut self.scratch)));
        let given = give(key, &mut self.scratch, out);
        let dropped = contain_drop(scan);
        first(first(flushed, given), dropped)
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
