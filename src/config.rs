//! The settings of a run.

use std::mem;

use crate::control::Control;
use crate::engine::BatchSize;
use crate::error::ConfigError;
use crate::pool::{Pool, ThreadKind};
use crate::sync::available_parallelism;

/// The settings of a run, for the `_with` forms.
///
/// A setter only takes note; what cannot be granted is refused, with a
/// [`ConfigError`], when a run starts. A configuration may serve any number of
/// runs.
///
/// # Units
///
/// | setting | unit | range | default |
/// |---|---|---|---|
/// | [`input_capacity`](Self::input_capacity) | batches per scan | 1 to 65 536 | 8 |
/// | [`output_capacity`](Self::output_capacity) | batches per scan | 1 to 65 536 | 8 |
/// | [`batch`](Self::batch) | items, and outputs | 1 to 1 048 576, 1 GiB | adaptive |
/// | [`item_bytes`](Self::item_bytes) | bytes | 1 to 1 GiB | the size of the type |
/// | [`output_bytes`](Self::output_bytes) | bytes | 1 to 1 GiB | the size of the type |
/// | [`ordered`](Self::ordered) | | | no |
/// | [`shards`](Self::shards) | scan threads | 1 to 1024 | one per processor |
/// | [`pool`](Self::pool) | | | [`Pool::global`] |
/// | [`control`](Self::control) | | | none |
/// | [`discard_without_scans`](Self::discard_without_scans) | | | no |
/// | [`thread_name`](Self::thread_name) | | no NUL | `anabranch` |
/// | [`stack_size`](Self::stack_size) | bytes | 1 to 1 GiB | as `std::thread` |
///
/// # Examples
///
/// ```
/// use anabranch::{Config, IteratorExt, Pool, scan};
///
/// let config = Config::new().input_capacity(1).batch(64).pool(Pool::with_max_threads(2));
/// let sums = (1..=100).par_distribute_with(&config, [scan::sum::<i32, i32>()]);
/// assert_eq!(sums.map(|(_, sum)| sum).collect::<Vec<_>>(), [5050]);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a configuration does nothing until a run is started with it"]
pub struct Config {
    input_capacity: Option<usize>,
    output_capacity: Option<usize>,
    batch: Option<usize>,
    item_bytes: Option<usize>,
    output_bytes: Option<usize>,
    ordered: bool,
    shards: Option<usize>,
    pool: Option<Pool>,
    control: Option<Control>,
    discard_without_scans: bool,
    thread_name: Option<String>,
    stack_size: Option<usize>,
}

const DEFAULT_CAPACITY: usize = 8;
const MAX_CAPACITY: usize = 1 << 16;
const MAX_SHARDS: usize = 1024;
const MAX_BATCH: usize = 1 << 20;
const MAX_BYTES: usize = 1 << 30;

/// The most that a batch of adaptive length holds.
#[cfg(not(any(loom, shuttle)))]
const ADAPTIVE_LENGTH: usize = 8192;
/// Models are to get to see several that are full.
#[cfg(any(loom, shuttle))]
const ADAPTIVE_LENGTH: usize = 4;
/// And the most bytes, as far as the type tells, but for its first value.
const ADAPTIVE_BYTES: usize = 1 << 20;
/// Values of more bytes have threads with more stack.
const BIG_VALUE: usize = 16 << 10;
const USUAL_STACK: usize = 2 << 20;
/// How many copies of a value may be on the stack at once, in an unoptimised build.
const HAND_OVERS: usize = 32;

impl Config {
    /// The default settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many batches wait at a scan before the input is held back.
    pub fn input_capacity(mut self, batches: usize) -> Self {
        self.input_capacity = Some(batches);
        self
    }

    /// How many batches of outputs wait for the consumer before the scan that
    /// emitted them is held back.
    pub fn output_capacity(mut self, batches: usize) -> Self {
        self.output_capacity = Some(batches);
        self
    }

