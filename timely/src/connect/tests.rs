use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use super::{Connections, Hello, connect, identity, listen};
use crate::error::SetupError;
use crate::setup::Setup;

const LIMIT: Duration = Duration::from_secs(60);

fn addresses(count: usize) -> Vec<String> {
    let listen = |_| TcpListener::bind("127.0.0.1:0").unwrap();
    let listeners: Vec<_> = (0..count).map(listen).collect();
    listeners.iter().map(|listener| listener.local_addr().unwrap().to_string()).collect()
}

/// Starts one process of a set-up.
fn start(
    process: usize,
    hosts: &[String],
    wait: Duration,
) -> Receiver<Result<Connections, SetupError>> {
    let setup = Setup::new().cluster(process, hosts).wait_for_peers(wait);
    let (report, result) = mpsc::channel();
    thread::spawn(move || report.send(connect(&setup)));
    result
}

/// Connects, as soon as somebody listens.
fn reach(address: &str) -> TcpStream {
    let deadline = Instant::now() + LIMIT;
    loop {
        match TcpStream::connect(address) {
            Ok(socket) => return socket,
            Err(_) => assert!(Instant::now() < deadline, "nobody listens"),
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Checks that two processes are connected with each other.
fn check(one: &Connections, index: usize, other: &Connections, its: usize) {
    let (mut one, mut other) =
        (one.sockets[its].as_ref().unwrap(), other.sockets[index].as_ref().unwrap());
    one.write_all(&[7]).unwrap();
    other.set_read_timeout(Some(LIMIT)).unwrap();
    let mut byte = [0];
    other.read_exact(&mut byte).unwrap();
    assert_eq!(byte, [7]);
}

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

/// As by a process that waited in vain for one that was stopped.
#[test]
fn a_connection_that_was_given_up_does_not_count() {
    let hosts = addresses(2);
    let first = start(0, &hosts, LIMIT);
    let mut given_up = reach(&hosts[0]);
    let setup = identity(&Setup::new().cluster(0, hosts.clone()));
    given_up.write_all(&Hello { from: 1, to: 0, setup }.encode()).unwrap();
    drop(given_up);
    // It is before this one in the queue.
    let second = start(1, &hosts, LIMIT).recv_timeout(LIMIT).unwrap().unwrap();
    let first = first.recv_timeout(LIMIT).unwrap().unwrap();
    check(&first, 0, &second, 1);
}

#[test]
fn a_start_may_wait_for_ever() {
    let hosts = addresses(2);
    let first = start(0, &hosts, Duration::MAX);
    let second = start(1, &hosts, Duration::MAX).recv_timeout(LIMIT).unwrap().unwrap();
    let first = first.recv_timeout(LIMIT).unwrap().unwrap();
    check(&first, 0, &second, 1);
}

#[test]
fn a_stranger_is_not_taken_for_the_process_that_is_missing() {
    let hosts = addresses(3);
    let first = start(0, &hosts, Duration::from_secs(2));
    for from in [0, 2, 3, u64::MAX] {
        let mut stranger = reach(&hosts[0]);
        stranger.write_all(&Hello { from, to: 0, setup: 0 }.encode()).unwrap();
        // A reset is an end too.
        drop(stranger.read_to_end(&mut Vec::new()));
    }
    match first.recv_timeout(LIMIT).unwrap() {
        Err(SetupError::Missing { process: 1, .. }) => {}
        other => panic!("{other:?}"),
    }
}
