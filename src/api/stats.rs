//! Statistics of a run, and its bottleneck.

mod table;

use std::fmt;
use std::time::Duration;

use crate::engine::{Figures, Managing, ScanFigures, ScanId, Scanning};

/// The statistics of a run: how many items and outputs each scan has processed, and how the threads
/// have spent their time; returned by [`Control::stats`](crate::Control::stats).
///
/// # Display
///
/// Displayed, the statistics are a table of at most 80 columns and a sentence about the
/// [bottleneck](Self::bottleneck). Apart from line ends, they contain no control characters.
///
/// The example `archive` went over a file of 100 MB, on two processors:
///
/// ```text
/// scan               items outputs time            █ busy · input  ▒ room   queued
/// 0 gzip               382       1 ██████████████ 3.427 s 0.003 s 0.000 s      8/1
/// 1 SHA256             382       1 ·············· 0.069 s 3.293 s 0.000 s      9/1
/// 2 lines              382       1 ·············· 0.044 s 3.318 s 0.000 s      9/1
/// 3 words              382       1 █············· 0.132 s 3.230 s 0.000 s      9/1
/// 4 bytes              382       1 ·············· 0.000 s 3.362 s 0.000 s      9/1
/// 5 UTF-8                1       1                0.000 s 0.002 s 0.000 s      8/1
/// input                            ▒▒▒▒▒▒▒▒▒▒▒▒▒▒ 0.034 s         3.322 s
/// consumer                         ·············· 0.000 s 3.430 s
/// the bottleneck is scan 0 (gzip):
/// make its steps cheaper, or split it into several scans
/// ```
///
/// | column | meaning |
/// |---|---|
/// | `scan` | the number of the scan, and its name if it has one |
/// | `items`, `outputs` | how many items it was given, and how many outputs it has emitted |
/// | `time` | the three times that follow, as a bar; its full width is the time of the run |
/// | `█ busy` | how long the scan has worked; a thread that has no processor counts as working |
/// | `· input` | how long it has waited for input, or made way for an input that is read ahead |
/// | `▒ room` | how long it has waited for room for its outputs |
/// | `queued` | the most batches that were queued at its input, and at its output |
///
/// Two lines follow the scans. For `input`, `busy` is the time inside its `next`. Only an input that
/// is [read ahead](crate::FanOut::read_ahead) has a thread that waits for room, at the inputs of the
/// scans. For the `consumer`, `busy` is the time outside the run's `next`, and `input` the time that
/// it waited for the scans.
///
/// How to read it: whoever has a bar full of `█` is what the others wait for. Scans that show mostly
/// `·` wait for the input, for a slower scan, or for the consumer; scans that show `▒` wait until
/// the consumer takes their outputs.
///
/// # Examples
///
/// ```
/// use anabranch::{Control, prelude::*};
///
/// let control = Control::new();
/// let lines = ["to be", "or not", "to be"].into_iter();
/// let (lines, words) = lines.fan_out().control(&control).fold((
///     scan::count().named("lines"),
///     scan::sum_by(|line: &&str| line.split(' ').count()).named("words"),
/// ));
/// assert_eq!((lines, words), (3, 6));
///
/// let stats = control.stats();
/// assert!(stats.scans.iter().all(|scan| scan.items == 3 && scan.outputs == 1));
///
/// let table = stats.to_string();
/// let lines: Vec<_> = table.lines().collect();
/// assert!(lines[1].starts_with("0 lines ") && lines[2].starts_with("1 words "));
/// assert!(lines[3].starts_with("input ") && lines[4].starts_with("consumer "));
/// assert!(lines[5].starts_with("the bottleneck is "));
/// assert!(lines.iter().all(|line| line.chars().count() <= 80));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// How long the input's `next` has taken in total.
    pub pulling: Duration,
    /// How long scans with full inputs held back the thread of an input that is [read
    /// ahead](crate::FanOut::read_ahead). `None` for other inputs, which the consumer's thread
    /// pulls.
    pub held_back: Option<Duration>,
    /// How long the consumer was outside the run's `next`, handling outputs or doing anything else.
    pub consuming: Duration,
    /// How long the consumer waited for the scans. If it pulls the input itself, this includes
    /// sending the batches.
    pub awaiting: Duration,
    /// The scans, in order: those that the run started with, and those that were
    /// [added](crate::Adder). Of the added scans that have ended, only the last hundred are listed.
    pub scans: Vec<ScanStats>,
}

