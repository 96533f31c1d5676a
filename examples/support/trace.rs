//! Writing a trace of a program, as Perfetto and `chrome://tracing` open it.

use std::path::Path;

/// Does `work`, and writes a trace of it to that file, if there is one. The thread that
/// does it is then called `consumer`.
pub(crate) fn traced<R: Send>(
    file: Option<&Path>,
    work: impl FnOnce() -> R + Send,
) -> Result<R, String> {
    match file {
        Some(file) => write(file, work),
        None => Ok(work()),
    }
}

#[cfg(feature = "tracing")]
fn write<R: Send>(to: &Path, work: impl FnOnce() -> R + Send) -> Result<R, String> {
    use std::fs::File;
    use std::panic::resume_unwind;
    use std::thread;

    use tracing_chrome::ChromeLayerBuilder;
    use tracing_subscriber::prelude::*;

    let file = File::create(to).map_err(|error| format!("{}: {error}", to.display()))?;
    let layer = ChromeLayerBuilder::new().writer(file).include_args(true).include_locations(false);
    // Dropped at the end, it waits until everything is in the file.
    let (layer, _guard) = layer.build();
    tracing_subscriber::registry().with(layer).try_init().map_err(|error| error.to_string())?;
    thread::scope(|threads| {
        let consumer = thread::Builder::new().name("consumer".to_owned());
        let consumer = consumer.spawn_scoped(threads, work).map_err(|error| error.to_string())?;
        Ok(consumer.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

#[cfg(not(feature = "tracing"))]
fn write<R>(_: &Path, _: impl FnOnce() -> R) -> Result<R, String> {
    Err("--trace: built without the feature; try cargo run --features tracing".to_owned())
}
