//! Running a closure on its own thread.

use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;

use super::Items;
use super::feed::Feed;
use crate::engine::{Branch, Inlet, Outlet, Payload, contain_drop, contain_into, discard};
use crate::sync::Arc;

/// A branch of any type, behind a pointer.
#[allow(unnameable_types, reason = "only passes through what is public")]
pub struct BoxBranch<'a, T, O>(Box<dyn Run<T, O> + Send + 'a>);

/// What [`Branch`] is behind a pointer.
trait Run<T, O> {
    fn name(&self) -> Option<&str>;
    fn run(self: Box<Self>, inlet: Inlet<T>, outlet: Outlet<O>) -> Option<Payload>;
}

impl<T, B: Branch<T>> Run<T, B::Output> for B {
    fn name(&self) -> Option<&str> {
        self.name()
    }

    fn run(self: Box<Self>, inlet: Inlet<T>, outlet: Outlet<B::Output>) -> Option<Payload> {
        Branch::run(*self, inlet, outlet)
    }
}

/// A closure that runs as a branch, and emits `O`.
struct Work<F, O> {
    name: Option<String>,
    work: F,
    emits: PhantomData<fn() -> O>,
}

impl<T, O, F> Branch<T> for Work<F, O>
where
    F: FnOnce(Inlet<T>, Outlet<O>) -> Option<Payload>,
{
    type Output = O;

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn run(self, inlet: Inlet<T>, outlet: Outlet<O>) -> Option<Payload> {
        (self.work)(inlet, outlet)
    }
}

impl<T, O> Branch<T> for BoxBranch<'_, T, O> {
    type Output = O;

    fn name(&self) -> Option<&str> {
        self.0.name()
    }

    fn run(self, inlet: Inlet<T>, outlet: Outlet<O>) -> Option<Payload> {
        self.0.run(inlet, outlet)
    }
}

impl<'a, T: 'a, O: 'a> BoxBranch<'a, T, O> {
    /// A branch of another kind. Its name is not asked for before the run starts: that may panic.
    pub(crate) fn new<B>(branch: B) -> Self
    where
        B: Branch<T, Output = O> + Send + 'a,
    {
        Self(Box::new(branch))
    }

    fn work<F>(name: Option<String>, work: F) -> Self
    where
        F: FnOnce(Inlet<T>, Outlet<O>) -> Option<Payload> + Send + 'a,
    {
        Self::new(Work { name, work, emits: PhantomData })
    }

    /// A branch that emits what `f` returns.
    // MODEL: loom-tests/tests/branches.rs::branch_that_returns_early
    pub(crate) fn joined<F, R>(name: Option<String>, f: F, wrap: fn(R) -> O) -> Self
    where
        F: FnOnce(Items<'a, T>) -> R + Send + 'a,
        R: 'a,
    {
        Self::work(name, move |inlet, outlet| {
            let (feed, items) = open(inlet, outlet);
            let (mut panic, mut result) = (None, None);
            contain_into(&mut panic, || result = Some(wrap(f(items))));
            contain_into(&mut panic, || feed.finish(result));
            panic
        })
    }

    /// A branch that emits what the iterator yields that `f` returns.
    // MODEL: loom-tests/tests/branches.rs::both_sides_full
    pub(crate) fn merged<F, R>(name: Option<String>, f: F) -> Self
    where
        F: FnOnce(Items<'a, T>) -> R + Send + 'a,
        R: IntoIterator<Item = O>,
    {
        Self::work(name, move |inlet, outlet| {
            let (feed, items) = open(inlet, outlet);
            let (mut panic, mut outputs) = (None, None);
            contain_into(&mut panic, || outputs = Some(f(items).into_iter()));
            contain_into(&mut panic, || {
                let Some(outputs) = &mut outputs else { return };
                for output in outputs {
                    if let Err(refused) = feed.emit(output) {
                        // As of all outputs that nobody takes, a panic of its drop is discarded.
                        contain_drop(refused).into_iter().for_each(discard);
                        break;
                    }
                }
            });
            contain_into(&mut panic, || drop(outputs));
            contain_into(&mut panic, || feed.finish(None));
            panic
        })
    }
}

/// Returns what a branch emits into, and its items.
fn open<'a, T: 'a, O: 'a>(inlet: Inlet<T>, outlet: Outlet<O>) -> (Rc<Feed<T, O>>, Items<'a, T>) {
    let run = Arc::clone(inlet.run());
    let feed = Rc::new(Feed::new(inlet, outlet));
    (Rc::clone(&feed), Items::new(feed, run))
}

impl<T, O> fmt::Debug for BoxBranch<'_, T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxBranch").finish_non_exhaustive()
    }
}
