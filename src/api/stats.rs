//! Statistics of a run: who holds everybody back.

use std::fmt;
use std::time::Duration;

use crate::engine::{Figures, Managing, ScanFigures, ScanId, Scanning};

/// What the scans of a run have done; made by [`Control::stats`](crate::Control::stats).
///
/// Its `Display` is a table, a scan a line, and a last line that says who holds
/// everybody back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// How long the input was pulled.
    pub pulling: Duration,
    /// How long the input's own thread was held back by full scans; `None` if it has
    /// none, so that the consumer's thread did that work.
    pub held_back: Option<Duration>,
    /// How long the consumer was busy with outputs, or with something else than
    /// the run.
    pub consuming: Duration,
    /// How long the consumer waited for the scans, and, if the input has no thread
    /// of its own, sent batches.
    pub awaiting: Duration,
    /// The scans, in order: all that the run was started with, and of those that were
    /// [added](crate::Adder) all that go on and the last hundred that have ended.
    pub scans: Vec<ScanStats>,
}

/// What one scan has done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScanStats {
    /// Which scan. Those of `par_demux` are its shards.
    pub id: ScanId,
    /// The name that it was given.
    pub name: Option<String>,
    /// How many items there were in the batches that it was given.
    pub items: u64,
    /// How many outputs it emitted.
    pub outputs: u64,
    /// How long it worked.
    pub busy: Duration,
    /// How long it waited for input.
    pub waiting: Duration,
    /// How long it was held back by a full output channel.
    pub blocked: Duration,
    /// The most batches that waited at it.
    pub input_high_water: u64,
    /// The most batches of outputs that waited for the consumer.
    pub output_high_water: u64,
}

/// Who holds everybody back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bottleneck {
    /// The input: most of the consumer's time goes into pulling it.
    Input,
    /// The consumer: most of its time it does not ask for outputs.
    Consumer,
    /// This scan: the consumer waits for scans, and this one has worked longest.
    Scan(ScanId),
}

impl Stats {
    /// What the figures are now.
    pub(super) fn new(figures: &Figures) -> Self {
        let Figures { consumer, input, .. } = figures;
        Self {
            pulling: input.as_ref().unwrap_or(consumer).time(Managing::PullInput),
            held_back: input.as_ref().map(|input| input.time(Managing::WaitForScans)),
            consuming: consumer.time(Managing::LetConsume),
            awaiting: consumer.time(Managing::WaitForScans),
            scans: figures.scans().into_iter().map(ScanStats::new).collect(),
        }
    }

    /// Who holds everybody back; `None` without scans.
    #[must_use]
    pub fn bottleneck(&self) -> Option<Bottleneck> {
        let slowest = self.scans.iter().max_by_key(|scan| scan.busy)?;
        let scan = Bottleneck::Scan(slowest.id);
        let (most, by) = match self.held_back {
            // One thread's time, divided in three.
            None => [(self.consuming, Bottleneck::Consumer), (self.pulling, Bottleneck::Input)]
                .into_iter()
                .max_by_key(|(time, _)| *time)?,
            // The input has time of its own.
            Some(held_back) if self.pulling >= held_back => return Some(Bottleneck::Input),
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

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let titles = ["items", "outputs", "busy", "waiting", "blocked", "in", "out"];
        write!(f, "{:<20}", "scan")?;
        for title in titles {
            write!(f, "{title:>12}")?;
        }
        for scan in &self.scans {
            write!(f, "\n{:<20}", scan.label())?;
            write!(f, "{:>12}{:>12}", scan.items, scan.outputs)?;
            for time in [scan.busy, scan.waiting, scan.blocked] {
                write!(f, "{:>10.3} s", time.as_secs_f64())?;
            }
            write!(f, "{:>12}{:>12}", scan.input_high_water, scan.output_high_water)?;
        }
        let [pulling, consuming, awaiting] =
            [self.pulling, self.consuming, self.awaiting].map(|time| time.as_secs_f64());
        write!(f, "\npulling the input {pulling:.3} s, ")?;
        if let Some(held_back) = self.held_back {
            write!(f, "held back there {:.3} s, ", held_back.as_secs_f64())?;
        }
        write!(f, "consuming {consuming:.3} s, awaiting scans {awaiting:.3} s")?;
        match self.bottleneck() {
            None => Ok(()),
            Some(Bottleneck::Input) => f.write_str("\nthe input holds everybody back"),
            Some(Bottleneck::Consumer) => f.write_str("\nthe consumer holds everybody back"),
            Some(Bottleneck::Scan(id)) => {
                let scan = self.scans.iter().find(|scan| scan.id == id);
                let label = scan.map_or_else(|| id.to_string(), ScanStats::label);
                write!(f, "\n{label} holds everybody back")
            }
        }
    }
}

impl ScanStats {
    /// The number, and the name if there is one.
    fn label(&self) -> String {
        match &self.name {
            Some(name) => format!("{} ({name})", self.id),
            None => self.id.to_string(),
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
    fn of_scans_the_one_that_works_longest_holds_everybody_back() {
        let stats = stats([100, 0, 900], vec![scan(0, [100, 900, 0]), scan(1, [990, 5, 5])]);
        assert_eq!(stats.bottleneck(), Some(Bottleneck::Scan(ScanId::new(1))));
        let shown = stats.to_string();
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(lines.len(), 5);
        assert!(lines[2].starts_with("scan 1 (slow) "), "{shown}");
        assert_eq!(
            lines[3],
            "pulling the input 0.100 s, consuming 0.000 s, awaiting scans 0.900 s"
        );
        assert_eq!(lines[4], "scan 1 (slow) holds everybody back");
        let without_the_first = Stats { scans: stats.scans[1..].to_vec(), ..stats };
        assert!(without_the_first.to_string().ends_with("\nscan 1 (slow) holds everybody back"));
    }

    #[test]
    fn a_slow_consumer_and_a_slow_input_are_told_from_a_slow_scan() {
        let scans = || vec![scan(0, [100, 500, 400]), scan(1, [200, 700, 100])];
        assert_eq!(stats([50, 900, 50], scans()).bottleneck(), Some(Bottleneck::Consumer));
        assert_eq!(stats([900, 50, 50], scans()).bottleneck(), Some(Bottleneck::Input));
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
    }
}
