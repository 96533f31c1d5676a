//! How processes find each other.
//!
//! Each listens on its own address, and connects to all before it. Both sides say who they are
//! before the connection counts: what else is on a port is turned away, or waited out.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{SockRef, TcpKeepalive};

use crate::error::SetupError;
use crate::setup::Setup;

/// How long a look for connections waits.
const LOOK: Duration = Duration::from_millis(5);
/// How long a connection may take to say who is there.
const GREETING: Duration = Duration::from_secs(2);
/// How long a connector waits between tries.
const RETRY: Duration = Duration::from_millis(50);

const HELLO: &[u8; 8] = b"anabr/1h";
const REPLY: &[u8; 8] = b"anabr/1r";

/// The connections of a process, by peer, and what it listens on, which is kept so that the same
/// process cannot be started twice.
#[derive(Debug)]
pub(crate) struct Connections {
    pub(crate) sockets: Vec<Option<TcpStream>>,
    pub(crate) listeners: Vec<TcpListener>,
}

/// What a connector says first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Hello {
    from: u64,
    to: u64,
    /// A hash of everything that has to be the same in all processes.
    setup: u64,
}

/// What the other side replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reply {
    Welcome,
    OtherSetup,
}

impl Hello {
    const SIZE: usize = 32;

    fn encode(self) -> Vec<u8> {
        let numbers = [self.from, self.to, self.setup].map(u64::to_be_bytes).concat();
        [HELLO.to_vec(), numbers].concat()
    }

    fn decode(bytes: &[u8; Self::SIZE]) -> Option<Self> {
        let number = |at: usize| bytes[at..at + 8].iter().fold(0, |n, &b| n << 8 | u64::from(b));
        let hello = Self { from: number(8), to: number(16), setup: number(24) };
        bytes.starts_with(HELLO).then_some(hello)
    }
}

/// Connects this process with all others, before the deadline.
pub(crate) fn connect(setup: &Setup) -> Result<Connections, SetupError> {
    let addresses = setup.resolve()?;
    let (me, processes) = (setup.process, addresses.len());
    if processes < 2 {
        return Ok(Connections { sockets: vec![None], listeners: Vec::new() });
    }
    let deadline = Instant::now() + setup.wait;
    let listeners = listen(&addresses[me])
        .map_err(|source| SetupError::Listen { address: setup.hosts[me].clone(), source })?;
    let identity = identity(setup);
    let (found, finds) = mpsc::channel();
    for (peer, addresses) in addresses.into_iter().enumerate().take(me) {
        let found = found.clone();
        let hello = Hello { from: me as u64, to: peer as u64, setup: identity };
        thread::Builder::new().name(format!("anabranch:connect-{peer}")).spawn(move || {
            if let Some(result) = reach(&addresses, hello, deadline) {
                // Nobody listens any more if another peer failed.
                drop(found.send(Event::Reached(peer, result)));
            }
        })?;
    }
    let sockets = gather(setup, &listeners, (&found, &finds), identity, deadline)?;
    Ok(Connections { sockets, listeners })
}

/// Listens on all addresses that a name has here. One that is taken is an error, even where another
/// one is free: the same process may be running already.
fn listen(addresses: &[SocketAddr]) -> io::Result<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    let mut failure = io::ErrorKind::AddrNotAvailable.into();
    for address in addresses {
        match TcpListener::bind(address) {
            Ok(listener) => {
                listener.set_nonblocking(true)?;
                listeners.push(listener);
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
            // A name may have addresses of a kind that this machine has not.
            Err(error) => failure = error,
        }
    }
    if listeners.is_empty() { Err(failure) } else { Ok(listeners) }
}

enum Event {
    /// A peer with a lower index was reached, or has another set-up.
    Reached(usize, Result<TcpStream, Reply>),
    /// Somebody has connected, and said hello.
    Came(TcpStream, Hello),
}

