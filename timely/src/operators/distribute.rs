//! Every item to every scan.

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
use crate::contain::{Payload, contain, contain_drop, drop_each, first};
use crate::job::Job;
use crate::outlet::Outlet;
use crate::site::Site;

pub(super) fn distribute<'scope, T, S, F>(
    items: StreamVec<'scope, u64, T>,
    job: &Job<'scope>,
    count: usize,
    order: Order,
    mut factory: F,
) -> StreamVec<'scope, u64, (usize, S::Output)>
where
    T: ExchangeData + Clone,
    S: Scan<T, Output: 'static> + 'static,
    F: FnMut(usize) -> S,
{
    let site = job.site();
    let operator = site.add_taker(&items, Some(count));
    let mut scans = Vec::new();
    for index in (site.index()..count).step_by(site.peers()) {
        match contain(|| factory(index)) {
            Ok(scan) => scans.push((index, Some(scan))),
            Err(payload) => site.panicked(payload),
        }
    }
    let residents = Distributed { site: Rc::clone(site), operator, scans, scratch: Vec::new() };
    let parcels = split(items, job, operator, count);
    emit(parcels, job, order, "Distribute", residents)
}

/// Makes a parcel of each batch for every worker that has a scan which has not ended.
fn split<'scope, T>(
    items: StreamVec<'scope, u64, T>,
    job: &Job<'scope>,
    operator: u32,
    count: usize,
) -> StreamVec<'scope, u64, Parcel<T>>
where
    T: ExchangeData + Clone,
{
    let site = Rc::clone(job.site());
    let mut builder = OperatorBuilder::new("Split".to_owned(), items.scope());
    let mut input = builder.new_input(items, Pipeline);
    let (output, parcels) = builder.new_output();
    builder.build(move |_| {
        let mut output = Outlet::from(output);
        move |_| {
            let mut output = output.activate();
            input.for_each(|capability, batch| {
                let mut items = std::mem::take(batch);
                let mut session = output.session(&capability);
                let mut targets = (0..site.peers())
                    .filter(|&worker| {
                        let mut scans = (worker..count).step_by(site.peers());
                        scans.any(|scan| site.is_live(operator, scan))
                    })
                    .peekable();
                while let Some(target) = targets.next() {
                    if site.halted() {
                        break;
                    }
                    let copy = match targets.peek() {
                        Some(_) => contain(|| items.clone()),
                        None => Ok(std::mem::take(&mut items)),
                    };
                    let sent = copy.and_then(|items| {
                        site.rehearse(&items, target)?;
                        session.give(Parcel::new(&site, target, items));
                        Ok(())
                    });
                    if let Err(payload) = sent {
                        site.panicked(payload);
                    }
                }
                site.report(drop_each(items));
            });
        }
    });
    parcels
}

/// The scans of one worker.
struct Distributed<S, O> {
    site: Rc<Site>,
    operator: u32,
    /// Each with its index, as long as it has not ended.
    scans: Vec<(usize, Option<S>)>,
    scratch: Vec<O>,
}

impl<T, S: Scan<T>> Residents<T> for Distributed<S, S::Output> {
    type Output = (usize, S::Output);

    fn step(&mut self, items: &[T], out: &mut Vec<Self::Output>) -> Result<(), Payload> {
        for (index, slot) in &mut self.scans {
            let Some(scan) = slot else { continue };
            if self.site.is_ending() {
                break;
            }
            let flow = contain(|| scan.step_batch(items, &mut Emitter::from(&mut self.scratch)));
            give(*index, &mut self.scratch, out);
            if flow? == ControlFlow::Break(()) {
                self.site.scan_ended(self.operator, *index);
                contain_drop(slot.take())?;
            }
        }
        Ok(())
    }

    fn flush(&mut self, out: &mut Vec<Self::Output>) -> Result<bool, Payload> {
        for (index, slot) in &mut self.scans {
            let Some(scan) = slot else { continue };
            if self.site.is_ending() {
                break;
            }
            let result = contain(|| scan.flush(&mut Emitter::from(&mut self.scratch)));
            give(*index, &mut self.scratch, out);
            result?;
        }
        Ok(false)
    }

    fn have_ended(&self) -> bool {
        self.scans.iter().all(|(_, scan)| scan.is_none())
    }

    fn clear(&mut self) -> Result<(), Payload> {
        let scans = drop_each(self.scans.drain(..));
        first(scans, drop_each(self.scratch.drain(..)))
    }
}

/// Moves outputs over, each with the index of its scan.
fn give<O>(index: usize, from: &mut Vec<O>, out: &mut Vec<(usize, O)>) {
    out.extend(from.drain(..).map(|output| (index, output)));
}