    /// Makes all batches this long, but for the last, and lets an output batch
    /// hold no more than this.
    ///
    /// A batch is sent when it is full, however long the input takes: one makes
    /// every item go out at once. A scan publishes what it has emitted when a batch of
    /// outputs is full, and at the end of each batch of items.
    ///
    /// By default the length follows who is slowest, so that nobody is given more than takes
    /// about 200 µs: a batch of items begins with one, and is as long as the input fills it
    /// in that time and every scan has been seen to step over it, up to 8192 items or
    /// 1 MiB, whichever is less; a batch of outputs is as long as the scan emits it and the
    /// consumer has been seen to take it, within the same limits. The bytes are those of the
    /// type, without what is behind pointers, unless [`item_bytes`](Self::item_bytes) and
    /// [`output_bytes`](Self::output_bytes) say more. An input that is [read ahead](crate::ReadAhead)
    /// has batches of up to the same lengths.
    pub fn batch(mut self, items: usize) -> Self {
        self.batch = Some(items);
        self
    }

    /// Sets how many bytes an item takes, about, with what is behind its pointers.
    ///
    /// A batch of adaptive length holds at most 1 MiB by this measure, and at least one
    /// item. So a run holds at most [`input_capacity`](Self::input_capacity) + 2 MiB of
    /// smaller items. No effect on batches of a [fixed](Self::batch) length.
    ///
    /// ```
    /// use anabranch::{Config, IteratorExt, scan};
    ///
    /// let blocks = (0..100).map(|n| vec![n; 64 << 10]);
    /// let config = Config::new().item_bytes(64 << 10);
    /// let length = scan::sum_by(|block: &Vec<u8>| block.len());
    /// let mut lengths = blocks.par_distribute_with(&config, [length]);
    /// assert_eq!(lengths.next().map(|(_, length)| length), Some(6_553_600));
    /// ```
    pub fn item_bytes(mut self, bytes: usize) -> Self {
        self.item_bytes = Some(bytes);
        self
    }

    /// Sets how many bytes an output takes, about, with what is behind its pointers: the
    /// same for batches of outputs.
    pub fn output_bytes(mut self, bytes: usize) -> Self {
        self.output_bytes = Some(bytes);
        self
    }

    /// Whether [`par_distribute`](crate::IteratorExt::par_distribute) gives the
    /// outputs in the order of the sequential run, instead of as they come: item by
    /// item, for each item scan by scan, and those of the flushes last. By default
    /// it does not.
    ///
    /// A scan that is ahead of the slowest by its output capacity is then held
    /// back. After a panic, what was given is a prefix of what the sequential run
    /// gives. After [`Control::abort`](crate::Control::abort) a scan that has left is left
    /// out from there on; one that is [stopped](crate::Control::stop_scan) is flushed behind
    /// its last item, among the outputs of the others. The other operations have orders of
    /// their own, which this does not change.
    ///
    /// ```
    /// use anabranch::{Config, IteratorExt, scan::{self, Scan}};
    ///
    /// let ordered = Config::new().ordered(true);
    /// let scans = [scan::cloned().boxed(), scan::filter(|x: &i32| x % 2 == 0).boxed()];
    /// let outputs = (1..=4).par_distribute_with(&ordered, scans);
    /// let outputs: Vec<_> = outputs.map(|(id, x)| (x, id.index())).collect();
    /// assert_eq!(outputs, [(1, 0), (2, 0), (2, 1), (3, 0), (4, 0), (4, 1)]);
    /// ```
    pub fn ordered(mut self, ordered: bool) -> Self {
        self.ordered = ordered;
        self
    }

    pub(crate) fn is_ordered(&self) -> bool {
        self.ordered
    }

    /// Over how many scan threads [`par_demux`](crate::IteratorExt::par_demux)
    /// spreads the keys. By default as many as the machine runs at once.
    pub fn shards(mut self, threads: usize) -> Self {
        self.shards = Some(threads);
        self
    }

    pub(crate) fn shard_count(&self) -> Result<usize, ConfigError> {
        checked("shards", self.shards.unwrap_or_else(available_parallelism), MAX_SHARDS)
    }

    /// The pool that the scan threads come from.
    pub fn pool(mut self, pool: Pool) -> Self {
        self.pool = Some(pool);
        self
    }

    /// What shows the statistics of the run, and can end it, from any thread.
    pub fn control(mut self, control: &Control) -> Self {
        self.control = Some(control.clone());
        self
    }

