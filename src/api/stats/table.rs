//! Statistics as a table with bars, for people.

use std::fmt;
use std::iter;
use std::time::Duration;

use super::{Bottleneck, Stats};

/// No line is wider.
const WIDTH: usize = 80;
/// The width of the column of names.
const NAMES: usize = 16;
/// How many cells a bar has.
const BAR: usize = 14;

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<NAMES$}{:>8}{:>8} {:<BAR$}", "scan", "items", "outputs", "time")?;
        write!(f, "{:>8}{:>8}{:>8}{:>9}", "█ busy", "· input", "▒ room", "queued")?;
        let whole = self.whole();
        for scan in &self.scans {
            let name = match &scan.name {
                Some(name) => format!("{} {name}", scan.id.index()),
                None => scan.id.index().to_string(),
            };
            let numbers = [scan.items, scan.outputs].map(short);
            let times = [scan.busy, scan.waiting, scan.blocked].map(Some);
            let [input, output] = [scan.input_high_water, scan.output_high_water].map(at_most_4);
            let queued = format!("{input}/{output}");
            write!(f, "\n{}{queued:>9}", row(&name, numbers, times, whole))?;
        }
        let input = [Some(self.pulling), None, self.held_back];
        let consumer = [Some(self.consuming), Some(self.awaiting), None];
        for (name, times) in [("input", input), ("consumer", consumer)] {
            write!(f, "\n{}", row(name, Default::default(), times, whole).trim_end())?;
        }
        let Some(bottleneck) = self.bottleneck() else { return Ok(()) };
        let (what, advice) = (self.describe(bottleneck), self.advise(bottleneck));
        let break_or_space = if fitting(&what) + advice.len() < WIDTH { ' ' } else { '\n' };
        write!(f, "\n{what}{break_or_space}{advice}")
    }
}

impl Stats {
    /// Returns the time of the run, or at least the most time that one of its threads has.
    fn whole(&self) -> Duration {
        let consumer = match self.held_back {
            Some(_) => self.consuming + self.awaiting,
            None => self.consuming + self.awaiting + self.pulling,
        };
        let input = self.pulling + self.held_back.unwrap_or_default();
        let scans = self.scans.iter().map(|scan| scan.busy + scan.waiting + scan.blocked);
        scans.chain([consumer, input]).max().unwrap_or_default()
    }

    fn describe(&self, bottleneck: Bottleneck) -> String {
        let name = self.scans.iter().find_map(|scan| match bottleneck {
            Bottleneck::Scan(id) if scan.id == id => scan.name.as_deref(),
            _ => None,
        });
        match name {
            Some(name) => format!("the bottleneck is {bottleneck} ({}):", cut(name, WIDTH / 2)),
            None => format!("the bottleneck is {bottleneck}:"),
        }
    }

    /// Returns what to change. Each fits in a line of its own.
    fn advise(&self, bottleneck: Bottleneck) -> &'static str {
        match bottleneck {
            Bottleneck::Input if self.held_back.is_none() => {
                "make its next cheaper, move work from it into the scans, or read it ahead"
            }
            Bottleneck::Input => "make its next cheaper, or move work from it into the scans",
            Bottleneck::Consumer => "do less for each output, or do it in a scan",
            Bottleneck::Scan(_) => "make its steps cheaper, or split it into several scans",
        }
    }
}

/// Returns a line of the table: a name, two numbers, and how long a thread has worked, waited for
/// input and waited for room, as a bar and as numbers.
fn row(
    name: &str,
    [items, outputs]: [String; 2],
    times: [Option<Duration>; 3],
    whole: Duration,
) -> String {
    let name = cut(name, NAMES);
    let pad = NAMES.saturating_sub(fitting(&name));
    let [busy, input, room] = times.map(|time| time.map_or(String::new(), seconds));
    let cells = cells(times.map(Option::unwrap_or_default), whole);
    let bar: String = cells
        .into_iter()
        .zip("█·▒ ".chars())
        .flat_map(|(cells, cell)| iter::repeat_n(cell, cells))
        .collect();
    format!("{name}{:pad$}{items:>8}{outputs:>8} {bar}{busy:>8}{input:>8}{room:>8}", "")
}

/// Divides a bar among three times and what is left of the whole. Rounds the sums, so that the
/// cells add up, and shows each time within a cell.
fn cells(times: [Duration; 3], whole: Duration) -> [usize; 4] {
    let mut sum = Duration::ZERO;
    let mut filled = 0;
    let of_time = times.map(|time| {
        sum += time;
        let until = match sum.as_secs_f64() / whole.as_secs_f64() {
            share if share.is_finite() => ((share * BAR as f64).round() as usize).min(BAR),
            _ => 0,
        };
        let cells = until - filled;
        filled = until;
        cells
    });
    let [busy, input, room] = of_time;
    [busy, input, room, BAR - filled]
}

