//! The builder of runs.

use std::fmt;

use super::control::Control;
use super::options::Options;
use super::source::{ReadAhead, Source, UntilError};
use super::until_error::TryItem;
use crate::threads::{Global, ThreadKind};

/// A builder of runs, returned by [`fan_out`](crate::IteratorExt::fan_out): it takes an input,
/// threads and settings, and a verb starts the run.
///
/// | choose | with |
/// |---|---|
/// | how the input is pulled | [`read_ahead`](Self::read_ahead), [`until_error`](Self::until_error) |
/// | the threads | [`on`](Self::on), [`scoped`](Self::scoped) |
/// | the settings | the methods below |
/// | **the verb** | [`distribute`](Self::distribute), [`ordered`](Self::ordered), [`zip_latest`](Self::zip_latest), [`demux`](Self::demux), [`dynamic`](Self::dynamic), [`fold`](Self::fold), or [`branch`](Self::branch) and what follows |
///
/// All of these combine freely, except that [`scoped`](Self::scoped) is for verbs that
/// return at the end alone: [`fold`](Self::fold), [`join`](crate::Branches::join) and their `try_`
/// forms. Nothing happens before the verb.
///
/// # Settings
///
/// | setting | unit | range | default |
/// |---|---|---|---|
/// | [`input_capacity`](Self::input_capacity) | batches per scan | 1 to 65 536 | 8 |
/// | [`output_capacity`](Self::output_capacity) | batches per scan | 1 to 65 536 | 8 |
/// | [`batch`](Self::batch) | items, and outputs | 1 to 1 048 576 | adaptive |
/// | [`item_bytes`](Self::item_bytes) | bytes | 1 to 1 GiB | the size of the type |
/// | [`output_bytes`](Self::output_bytes) | bytes | 1 to 1 GiB | the size of the type |
/// | [`thread_name`](Self::thread_name) | | no NUL | `anabranch` |
/// | [`stack_size`](Self::stack_size) | bytes | 1 to 1 GiB | as `std::thread` |
///
/// A setter panics if its value is out of range.
///
/// # Examples
///
/// ```
/// use anabranch::{Pool, prelude::*};
///
/// let pool = Pool::with_max_threads(2);
/// let run = (1..=100).fan_out().input_capacity(1).batch(64).on(&pool);
/// assert_eq!(run.fold((scan::count(), scan::sum::<i32, i32>())), (100, 5050));
/// ```
#[must_use = "a run does not start before its verb"]
#[derive(Clone)]
pub struct FanOut<I, Th = Global> {
    pub(super) source: I,
    pub(super) threads: Th,
    pub(super) options: Options,
}

impl<I> FanOut<I> {
    pub(super) fn new(source: I) -> Self {
        Self { source, threads: Global, options: Options::new() }
    }
}

/// Input and threads.
impl<I, Th> FanOut<I, Th> {
    /// Pulls the input on its own thread, ahead of the consumer, so that outputs arrive while the
    /// input blocks.
    ///
    /// # Shape
    ///
    /// The input is pulled from the start of the run, whether or not `next` is called, until some
    /// scan's input is full. An item never waits in a half-filled batch while a scan that could
    /// take it is idle: a batch is queued at every scan while it grows, until the first scan takes
    /// it or it reaches its [maximum length](Self::batch). When every scan has ended, the input is
    /// not pulled again, apart from a call of its `next` already in progress. Everything else,
    /// including the bounds on memory, is as without `read_ahead`.
    ///
    /// # Blocking
    ///
    /// Neither the run's `next` nor its drop waits for an input that blocks. When all scans have
    /// ended or the run is dropped, a thread inside the input's `next` gets 200 µs to return and is
    /// then detached: when `next` returns, it drops the item and the input, and finishes. In all
    /// other cases the input has been dropped by the end of the run, and no call of its `next`
    /// starts after that. A scope waits for a detached thread at its end.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use anabranch::prelude::*;
    ///
    /// let (lines, input) = mpsc::channel::<String>();
    /// let run = input.into_iter().fan_out().read_ahead();
    /// let mut lengths = run.distribute([scan::map(|line: &String| line.len())]);
    /// for line in ["to", "begin"] {
    ///     lines.send(line.to_owned())?;
    ///     // The output is here, though the input blocks.
    ///     assert_eq!(lengths.next().map(|(_, length)| length), Some(line.len()));
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read_ahead(self) -> FanOut<ReadAhead<I>, Th> {
        self.with_source(ReadAhead)
    }

