//! The operator in which scans live: parcels in, outputs out.

use std::rc::Rc;
use std::time::Instant;

use timely::ExchangeData;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::dataflow::operators::{Capability, Probe};

use super::Order;
use super::pace::Pace;
use super::parcel::{Inbox, Parcel};
use crate::contain::{Payload, contain_drop, drop_each};
use crate::job::Job;
use crate::outlet::Outlet;
use crate::site::{Kind, Site};

/// The epoch of what is flushed: behind all others, and the same on every worker and every run.
const AT_THE_END: u64 = u64::MAX;

/// The scans of an operator that live on one worker.
pub(super) trait Residents<T> {
    type Output;

    /// Steps over items, and appends what is emitted. An error is a panic; what was emitted before
    /// is there. Leaves the rest if the run ends.
    fn step(&mut self, items: &[T], out: &mut Vec<Self::Output>) -> Result<(), Payload>;

    /// Flushes some scans, and returns whether there are more of them. Leaves the rest if the run
    /// ends.
    fn flush(&mut self, out: &mut Vec<Self::Output>) -> Result<bool, Payload>;

    /// Returns whether all have ended by themselves.
    fn have_ended(&self) -> bool;

    /// Drops the scans, each for itself. An error is a panic of one.
    fn clear(&mut self) -> Result<(), Payload>;
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
        let mut room = Some(Room {
            site: Rc::clone(&site),
            residents,
            capabilities,
            pace: Pace::new(),
            buffer: Vec::new(),
        });
        move |frontiers| {
            input.for_each(|capability, parcels| {
                let parcels = parcels.drain(..);
                match (&room, capability.least()) {
                    (Some(_), Some(epoch)) => inbox.push(*epoch, parcels),
                    // A message without a time makes no claim to be handled.
                    _ => site.report(drop_parcels(parcels)),
                }
            });
            let frontier = frontiers[0].frontier().first().copied();
            let Some(open) = &mut room else { return };
            let mut due = inbox.take(frontier).into_iter();
            if open.run(due.by_ref(), frontier, &mut output).is_over() {
                let rest = due.chain(inbox.take(None)).map(|(_, parcel)| parcel);
                site.report(drop_parcels(rest));
                site.report(contain_drop(room.take()));
            }
        }
    });
    stream
}

/// Drops the items of parcels, each for itself.
fn drop_parcels<T>(parcels: impl Iterator<Item = Parcel<T>>) -> Result<(), Payload> {
    drop_each(parcels.flat_map(|mut parcel| std::mem::take(&mut parcel.items)))
}

/// The residents, with what they need to emit.
struct Room<R: Residents<T>, T> {
    site: Rc<Site>,
    residents: R,
    /// One for each output, at the first epoch that is not complete: with them, a flush can be
    /// emitted when the input has none any more.
    capabilities: Vec<Capability<u64>>,
    pace: Pace,
    buffer: Vec<R::Output>,
}

impl<R: Residents<T>, T> Drop for Room<R, T> {
    /// Comes before the capabilities go, so that nobody takes a panic for progress.
    fn drop(&mut self) {
        self.site.report(self.residents.clear());
        self.site.report(drop_each(self.buffer.drain(..)));
    }
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
        due: impl Iterator<Item = (u64, Parcel<T>)>,
        frontier: Option<u64>,
        output: &mut Outlet<R::Output>,
    ) -> State {
        for (epoch, parcel) in due {
            let state = self.open(epoch, &parcel.items, output);
            self.site.report(drop_parcels(std::iter::once(parcel)));
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
        let mut rest = items;
        while !rest.is_empty() {
            if self.site.halted() || self.residents.have_ended() {
                return State::Over;
            }
            let (items, behind) = self.pace.split(rest);
            rest = behind;
            let begun = Instant::now();
            let result = self.residents.step(items, &mut self.buffer);
            self.pace.adapt(begun.elapsed());
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
        let capability = self.capabilities[0].delayed(&AT_THE_END);
        let mut output = output.activate();
        let mut more = true;
        while more && !self.site.halted() {
            let result = self.residents.flush(&mut self.buffer);
            self.site.stats.borrow_mut().outputs += self.buffer.len() as u64;
            output.session(&capability).give_iterator(self.buffer.drain(..));
            match result {
                Ok(others) => more = others,
                Err(payload) => self.site.panicked(payload),
            }
        }
    }
}
