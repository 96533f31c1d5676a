//! Runs on several processes of this machine: their results, and how they end.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "support/child.rs"]
mod child;
mod support;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anabranch::prelude::*;
use anabranch_timely::{
    Deliver, Job, Order, RunError, Scans, Setup, SetupError, Sink, outputs, spawn,
};
use child::{ARGS, JOB, MARK, Process, free_addresses};
use support::LIMIT;

/// How long the others may take to notice that a process is lost. Less than a second on a machine
/// that is free.
const NOTICED: Duration = Duration::from_secs(20);

const ITEMS: u64 = 30_000;
const KEYS: u64 = 97;

/// The items of one worker.
fn items_of(worker: usize) -> std::ops::Range<u64> {
    let from = worker as u64 * 1_000_000;
    from..from + ITEMS
}

fn say(what: impl std::fmt::Display) {
    println!("\n{MARK}{what}");
}

/// What the other processes do: a job of the environment. Does nothing as a test.
#[test]
fn child() {
    let (Ok(job), Ok(args)) = (std::env::var(JOB), std::env::var(ARGS)) else {
        return;
    };
    // Whatever becomes of the parent, this process ends.
    thread::spawn(|| {
        thread::sleep(3 * LIMIT);
        std::process::exit(99);
    });
    let (setup, rest) = Setup::from_args(args.split_whitespace().map(String::from)).unwrap();
    assert!(rest.is_empty(), "{rest:?}");
    let (sink, mut outputs) = outputs(4);
    let run = match job.as_str() {
        "sums" | "slow sums" => {
            let pause = Duration::from_millis(if job == "sums" { 0 } else { 50 });
            spawn(&setup, move |job| sums(job, &sink, pause))
        }
        "endless" | "drops" => spawn(&setup, move |job| endless(job, &sink, u64::MAX)),
        "takes" => spawn(&setup, move |job| takes(job, &sink)),
        "panics" => spawn(&setup, move |job| endless(job, &sink, 10_000)),
        job => panic!("no job {job}"),
    };
    let run = match run {
        Ok(run) => run,
        Err(error) => {
            say(match error {
                SetupError::Missing { process, .. } => format!("missing {process}"),
                SetupError::Listen { .. } => "cannot listen".to_owned(),
                SetupError::Mismatch { process } => format!("mismatch {process}"),
                other => other.to_string(),
            });
            return;
        }
    };
    match job.as_str() {
        "drops" => {
            // The one of process 0 leaves early.
            let wanted = if setup.process() == 0 { 1_000 } else { usize::MAX };
            outputs.by_ref().take(wanted).for_each(drop);
            drop(outputs);
        }
        "takes" => say(format!("took {}", outputs.count())),
        "endless" | "panics" => {
            if outputs.by_ref().next().is_some() {
                say("running");
            }
            outputs.for_each(drop);
        }
        _ => {
            say("started");
            for (key, sum) in outputs {
                say(format!("{key} {sum}"));
            }
        }
    }
    say(match run.join() {
        Ok(stats) if job == "takes" => {
            format!("pulled {}", stats.workers.iter().map(|worker| worker.pulled).sum::<u64>())
        }
        Ok(_) => "ok".to_owned(),
        Err(RunError::Lost { process }) => format!("lost {process}"),
        Err(RunError::Panicked(panicked)) => format!("panicked {}", panicked.message().unwrap()),
        Err(error) => error.to_string(),
    });
}

/// Sums per key, of the items of all workers, on worker 0.
fn sums(job: &Job<'_>, sink: &Sink<(u64, u64)>, pause: Duration) {
    let items = items_of(job.index());
    let input = move || {
        items.inspect(move |n| {
            if n % 1_000 == 0 {
                thread::sleep(pause);
            }
        })
    };
    let items = job.source(input).stream();
    let sums = items.demux(job, Order::Arrival, |n| n % KEYS, |_| scan::sum::<u64, u64>());
    sums.gather(job, 0).deliver(job, sink);
}

/// A job without an end, with scans on all workers. The last worker panics at an item.
fn endless(job: &Job<'_>, sink: &Sink<(u64, u64)>, panics_at: u64) {
    let last = job.index() == job.peers() - 1;
    let items = job.source(|| 0..u64::MAX).batch(100).stream();
    let scans = move |_: &u64| {
        scan::map(move |n: &u64| {
            assert!(!last || *n < panics_at, "at an item");
            *n
        })
    };
    items.demux(job, Order::Arrival, |n| n % KEYS, scans).deliver(job, sink);
}

/// A job of scans, on all workers, that end by themselves.
fn takes(job: &Job<'_>, sink: &Sink<(u64, u64)>) {
    let items = job.source(|| 0..1_000_000_000_000_u64).batch(100).stream();
    let scans = |_| scan::cloned::<u64>().take(2_000);
    let taken = items.distribute(job, job.peers(), Order::Arrival, scans);
    // Scans behind others, one for each index.
    let key = |(scan, _): &(usize, u64)| *scan as u64;
    let items = taken.demux(job, Order::Arrival, key, |_| scan::map(|(_, n): &(usize, u64)| *n));
    items.gather(job, 0).deliver(job, sink);
}

