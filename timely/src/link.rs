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
