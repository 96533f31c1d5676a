//! What goes wrong: before a run, and in it.

use std::path::PathBuf;
use std::{error, fmt, io};

use parking_lot::Mutex;

use crate::contain::Payload;

/// Why a run did not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum SetupError {
    /// An argument has no value, or one that is not a number in its range.
    Argument {
        /// The argument, such as `-w`.
        argument: String,
        /// What was given, if anything was.
        value: Option<String>,
    },
    /// The host file cannot be read.
    HostFile {
        /// The file.
        path: PathBuf,
        /// What reading it returned.
        source: io::Error,
    },
    /// The host file has fewer addresses than there are processes.
    TooFewHosts {
        /// The number of addresses in the file.
        found: usize,
        /// The number of processes.
        wanted: usize,
    },
    /// The index of this process is not below the number of processes.
    ProcessOutOfRange {
        /// The index.
        process: usize,
        /// The number of processes.
        processes: usize,
    },
    /// A process has no worker.
    Empty,
    /// An address has no port, or does not resolve.
    Address {
        /// The address, as given.
        address: String,
        /// What resolving it returned.
        source: io::Error,
    },
    /// Two processes have the same address.
    RepeatedAddress {
        /// The address, as given.
        address: String,
    },
    /// This process cannot listen on its address: its port is taken, perhaps by the same process
    /// started twice, or the address is another machine's.
    Listen {
        /// The address, as given.
        address: String,
        /// What listening on it returned.
        source: io::Error,
    },
    /// A process did not come within [`wait_for_peers`](crate::Setup::wait_for_peers).
    Missing {
        /// The index of the process.
        process: usize,
        /// Its address, as given.
        address: String,
    },
    /// A process has another set-up: another order of the addresses, or another number of processes
    /// or workers.
    Mismatch {
        /// The index of the process.
        process: usize,
    },
    /// The operating system refused a thread, a socket, or a setting of a socket.
    System(io::Error),
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument { argument, value: Some(value) } => {
                write!(f, "argument {argument} is {value:?}, which is not a number in its range")
            }
            Self::Argument { argument, value: None } => {
                write!(f, "argument {argument} has no value")
            }
            Self::HostFile { path, .. } => {
                write!(f, "cannot read the host file {}", path.display())
            }
            Self::TooFewHosts { found, wanted } => {
                write!(f, "the host file has {found} addresses for {wanted} processes")
            }
            Self::ProcessOutOfRange { process, processes } => {
                write!(f, "there is no process {process} among {processes}, which count from 0")
            }
            Self::Empty => f.write_str("at least one worker is needed"),
            Self::Address { address, .. } => {
                write!(f, "cannot resolve {address:?}, which has to be host:port")
            }
            Self::RepeatedAddress { address } => {
                write!(f, "two processes have the address {address}")
            }
            Self::Listen { address, .. } => write!(f, "cannot listen on {address}"),
            Self::Missing { process, address } => {
                write!(f, "process {process} did not come, at {address}")
            }
            Self::Mismatch { process } => {
                write!(f, "process {process} was started with another set-up")
            }
            Self::System(_) => f.write_str("the operating system refused a thread or a socket"),
        }
    }
}

impl error::Error for SetupError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::HostFile { source, .. }
            | Self::Address { source, .. }
            | Self::Listen { source, .. }
            | Self::System(source) => Some(source),
            _ => None,
        }
    }
}

impl From<io::Error> for SetupError {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

/// Why a run has no result.
#[derive(Debug)]
#[non_exhaustive]
pub enum RunError {
    /// The run did not start.
    Setup(SetupError),
    /// User code panicked in this process: a step, a flush, a key, a factory, an input, the drop of
    /// a scan, a key or an item, or the closure that builds the dataflow.
    Panicked(Panicked),
    /// Another process is lost to this run: it panicked, was killed, or is cut off.
    Lost {
        /// The index of the process. Of several, as where one leaves for the loss of another, the
        /// first that was noticed.
        process: usize,
    },
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setup(_) => f.write_str("the run did not start"),
            Self::Panicked(panicked) => panicked.fmt(f),
            Self::Lost { process } => write!(f, "process {process} is lost, and the run with it"),
        }
    }
}

impl error::Error for RunError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Setup(error) => Some(error),
            _ => None,
        }
    }
}

impl From<SetupError> for RunError {
    fn from(error: SetupError) -> Self {
        Self::Setup(error)
    }
}

/// A panic of user code on a worker of this process.
pub struct Panicked {
    worker: usize,
    // The lock makes the error `Sync`, which a payload is not.
    payload: Mutex<Payload>,
}

impl Panicked {
    pub(crate) fn new(worker: usize, payload: Payload) -> Self {
        Self { worker, payload: Mutex::new(payload) }
    }

    /// Returns the index of the worker, among those of all processes.
    #[must_use]
    pub fn worker(&self) -> usize {
        self.worker
    }

    /// Returns the payload, for [`resume_unwind`](std::panic::resume_unwind) or a `downcast`.
    #[must_use]
    pub fn into_payload(self) -> Payload {
        self.payload.into_inner()
    }

    /// Returns the message of the panic, if it has one.
    #[must_use]
    pub fn message(&self) -> Option<String> {
        let payload = self.payload.lock();
        let literal = payload.downcast_ref::<&str>().map(ToString::to_string);
        literal.or_else(|| payload.downcast_ref::<String>().cloned())
    }
}

impl fmt::Debug for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Panicked")
            .field("worker", &self.worker)
            .field("message", &self.message())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "worker {} panicked", self.worker)?;
        match self.message() {
            Some(message) => write!(f, ": {message}"),
            None => Ok(()),
        }
    }
}