    /// Whether a run without scans goes on, discarding items, until its input ends or
    /// scans are [added](crate::Adder). By default it ends.
    pub fn discard_without_scans(mut self, discard: bool) -> Self {
        self.discard_without_scans = discard;
        self
    }

    /// What the operating system is to call the scan threads. The pool gives the
    /// run threads of this name, starting them if it has none idle.
    pub fn thread_name(mut self, name: impl Into<String>) -> Self {
        self.thread_name = Some(name.into());
        self
    }

    /// How much stack the scan threads have. The pool gives the run threads of
    /// this size, starting them if it has none idle. By default it is the usual, and more
    /// where items or outputs are big values.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// The settings of a run over items of type `T`, each checked.
    pub(crate) fn settings<T>(&self) -> Result<Settings, ConfigError> {
        let shallow = mem::size_of::<T>().max(1);
        let item_bytes =
            checked("item_bytes", self.item_bytes.unwrap_or(1), MAX_BYTES)?.max(shallow);
        let batch_size = match self.batch {
            Some(items) => {
                BatchSize::fixed(checked("batch", items, MAX_BATCH.min(MAX_BYTES / shallow))?)
            }
            None => BatchSize::adaptive(most_in_a_batch(item_bytes)),
        };
        let capacity = |setting, asked: Option<usize>| {
            checked(setting, asked.unwrap_or(DEFAULT_CAPACITY), MAX_CAPACITY)
        };
        let thread_name = self.thread_name.as_deref().unwrap_or("anabranch");
        if thread_name.contains('\0') {
            return Err(ConfigError::ThreadName);
        }
        let stack_size = match self.stack_size {
            Some(bytes) => Some(checked("stack_size", bytes, MAX_BYTES)?),
            None => None,
        };
        Ok(Settings {
            input_capacity: capacity("input_capacity", self.input_capacity)?,
            output_capacity: capacity("output_capacity", self.output_capacity)?,
            batch_size,
            pool: self.pool.clone().unwrap_or_else(|| Pool::global().clone()),
            control: self.control.clone(),
            output_bytes: checked("output_bytes", self.output_bytes.unwrap_or(1), MAX_BYTES)?,
            discard_without_scans: self.discard_without_scans,
            thread_kind: ThreadKind::new(thread_name, stack_size),
        })
    }
}

/// How long batches of values of so many bytes are at most, if the length is not fixed.
fn most_in_a_batch(bytes: usize) -> usize {
    (ADAPTIVE_BYTES / bytes).clamp(1, ADAPTIVE_LENGTH)
}

fn checked(setting: &'static str, asked: usize, max: usize) -> Result<usize, ConfigError> {
    match asked {
        0 => Err(ConfigError::Zero { setting }),
        _ if asked > max => Err(ConfigError::TooLarge { setting, asked, max }),
        _ => Ok(asked),
    }
}

/// Settings that have been checked.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) input_capacity: usize,
    pub(crate) output_capacity: usize,
    pub(crate) batch_size: BatchSize,
    /// How many bytes an output takes at least.
    output_bytes: usize,
    pub(crate) pool: Pool,
    pub(crate) control: Option<Control>,
    pub(crate) discard_without_scans: bool,
    pub(crate) thread_kind: ThreadKind,
}

impl Settings {
    /// How long batches of outputs of type `O` are.
    pub(crate) fn output_batch_size<O>(&self) -> BatchSize {
        if self.batch_size.is_fixed() {
            self.batch_size.clone()
        } else {
            BatchSize::adaptive(most_in_a_batch(self.output_bytes.max(mem::size_of::<O>())))
        }
    }

    /// What the threads are to be that pass values of these types from hand to hand. Each
    /// hand-over may put such a value on the stack; for big ones the usual stack is too
    /// small.
    pub(crate) fn thread_kind_for<T, O>(&self) -> ThreadKind {
        let bytes = mem::size_of::<T>().max(mem::size_of::<O>());
        let mut kind = self.thread_kind.clone();
        if kind.stack_size.is_none() && bytes > BIG_VALUE {
            kind.stack_size = Some(USUAL_STACK + bytes.saturating_mul(HAND_OVERS).min(MAX_BYTES));
        }
        kind
    }
}
