//! What the way over timely costs: processor time per item, start-up, memory by epochs in flight.
//!
//! `cargo bench` prints the tables of the README; `cargo bench -- --test` runs everything once, with
//! few items. Each case is a process of its own, or two: this program, started again. Linux only.

use std::collections::HashMap;
use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anabranch::prelude::*;
use anabranch_timely::{Deliver, Order, Scans, Setup, execute, outputs};

type Failure = Box<dyn Error>;

const CASE: &str = "ANABRANCH_MEASURE";
const KEYS: u64 = 1_000;

/// What a process of a case is to do.
struct Case {
    way: String,
    items: u64,
    /// Rounds of work for each item, of about a nanosecond.
    work: u64,
    epochs: usize,
    setup: Setup,
}

/// What the processes of a case have used: the longest time, the largest peak, and else the sum.
#[derive(Default)]
struct Used {
    wall: f64,
    cpu: f64,
    peak_kb: u64,
    sent: u64,
    sum: u64,
}

fn main() -> Result<(), Failure> {
    match std::env::var(CASE) {
        Ok(case) => child(&case),
        Err(_) => report(std::env::args().any(|arg| arg == "--test")),
    }
}

fn report(test: bool) -> Result<(), Failure> {
    let scale = if test { 100 } else { 1 };
    println!("processor time per item in ns (and wall time), 1,000 keys, u64");
    println!("{:>22} {:>18} {:>18} {:>16}", "", "no work", "1,000 rounds", "bytes sent/item");
    for (name, way, workers, processes) in [
        ("sequential", "sequential", 1, 1),
        ("demux on threads", "threads", 1, 1),
        ("1 process, 1 worker", "timely", 1, 1),
        ("1 process, 2 workers", "timely", 2, 1),
        ("2 processes, 1 worker", "timely", 1, 2),
    ] {
        let mut columns = Vec::new();
        let mut sent = 0.0;
        let mut sums = Vec::new();
        for (items, work) in [(4_000_000 / scale, 0), (1_000_000 / scale, 1_000)] {
            let used = run(way, items, work, 4, workers, processes)?;
            let per_item = 1e9 / items as f64;
            columns.push(format!("{:.0} ({:.0})", used.cpu * per_item, used.wall * per_item));
            sent = used.sent as f64 / items as f64;
            sums.push(used.sum);
        }
        println!("{name:>22} {:>18} {:>18} {sent:>16.1}", columns[0], columns[1]);
        let expected = [4_000_000 / scale, 1_000_000 / scale].map(|n| n * (n - 1) / 2);
        assert_eq!(sums, expected, "{name}");
    }
    println!("\nstart-up and end of a run without items, in ms");
    for (workers, processes) in [(1, 1), (2, 1), (1, 2)] {
        let used = run("timely", 0, 0, 4, workers, processes)?;
        println!("{processes} × {workers}: {:.1}", used.wall * 1e3);
    }
    println!(
        "\npeak memory of the larger of two processes: a fast input in one, a slow scan in the other"
    );
    for epochs in [1, 4, 16, 64, 1_000_000] {
        let used = run("slow", 1_000_000 / scale, 1_000, epochs, 1, 2)?;
        println!("{epochs:>8} epochs: {:.0} MB, {:.2} s", used.peak_kb as f64 / 1e3, used.wall);
    }
    Ok(())
}