    /// Ends the run at the first `Err` of an input of [`Result`]s. The scans get the values inside
    /// the `Ok`s.
    ///
    /// An error ends the input: it is not pulled again, the scans are flushed, what they emit is
    /// delivered, and the error comes last. Verbs that return an iterator then yield `Result`s, so
    /// `collect::<Result<Vec<_>, _>>()` returns all outputs or the error; verbs that block return a
    /// `Result`. If a scan panics as well, the panic surfaces and the error is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::{self, BufRead};
    /// use anabranch::prelude::*;
    ///
    /// fn measure(text: impl BufRead) -> io::Result<(usize, usize)> {
    ///     text.lines().fan_out().until_error().fold((
    ///         scan::count(),
    ///         scan::sum_by(|line: &String| line.len()),
    ///     ))
    /// }
    ///
    /// assert_eq!(measure(&b"one\ntwo\nthree"[..])?, (3, 11));
    /// assert!(measure(&b"caf\xe9"[..]).is_err());
    /// # Ok::<(), io::Error>(())
    /// ```
    pub fn until_error(self) -> FanOut<UntilError<I>, Th>
    where
        I: Source<Item: TryItem>,
    {
        self.with_source(UntilError)
    }

    /// Takes the threads of the run from a [`&Pool`](crate::Pool), a [`Lease`](crate::Lease), or
    /// the [`&Scope`](std::thread::Scope) of [`std::thread::scope`]. By default they come from
    /// the [global pool](crate::Pool::global).
    ///
    /// Threads of a pool outlive the run, so items and scans must own what they use. In a scope
    /// they may borrow; its threads are started for the run and end with it. If a run in a scope is
    /// leaked instead of dropped, the scope never ends.
    ///
    /// A run on a lease uses no more threads than the lease has. If the lease has too few, the verb
    /// panics with a message that states how many are needed.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::thread;
    /// use anabranch::prelude::*;
    ///
    /// let text = String::from("to be or not to be");
    /// let stop_words = ["to", "or"];
    /// thread::scope(|scope| {
    ///     let wanted = scan::filter(|word: &&str| !stop_words.contains(word));
    ///     let words = text.split(' ').fan_out().on(scope).distribute([wanted]);
    ///     assert!(words.map(|(_, word)| word).eq(["be", "not", "be"]));
    /// });
    /// ```
    pub fn on<T>(self, threads: T) -> FanOut<I, T> {
        let Self { source, options, .. } = self;
        FanOut { source, threads, options }
    }

    fn with_source<J>(self, source: impl FnOnce(I) -> J) -> FanOut<J, Th> {
        let Self { source: input, threads, options } = self;
        FanOut { source: source(input), threads, options }
    }
}

/// The settings.
impl<I, Th> FanOut<I, Th> {
    /// Sets how many batches may wait at a scan before the input is held back.
    ///
    /// # Panics
    ///
    /// Panics if the number is out of [range](#settings).
    #[track_caller]
    pub fn input_capacity(mut self, batches: usize) -> Self {
        self.options.settings.input_capacity = Options::capacity("input_capacity", batches);
        self
    }

    /// Sets how many batches of a scan's outputs may wait for the consumer before the scan is held
    /// back.
    ///
    /// # Panics
    ///
    /// Panics if the number is out of [range](#settings).
    #[track_caller]
    pub fn output_capacity(mut self, batches: usize) -> Self {
        self.options.settings.output_capacity = Options::capacity("output_capacity", batches);
        self
    }

    /// Sets a fixed length for batches of items (the last may be shorter), and the maximum length
    /// of batches of outputs.
    ///
    /// A batch is sent when it is full, however long the input takes; with a length of 1, every
    /// item is sent at once. If the input is [read ahead](Self::read_ahead), a scan may take a
    /// batch before it is full. A scan publishes its outputs when a batch of them is full, and at the
    /// end of each batch of items.
    ///
    /// By default, the length adapts to the slowest party, so that a batch takes each of them about
    /// 200 µs at most. Batches of items grow while the input fills them in that time, up to what
    /// the slowest scan has been measured to process in it. Batches of outputs grow up to what the
    /// consumer has been measured to take. Both hold at most 8192 values or 128 KiB, whichever is
    /// less, and at least one value. The size of a value is that of its type, without what is
    /// behind pointers, unless [`item_bytes`](Self::item_bytes) or
    /// [`output_bytes`](Self::output_bytes) sets a larger one.
    ///
    /// # Panics
    ///
    /// Panics if the length is out of [range](#settings).
    #[track_caller]
    pub fn batch(mut self, items: usize) -> Self {
        self.options.settings.batch = Some(Options::length("batch", items));
        self
    }

