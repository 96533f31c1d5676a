//! A connection between two processes, as timely's threads use it.
//!
//! Timely's threads panic when a connection fails, and the panic spreads to the workers, where it
//! may come while another one unwinds. So a link never fails: it reports a loss to the [`Process`]
//! and then plays a peer that ends in order, once the workers have left.
//!
//! Behind the message that ends timely's stream goes one byte: whether the run was whole in the
//! process that sent it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use timely::communication::allocator::zero_copy::stream::Stream;

use crate::frames::Frames;
use crate::process::{Process, Stage};

const WHOLE: u8 = 1;
const FAILED: u8 = 2;

#[derive(Debug)]
pub(crate) struct Link {
    socket: TcpStream,
    peer: usize,
    process: Arc<Process>,
    /// What was read so far.
    frames: Frames,
    /// Whether the peer is lost: zeros are read, until the stream has ended.
    lost: bool,
}

impl Link {
    pub(crate) fn new(socket: TcpStream, peer: usize, process: Arc<Process>) -> Self {
        Self { socket, peer, process, frames: Frames::new(), lost: false }
    }

    /// Reads from the socket; an error is an end of the stream.
    fn read_some(&mut self, buffer: &mut [u8]) -> usize {
        loop {
            match self.socket.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => {
                    let read = result.unwrap_or(0);
                    self.process.traffic.received.fetch_add(read as u64, Ordering::Relaxed);
                    return read;
                }
            }
        }
    }

    /// Takes what the peer says at its end.
    fn take_verdict(&mut self, behind: Option<u8>) {
        let mut byte = [0];
        let verdict = behind.or_else(|| (self.read_some(&mut byte) == 1).then_some(byte[0]));
        match verdict {
            Some(WHOLE) => {}
            Some(_) => self.process.told(self.peer),
            None => self.process.disconnected(self.peer),
        }
    }
}

impl Read for Link {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.frames.ended() || buffer.is_empty() {
            return Ok(0);
        }
        if !self.lost {
            let read = self.read_some(buffer);
            if read > 0 {
                let taken = self.frames.advance(&buffer[..read]);
                if self.frames.ended() {
                    self.take_verdict(buffer[taken..read].first().copied());
                }
                return Ok(taken);
            }
            self.lost = true;
            self.process.disconnected(self.peer);
            // No worker sees the zeros.
            self.process.wait_for_workers();
        }
        buffer.fill(0);
        Ok(self.frames.advance(buffer))
    }
}

impl Write for Link {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.process.stage() < Stage::Cut {
            match self.socket.write(bytes) {
                Ok(written) if written > 0 => {
                    self.process.traffic.sent.fetch_add(written as u64, Ordering::Relaxed);
                    return Ok(written);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
                _ => self.process.disconnected(self.peer),
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for Link {
    fn try_clone(&self) -> io::Result<Self> {
        Ok(Self::new(self.socket.try_clone()?, self.peer, Arc::clone(&self.process)))
    }

    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.socket.set_nonblocking(nonblocking)
    }

    /// Says how the run was here. Called once, by the thread that has sent everything.
    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        let verdict = if self.process.culprit().is_none() { WHOLE } else { FAILED };
        // What cannot be sent is missed by the peer, which then knows that this process is lost.
        if self.process.stage() < Stage::Cut && (&self.socket).write_all(&[verdict]).is_ok() {
            drop(self.socket.shutdown(how));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Shutdown, TcpListener, TcpStream};
    use std::sync::Arc;
    use std::time::Duration;

    use timely::communication::allocator::zero_copy::stream::Stream;

    use super::Link;
    use crate::contain::Payload;
    use crate::error::RunError;
    use crate::process::{Process, Stage};
    use crate::setup::Setup;

    /// Two ends of a connection, in processes 0 and 1 that have no workers left.
    fn pair() -> [(Link, Arc<Process>); 2] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let one = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (other, _) = listener.accept().unwrap();
        [(one, 1), (other, 0)].map(|(socket, peer)| {
            socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            let handle = socket.try_clone().unwrap();
            let process = Arc::new(Process::new(&Setup::new().workers(0), vec![handle]));
            (Link::new(socket, peer, Arc::clone(&process)), process)
        })
    }

    /// A message of three bytes, and the one that ends the stream.
    fn messages() -> (Vec<u8>, Vec<u8>) {
        let end = vec![0; 48];
        let mut message = end.clone();
        message[39] = 3;
        message.extend([1, 2, 3]);
        (message, end)
    }

    fn read_all(link: &mut Link) -> Vec<u8> {
        let mut bytes = Vec::new();
        link.read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_stream_that_ends_in_order_is_whole() {
        let [(mut one, _), (mut other, process)] = pair();
        let (message, end) = messages();
        one.write_all(&message).unwrap();
        one.write_all(&end).unwrap();
        one.shutdown(Shutdown::Write).unwrap();
        assert_eq!(read_all(&mut other), [message, end].concat());
        assert_eq!(process.stage(), Stage::Running);
        assert!(process.outcome().is_ok());
    }

    #[test]
    fn the_end_says_whether_the_run_was_whole_there() {
        let [(mut one, theirs), (mut other, process)] = pair();
        theirs.panicked(0, Box::new("there") as Payload);
        let (_, end) = messages();
        one.write_all(&end).unwrap();
        one.shutdown(Shutdown::Write).unwrap();
        assert_eq!(read_all(&mut other), end);
        assert_eq!(process.stage(), Stage::Draining);
        assert!(matches!(process.outcome(), Err(RunError::Lost { process: 0 })));
    }

    #[test]
    fn a_torn_stream_is_a_loss_and_ends_in_order() {
        let (message, end) = messages();
        for torn in 0..message.len() + end.len() {
            let [(mut one, theirs), (mut other, process)] = pair();
            one.write_all(&[&message[..], &end].concat()[..torn]).unwrap();
            theirs.cut();
            let read = read_all(&mut other);
            assert!(read.ends_with(&end), "torn at {torn}");
            assert_eq!(process.stage(), Stage::Cut);
            assert!(matches!(process.outcome(), Err(RunError::Lost { process: 0 })));
        }
    }

    #[test]
    fn what_is_written_to_a_lost_process_goes_nowhere() {
        let [(mut one, process), (_, theirs)] = pair();
        theirs.cut();
        for _ in 0..1_000 {
            one.write_all(&[0; 4096]).unwrap();
        }
        assert!(matches!(process.outcome(), Err(RunError::Lost { process: 1 })));
    }
}