/// Writes a time in seven characters.
fn seconds(time: Duration) -> String {
    match time.as_secs_f64() {
        short @ ..9.9995 => format!("{short:.3} s"),
        short @ ..99.995 => format!("{short:.2} s"),
        long @ ..35999.5 => format!("{long:.0} s"),
        hours => format!("{:.0} h", hours / 3600.0),
    }
}

/// Writes a number in seven characters, with three digits if it is long.
fn short(number: u64) -> String {
    let units = ["M", "G", "T", "P", "E"].into_iter();
    let mut units = units.zip([1e6, 1e9, 1e12, 1e15, 1e18]).rev();
    match units.find(|(_, unit)| number >= 10_000_000 && number as f64 >= *unit) {
        Some((name, unit)) => format!("{:.1}{name}", (number as f64 / unit * 10.0).floor() / 10.0),
        None => number.to_string(),
    }
}

/// Writes a number of batches in four characters.
fn at_most_4(batches: u64) -> String {
    match batches {
        0..=9999 => batches.to_string(),
        _ => format!("{}k", (batches / 1000).min(999)),
    }
}

/// Shortens a text to so many columns, and replaces what would move the cursor, end the line or
/// turn it around.
fn cut(text: &str, columns: usize) -> String {
    let moves =
        |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut shown: String = text.chars().map(|c| if moves(c) { '?' } else { c }).collect();
    if fitting(&shown) > columns {
        while fitting(&shown) >= columns {
            shown.pop();
        }
        shown.push('…');
    }
    shown
}