/// Runs a case in processes of its own, and adds up what they use.
fn run(
    way: &str,
    items: u64,
    work: u64,
    epochs: usize,
    workers: usize,
    processes: usize,
) -> Result<Used, Failure> {
    let listeners: Vec<_> =
        (0..processes).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
    let addresses: Vec<_> = listeners
        .iter()
        .map(|listener| listener.local_addr().map(|address| address.to_string()))
        .collect::<Result<_, _>>()?;
    drop(listeners);
    let start = |process| {
        let hosts = addresses.join(",");
        Command::new(std::env::current_exe()?)
            .env(CASE, format!("{way} {items} {work} {epochs} {workers} {process} {hosts}"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
    };
    let children: Vec<_> = (0..processes).map(start).collect::<Result<_, _>>()?;
    let mut total = Used::default();
    for child in children {
        let output = child.wait_with_output()?;
        let text = String::from_utf8(output.stdout)?;
        let mut fields = text.split_whitespace();
        let mut field = || fields.next().ok_or("a process has said too little");
        total.wall = field()?.parse::<f64>()?.max(total.wall);
        total.cpu += field()?.parse::<f64>()?;
        total.peak_kb = field()?.parse::<u64>()?.max(total.peak_kb);
        total.sent += field()?.parse::<u64>()?;
        total.sum += field()?.parse::<u64>()?;
    }
    Ok(total)
}

fn child(case: &str) -> Result<(), Failure> {
    let fields: Vec<&str> = case.split(' ').collect();
    let [way, items, work, epochs, workers, process, hosts] = fields[..] else {
        return Err("not a case".into());
    };
    let setup = Setup::new().workers(workers.parse()?);
    let setup = match hosts.split(',').collect::<Vec<_>>() {
        hosts if hosts.len() > 1 => setup.cluster(process.parse()?, hosts),
        _ => setup,
    };
    let (items, work, epochs) = (items.parse()?, work.parse()?, epochs.parse()?);
    let case = Case { way: way.to_owned(), items, work, epochs, setup };
    let before = processor_time()?;
    let begun = Instant::now();
    let (sum, sent) = match case.way.as_str() {
        "sequential" => (sequential(&case), 0),
        "threads" => (threads(&case), 0),
        "timely" => timely(&case)?,
        _ => slow(&case)?,
    };
    let (wall, cpu) = (begun.elapsed().as_secs_f64(), processor_time()? - before);
    println!("{wall} {} {} {sent} {sum}", cpu.as_secs_f64(), peak()?);
    Ok(())
}

/// A sum that takes its time.
fn total(work: u64) -> impl Scan<u64, Output = u64> {
    scan::fold(0, move |sum: u64, n: &u64| {
        black_box((0..work).fold(*n, |x, i| (x ^ i).rotate_left(7).wrapping_mul(31)));
        sum + n
    })
}

fn sequential(case: &Case) -> u64 {
    let mut scans = HashMap::new();
    let mut outputs = Vec::new();
    for n in 0..case.items {
        let scan = scans.entry(n % KEYS).or_insert_with(|| total(case.work));
        if scan.step(&n, &mut Emitter::from(&mut outputs)).is_break() {
            break;
        }
    }
    for scan in scans.values_mut() {
        scan.flush(&mut Emitter::from(&mut outputs));
    }
    outputs.into_iter().sum()
}

fn threads(case: &Case) -> u64 {
    let (items, work) = (case.items, case.work);
    let run = (0..items).fan_out().demux(|n| n % KEYS, move |_: &u64| total(work));
    run.map(|(_, sum)| sum).sum()
}

/// Each worker has a share of the items as its input.
fn timely(case: &Case) -> Result<(u64, u64), Failure> {
    let (items, work, epochs) = (case.items, case.work, case.epochs);
    let (sink, outputs) = outputs(16);
    let consumer = std::thread::spawn(move || outputs.map(|(_, sum): (u64, u64)| sum).sum());
    let stats = execute(&case.setup, move |job| {
        let (from, by) = (job.index() as u64, job.peers());
        let items = job.source(move || (from..items).step_by(by)).epochs(epochs).stream();
        let sums = items.demux(job, Order::Arrival, |n| n % KEYS, move |_| total(work));
        sums.deliver(job, &sink);
    })?;
    Ok((consumer.join().map_err(|_| "the consumer has panicked")?, stats.bytes_sent))
}

/// Worker 0 has the input, worker 1 the one slow scan.
fn slow(case: &Case) -> Result<(u64, u64), Failure> {
    let (items, work, epochs) = (case.items, case.work, case.epochs);
    let stats = execute(&case.setup, move |job| {
        let lines = move || (0..items).map(|n| format!("{n:0>100}"));
        let items = job.source(lines).only_on(0).epochs(epochs).stream();
        items.distribute(job, 2, Order::Arrival, move |i| {
            let work = if i == 1 { work } else { 0 };
            scan::for_each(move |line: &String| {
                black_box(
                    (0..work)
                        .fold(line.len() as u64, |x, i| (x ^ i).rotate_left(7).wrapping_mul(31)),
                );
            })
        });
    })?;
    Ok((0, stats.bytes_sent))
}

/// Returns the processor time that this process has used, in steps of 10 ms.
fn processor_time() -> Result<Duration, Failure> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').ok_or("no name")?;
    let mut ticks = 0;
    for field in fields.split_whitespace().skip(11).take(2) {
        ticks += field.parse::<u64>()?;
    }
    Ok(Duration::from_millis(10 * ticks))
}

/// Returns the most memory that this process has had, in kB.
fn peak() -> Result<u64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no peak")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}
