//! How processes find each other.
//!
//! Each listens on its own address, and connects to all before it. Both sides say who they are
//! before the connection counts: what else is on a port is turned away, or waited out. It counts for
//! the side that was connected to once the connector has confirmed: a connector that had no reply in
//! time has given the connection up, and tries another one.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Weak};
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
const CONFIRMATION: &[u8; 8] = b"anabr/1c";

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

/// When a start is given up, if ever.
#[derive(Debug, Clone, Copy)]
struct Deadline(Option<Instant>);

impl Deadline {
    fn after(wait: Duration) -> Self {
        // What cannot be counted is for ever.
        Self(Instant::now().checked_add(wait))
    }

    fn left(self) -> Duration {
        self.0.map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()))
    }
}

/// Connects this process with all others, before the deadline.
pub(crate) fn connect(setup: &Setup) -> Result<Connections, SetupError> {
    let addresses = setup.resolve()?;
    let (me, processes) = (setup.process, addresses.len());
    if processes < 2 {
        return Ok(Connections { sockets: vec![None], listeners: Vec::new() });
    }
    let deadline = Deadline::after(setup.wait);
    let listeners = listen(&addresses[me])
        .map_err(|source| SetupError::Listen { address: setup.hosts[me].clone(), source })?;
    let identity = identity(setup);
    let (found, finds) = mpsc::channel();
    let going = Arc::new(());
    for (peer, addresses) in addresses.into_iter().enumerate().take(me) {
        let (found, going) = (found.clone(), Arc::downgrade(&going));
        let hello = Hello { from: me as u64, to: peer as u64, setup: identity };
        thread::Builder::new().name(format!("anabranch:connect-{peer}")).spawn(move || {
            if let Some(result) = reach(&addresses, hello, deadline, &going) {
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
    /// A peer with a higher index has our welcome.
    Confirmed(usize, TcpStream),
}

fn gather(
    setup: &Setup,
    listeners: &[TcpListener],
    (found, finds): (&Sender<Event>, &Receiver<Event>),
    identity: u64,
    deadline: Deadline,
) -> Result<Vec<Option<TcpStream>>, SetupError> {
    let me = setup.process;
    let mut sockets: Vec<Option<TcpStream>> = setup.hosts.iter().map(|_| None).collect();
    // Those that came with another set-up.
    let mut strange = vec![false; sockets.len()];
    loop {
        let missing = (0..sockets.len()).find(|&peer| peer != me && sockets[peer].is_none());
        let Some(process) = missing else {
            return Ok(sockets);
        };
        if deadline.left().is_zero() {
            return Err(match strange[process] {
                true => SetupError::Mismatch { process },
                false => SetupError::Missing { process, address: setup.hosts[process].clone() },
            });
        }
        // An error is one of a connection that has gone already, or passes.
        for (socket, _) in listeners.iter().flat_map(|listener| listener.accept()) {
            report("anabranch:greet", found, move || {
                greet(socket).map(|(socket, hello)| Event::Came(socket, hello))
            })?;
        }
        match finds.recv_timeout(LOOK) {
            Ok(Event::Reached(peer, Ok(socket))) => sockets[peer] = Some(ready(socket)?),
            Ok(Event::Reached(process, Err(_))) => return Err(SetupError::Mismatch { process }),
            Ok(Event::Came(socket, hello)) => {
                // Only those behind this process connect to it.
                let peer = usize::try_from(hello.from).ok().filter(|&peer| peer > me);
                let place = peer.and_then(|peer| Some((peer, sockets.get(peer)?)));
                if hello.setup != identity || hello.to != me as u64 {
                    if let Some((peer, _)) = place {
                        strange[peer] = true;
                    }
                    drop(reply(&socket, Reply::OtherSetup));
                } else if let Some((peer, _)) = place.filter(|(_, place)| place.is_none()) {
                    report("anabranch:welcome", found, move || {
                        welcome(socket, deadline).map(|socket| Event::Confirmed(peer, socket))
                    })?;
                }
            }
            Ok(Event::Confirmed(peer, socket)) => {
                if sockets[peer].is_none() {
                    sockets[peer] = Some(ready(socket)?);
                }
            }
            Err(_) => {}
        }
    }
}

/// Runs `find` on a thread of its own, and reports what it finds.
fn report(
    name: &str,
    found: &Sender<Event>,
    find: impl FnOnce() -> io::Result<Event> + Send + 'static,
) -> io::Result<()> {
    let found = found.clone();
    let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
        if let Ok(event) = find() {
            // Nobody listens any more if the start has failed.
            drop(found.send(event));
        }
    });
    thread.map(drop)
}

/// Tries to connect until the deadline, or until the start has failed. Returns nothing if nobody was
/// reached.
fn reach(
    addresses: &[SocketAddr],
    hello: Hello,
    deadline: Deadline,
    going: &Weak<()>,
) -> Option<Result<TcpStream, Reply>> {
    loop {
        for address in addresses {
            let left = deadline.left();
            if left.is_zero() || going.strong_count() == 0 {
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
        Some([0]) => {
            socket.write_all(CONFIRMATION)?;
            Ok((socket, Reply::Welcome))
        }
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

/// Welcomes a connector, and waits until it confirms. One that was stopped may take its time; the
/// connection of one that has given up has ended.
fn welcome(mut socket: TcpStream, deadline: Deadline) -> io::Result<TcpStream> {
    reply(&socket, Reply::Welcome)?;
    socket.set_read_timeout(Some(deadline.left()))?;
    let mut bytes = [0; CONFIRMATION.len()];
    socket.read_exact(&mut bytes)?;
    match bytes == *CONFIRMATION {
        true => Ok(socket),
        false => Err(io::ErrorKind::InvalidData.into()),
    }
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
mod tests;
