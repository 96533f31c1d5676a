//! New threads, in a scope of the standard library.

use super::{Host, LeaseError, More, Pool, ThreadKind, Threads, Worker, sealed};
use crate::sync::{Scope, Sender, bounded, spawn_scoped};

/// Threads of the scope that a verb opens for itself; see
/// [`FanOut::scoped`](crate::FanOut::scoped).
#[derive(Clone, Copy, Debug)]
pub struct Scoped;

impl sealed::Sealed for Scoped {}

#[allow(unnameable_types, reason = "only passes through what is public")]
type Job<'scope> = Box<dyn FnOnce() + Send + 'scope>;

/// A thread of a scope. It exits after its job, or when its mailbox is dropped.
#[allow(unnameable_types, reason = "only passes through what is public")]
#[derive(Debug)]
pub struct Mailbox<'scope>(Sender<Job<'scope>>);

impl sealed::Sealed for &Scope<'_, '_> {}

impl<'scope> Threads<'scope> for &'scope Scope<'scope, '_> {
    type Host = Mailbox<'scope>;
    type More = Self;

    fn more(&self) -> Self {
        self
    }

    /// A scan that is added owns what it needs, so it need not be in the scope.
    fn pool(&self) -> Pool {
        Pool::global().clone()
    }

    fn hosts(self, kinds: &[ThreadKind]) -> Result<Vec<Mailbox<'scope>>, LeaseError> {
        kinds.iter().map(|kind| self.host(kind)).collect()
    }
}

impl<'scope> More<'scope> for &'scope Scope<'scope, '_> {
    type Host = Mailbox<'scope>;

    fn host(&self, kind: &ThreadKind) -> Result<Mailbox<'scope>, LeaseError> {
        let (mailbox, jobs) = bounded::<Job<'scope>>(1);
        let body = move || {
            if let Ok(job) = jobs.recv() {
                job();
            }
        };
        spawn_scoped(self, &kind.name, kind.stack_size, body).map_err(LeaseError::Spawn)?;
        Ok(Mailbox(mailbox))
    }
}

impl<'scope> Host<'scope> for Mailbox<'scope> {
    fn host(self, job: impl FnOnce(Option<Worker>) + Send + 'scope) {
        // The mailbox is empty, and the thread waits at it.
        let sent = self.0.try_send(Box::new(|| job(None)));
        debug_assert!(sent.is_ok(), "a thread that waits for its job takes it");
    }
}
