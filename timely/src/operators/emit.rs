//! The operator in which scans live: parcels in, outputs out.

use std::rc::Rc;

use timely::ExchangeData;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::dataflow::operators::{Capability, Probe};

use super::Order;
use super::parcel::{Inbox, Parcel};
use crate::contain::{Payload, drop_contained};
use crate::job::Job;
use crate::outlet::Outlet;
use crate::site::{Kind, Site};

/// The number of items between two looks at what was emitted.
const CHUNK: usize = 256;

/// The scans of an operator that live on one worker.
pub(super) trait Residents<T> {
    type Output;

    /// Steps over items, and appends what is emitted. An error is a panic; what was emitted before
    /// is there.
    fn step(&mut self, items: &[T], out: &mut Vec<Self::Output>) -> Result<(), Payload>;

    /// Flushes some scans, and returns whether there are more of them.
    fn flush(&mut self, out: &mut Vec<Self::Output>) -> Result<bool, Payload>;

    /// Returns whether all have ended by themselves.
    fn have_ended(&self) -> bool;
}

/// Makes the operator, which opens parcels where its residents live.
pub(super) fn emit<'scope, T, R>(
    parcels: StreamVec<'scope, u64, Parcel<T>>,
    job: &Job<'scope>,
    order: Order,
    name: &str,
    residents: R,
) -> StreamVec<'scope, u64, R::Output>
where
    T: ExchangeData,
    R: Residents<T, Output: 'static> + 'static,
{
    let (scope, site) = (parcels.scope(), Rc::clone(job.site()));
    let mut builder = OperatorBuilder::new(name.to_owned(), scope);
    let mut input = builder.new_input(parcels, Exchange::new(|parcel: &Parcel<T>| parcel.target));
    let (output, stream) = builder.new_output();
    // Nothing is ever sent here: what counts is how far its times are.
    let (_, done) = builder.new_output::<Vec<()>>();
    done.probe_with(&site.done);
    site.mark(&stream, Kind::Scans);
    site.add_operator(scope.activator_for(builder.operator_info().address));
    builder.build(move |capabilities| {
        let mut output = Outlet::from(output);
        let mut inbox = Inbox::new(order);
        let mut room = Some(Room { site, residents, capabilities, buffer: Vec::new() });
        move |frontiers| {
            input.for_each(|capability, parcels| match capability.least() {
                Some(epoch) => inbox.push(*epoch, parcels.drain(..)),
                // A message without a time makes no claim to be handled.
                None => drop_contained(std::mem::take(parcels)),
            });
            let frontier = frontiers[0].frontier().first().copied();
            let due = inbox.take(frontier);
            if let Some(open) = &mut room {
                if open.run(due, frontier, &mut output).is_over() {
                    drop_contained(room.take());
                }
            } else {
                drop_contained(due);
            }
            if room.is_none() {
                drop_contained(std::mem::replace(&mut inbox, Inbox::new(order)));
            }
        }
    });
    stream
}

/// The residents, with what they need to emit.
struct Room<R: Residents<T>, T> {
    site: Rc<Site>,
    residents: R,
    /// One for each output, at the first epoch that is not complete: with them, a flush can be
    /// emitted when the input has none any more.
    capabilities: Vec<Capability<u64>>,
    buffer: Vec<R::Output>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Over,
}

impl State {
    fn is_over(self) -> bool {
        self == Self::Over
    }
}

impl<T, R> Room<R, T>
where
    R: Residents<T, Output: 'static>,
{
    /// Opens parcels, and flushes behind the last one.
    fn run(
        &mut self,
        due: Vec<(u64, Parcel<T>)>,
        frontier: Option<u64>,
        output: &mut Outlet<R::Output>,
    ) -> State {
        for (epoch, parcel) in due {
            let state = self.open(epoch, &parcel.items, output);
            drop_contained(parcel);
            if state.is_over() {
                return State::Over;
            }
        }
        let Some(epoch) = frontier else {
            self.flush(output);
            return State::Over;
        };
        for capability in &mut self.capabilities {
            capability.downgrade(&epoch);
        }
        // Looks also where nothing is due.
        match self.site.halted() || self.residents.have_ended() {
            true => State::Over,
            false => State::Open,
        }
    }

    fn open(&mut self, epoch: u64, items: &[T], output: &mut Outlet<R::Output>) -> State {
        let capability = self.capabilities[0].delayed(&epoch);
        let mut output = output.activate();
        for items in items.chunks(CHUNK) {
            if self.site.halted() || self.residents.have_ended() {
                return State::Over;
            }
            let result = self.residents.step(items, &mut self.buffer);
            let mut stats = self.site.stats.borrow_mut();
            stats.items += items.len() as u64;
            stats.outputs += self.buffer.len() as u64;
            drop(stats);
            output.session(&capability).give_iterator(self.buffer.drain(..));
            if let Err(payload) = result {
                self.site.panicked(payload);
                return State::Over;
            }
        }
        State::Open
    }

    fn flush(&mut self, output: &mut Outlet<R::Output>) {
        let mut output = output.activate();
        let mut more = true;
        while more && !self.site.halted() {
            let result = self.residents.flush(&mut self.buffer);
            self.site.stats.borrow_mut().outputs += self.buffer.len() as u64;
            output.session(&self.capabilities[0]).give_iterator(self.buffer.drain(..));
            match result {
                Ok(others) => more = others,
                Err(payload) => self.site.panicked(payload),
            }
        }
    }
}
