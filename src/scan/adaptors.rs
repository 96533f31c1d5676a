//! What the methods of [`Scan`] return: a scan around a scan.

use std::fmt;
use std::ops::ControlFlow;

use super::{Emitter, Scan};
use crate::engine::InHand;

/// Implements `new` and `Debug` for an adaptor around `scan` that holds a closure.
macro_rules! adaptor {
    ($(#[$doc:meta])* $name:ident { $closure:ident }) => {
        $(#[$doc])*
        #[must_use = "a scan does nothing until a run gives it items"]
        #[derive(Clone)]
        pub struct $name<S, F> {
            pub(super) scan: S,
            $closure: F,
        }

        impl<S, F> $name<S, F> {
            pub(super) fn new(scan: S, $closure: F) -> Self {
                Self { scan, $closure }
            }
        }

        impl<S: fmt::Debug, F> fmt::Debug for $name<S, F> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("scan", &self.scan).finish_non_exhaustive()
            }
        }
    };
}

adaptor! {
    /// Changes every output; see [`Scan::map`].
    Map { f }
}

impl<S, F> Map<S, F> {
    /// Calls `body` with the scan, and maps what it emits.
    pub(super) fn through<A, B, R>(
        &mut self,
        out: &mut Emitter<'_, B>,
        body: impl FnOnce(&mut S, &mut Emitter<'_, A>) -> R,
    ) -> R
    where
        F: FnMut(A) -> B,
    {
        out.adapt(emit_mapped(&mut self.f), |out| body(&mut self.scan, out))
    }
}

impl<T, B, S, F> Scan<T> for Map<S, F>
where
    S: Scan<T>,
    F: FnMut(S::Output) -> B,
{
    type Output = B;

    #[inline]
    fn step(&mut self, item: &T, out: &mut Emitter<'_, B>) -> ControlFlow<()> {
        self.through(out, |scan, out| scan.step(item, out))
    }

    fn flush(&mut self, out: &mut Emitter<'_, B>) {
        self.through(out, |scan, out| scan.flush(out));
    }

    fn step_batch(&mut self, batch: &[T], out: &mut Emitter<'_, B>) -> ControlFlow<()> {
        self.through(out, |scan, out| scan.step_batch(batch, out))
    }

    fn name(&self) -> Option<&str> {
        self.scan.name()
    }
}

fn emit_mapped<A, B>(
    f: &mut impl FnMut(A) -> B,
) -> impl FnMut(A, &mut Emitter<'_, B>) -> ControlFlow<()> {
    |value, out| {
        out.emit(f(value));
        ControlFlow::Continue(())
    }
}

adaptor! {
    /// Keeps outputs that pass a test; see [`Scan::filter`].
    Filter { predicate }
}

impl<T, S, P> Scan<T> for Filter<S, P>
where
    S: Scan<T>,
    P: FnMut(&S::Output) -> bool,
{
    type Output = S::Output;

    #[inline]
    fn step(&mut self, item: &T, out: &mut Emitter<'_, S::Output>) -> ControlFlow<()> {
        out.adapt(emit_if(&mut self.predicate), |out| self.scan.step(item, out))
    }

    fn flush(&mut self, out: &mut Emitter<'_, S::Output>) {
        out.adapt(emit_if(&mut self.predicate), |out| self.scan.flush(out));
    }

    fn name(&self) -> Option<&str> {
        self.scan.name()
    }
}

fn emit_if<O>(
    predicate: &mut impl FnMut(&O) -> bool,
) -> impl FnMut(O, &mut Emitter<'_, O>) -> ControlFlow<()> {
    |value, out| {
        let value = InHand::new(value);
        if predicate(&value) {
            out.emit(value.take());
        }
        ControlFlow::Continue(())
    }
}

/// Ends after a number of outputs; see [`Scan::take`].
#[must_use = "a scan does nothing until a run gives it items"]
#[derive(Clone, Debug)]
pub struct Take<S> {
    scan: S,
    left: usize,
}

impl<S> Take<S> {
    pub(super) fn new(scan: S, n: usize) -> Self {
        Self { scan, left: n }
    }
}

impl<T, S: Scan<T>> Scan<T> for Take<S> {
    type Output = S::Output;

