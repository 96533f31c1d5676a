//! What a cell is: a choice along every dimension of the matrix, and its number.

use std::fmt;

/// The operation that the run is one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Member {
    Distribute,
    Ordered,
    Fold,
    Tee,
    Demux,
    Dynamic,
    /// Branches whose outputs are merged.
    Merge,
    /// Branches whose results are joined.
    Join,
}

impl Member {
    /// Whether it is over before anybody sees it.
    pub(crate) fn is_blocking(self) -> bool {
        matches!(self, Self::Fold | Self::Join)
    }
}

/// Whether the run is one until an error of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// The input cannot fail.
    Plain,
    /// The input may fail, and does not.
    Sound,
    /// The input ends with an error.
    Failing,
}

impl Input {
    pub(crate) fn may_fail(self) -> bool {
        self != Self::Plain
    }
}

/// Where the threads come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    Pool,
    /// Some threads of a pool that are set aside for the run.
    Lease,
    /// A scope: the items borrow.
    Scope,
}

/// Where something is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// Inside the input's `next`.
    Input,
    /// Inside a step of a scan.
    Scan,
    /// Between two calls of the run's `next`.
    Consumer,
    /// Before the run starts.
    Nobody,
}

/// What goes wrong in the run, or ends it or a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Site {
    /// Nothing does. The place says how long the input is: empty, any length, whole
    /// batches.
    Nothing,
    /// The input's `next` panics instead of giving the item.
    Next,
    /// The drop of the input panics: in a run that is dropped unused, in one whose
    /// scans have all ended, at the input's own end.
    InputDrop,
    /// A step panics, behind what it emits.
    Step,
    /// A flush panics, behind what it emits. The place says of which scan.
    Flush,
    /// The drop of a scan panics: of one that ended at the item, or, at the last place,
    /// of one that was flushed.
    ScanDrop,
    /// The drop of the item panics.
    ItemDrop,
    /// The drops of outputs panic, where the run has to drop outputs.
    OutputDrop,
    /// A step and the drop of its scan panic, and a step of another scan; the drops of
    /// their payloads panic.
    Payload,
    /// The same, and the run is dropped early: maybe nobody takes any payload.
    PayloadUntaken,
    /// The run is dropped: before its first `next`, in the middle, before its last.
    EarlyDrop,
    /// One scan ends at the item.
    OneEnds,
    /// All scans end at the item.
    AllEnd,
    /// The run is stopped.
    Stop(Asker),
    /// One scan is stopped.
    StopScan(Asker),
    /// The run is aborted.
    Abort(Asker),
    /// A scan is added.
    Add(Asker),
    /// The pool has no room: for nobody, for one less, because of another run.
    PoolFull,
}

/// Which item it happens at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    First,
    Middle,
    Last,
}

pub(crate) const MEMBERS: [Member; 8] = [
    Member::Distribute,
    Member::Ordered,
    Member::Fold,
    Member::Tee,
    Member::Demux,
    Member::Dynamic,
    Member::Merge,
    Member::Join,
];

/// New ones go to the end, so that the others keep their numbers.
pub(crate) const SITES: [Site; 27] = [
    Site::Nothing,
    Site::Next,
    Site::InputDrop,
    Site::Step,
    Site::Flush,
    Site::ScanDrop,
    Site::ItemDrop,
    Site::OutputDrop,
    Site::Payload,
    Site::PayloadUntaken,
    Site::EarlyDrop,
    Site::OneEnds,
    Site::AllEnd,
    Site::Stop(Asker::Input),
    Site::Stop(Asker::Scan),
    Site::Stop(Asker::Consumer),
    Site::Stop(Asker::Nobody),
    Site::StopScan(Asker::Input),
    Site::StopScan(Asker::Scan),
    Site::StopScan(Asker::Consumer),
    Site::Abort(Asker::Input),
    Site::Abort(Asker::Scan),
    Site::Abort(Asker::Consumer),
    Site::Add(Asker::Input),
    Site::Add(Asker::Scan),
    Site::Add(Asker::Consumer),
    Site::PoolFull,
];

const WIDTHS: [usize; 5] = [1, 2, 4, 16, 50];
/// Of both capacities; `None` is the default.
const CAPACITIES: [Option<usize>; 3] = [Some(1), Some(2), None];
/// `None` is adaptive.
const BATCHES: [Option<usize>; 4] = [Some(1), Some(3), Some(64), None];
const PLACES: [Place; 3] = [Place::First, Place::Middle, Place::Last];
const INPUTS: [Input; 3] = [Input::Plain, Input::Sound, Input::Failing];
const HOSTS: [Host; 3] = [Host::Pool, Host::Lease, Host::Scope];

/// How many numbers there are. Not every one names a cell that can be run.
pub(crate) const NUMBERS: usize = SITES.len()
    * MEMBERS.len()
    * WIDTHS.len()
    * CAPACITIES.len()
    * BATCHES.len()
    * PLACES.len()
    * INPUTS.len()
    * HOSTS.len()
    * 2;

/// One cell of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) number: usize,
    pub(crate) site: Site,
    pub(crate) member: Member,
    /// How many scans there are; in a demux, how many shards.
    pub(crate) width: usize,
    pub(crate) capacity: Option<usize>,
    pub(crate) batch: Option<usize>,
    pub(crate) place: Place,
    pub(crate) read_ahead: bool,
    pub(crate) input: Input,
    pub(crate) host: Host,
}

