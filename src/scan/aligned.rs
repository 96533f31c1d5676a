//! Scans that mark where the outputs of one item end and those of the next begin.

use std::ops::ControlFlow;
use std::panic::resume_unwind;

use super::{Emitter, Scan};
use crate::engine::{contain, contain_drop, discard};

/// The output of a scan for one item, or the mark that it was flushed.
#[allow(unnameable_types, reason = "only passes through the engine")]
#[derive(Debug, PartialEq, Eq)]
pub enum Cell<O> {
    /// The last output for the item; `None` if there was none.
    Item(Option<O>),
    /// The scan was flushed. Without this mark, it has ended by itself, has panicked, or was
    /// aborted.
    Flushed,
}

impl<O> Cell<O> {
    pub(crate) fn is_flushed(&self) -> bool {
        matches!(self, Self::Flushed)
    }
}

/// Emits once per item: the last output, if there was one. For the item at which a scan ends, emits
/// only if there was an output. What is emitted at the flush belongs to no item and is dropped.
pub(crate) struct LatestPerItem<S>(S);

impl<S> LatestPerItem<S> {
    pub(crate) fn new(scan: S) -> Self {
        Self(scan)
    }
}

impl<T, S: Scan<T>> Scan<T> for LatestPerItem<S> {
    type Output = Cell<S::Output>;

    #[inline]
    fn step(&mut self, item: &T, out: &mut Emitter<'_, Self::Output>) -> ControlFlow<()> {
        let mut latest = None;
        let stepped = contain(|| {
            out.adapt(
                |output, out| {
                    out.count(1);
                    let before = latest.replace(output);
                    // Its drop may panic; the new one has replaced it by then.
                    drop(before);
                    ControlFlow::Continue(())
                },
                |out| self.0.step(item, out),
            )
        });
        match stepped {
            Ok(flow) => {
                if flow.is_continue() || latest.is_some() {
                    out.emit(Cell::Item(latest));
                }
                flow
            }
            Err(payload) => {
                contain_drop(latest).into_iter().for_each(discard);
                resume_unwind(payload)
            }
        }
    }

    fn flush(&mut self, out: &mut Emitter<'_, Self::Output>) {
        out.adapt(
            |_, out| {
                out.count(1);
                ControlFlow::Continue(())
            },
            |out| self.0.flush(out),
        );
        out.emit(Cell::Flushed);
    }

    fn name(&self) -> Option<&str> {
        self.0.name()
    }
}

/// A part of what a scan emits, item by item.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part<O> {
    /// An output that is followed by others for the same item.
    More(O),
    /// The last output for an item; `None` if there was none.
    Last(Option<O>),
    /// The scan has ended or was flushed. Without this mark, it has panicked or was aborted.
    End,
}

/// Emits every output, wrapped in a part that marks where the outputs of an item end.
pub(crate) struct InParts<S>(S);

impl<S> InParts<S> {
    pub(crate) fn new(scan: S) -> Self {
        Self(scan)
    }
}

impl<T, S: Scan<T>> Scan<T> for InParts<S> {
    type Output = Part<S::Output>;

    #[inline]
    fn step(&mut self, item: &T, out: &mut Emitter<'_, Self::Output>) -> ControlFlow<()> {
        let mut held = None;
        // A panic must not lose the output that is held back.
        let stepped = contain(|| out.adapt(hold_back_one(&mut held), |out| self.0.step(item, out)));
        match stepped {
            Ok(flow) => {
                out.emit(Part::Last(held));
                if flow.is_break() {
                    out.emit(Part::End);
                }
                flow
            }
            Err(payload) => {
                held.into_iter().for_each(|output| out.emit(Part::More(output)));
                resume_unwind(payload)
            }
        }
    }

    fn flush(&mut self, out: &mut Emitter<'_, Self::Output>) {
        let emit = |output, out: &mut Emitter<'_, Self::Output>| {
            out.count(1);
            out.emit(Part::More(output));
            ControlFlow::Continue(())
        };
        out.adapt(emit, |out| self.0.flush(out));
        out.emit(Part::End);
    }

    fn name(&self) -> Option<&str> {
        self.0.name()
    }
}

/// Emits all outputs except the last, which stays in `held`.
fn hold_back_one<O>(
    held: &mut Option<O>,
) -> impl FnMut(O, &mut Emitter<'_, Part<O>>) -> ControlFlow<()> {
    |output, out| {
        out.count(1);
        if let Some(before) = held.replace(output) {
            out.emit(Part::More(before));
        }
        ControlFlow::Continue(())
    }
}