    #[inline]
    fn step(&mut self, item: &T, out: &mut Emitter<'_, S::Output>) -> ControlFlow<()> {
        if self.left == 0 {
            return ControlFlow::Break(());
        }
        out.adapt(emit_counted(&mut self.left), |out| self.scan.step(item, out))?;
        if self.left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn flush(&mut self, out: &mut Emitter<'_, S::Output>) {
        if self.left > 0 {
            out.adapt(emit_counted(&mut self.left), |out| self.scan.flush(out));
        }
    }

    fn name(&self) -> Option<&str> {
        self.scan.name()
    }
}

fn emit_counted<O>(left: &mut usize) -> impl FnMut(O, &mut Emitter<'_, O>) -> ControlFlow<()> {
    |value, out| {
        *left -= 1;
        out.emit(value);
        if *left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

adaptor! {
    /// Ends at the first output that fails a test; see [`Scan::take_while`].
    TakeWhile { predicate }
}

impl<T, S, P> Scan<T> for TakeWhile<S, P>
where
    S: Scan<T>,
    P: FnMut(&S::Output) -> bool,
{
    type Output = S::Output;

    #[inline]
    fn step(&mut self, item: &T, out: &mut Emitter<'_, S::Output>) -> ControlFlow<()> {
        let mut flow = ControlFlow::Continue(());
        out.adapt(emit_while(&mut self.predicate, &mut flow), |out| self.scan.step(item, out))?;
        flow
    }

    fn flush(&mut self, out: &mut Emitter<'_, S::Output>) {
        let mut flow = ControlFlow::Continue(());
        out.adapt(emit_while(&mut self.predicate, &mut flow), |out| self.scan.flush(out));
    }

    fn name(&self) -> Option<&str> {
        self.scan.name()
    }
}

fn emit_while<O>(
    predicate: &mut impl FnMut(&O) -> bool,
    flow: &mut ControlFlow<()>,
) -> impl FnMut(O, &mut Emitter<'_, O>) -> ControlFlow<()> {
    |value, out| {
        let value = InHand::new(value);
        if predicate(&value) {
            out.emit(value.take());
        } else {
            *flow = ControlFlow::Break(());
        }
        *flow
    }
}

/// A scan after a scan; see [`Scan::then`].
#[must_use = "a scan does nothing until a run gives it items"]
#[derive(Clone, Debug)]
pub struct Then<A, B> {
    first: A,
    pub(super) second: B,
}

impl<A, B> Then<A, B> {
    pub(super) fn new(first: A, second: B) -> Self {
        Self { first, second }
    }
}

impl<T, A, B> Scan<T> for Then<A, B>
where
    A: Scan<T>,
    B: Scan<A::Output>,
{
    type Output = B::Output;

    #[inline]
    fn step(&mut self, item: &T, out: &mut Emitter<'_, B::Output>) -> ControlFlow<()> {
        let mut second_flow = ControlFlow::Continue(());
        let first_flow = out.adapt(
            |value, out| {
                second_flow = self.second.step(&InHand::new(value), out);
                second_flow
            },
            |out| self.first.step(item, out),
        );
        second_flow?;
        // A scan may also end because its outputs are no longer wanted.
        if first_flow.is_break() && !out.is_closed() {
            self.second.flush(out);
        }
        first_flow
    }

    fn flush(&mut self, out: &mut Emitter<'_, B::Output>) {
        let mut second_flow = ControlFlow::Continue(());
        out.adapt(
            |value, out| {
                second_flow = self.second.step(&InHand::new(value), out);
                second_flow
            },
            |out| self.first.flush(out),
        );
        if second_flow.is_continue() && !out.is_closed() {
            self.second.flush(out);
        }
    }

    fn name(&self) -> Option<&str> {
        self.second.name().or_else(|| self.first.name())
    }
}

adaptor! {
    /// Converts items to the scan's type of item; see [`Scan::map_input`].
    MapInput { f }
}

impl<T, U, S, F> Scan<U> for MapInput<S, F>
where
    S: Scan<T>,
    F: FnMut(&U) -> T,
{
    type Output = S::Output;

    #[inline]
    fn step(&mut self, item: &U, out: &mut Emitter<'_, S::Output>) -> ControlFlow<()> {
        self.scan.step(&InHand::new((self.f)(item)), out)
    }

    fn flush(&mut self, out: &mut Emitter<'_, S::Output>) {
        self.scan.flush(out);
    }

    fn name(&self) -> Option<&str> {
        self.scan.name()
    }
}

adaptor! {
    /// Passes on items that pass a test; see [`Scan::filter_input`].
    FilterInput { predicate }
}

impl<T, S, P> Scan<T> for FilterInput<S, P>
where
    S: Scan<T>,
    P: FnMut(&T) -> bool,
{
    type Output = S::Output;

    #[inline]
    fn step(&mut self, item: &T, out: &mut Emitter<'_, S::Output>) -> ControlFlow<()> {
        if (self.predicate)(item) { self.scan.step(item, out) } else { ControlFlow::Continue(()) }
    }

    fn flush(&mut self, out: &mut Emitter<'_, S::Output>) {
        self.scan.flush(out);
    }

    fn name(&self) -> Option<&str> {
        self.scan.name()
    }
}

/// A scan with a name; see [`Scan::named`].
#[must_use = "a scan does nothing until a run gives it items"]
#[derive(Clone, Debug)]
pub struct Named<S> {
    pub(super) scan: S,
    name: String,
}

impl<S> Named<S> {
    pub(super) fn new(scan: S, name: String) -> Self {
        Self { scan, name }
    }
}

impl<T, S: Scan<T>> Scan<T> for Named<S> {
    type Output = S::Output;

    #[inline]
    fn step(&mut self, item: &T, out: &mut Emitter<'_, S::Output>) -> ControlFlow<()> {
        self.scan.step(item, out)
    }

    fn flush(&mut self, out: &mut Emitter<'_, S::Output>) {
        self.scan.flush(out);
    }

    fn step_batch(&mut self, batch: &[T], out: &mut Emitter<'_, S::Output>) -> ControlFlow<()> {
        self.scan.step_batch(batch, out)
    }

    fn name(&self) -> Option<&str> {
        Some(&self.name)
    }
}
