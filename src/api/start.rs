//! Starting a run from its builder.

use std::panic::resume_unwind;

use super::fan_out::FanOut;
use super::options::Options;
use super::source::{Mode, Moved, Open, Opened, Pulled, Source};
use crate::engine::{
    Branch, Hook, Kept, Manager, NoHook, Setup, Started, Unstarted, contain_drop, discard,
};
use crate::threads::{Host, LeaseError, Threads};

/// The manager of a run, with what the input leaves for the end.
pub(super) type Run<I, O, H = NoHook> = (Manager<Pulled<I, H>, O>, <I as Open>::Ending);

impl<I, Th> FanOut<I, Th> {
    /// Starts a run of `branches`.
    #[track_caller]
    pub(super) fn start<'a, B>(self, branches: Vec<B>, kept: Kept) -> Run<I, B::Output>
    where
        I: Source,
        <I as Source>::Item: Send + Sync + 'a,
        Moved<I>: Send + 'a,
        Th: Threads<'a>,
        B: Branch<<I as Source>::Item, Output: Send + 'a> + Send + 'a,
    {
        let mut run = self;
        // No scans can be added, so there is nothing to go on for.
        run.options.settings.discards = false;
        run.start_with(branches, kept, |_| NoHook)
    }

    /// Starts a run of `branches`, with a hook that may add more.
    ///
    /// If the run cannot start, drops the branches and the input, then panics.
    #[track_caller]
    pub(super) fn start_with<'a, B, H>(
        self,
        branches: Vec<B>,
        kept: Kept,
        hook: impl FnOnce(&mut Started<<I as Source>::Item, B::Output, Th::Host>) -> H,
    ) -> Run<I, B::Output, H>
    where
        I: Source,
        <I as Source>::Item: Send + Sync + 'a,
        H: Hook,
        Moved<I, H>: Send + 'a,
        Th: Threads<'a>,
        B: Branch<<I as Source>::Item, Output: Send + 'a> + Send + 'a,
    {
        let Self { source, threads, options } = self;
        let Options { settings, control } = options;
        let reads_ahead = <I::Mode as Mode>::READS_AHEAD;
        let leased = threads.pool().lease_size().is_some();
        let wanted = branches.len() + usize::from(reads_ahead);
        let mut watch = control.map(|control| move |run, figures| control.attach(run, figures));
        let watch = watch.as_mut().map(|watch| watch as &mut dyn FnMut(_, _) -> _);
        let input_bytes = reads_ahead.then_some(I::BYTES);
        let setup = Setup { settings, kept, input_bytes, watch };
        let mut started = match Started::new(threads, setup, branches) {
            Ok(started) => started,
            Err(unstarted) => {
                contain_drop(source).into_iter().for_each(discard);
                contain_drop(hook).into_iter().for_each(discard);
                let needed = if wanted == 1 { "1 thread" } else { &format!("{wanted} threads") };
                match unstarted {
                    Unstarted::Name(payload) => resume_unwind(payload),
                    Unstarted::Threads(LeaseError::Full { max, .. }) if leased => {
                        panic!("a run that needs {needed} cannot start on a lease of {max}")
                    }
                    Unstarted::Threads(error) => panic!(
                        "a run that needs {needed} cannot start: {error} (`Pool::lease` returns this as \
                         an error)"
                    ),
                }
            }
        };
        let hook = hook(&mut started);
        let Opened { items, ending, stock } = source.open(started.run());
        let (moved, stays) = <I::Mode as Mode>::split(items, hook);
        let manager = started.feed(stock, |dispatch, host| {
            <I::Mode as Mode>::source(stays, dispatch, |puller| {
                if let Some(host) = host {
                    host.host(move |worker| <I::Mode as Mode>::pull(moved, puller, worker));
                }
            })
        });
        (manager, ending)
    }
}