    /// Sets the approximate size of an item in bytes, including what is behind its pointers.
    ///
    /// A batch of adaptive length holds at most 128 KiB by this measure, or one item. So of items
    /// that are smaller, a run holds at most [`input_capacity`](Self::input_capacity) + 2 times
    /// 128 KiB. Has no effect on batches of [fixed](Self::batch) length.
    ///
    /// ```
    /// use anabranch::prelude::*;
    ///
    /// let blocks = (0..100).map(|n| vec![n; 64 << 10]);
    /// let length = scan::sum_by(|block: &Vec<u8>| block.len());
    /// assert_eq!(blocks.fan_out().item_bytes(64 << 10).fold([length]), [6_553_600]);
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the number is out of [range](#settings).
    #[track_caller]
    pub fn item_bytes(mut self, bytes: usize) -> Self {
        self.options.settings.item_bytes = Options::bytes("item_bytes", bytes);
        self
    }

    /// Sets the approximate size of an output in bytes, including what is behind its pointers.
    /// Works as [`item_bytes`](Self::item_bytes), for batches of outputs.
    ///
    /// # Panics
    ///
    /// Panics if the number is out of [range](#settings).
    #[track_caller]
    pub fn output_bytes(mut self, bytes: usize) -> Self {
        self.options.settings.output_bytes = Options::bytes("output_bytes", bytes);
        self
    }

    /// Attaches a control, which reports the statistics of the run and can end it from any thread.
    pub fn control(mut self, control: &Control) -> Self {
        self.options.control = Some(control.clone());
        self
    }

    /// Keeps the run going without scans, discarding items, until the input ends or scans are
    /// [added](crate::Adder). By default, a run ends when it has no scans left.
    ///
    /// Affects only the verbs that allow adding scans: [`distribute`](Self::distribute),
    /// [`dynamic`](Self::dynamic) and [`merge`](crate::Branches::merge).
    ///
    /// ```
    /// use anabranch::prelude::*;
    ///
    /// let mut pulled = 0;
    /// let input = (0..10).inspect(|_| pulled += 1);
    /// let scans: [BoxScan<'_, i32, i32>; 0] = [];
    /// assert_eq!(input.fan_out().discard_without_scans().distribute(scans).count(), 0);
    /// assert_eq!(pulled, 10);
    /// ```
    pub fn discard_without_scans(mut self) -> Self {
        self.options.settings.discards = true;
        self
    }

    /// Sets the name of the threads, as shown by the operating system. A pool reuses only threads
    /// of the same name.
    ///
    /// The thread of a [named](crate::Scan::named) scan gets the scan's name instead, unless the
    /// scan was added later or the run is on a [lease](crate::Lease).
    ///
    /// ```
    /// use std::thread;
    /// use anabranch::prelude::*;
    ///
    /// let name = scan::map(|_: &i32| thread::current().name().map(str::to_owned)).last();
    /// let (name,) = (0..1).fan_out().thread_name("digester").fold((name,));
    /// assert_eq!(name.flatten().as_deref(), Some("digester"));
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the name contains a NUL byte.
    #[track_caller]
    pub fn thread_name(mut self, name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        assert!(!name.contains('\0'), "`thread_name` contains a NUL byte: {name:?}");
        let threads = &mut self.options.settings.threads;
        *threads = ThreadKind::new(name, threads.stack_size);
        self
    }

    /// Sets the stack size of the threads. A pool reuses only threads of the same stack size. The
    /// default is that of [`std::thread`], or more if items or outputs are large values.
    ///
    /// ```
    /// use anabranch::prelude::*;
    ///
    /// fn depth(n: &u64) -> u64 {
    ///     if *n == 0 { 0 } else { 1 + depth(&(n - 1)) }
    /// }
    /// let deepest = scan::map(depth).then(scan::max());
    /// let run = [100, 20_000].into_iter().fan_out().stack_size(64 << 20);
    /// assert_eq!(run.fold([deepest]), [Some(20_000)]);
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the number is out of [range](#settings).
    #[track_caller]
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.options.settings.threads.stack_size = Some(Options::bytes("stack_size", bytes));
        self
    }
}

impl<I, Th> fmt::Debug for FanOut<I, Th> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FanOut").field("options", &self.options).finish_non_exhaustive()
    }
}