/// The statistics of one scan.
///
/// # Examples
///
/// ```
/// use anabranch::{Control, prelude::*};
///
/// let control = Control::new();
/// let long = scan::filter(|word: &&str| word.len() > 2).named("long");
/// let words = "to be or not to be".split(' ');
/// assert_eq!(words.fan_out().control(&control).distribute([long]).count(), 1);
///
/// let scan = &control.stats().scans[0];
/// assert_eq!((scan.id.index(), scan.name.as_deref()), (0, Some("long")));
/// assert_eq!((scan.items, scan.outputs), (6, 1));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScanStats {
    /// The scan's id. In a run of [`demux`](crate::FanOut::demux) this is a shard.
    pub id: ScanId,
    /// The scan's name, if it was [named](crate::Scan::named).
    pub name: Option<String>,
    /// The number of items in the batches that the scan has received.
    pub items: u64,
    /// The number of outputs that the scan has emitted.
    pub outputs: u64,
    /// How long the scan has worked.
    pub busy: Duration,
    /// How long the scan has waited for input.
    pub waiting: Duration,
    /// How long a full output channel has held the scan back.
    pub blocked: Duration,
    /// The largest number of batches of items that have waited at the scan at once.
    pub input_high_water: u64,
    /// The largest number of batches of its outputs that have waited for the consumer at once.
    pub output_high_water: u64,
}

/// The slowest part of a run, which the others wait for; returned by [`Stats::bottleneck`].
///
/// # Examples
///
/// ```
/// use anabranch::{Bottleneck, Control, ScanId, prelude::*};
///
/// let control = Control::new();
/// let is_prime = |n: &u64| *n > 1 && (2..*n).all(|d| n % d != 0);
/// let primes = scan::filter(is_prime).then(scan::count());
/// assert_eq!((0..100).fan_out().control(&control).fold([primes]), [25]);
///
/// match control.stats().bottleneck() {
///     Some(Bottleneck::Input) => println!("reading takes longest: is the file compressed?"),
///     Some(Bottleneck::Scan(id)) => println!("{id} takes longest: can it be split in two?"),
///     Some(other) => println!("the bottleneck is {other}"),
///     None => println!("there are no scans"),
/// }
///
/// assert_eq!(Bottleneck::Consumer.to_string(), "the consumer");
/// assert_eq!(Bottleneck::Scan(ScanId::new(3)).to_string(), "scan 3");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bottleneck {
    /// The input: the thread that pulls it spends most of its time inside its `next`. If that is a
    /// thread of its own, it is also busier than each scan and the consumer.
    Input,
    /// The consumer: it spends most of its time outside the run's `next`.
    Consumer,
    /// This scan: the consumer mostly waits for scans, and this one has worked the longest.
    Scan(ScanId),
}

impl fmt::Display for Bottleneck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input => f.write_str("the input"),
            Self::Consumer => f.write_str("the consumer"),
            Self::Scan(id) => id.fmt(f),
        }
    }
}

impl Stats {
    /// Reads the figures as they are now.
    pub(super) fn new(figures: &Figures) -> Self {
        let Figures { consumer, input, .. } = figures;
        let consuming = consumer.time(Managing::LetConsume);
        let awaiting = consumer.time(Managing::WaitForScans);
        let pulling = match input {
            // A detached input may go on after the run.
            Some(input) => input.time(Managing::PullInput).min(consuming + awaiting),
            None => consumer.time(Managing::PullInput),
        };
        Self {
            pulling,
            held_back: input.as_ref().map(|input| input.time(Managing::WaitForScans)),
            consuming,
            awaiting,
            scans: figures.scans().into_iter().map(ScanStats::new).collect(),
        }
    }