fn gather(
    setup: &Setup,
    listeners: &[TcpListener],
    (found, finds): (&Sender<Event>, &Receiver<Event>),
    identity: u64,
    deadline: Instant,
) -> Result<Vec<Option<TcpStream>>, SetupError> {
    let me = setup.process;
    let mut sockets: Vec<Option<TcpStream>> = setup.hosts.iter().map(|_| None).collect();
    let mut strange = None;
    loop {
        let missing = (0..sockets.len()).find(|&peer| peer != me && sockets[peer].is_none());
        let Some(missing) = missing else {
            return Ok(sockets);
        };
        if Instant::now() >= deadline {
            return Err(match strange {
                Some(process) => SetupError::Mismatch { process },
                None => {
                    SetupError::Missing { process: missing, address: setup.hosts[missing].clone() }
                }
            });
        }
        // An error is one of a connection that has gone already, or passes.
        for (socket, _) in listeners.iter().flat_map(|listener| listener.accept()) {
            let found = found.clone();
            thread::Builder::new().name("anabranch:greet".into()).spawn(move || {
                if let Ok((socket, hello)) = greet(socket) {
                    drop(found.send(Event::Came(socket, hello)));
                }
            })?;
        }
        match finds.recv_timeout(LOOK) {
            Ok(Event::Reached(peer, Ok(socket))) => sockets[peer] = Some(ready(socket)?),
            Ok(Event::Reached(process, Err(_))) => return Err(SetupError::Mismatch { process }),
            Ok(Event::Came(socket, hello)) => {
                let peer = usize::try_from(hello.from).unwrap_or(usize::MAX);
                let free = peer > me && sockets.get(peer).is_some_and(Option::is_none);
                if hello.setup != identity || hello.to != me as u64 {
                    strange = Some(peer);
                    drop(reply(&socket, Reply::OtherSetup));
                } else if free && reply(&socket, Reply::Welcome).is_ok() {
                    sockets[peer] = Some(ready(socket)?);
                }
            }
            Err(_) => {}
        }
    }
}

/// Tries to connect until the deadline. Returns nothing if nobody was reached.
fn reach(
    addresses: &[SocketAddr],
    hello: Hello,
    deadline: Instant,
) -> Option<Result<TcpStream, Reply>> {
    loop {
        for address in addresses {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            match introduce(address, hello, left.min(GREETING)) {
                Ok((socket, Reply::Welcome)) => return Some(Ok(socket)),
                Ok((_, reply)) => return Some(Err(reply)),
                // Nobody there yet, or somebody else.
                Err(_) => {}
            }
        }
        thread::sleep(RETRY);
    }
}

fn introduce(address: &SocketAddr, hello: Hello, left: Duration) -> io::Result<(TcpStream, Reply)> {
    let mut socket = TcpStream::connect_timeout(address, left)?;
    socket.set_read_timeout(Some(left))?;
    socket.write_all(&hello.encode())?;
    let mut bytes = [0; REPLY.len() + 1];
    socket.read_exact(&mut bytes)?;
    match bytes.strip_prefix(REPLY) {
        Some([0]) => Ok((socket, Reply::Welcome)),
        Some([1]) => Ok((socket, Reply::OtherSetup)),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn greet(mut socket: TcpStream) -> io::Result<(TcpStream, Hello)> {
    socket.set_nonblocking(false)?;
    socket.set_read_timeout(Some(GREETING))?;
    let mut bytes = [0; Hello::SIZE];
    socket.read_exact(&mut bytes)?;
    let hello = Hello::decode(&bytes).ok_or(io::ErrorKind::InvalidData)?;
    Ok((socket, hello))
}

fn reply(mut socket: &TcpStream, reply: Reply) -> io::Result<()> {
    let code = match reply {
        Reply::Welcome => 0,
        Reply::OtherSetup => 1,
    };
    socket.write_all(&[&REPLY[..], &[code]].concat())
}

/// Sets what a connection of a run needs. Probes find a machine that has vanished.
fn ready(socket: TcpStream) -> io::Result<TcpStream> {
    socket.set_read_timeout(None)?;
    socket.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(10))
        .with_interval(Duration::from_secs(5))
        .with_retries(3);
    SockRef::from(&socket).set_tcp_keepalive(&keepalive)?;
    Ok(socket)
}

fn identity(setup: &Setup) -> u64 {
    let mut hasher = DefaultHasher::new();
    (setup.workers, setup.processes()).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::{Hello, listen};

    #[test]
    fn a_hello_is_read_as_it_was_written() {
        let hello = Hello { from: 3, to: u64::MAX, setup: 1 << 40 };
        let bytes: [u8; Hello::SIZE] = hello.encode().try_into().unwrap();
        assert_eq!(Hello::decode(&bytes), Some(hello));
        assert_eq!(Hello::decode(b"GET / HTTP/1.1\r\nHost: example\r\n\r"), None);
    }

    #[test]
    fn every_address_of_a_name_has_to_be_free() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = listener.local_addr().unwrap();
        let other = "127.0.0.2:0".parse().unwrap();
        // One of a network for documentation, which no machine has.
        let foreign = "192.0.2.1:0".parse().unwrap();
        assert_eq!(listen(&[other, foreign]).unwrap().len(), 1);
        assert!(listen(&[foreign]).is_err());
        assert!(listen(&[other, taken]).is_err());
        assert!(listen(&[taken, other]).is_err());
        drop(listener);
        assert_eq!(listen(&[taken, other]).unwrap().len(), 2);
    }
}
