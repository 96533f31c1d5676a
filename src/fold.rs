//! One pass, several results.

use crate::config::Config;
use crate::engine::{Kept, Ready};
use crate::error::StartError;
use crate::scan::ScanSet;

/// Runs `scans` over `input` and keeps the last output of each.
pub(crate) fn fold<I, S>(config: &Config, input: I, scans: S) -> Result<S::Latest, StartError<I, S>>
where
    I: Iterator<Item: Send + Sync + 'static>,
    S: ScanSet<I::Item>,
{
    let ready = match Ready::new::<I::Item>(config, scans.count()) {
        Ok(ready) => ready,
        Err(kind) => return Err(StartError::new(kind, input, scans)),
    };
    let mut last = scans.nothing();
    let mut manager = ready.start(input, scans.boxed(), Kept::Last);
    while let Some((id, output)) = manager.next() {
        S::place(&mut last, id.index(), output);
    }
    Ok(last)
}