impl Cell {
    /// The cell that has this number.
    pub(crate) fn new(number: usize) -> Self {
        let mut rest = number;
        let mut digit = |radix| {
            let digit = rest % radix;
            rest /= radix;
            digit
        };
        // The sites have the most significant digit.
        Self {
            number,
            host: HOSTS[digit(HOSTS.len())],
            input: INPUTS[digit(INPUTS.len())],
            read_ahead: digit(2) == 1,
            place: PLACES[digit(PLACES.len())],
            batch: BATCHES[digit(BATCHES.len())],
            capacity: CAPACITIES[digit(CAPACITIES.len())],
            width: WIDTHS[digit(WIDTHS.len())],
            member: MEMBERS[digit(MEMBERS.len())],
            site: SITES[digit(SITES.len())],
        }
    }

    /// Why there is no such cell, if there is none: the one place that says what does
    /// not combine.
    pub(crate) fn left_out(&self) -> Option<&'static str> {
        use Asker::{Consumer, Nobody};
        let demux = self.member == Member::Demux;
        match self.site {
            Site::PoolFull if self.is_scoped() => Some("a scope is never full"),
            Site::Add(_) if self.is_scoped() && !self.is_asked_for_more() => {
                Some("what is added does not borrow")
            }
            Site::Add(_)
                if matches!(
                    self.member,
                    Member::Ordered | Member::Fold | Member::Tee | Member::Demux | Member::Join
                ) =>
            {
                Some("this member takes no more scans")
            }
            Site::StopScan(_) if demux => Some("ids of a demux are shards, not scans"),
            Site::EarlyDrop
            | Site::PayloadUntaken
            | Site::Stop(Consumer)
            | Site::StopScan(Consumer)
            | Site::Abort(Consumer)
                if self.member.is_blocking() =>
            {
                Some("who blocks is not back before the end")
            }
            Site::InputDrop if self.place == Place::First && self.member.is_blocking() => {
                Some("what blocks is not dropped unused")
            }
            Site::InputDrop if self.place == Place::Middle && demux => {
                Some("the ends of its scans do not end a demux")
            }
            Site::Stop(Nobody) if self.place != Place::First => {
                Some("before the run there is no place")
            }
            _ => None,
        }
    }

    pub(crate) fn is_scoped(&self) -> bool {
        self.host == Host::Scope
    }

    /// Whether a fold or a join opens a scope for itself, in which it waits for all its threads.
    pub(crate) fn scopes_itself(&self) -> bool {
        self.is_scoped() && self.member.is_blocking() && self.bits() >> 36 & 1 == 1
    }

    /// Whether the run drops outputs if its consumer leaves, and not before.
    pub(crate) fn drops_what_is_emitted(&self) -> bool {
        !self.member.is_blocking() && self.member != Member::Tee
    }

    /// Whether a scan comes because the run asks for it, and is not added from outside.
    pub(crate) fn is_asked_for_more(&self) -> bool {
        self.member == Member::Dynamic && self.site == Site::Add(Asker::Input)
    }

    /// Whether no thread is free for a scan that is added.
    pub(crate) fn is_tight(&self) -> bool {
        self.host == Host::Lease && !self.is_asked_for_more() && self.bits() >> 38 & 1 == 1
    }

    /// How many threads are leased: as many as the run needs, and one for a scan that comes
    /// later.
    pub(crate) fn leased(&self) -> usize {
        let more = matches!(self.site, Site::Add(_)) && !self.is_tight();
        match self.host {
            Host::Lease => self.width + usize::from(self.read_ahead) + usize::from(more),
            Host::Pool | Host::Scope => 0,
        }
    }

    /// Some bits that depend on the cell alone, for what has no dimension of its own.
    pub(crate) fn bits(&self) -> u64 {
        crate::sample::mixed(self.number as u64)
    }
}

/// All cells that can be run.
pub(crate) fn cells() -> impl Iterator<Item = Cell> {
    (0..NUMBERS).map(Cell::new).filter(|cell| cell.left_out().is_none())
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { site, member, width, capacity, batch, place, input, host, .. } = self;
        write!(f, "{site:?} × {member:?}, {width} wide, ")?;
        match capacity {
            Some(capacity) => write!(f, "capacity {capacity}, ")?,
            None => f.write_str("default capacity, ")?,
        }
        match batch {
            Some(items) => write!(f, "batch {items}, ")?,
            None => f.write_str("adaptive, ")?,
        }
        let pulled = if self.read_ahead { "read ahead" } else { "pulled" };
        write!(f, "{place:?}, {input:?}, {pulled}, {host:?}")
    }
}

#[test]
fn every_number_names_a_cell_of_its_own() {
    let cells: Vec<_> =
        (0..NUMBERS).map(|number| Cell { number: 0, ..Cell::new(number) }).collect();
    let mut names: Vec<_> = cells.iter().map(Cell::to_string).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), NUMBERS);
}

#[test]
fn every_member_meets_every_site_unless_that_is_left_out_as_a_whole() {
    for site in SITES {
        let members = MEMBERS
            .into_iter()
            .filter(|member| cells().any(|cell| cell.site == site && cell.member == *member));
        let most = match site {
            Site::Add(_) => 3,
            Site::StopScan(Asker::Consumer) => 5,
            Site::StopScan(_) => 7,
            Site::EarlyDrop
            | Site::PayloadUntaken
            | Site::Stop(Asker::Consumer)
            | Site::Abort(Asker::Consumer) => 6,
            _ => MEMBERS.len(),
        };
        assert_eq!(members.count(), most, "{site:?}");
    }
    assert!(cells().count() > 400_000, "{} cells", cells().count());
}
