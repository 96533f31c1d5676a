//! One pass, several results.

use crate::config::Config;
use crate::engine::{Kept, Ready};
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
    let ready = match Ready::new::<I::Item>(threads, config, scans.count()) {
        Ok(ready) => ready,
        Err(kind) => return Err(StartError::new(kind, input, scans)),
    };
    let mut last = scans.nothing();
    let mut manager = ready.start(input, scans.boxed(), Kept::Last);
    while let Some((id, output)) = manager.next() {
        last.place(id.index(), output);
    }
    Ok(last)
}