/// A cluster on free ports of this machine.
struct Cluster {
    hosts: PathBuf,
    addresses: Vec<String>,
    more: String,
    // Removed at the end.
    _file: tempfile::NamedTempFile,
}

impl Cluster {
    fn new(processes: usize, more: &str) -> Self {
        let addresses = free_addresses(processes);
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(addresses.join("\n").as_bytes()).unwrap();
        Self { hosts: file.path().to_owned(), addresses, more: more.to_owned(), _file: file }
    }

    fn start(&self, job: &str, process: usize) -> Process {
        let (processes, hosts) = (self.addresses.len(), self.hosts.display());
        Process::start(job, &format!("-n {processes} -p {process} -h {hosts} {}", self.more))
    }

    fn start_all(&self, job: &str) -> Vec<Process> {
        (0..self.addresses.len()).map(|process| self.start(job, process)).collect()
    }
}

/// Checks what the processes of a job `sums` say, against the scans on one thread.
fn check_sums(processes: Vec<Process>, workers: usize) {
    let workers = processes.len() * workers;
    let items: Vec<u64> = (0..workers).flat_map(items_of).collect();
    let expected = (0..KEYS).map(|key| {
        let sum = scan::sum::<u64, u64>().apply(items.iter().copied().filter(|n| n % KEYS == key));
        format!("{key} {}", sum[0])
    });
    let mut expected: Vec<_> = expected.collect();
    expected.sort_unstable();
    for (index, process) in processes.into_iter().enumerate() {
        process.says("started");
        let mut said = process.end();
        assert_eq!(said.pop().as_deref(), Some("ok"), "process {index}");
        said.sort_unstable();
        assert_eq!(said, if index == 0 { expected.as_slice() } else { &[] }, "process {index}");
    }
}

#[test]
fn results_are_those_of_one_thread() {
    for (processes, workers, more) in
        [(1, 1, ""), (1, 2, ""), (1, 2, "-z"), (2, 1, ""), (3, 1, ""), (2, 2, ""), (2, 2, "-z")]
    {
        let cluster = Cluster::new(processes, &format!("-w {workers} {more}"));
        check_sums(cluster.start_all("sums"), workers);
    }
}

#[test]
fn a_process_may_come_late() {
    let cluster = Cluster::new(3, "");
    let first = cluster.start("sums", 1);
    assert!(first.is_silent(Duration::from_millis(300)));
    let second = cluster.start("sums", 0);
    assert!(second.is_silent(Duration::from_millis(300)));
    let third = cluster.start("sums", 2);
    check_sums(vec![second, first, third], 1);
}

#[test]
fn a_process_may_be_stopped_and_continued() {
    let cluster = Cluster::new(2, "");
    let processes = cluster.start_all("slow sums");
    thread::sleep(Duration::from_millis(400));
    processes[1].signal("STOP");
    thread::sleep(Duration::from_millis(1500));
    processes[1].signal("CONT");
    check_sums(processes, 1);
}

#[test]
fn a_killed_process_is_lost_to_all_others() {
    for (processes, more) in [(2, "-w 2"), (3, ""), (3, "-z -w 2")] {
        for killed in 0..processes {
            let cluster = Cluster::new(processes, more);
            let mut running = cluster.start_all("endless");
            for process in &running {
                process.says("running");
            }
            let victim = running.remove(killed);
            victim.signal("KILL");
            let begun = Instant::now();
            for process in running {
                // On a crowded machine, one that leaves for the loss may be missed first.
                assert!(process.line().starts_with("lost "));
                assert!(begun.elapsed() < NOTICED, "{:?}", begun.elapsed());
                assert!(process.end().is_empty());
            }
        }
    }
}

#[test]
fn a_process_killed_before_it_is_through_is_lost_too() {
    // At the start, and at every moment of a short run.
    for delay in [0, 5, 10, 20, 50, 100, 200] {
        let cluster = Cluster::new(2, "--wait 2");
        let (other, victim) = (cluster.start("sums", 0), cluster.start("sums", 1));
        thread::sleep(Duration::from_millis(delay));
        victim.signal("KILL");
        drop(victim);
        let said = other.end();
        let last = said.last().map(String::as_str);
        assert!(matches!(last, Some("lost 1" | "missing 1" | "ok")), "{last:?}");
    }
}

#[test]
fn a_panic_is_lost_to_the_others_and_an_error_here() {
    for (processes, more) in [(2, ""), (3, "-w 2"), (2, "-z -w 2")] {
        let cluster = Cluster::new(processes, more);
        let running = cluster.start_all("panics");
        let last = processes - 1;
        for (index, process) in running.into_iter().enumerate() {
            process.says("running");
            if index == last {
                process.says("panicked at an item");
            } else {
                // On a crowded machine, one that leaves for the loss may be missed first.
                let line = process.line();
                assert!(
                    line == format!("lost {last}") || processes > 2 && line.starts_with("lost ")
                );
            }
            assert!(process.end().is_empty());
        }
    }
}

