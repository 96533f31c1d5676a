//! Threads that want the processors for themselves.

use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

/// Keeps every processor busy while it lives, so that a thread which is woken has to
/// wait until it may go on, and others get ahead of it.
///
/// Let it live in the test itself, outside of the body that has a deadline: then it ends
/// with the test, though the body hangs.
pub struct Busy {
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Busy {
    /// Starts so many threads for each processor.
    pub fn new(per_processor: usize) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let spin = |over: Arc<AtomicBool>| {
            move || {
                while !over.load(Ordering::Relaxed) {
                    spin_loop();
                }
            }
        };
        let threads =
            (0..processors * per_processor).map(|_| thread::spawn(spin(Arc::clone(&over))));
        Self { threads: threads.collect(), over }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
    }
}
