//! One pass, several results.

use std::panic::resume_unwind;

use crate::config::Config;
use crate::engine::{Kept, Ready, contain, discard};
use crate::error::StartError;
use crate::input::Input;
use crate::scan::{Latest, ScanSet};
use crate::threads::ThreadSource;

/// Runs `scans` over `input` and keeps the last output of each.
pub(crate) fn fold<'a, I, S>(
    threads: impl ThreadSource<'a>,
    config: &Config,
    input: I,
    scans: S,
) -> Result<S::Latest, StartError<I, S>>
where
    I: Input<Item: Send + Sync + 'a>,
    S: ScanSet<'a, I::Item>,
{
    let ready = match Ready::new::<I::Item, <S::Latest as Latest>::Output>(
        threads,
        config,
        scans.count(),
    ) {
        Ok(ready) => ready,
        Err(kind) => return Err(StartError::new(kind, input, scans)),
    };
    let mut last = scans.nothing();
    let mut manager = ready.start(input, scans.boxed(), Kept::Last);
    let pulled = contain(|| {
        while let Some((id, output)) = manager.next() {
            last.place(id.index(), output);
        }
    });
    match pulled {
        Ok(()) => Ok(last),
        Err(payload) => {
            // The results go, too; what their drops panic with is not told.
            last.clear().into_iter().for_each(discard);
            resume_unwind(payload)
        }
    }
}
