//! When it is slow: from the statistics to the change.
//!
//! A run is as fast as its slowest part: the input, the consumer, or one of the scans. The others
//! wait for it. So find that part first; making any other faster changes nothing.
//!
//! # Ask the run
//!
//! Attach a [`Control`](crate::Control), print its [statistics](crate::Stats), and read the last
//! line, or ask for the [bottleneck](crate::Stats::bottleneck). Statistics can be read at any time,
//! from any thread, so they also tell what a run that seems to hang is waiting for.
//!
//! ```
//! use anabranch::{Bottleneck, Control, prelude::*};
//!
//! fn is_prime(n: &u64) -> bool {
//!     *n > 1 && (2..*n).all(|d| n % d != 0)
//! }
//!
//! let control = Control::new();
//! let (count, primes) = (0..10_000).fan_out().control(&control).fold((
//!     scan::count().named("numbers"),
//!     scan::count().filter_input(is_prime).named("primes"),
//! ));
//! assert_eq!((count, primes), (10_000, 1229));
//!
//! let stats = control.stats();
//! println!("{stats}");
//! assert!(stats.scans.iter().all(|scan| scan.items == 10_000));
//! // Unless something else kept the processors busy, these are the primes.
//! if let Some(Bottleneck::Scan(id)) = stats.bottleneck() {
//!     println!("{} takes longest", stats.scans[id.index()].name.as_deref().unwrap_or("a scan"));
//! }
//! ```
//!
//! Sums do not show who waits for whom, and when. A [trace](crate#traces) does, with a row for each
//! thread.
//!
//! # From the bottleneck to the change
//!
//! | the bottleneck | the figures | what helps |
//! |---|---|---|
//! | the input | [`pulling`](crate::Stats::pulling) is the most of the time | [less work for each item](#the-input) in its `next`; reading ahead |
//! | the consumer | [`consuming`](crate::Stats::consuming) is the most of the time | [work in the scans](#the-consumer) in place of work behind them |
//! | a scan | [`awaiting`](crate::Stats::awaiting) is the most of the time, and one scan is [`busy`](crate::ScanStats::busy) nearly all of it | [two scans](#a-scan) in place of one |
//! | a scan, though none is busy | every scan is mostly [`waiting`](crate::ScanStats::waiting), and the run is no faster than a loop | [no threads](#nobody) |
//!
//! The other figures say more about a scan. One that is [`blocked`](crate::ScanStats::blocked) has
//! outputs that are not taken: by the consumer, or in an [ordered](crate::FanOut::ordered) run
//! because a slower scan comes first. One whose
//! [`input_high_water`](crate::ScanStats::input_high_water) reaches the
//! [`input_capacity`](crate::FanOut::input_capacity) has had its queue full, and may have held the
//! input back, if only for a moment. Behind a slow consumer, scans wait for input as often as for
//! room, since nothing is pulled while outputs are ready: so judge by the bottleneck, not by who
//! waits.
//!
//! # The input
//!
//! * Move work out of `next`. Parsing, decoding and checking belong in a scan if only that scan
//!   needs them, or in an adaptor of the input if all do.
//! * Reuse what it allocates: [`refill`](crate::refill) for lines, blocks and records.
//! * Let it overlap with the consumer: [`read_ahead`](crate::FanOut::read_ahead). It makes no `next`
//!   faster, but nobody else has to wait for the thread that calls it.
//! * Pull more at a time: a `BufReader` with a larger buffer, blocks in place of bytes.
//!
//! # The consumer
//!
//! What is done with an output can be done where it is made, on the scan's thread:
//!
//! ```
//! use anabranch::prelude::*;
//!
//! let lines = || ["beta", "alpha", "gamma"].map(String::from).into_iter();
//!
//! // All three lines go to the consumer, which formats them.
//! let outputs = lines().fan_out().distribute([scan::cloned()]);
//! let late: Vec<_> = outputs.map(|(_, line)| format!("{line:>8}")).collect();
//!
//! // The scan formats them.
//! let formatted = scan::map(|line: &String| format!("{line:>8}"));
//! let early: Vec<_> = lines().fan_out().distribute([formatted]).map(|(_, line)| line).collect();
//! assert_eq!(early, late);
//! ```
//!
//! If only the end counts, make it a total: [`fold`](crate::FanOut::fold) and
//! [`join`](crate::Branches::join) have no outputs on the way, and the consumer only pulls.
//!
//! # A scan
//!
//! Every scan sees every item, so a scan whose work on an item does not depend on the others can be
//! two, each for half of the items, and the results are put together:
//!
//! ```
//! use anabranch::prelude::*;
//!
//! fn is_prime(n: &u64) -> bool {
//!     *n > 1 && (2..*n).all(|d| n % d != 0)
//! }
//!
//! // The odd numbers of every other pair, so that both have as much to do.
//! let halves = [1, 3].map(|rest| {
//!     scan::count().filter_input(move |n: &u64| n % 4 == rest && is_prime(n))
//! });
//! let [one, three] = (3..1_000).fan_out().fold(halves);
//! let whole = scan::count().filter_input(is_prime).apply(3..1_000);
//! assert_eq!(vec![one + three], whole);
//! ```
//!
//! If the state belongs to a key, [`demux`](crate::FanOut::demux) spreads the keys over threads.
//!
//! If the work is a chain of steps, the outputs of one run can be the input of the next, each step
//! on a thread of its own:
//!
//! ```
//! use anabranch::prelude::*;
//!
//! let texts = (1..=100).map(|n: u32| n.to_string());
//! let parsed = texts.fan_out().distribute([scan::map(|text: &String| text.parse::<u64>())]);
//! let numbers = parsed.filter_map(|(_, number)| number.ok());
//! assert_eq!(numbers.fan_out().fold([scan::sum::<u64, u64>()]), [5050]);
//! ```
//!
//! There is a limit. With fewer processors than busy threads, the sum of what all scans are busy,
//! divided by the processors, is the least that a run can take.
//!
//! # Nobody
//!
//! If the steps take a few nanoseconds, handing the items over is most of the work. It costs about
//! a nanosecond per item and scan; a loop that does everything on one thread costs nothing. Measure
//! it: [`apply`](crate::Scan::apply) runs a scan on the calling thread. With two scans the threads
//! win from about 5 ns of work per item and scan on, and take half the time from about 30 ns on, on
//! two cores.
//!
//! If the input comes in trickles, waiting is all there is to do, and the time from an item to its
//! output is what counts. Then [read ahead](crate::FanOut::read_ahead), or set
//! [`batch(1)`](crate::FanOut::batch): a batch of any other fixed length waits until it is full.