    /// Returns the slowest part of the run; `None` without scans.
    ///
    /// ```
    /// use anabranch::{Control, prelude::*};
    ///
    /// let control = Control::new();
    /// assert_eq!(control.stats().bottleneck(), None);
    ///
    /// assert_eq!((0..10).fan_out().control(&control).fold([scan::count()]), [10]);
    /// assert!(control.stats().bottleneck().is_some());
    /// ```
    #[must_use]
    pub fn bottleneck(&self) -> Option<Bottleneck> {
        let slowest = self.scans.iter().max_by_key(|scan| scan.busy)?;
        let scan = Bottleneck::Scan(slowest.id);
        let (most, by) = match self.held_back {
            // The time of one thread, split in three.
            None => [(self.consuming, Bottleneck::Consumer), (self.pulling, Bottleneck::Input)]
                .into_iter()
                .max_by_key(|(time, _)| *time)?,
            // The input's own thread has its own time, and may have ended long before.
            Some(held_back) if self.pulling >= held_back.max(self.consuming).max(slowest.busy) => {
                return Some(Bottleneck::Input);
            }
            Some(_) => (self.consuming, Bottleneck::Consumer),
        };
        Some(if self.awaiting >= most { scan } else { by })
    }
}

impl ScanStats {
    fn new((id, ScanFigures { name, meter }): (ScanId, ScanFigures)) -> Self {
        let (input_high_water, output_high_water) = meter.high_water();
        Self {
            id,
            name: name.map(String::from),
            items: meter.items(),
            outputs: meter.outputs(),
            busy: meter.time.time(Scanning::Work),
            waiting: meter.time.time(Scanning::WaitForInput),
            blocked: meter.time.time(Scanning::WaitForRoom),
            input_high_water,
            output_high_water,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(index: usize, [busy, waiting, blocked]: [u64; 3]) -> ScanStats {
        ScanStats {
            id: ScanId::new(index),
            name: (index == 1).then(|| "slow".to_owned()),
            items: 10,
            outputs: 2,
            busy: Duration::from_millis(busy),
            waiting: Duration::from_millis(waiting),
            blocked: Duration::from_millis(blocked),
            input_high_water: 8,
            output_high_water: 1,
        }
    }

    fn stats([pulling, consuming, awaiting]: [u64; 3], scans: Vec<ScanStats>) -> Stats {
        let [pulling, consuming, awaiting] =
            [pulling, consuming, awaiting].map(Duration::from_millis);
        Stats { pulling, held_back: None, consuming, awaiting, scans }
    }

    #[test]
    fn of_scans_the_one_that_works_longest_is_the_bottleneck() {
        let stats = stats([100, 0, 900], vec![scan(0, [100, 900, 0]), scan(1, [990, 5, 5])]);
        assert_eq!(stats.bottleneck(), Some(Bottleneck::Scan(ScanId::new(1))));
    }

    #[test]
    fn a_slow_consumer_and_a_slow_input_are_told_from_a_slow_scan() {
        let scans = || vec![scan(0, [100, 500, 400]), scan(1, [200, 700, 100])];
        for (times, bottleneck) in
            [([50, 900, 50], Bottleneck::Consumer), ([900, 50, 50], Bottleneck::Input)]
        {
            assert_eq!(stats(times, scans()).bottleneck(), Some(bottleneck));
        }
        assert_eq!(stats([900, 50, 50], Vec::new()).bottleneck(), None);
    }

    #[test]
    fn an_input_with_its_own_thread_is_asked_how_it_spent_that_ones_time() {
        let read_ahead = |held_back, times| {
            let held_back = Some(Duration::from_millis(held_back));
            Stats { held_back, ..stats(times, vec![scan(0, [500, 400, 100])]) }.bottleneck()
        };
        assert_eq!(read_ahead(100, [900, 10, 990]), Some(Bottleneck::Input));
        assert_eq!(read_ahead(900, [100, 10, 990]), Some(Bottleneck::Scan(ScanId::new(0))));
        assert_eq!(read_ahead(900, [100, 990, 10]), Some(Bottleneck::Consumer));
        // It has ended, without having had to wait.
        assert_eq!(read_ahead(1, [20, 10, 990]), Some(Bottleneck::Scan(ScanId::new(0))));
        assert_eq!(read_ahead(1, [20, 990, 10]), Some(Bottleneck::Consumer));
    }
}
