//! Where the threads of a run come from: a pool, a lease of it, or a scope.
//!
//! Architecture invariant: this layer knows nothing of items, scans or runs. A thread gets one job
//! at a time, and a job never unwinds.

mod error;
mod lease;
mod pool;
#[cfg(not(any(loom, shuttle)))]
mod scope;

pub use self::error::LeaseError;
pub use self::lease::Lease;
pub use self::pool::Pool;
pub(crate) use self::pool::Worker;
#[cfg(not(any(loom, shuttle)))]
pub use self::scope::Scoped;

use crate::sync::Arc;

/// A source of threads for a run: [`Global`], a [`&Pool`](Pool), a [`Lease`], or a
/// [`&Scope`](std::thread::Scope) of the standard library. What runs there lives for `'a`.
///
/// This trait is sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no threads for a run",
    label = "not a source of threads",
    note = "`on` takes a `Pool`, a `Lease` of so many threads (`pool.lease(n)?`), or the \
            `&Scope` that `thread::scope` lends; `scoped` is for `fold`, `join` and their `try_` forms"
)]
pub trait Threads<'a>: sealed::Sealed + Sized {
    #[doc(hidden)]
    type Host: Host<'a>;
    /// The source of more threads, later in the run.
    #[doc(hidden)]
    type More: More<'a>;

    #[doc(hidden)]
    fn more(&self) -> Self::More;

    /// The pool whose threads run the scans that are added from outside.
    #[doc(hidden)]
    fn pool(&self) -> Pool;

    /// Gives a thread of each of these kinds, or none. Does not block.
    #[doc(hidden)]
    fn hosts(self, kinds: &[ThreadKind]) -> Result<Vec<Self::Host>, LeaseError>;
}

/// A thread that waits for its job. Dropped without one, it becomes idle again or exits.
#[allow(unnameable_types, reason = "only passes through what is public")]
pub trait Host<'a> {
    /// Runs `job` on the thread, with a handle that returns the thread to its pool, if it has one.
    /// A job must not unwind.
    fn host(self, job: impl FnOnce(Option<Worker>) + Send + 'a);
}

/// Provides threads one by one, during a run.
#[allow(unnameable_types, reason = "only passes through what is public")]
pub trait More<'a> {
    type Host: Host<'a>;

    fn host(&self, kind: &ThreadKind) -> Result<Self::Host, LeaseError>;
}

impl More<'static> for Pool {
    type Host = Worker;

    fn host(&self, kind: &ThreadKind) -> Result<Worker, LeaseError> {
        let mut workers = self.workers(std::iter::once(kind))?;
        Ok(workers.pop().expect("a worker for each kind"))
    }
}

mod sealed {
    #[allow(unnameable_types, reason = "this is what seals")]
    pub trait Sealed {}
}

/// The [global pool](Pool::global): the default source of threads.
#[derive(Clone, Copy, Debug, Default)]
pub struct Global;

/// Implements [`Threads`] for what has the threads of a pool.
macro_rules! pooled {
    ($(|$threads:ident: $type:ty| $pool:expr;)+) => {$(
        impl sealed::Sealed for $type {}

        impl Threads<'static> for $type {
            type Host = Worker;
            type More = Pool;

            fn more(&self) -> Pool {
                self.pool()
            }

            fn pool(&self) -> Pool {
                let $threads = self;
                Pool::clone($pool)
            }

            fn hosts(self, kinds: &[ThreadKind]) -> Result<Vec<Worker>, LeaseError> {
                self.pool().workers(kinds.iter())
            }
        }
    )+};
}

pooled! {
    |_global: Global| Pool::global();
    |pool: Pool| pool;
    |pool: &Pool| pool;
    |lease: Lease| &lease.pool;
}

/// The name and stack size that a thread was started with. Runs that ask for different kinds do not
/// share threads.
#[allow(unnameable_types, reason = "only passes through what is public")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadKind {
    pub(crate) name: Arc<str>,
    pub(crate) stack_size: Option<usize>,
}

impl ThreadKind {
    pub(crate) fn new(name: &str, stack_size: Option<usize>) -> Self {
        Self { name: name.into(), stack_size }
    }
}

impl Default for ThreadKind {
    fn default() -> Self {
        Self::new("anabranch", None)
    }
}
