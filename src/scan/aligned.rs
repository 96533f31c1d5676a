//! Scans that say where one item's outputs end and the next one's begin.

use std::ops::ControlFlow;
use std::panic::resume_unwind;

use super::{Emitter, Scan};
use crate::engine::{contain, contain_drop, discard};

/// What a scan has for one item, or why it has no more.
#[allow(unnameable_types, reason = "only passes through the engine")]
#[derive(Debug, PartialEq, Eq)]
pub enum Cell<O> {
    /// Its last output for the item; `None` if there was none.
    Item(Option<O>),
    /// It was flushed. If this is missing the scan has ended by itself, has panicked, or
    /// was aborted.
    Flushed,
}

/// Emits once for each item: the last output if there was any. A scan that ends at an
/// item without any emits nothing for it. What is emitted at the flush belongs to no item
/// and is dropped.
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
        let (mut latest, mut outputs) = (None, 0);
        let stepped = contain(|| {
            out.adapt(
                |output, _| {
                    outputs += 1;
                    let before = latest.replace(output);
                    // Its drop may panic; the new one is in its place by then.
                    drop(before);
                    ControlFlow::Continue(())
                },
                |out| self.0.step(item, out),
            )
        });
        out.count(outputs);
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
        let mut outputs = 0;
        out.adapt(
            |_, _| {
                outputs += 1;
                ControlFlow::Continue(())
            },
            |out| self.0.flush(out),
        );
        out.count(outputs);
        out.emit(Cell::Flushed);
    }

    fn name(&self) -> Option<&str> {
        self.0.name()
    }
}

/// A piece of what a scan emits, item by item.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part<O> {
    /// An output, behind which there are others for the same item.
    More(O),
    /// The last output for an item, or that there was none.
    Last(Option<O>),
    /// The scan has ended or was flushed. If this is missing it has panicked, or
    /// was aborted.
    End,
}

/// Emits every output, as the parts of which the outputs of an item consist.
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
        let (mut held, mut outputs) = (None, 0);
        // A panic must not take the output with it that is held back.
        let stepped = contain(|| {
            out.adapt(hold_back_one(&mut held, &mut outputs), |out| self.0.step(item, out))
        });
        out.count(outputs);
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
        let mut outputs = 0;
        let emit = |output, out: &mut Emitter<'_, Self::Output>| {
            outputs += 1;
            out.emit(Part::More(output));
            ControlFlow::Continue(())
        };
        out.adapt(emit, |out| self.0.flush(out));
        out.count(outputs);
        out.emit(Part::End);
    }

    fn name(&self) -> Option<&str> {
        self.0.name()
    }
}

/// Emits all but the last output, which is left in `held`, and counts them all.
fn hold_back_one<O>(
    held: &mut Option<O>,
    outputs: &mut u64,
) -> impl FnMut(O, &mut Emitter<'_, Part<O>>) -> ControlFlow<()> {
    |output, out| {
        *outputs += 1;
        if let Some(before) = held.replace(output) {
            out.emit(Part::More(before));
        }
        ControlFlow::Continue(())
    }
}