#[test]
fn a_process_that_never_comes_is_missing() {
    for (here, missing) in [(0, 1), (1, 0)] {
        let cluster = Cluster::new(2, "--wait 1");
        let begun = Instant::now();
        let process = cluster.start("sums", here);
        process.says(&format!("missing {missing}"));
        assert!(begun.elapsed() > Duration::from_secs(1));
        assert!(begun.elapsed() < Duration::from_secs(10));
        process.end();
    }
}

#[test]
fn a_port_in_use_is_an_error() {
    for here in [0, 1] {
        let cluster = Cluster::new(2, "");
        let taken = TcpListener::bind(&cluster.addresses[here]).unwrap();
        let process = cluster.start("sums", here);
        process.says("cannot listen");
        process.end();
        drop(taken);
    }
}

#[test]
fn a_process_is_not_started_twice() {
    let cluster = Cluster::new(2, "");
    let running = cluster.start_all("slow sums");
    for process in &running {
        process.says("started");
    }
    // The run cannot end meanwhile.
    running[1].signal("STOP");
    for here in [0, 1] {
        let again = cluster.start("slow sums", here);
        again.says("cannot listen");
        again.end();
    }
    running[1].signal("CONT");
    let mut running = running.into_iter();
    let (first, second) = (running.next().unwrap(), running.next().unwrap());
    let said = first.end();
    assert_eq!(said.len() as u64, KEYS + 1);
    assert_eq!(said.last().map(String::as_str), Some("ok"));
    assert_eq!(second.end(), ["ok"]);
}

#[test]
fn another_set_up_is_an_error_where_it_is_noticed() {
    let one = Cluster::new(2, "-w 1 --wait 5");
    let other = Cluster { more: "-w 2 --wait 5".to_owned(), ..Cluster::new(2, "") };
    std::fs::copy(&one.hosts, &other.hosts).unwrap();
    let (first, second) = (one.start("sums", 0), other.start("sums", 1));
    second.says("mismatch 0");
    first.says("mismatch 1");
    first.end();
    second.end();
}

#[test]
fn strangers_on_the_port_are_turned_away() {
    let cluster = Cluster::new(2, "");
    let first = cluster.start("sums", 0);
    let deadline = Instant::now() + LIMIT;
    let connect = || loop {
        match TcpStream::connect(&cluster.addresses[0]) {
            Ok(socket) => return socket,
            Err(_) => assert!(Instant::now() < deadline, "nobody listens"),
        }
        thread::sleep(Duration::from_millis(10));
    };
    let silent = connect();
    let mut web = connect();
    web.write_all(b"GET / HTTP/1.1\r\nHost: example.org\r\nAccept: */*\r\n\r\n").unwrap();
    let mut short = connect();
    short.write_all(b"anabr").unwrap();
    drop(short);
    web.set_read_timeout(Some(LIMIT)).unwrap();
    let mut reply = Vec::new();
    // A reset is an end too.
    drop(web.read_to_end(&mut reply));
    assert!(reply.is_empty());
    assert!(first.is_silent(Duration::from_millis(100)));
    let second = cluster.start("sums", 1);
    check_sums(vec![first, second], 1);
    drop(silent);
}

#[test]
fn a_stranger_in_place_of_a_process_is_waited_out() {
    let cluster = Cluster::new(2, "--wait 2");
    let stranger = TcpListener::bind(&cluster.addresses[0]).unwrap();
    let accepting = thread::spawn(move || {
        // Says something else, and then nothing.
        let (mut first, _) = stranger.accept().unwrap();
        first.write_all(b"220 smtp.example.org ready\r\n").unwrap();
        drop(first);
        stranger.accept().unwrap()
    });
    let process = cluster.start("sums", 1);
    process.says("missing 0");
    process.end();
    // In case that it has not tried twice.
    drop(TcpStream::connect(&cluster.addresses[0]));
    drop(accepting.join().unwrap());
}

#[test]
fn scans_that_have_ended_end_the_inputs_of_all_processes() {
    let cluster = Cluster::new(3, "");
    for (index, process) in cluster.start_all("takes").into_iter().enumerate() {
        process.says(&format!("took {}", if index == 0 { 3 * 2_000 } else { 0 }));
        let line = process.line();
        let pulled = line.strip_prefix("pulled ").and_then(|number| number.parse::<u64>().ok());
        assert!(pulled.is_some_and(|pulled| pulled < 10_000), "process {index}: {line}");
        process.end();
    }
}

#[test]
fn a_consumer_that_leaves_ends_all_processes() {
    for more in ["", "-w 2"] {
        let cluster = Cluster::new(3, more);
        for process in cluster.start_all("drops") {
            assert_eq!(process.end(), ["ok"]);
        }
    }
}
