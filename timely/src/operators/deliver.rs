//! Outputs out of the dataflow.

use std::collections::VecDeque;
use std::rc::Rc;

use timely::ExchangeData;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::dataflow::operators::{Capability, Probe};

use crate::contain::drop_each;
use crate::job::Job;
use crate::outlet::Outlet;
use crate::outputs::{Offered, Sink};
use crate::site::Site;

pub(super) fn gather<'scope, T: ExchangeData>(
    stream: StreamVec<'scope, u64, T>,
    job: &Job<'scope>,
    worker: usize,
) -> StreamVec<'scope, u64, T> {
    assert!(worker < job.peers(), "there is no worker {worker} among {}", job.peers());
    let kind = job.site().kind(&stream);
    let rehearsed = rehearse(stream, job, worker);
    let mut builder = OperatorBuilder::new("Gather".to_owned(), rehearsed.scope());
    let mut input = builder.new_input(rehearsed, Exchange::new(move |_: &T| worker as u64));
    let (output, gathered) = builder.new_output();
    // Nothing is ever sent here: what counts is how far its times are.
    let (_, done) = builder.new_output::<Vec<()>>();
    done.probe_with(&job.site().done);
    job.site().mark(&gathered, kind);
    builder.build(move |_| {
        let mut output = Outlet::from(output);
        move |_| {
            let mut output = output.activate();
            input.for_each(|capability, batch| output.session(&capability).give_container(batch));
        }
    });
    gathered
}

/// Passes on what can be serialised, in front of an exchange that will do so.
fn rehearse<'scope, T: ExchangeData>(
    stream: StreamVec<'scope, u64, T>,
    job: &Job<'scope>,
    worker: usize,
) -> StreamVec<'scope, u64, T> {
    let mut builder = OperatorBuilder::new("Rehearse".to_owned(), stream.scope());
    let mut input = builder.new_input(stream, Pipeline);
    let (output, rehearsed) = builder.new_output();
    let site = Rc::clone(job.site());
    builder.build(move |_| {
        let mut output = Outlet::from(output);
        move |_| {
            let mut output = output.activate();
            input.for_each(|capability, batch| match site.rehearse(batch, worker) {
                Ok(()) => output.session(&capability).give_container(batch),
                Err(payload) => {
                    site.panicked(payload);
                    site.report(drop_each(std::mem::take(batch)));
                }
            });
        }
    });
    rehearsed
}

pub(super) fn deliver<'scope, T: Send + 'static>(
    stream: StreamVec<'scope, u64, T>,
    job: &Job<'scope>,
    sink: &Sink<T>,
) {
    let (scope, site) = (stream.scope(), Rc::clone(job.site()));
    site.add_delivery(&stream);
    let mut builder = OperatorBuilder::new("Deliver".to_owned(), scope);
    let mut input = builder.new_input(stream, Pipeline);
    let (_, done) = builder.new_output::<Vec<()>>();
    done.probe_with(&site.done);
    let address = builder.operator_info().address;
    site.add_operator(scope.activator_for(Rc::clone(&address)));
    let sink = sink.clone();
    site.at_the_end(sink.finisher());
    sink.cancel_with(site.canceller());
    sink.wake_with(scope.worker().sync_activator_for(address.to_vec()));
    builder.build(move |capabilities| {
        // Held from the first batch that waits.
        drop(capabilities);
        let mut waiting = Waiting { site, sink, batches: VecDeque::new() };
        move |_| {
            input.for_each(|capability, batch| {
                if let Some(capability) = capability.retain_least(0) {
                    waiting.batches.push_back((capability, std::mem::take(batch)));
                }
            });
            waiting.run();
        }
    });
}

/// Batches that the sink has had no room for, each with what keeps its epoch in flight.
struct Waiting<T> {
    site: Rc<Site>,
    sink: Sink<T>,
    batches: VecDeque<(Capability<u64>, Vec<T>)>,
}

impl<T> Waiting<T> {
    fn run(&mut self) {
        if self.sink.is_closed() {
            self.close();
        }
        // A run that ends delivers what there is. It is bounded by the epochs that were in flight.
        let anyway = self.site.halted();
        while let Some((_, batch)) = self.batches.front_mut() {
            match self.sink.offer(batch, anyway) {
                Offered::Full => return,
                Offered::Taken => drop(self.batches.pop_front()),
                Offered::Closed => return self.close(),
            }
        }
    }

    fn close(&mut self) {
        // Before the epochs are given up, so that nobody takes that for progress.
        self.site.cancel();
        self.clear();
    }

    /// Drops the outputs, each for itself, and then gives up their epochs.
    fn clear(&mut self) {
        let outputs = self.batches.iter_mut().flat_map(|(_, batch)| batch.drain(..));
        self.site.report(drop_each(outputs));
        self.batches.clear();
    }
}

impl<T> Drop for Waiting<T> {
    fn drop(&mut self) {
        self.clear();
    }
}