/// Returns how many columns a text takes at most: two for all that may be wide.
fn fitting(text: &str) -> usize {
    text.chars().map(|c| if c < '\u{1100}' || "█▒…".contains(c) { 1 } else { 2 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::stats::ScanStats;
    use crate::engine::ScanId;

    fn scan(index: usize, name: Option<&str>, millis: [u64; 3]) -> ScanStats {
        let [busy, waiting, blocked] = millis.map(Duration::from_millis);
        ScanStats {
            id: ScanId::new(index),
            name: name.map(str::to_owned),
            items: 10_000 * index as u64,
            outputs: 2,
            busy,
            waiting,
            blocked,
            input_high_water: 8,
            output_high_water: 1,
        }
    }

    fn stats(held_back: Option<u64>, millis: [u64; 3], scans: Vec<ScanStats>) -> Stats {
        let [pulling, consuming, awaiting] = millis.map(Duration::from_millis);
        let held_back = held_back.map(Duration::from_millis);
        Stats { pulling, held_back, consuming, awaiting, scans }
    }

    /// The shape of every table: no line is too wide, and nothing moves a cursor.
    #[track_caller]
    fn assert_fits(stats: &Stats) {
        let shown = stats.to_string();
        assert!(shown.lines().all(|line| fitting(line) <= WIDTH));
        assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown}");
    }

    #[test]
    fn a_line_for_each_scan_the_input_and_the_consumer_and_a_sentence() {
        let scans = vec![
            scan(0, None, [250, 750, 0]),
            scan(1, Some("slow"), [1000, 0, 0]),
            scan(2, Some("blocked"), [100, 200, 300]),
        ];
        let shown = stats(None, [100, 0, 900], scans).to_string();
        let expected = "\
scan               items outputs time            █ busy · input  ▒ room   queued
0                      0       2 ████·········· 0.250 s 0.750 s 0.000 s      8/1
1 slow             10000       2 ██████████████ 1.000 s 0.000 s 0.000 s      8/1
2 blocked          20000       2 █···▒▒▒▒       0.100 s 0.200 s 0.300 s      8/1
input                            █              0.100 s
consumer                         ·············  0.000 s 0.900 s
the bottleneck is scan 1 (slow):
make its steps cheaper, or split it into several scans";
        assert_eq!(shown, expected);
    }

    #[test]
    fn an_input_with_its_own_thread_shows_how_long_it_waited_for_room() {
        let shown = stats(Some(500), [500, 900, 100], vec![scan(0, None, [100; 3])]).to_string();
        let lines: Vec<_> = shown.lines().collect();
        assert!(lines[2].ends_with(" ███████▒▒▒▒▒▒▒ 0.500 s         0.500 s"), "{shown}");
        assert!(lines[3].ends_with(" █████████████· 0.900 s 0.100 s"), "{shown}");
    }

    #[test]
    fn a_sentence_that_fits_in_a_line_has_one() {
        let consumer = stats(None, [50, 900, 50], vec![scan(0, None, [0; 3])]).to_string();
        assert!(consumer.ends_with(
            "\nthe bottleneck is the consumer: do less for each output, or do it in a scan"
        ));
        let input = stats(None, [900, 50, 50], vec![scan(0, None, [0; 3])]).to_string();
        assert!(input.ends_with(
            "\nthe bottleneck is the input:\n\
             make its next cheaper, move work from it into the scans, or read it ahead"
        ));
        assert_eq!(Stats::default().to_string().lines().count(), 3);
    }

    #[test]
    fn long_names_and_numbers_fit() {
        let long = "name ".repeat(50);
        for name in [&long, "字字字字字字字字字字字字字字", "\u{1b}[2J\ttab\r\n", "十10\u{9b}"]
        {
            let mut scan = scan(123_456, Some(name), [u64::MAX / 1_000_000_000; 3]);
            (scan.items, scan.outputs) = (u64::MAX, 9_999_999);
            (scan.input_high_water, scan.output_high_water) = (1_234_567, u64::MAX);
            let month = 1000 * 60 * 60 * 24 * 30;
            assert_fits(&stats(Some(month), [month, 999, month], vec![scan]));
        }
    }

    #[test]
    fn numbers_keep_their_meaning_when_they_are_shortened() {
        let shorts = [0, 9_999_999, 10_000_000, 12_399_999, 999_999_999, 1_000_000_000, u64::MAX];
        assert_eq!(
            shorts.map(short),
            ["0", "9999999", "10.0M", "12.3M", "999.9M", "1.0G", "18.4E"]
        );
        let times = [0, 9_999, 10_000, 99_994, 99_995, 3_599_999, 36_000_000]
            .map(|millis| seconds(Duration::from_millis(millis)));
        let shown = ["0.000 s", "9.999 s", "10.00 s", "99.99 s", "100 s", "3600 s", "10 h"];
        assert_eq!(times, shown);
        assert_eq!([0, 9_999, 10_000, u64::MAX].map(at_most_4), ["0", "9999", "10k", "999k"]);
    }

    #[test]
    fn a_bar_adds_up() {
        let whole = Duration::from_millis(1000);
        for busy in (0..=1000).step_by(7) {
            for input in (0..=1000 - busy).step_by(13) {
                let times = [busy, input, 1000 - busy - input].map(Duration::from_millis);
                let [a, b, c, rest] = cells(times, whole);
                assert_eq!((a + b + c, rest), (BAR, 0));
            }
        }
        assert_eq!(cells([Duration::ZERO; 3], Duration::ZERO), [0, 0, 0, BAR]);
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(["name", "字", "█▒·…", "十1"].map(fitting), [4, 2, 4, 3]);
        assert_eq!(cut("字字字字", 5), "字字…");
    }

    #[test]
    fn what_turns_or_ends_a_line_is_not_shown() {
        assert_eq!(cut("a\u{202e}b\u{2028}c\u{2066}d\te", 20), "a?b?c?d?e");
    }

    #[test]
    fn bars_are_parts_of_the_longest_time() {
        let bar = |stats: Stats| {
            let shown = stats.to_string();
            let line = shown.lines().find(|line| line.starts_with("input")).unwrap().to_owned();
            line.chars().filter(|c| "█▒".contains(*c)).count()
        };
        assert_eq!(bar(stats(None, [600, 200, 200], vec![scan(0, None, [100, 0, 0])])), 8);
        assert_eq!(bar(stats(Some(500), [250, 50, 50], vec![scan(0, None, [100; 3])])), 14);
        let shown = stats(Some(500), [500, 50, 50], vec![scan(0, None, [100; 3])]).to_string();
        assert!(shown.contains(" ███████▒▒▒▒▒▒▒ "), "{shown}");
    }

    #[test]
    fn the_sentence_names_the_bottleneck() {
        let scans = vec![scan(0, Some("quick"), [10, 990, 0]), scan(1, Some("slow"), [990, 10, 0])];
        let shown = stats(None, [100, 0, 900], scans).to_string();
        assert!(shown.contains("the bottleneck is scan 1 (slow):"), "{shown}");
    }

    #[test]
    fn a_sentence_fits_with_a_number_of_any_length() {
        for index in [0, 9, 10, 99, 100, 12_345] {
            assert_fits(&stats(None, [100, 0, 900], vec![scan(index, None, [990, 10, 0])]));
        }
    }
}
