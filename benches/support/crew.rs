//! Warm threads for the peers that are written by hand.
//!
//! This crate has a pool. The peers get one, too, so that they do not pay for starting
//! threads where something else is measured.

use std::sync::Mutex;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};

/// A job for a thread of the crew. It returns a closure that delivers the result.
type Job = Box<dyn FnOnce() -> Delivery + Send>;
type Delivery = Box<dyn FnOnce()>;

static IDLE: Mutex<Vec<Sender<Job>>> = Mutex::new(Vec::new());

/// The result of a job that is being done.
pub(crate) struct Pending<R>(Receiver<R>);

/// Does `job` on a thread of the crew, starting one if none is idle.
pub(crate) fn spawn<R: Send + 'static>(job: impl FnOnce() -> R + Send + 'static) -> Pending<R> {
    let (result, pending) = bounded(1);
    let job: Job = Box::new(move || {
        let value = job();
        Box::new(move || result.send(value).expect("every result is waited for"))
    });
    let idle = IDLE.lock().expect("nothing panics under the lock").pop();
    idle.unwrap_or_else(hire).send(job).expect("the crew never ends");
    Pending(pending)
}

impl<R> Pending<R> {
    /// Waits for the result.
    ///
    /// # Panics
    ///
    /// Panics if the job did.
    pub(crate) fn join(self) -> R {
        self.0.recv().expect("the job does not panic")
    }
}

/// Waits for all results, in order.
pub(crate) fn join_all<R>(pending: impl IntoIterator<Item = Pending<R>>) -> Vec<R> {
    pending.into_iter().map(Pending::join).collect()
}

fn hire() -> Sender<Job> {
    let (mailbox, jobs) = bounded::<Job>(1);
    let own = mailbox.clone();
    thread::spawn(move || {
        for job in jobs {
            let deliver = job();
            // Idle first, so that the next job finds this thread.
            IDLE.lock().expect("nothing panics under the lock").push(own.clone());
            deliver();
        }
    });
    mailbox
}
