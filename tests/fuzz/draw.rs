//! Draws a program from a seed.

use std::env;

use super::kinds;
use super::layer::Settings;
use super::program::{
    Ask, Fault, Host, Kind, Member, Pace, Payloads, Plan, Program, ScanFault, Site, Steps,
};
use super::random::Random;

/// What a program is out for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Profile {
    /// Nothing: the run goes through.
    Plain,
    /// Outputs arrive while the input waits for them.
    Live,
    Faults,
    Requests,
    Mixed,
    /// Very many scans, most of them silent, and some that end together.
    Waves,
    /// Scans that emit without end beside what is to take effect.
    Floods,
}

const PROFILES: [(u64, Profile); 7] = [
    (22, Profile::Plain),
    (6, Profile::Live),
    (24, Profile::Faults),
    (20, Profile::Requests),
    (16, Profile::Mixed),
    (8, Profile::Waves),
    (4, Profile::Floods),
];

/// The scan steps that a program may take in all, about.
const MOST_STEPS: u64 = 6_000;

/// The outputs that a consumer takes at most.
const MOST_OUTPUTS: u64 = 40_000;

pub(crate) fn draw(seed: u64) -> Program {
    let random = &mut Random::new(seed);
    let mut share = random.below(100);
    let profile = PROFILES.iter().find(|(weight, _)| {
        let found = share < *weight;
        share = share.wrapping_sub(*weight);
        found
    });
    let profile = only().or(profile.map(|(_, profile)| *profile)).unwrap_or(Profile::Plain);
    Draw { random, profile }.program(seed)
}

/// The one profile that is asked for, if one is.
fn only() -> Option<Profile> {
    let name = env::var("ANABRANCH_PROFILE").ok()?;
    let found = PROFILES.iter().find(|(_, profile)| profile.name() == name);
    Some(found.unwrap_or_else(|| panic!("there is no profile {name}")).1)
}

impl Profile {
    fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Live => "live",
            Self::Faults => "faults",
            Self::Requests => "requests",
            Self::Mixed => "mixed",
            Self::Waves => "waves",
            Self::Floods => "floods",
        }
    }
}

struct Draw<'a> {
    random: &'a mut Random,
    profile: Profile,
}

impl Draw<'_> {
    fn program(&mut self, seed: u64) -> Program {
        let member = self.member();
        let width = self.width();
        let items = self.items(width);
        let settings = self.settings(member);
        let busy = if self.random.percent(8) { self.random.between(1, 3) as usize } else { 0 };
        let mut program = Program {
            seed,
            profile: self.profile.name(),
            member,
            host: self.host(member),
            spare_threads: self.random.percent(15).then(|| self.random.below(4) as usize),
            items,
            fails: settings.until_error && self.random.percent(60),
            settings,
            scans: self.plans(width, items),
            keys: self.random.between(1, 12),
            discarded_keys: if self.random.percent(30) { self.random.between(2, 4) } else { 0 },
            asks: Vec::new(),
            faults: Vec::new(),
            payloads: Payloads::Quiet,
            input_pace: self.pace(25),
            consumer_pace: self.pace(25),
            take: None,
            patience: MOST_OUTPUTS,
            live: self.profile == Profile::Live,
            busy,
            again: false,
        };
        self.disturb(&mut program);
        // Who asks for scans has threads for them.
        let is_given = |(site, _): &&(Site, Ask)| matches!(site, Site::Hook(_));
        let given = program.asks.iter().filter(is_given).count();
        let mut least = given;
        if let Host::Lease(more) = &mut program.host {
            *more = (*more).max(given);
            least = *more;
        }
        program.spare_threads = program.spare_threads.map(|spare| spare.max(least));
        program
    }

    fn disturb(&mut self, program: &mut Program) {
        let faulty = matches!(self.profile, Profile::Faults | Profile::Mixed);
        let asking = matches!(self.profile, Profile::Requests | Profile::Mixed);
        match self.profile {
            Profile::Floods => self.flood(program),
            Profile::Waves => {
                program.scans = self.waves(program.scans.len() as u64);
                // Whoever is woken late finds all of it at once.
                if self.random.percent(30) {
                    program.busy = self.random.between(1, 3) as usize;
                }
                // While the consumer dawdles behind an output, all others come to where they
                // wait or end.
                let (every, at) = (self.random.between(1, 5), self.random.between(1, 6));
                let micros = self.random.one_of(&[300, 1_000, 2_000]);
                program.consumer_pace = match self.random.below(10) {
                    0..3 => Pace::Full,
                    3..6 => Pace::Once { at, micros },
                    _ => Pace::Sleep { every, micros },
                };
            }
            _ => {}
        }
        if faulty {
            for _ in 0..self.random.between(1, 2) {
                self.fault(program);
            }
            // What is caught is dropped by a scan, which would panic with it.
            let caught = |plan: &Plan| matches!(plan.kind, Kind::Caught { .. });
            let are_caught = program.scans.iter().any(caught);
            program.payloads = match self.random.below(10) {
                0 if !are_caught => Payloads::Panic,
                1 => Payloads::Ask,
                _ => Payloads::Quiet,
            };
        }
        if asking {
            for _ in 0..self.random.between(1, 3) {
                self.request(program);
            }
            program.settings.discard_without_scans = self.random.percent(10);
        }
        let gives = program.is_asked_for_scans() && self.profile != Profile::Live;
        if gives && self.random.percent(60) {
            for _ in 0..self.random.between(1, 3) {
                let (at, kind) = (self.any_item(program), self.kind(program.items));
                let plan = self.plan(kind);
                program.asks.push((Site::Hook(at), Ask::Add(Box::new(plan))));
            }
        }
        let drops = match self.profile {
            Profile::Plain | Profile::Mixed => 30,
            Profile::Faults | Profile::Requests | Profile::Waves => 10,
            Profile::Live | Profile::Floods => 0,
        };
        if self.random.percent(drops) {
            let most = [1, 10, 100, 2_000];
            program.take = Some(self.random.one_of(&most)).map(|most| self.random.below(most + 1));
        }
        program.again = self.random.percent(25);
    }

    fn member(&mut self) -> Member {
        match self.profile {
            Profile::Waves | Profile::Floods if self.random.percent(60) => Member::Distribute,
            _ => match self.random.below(100) {
                0..30 => Member::Distribute,
                30..40 => Member::Dynamic,
                40..60 => Member::Ordered,
                60..75 => Member::Tee,
                75..87 => Member::Fold,
                _ => Member::Demux,
            },
        }
    }

    fn host(&mut self, member: Member) -> Host {
        match self.random.below(100) {
            0..15 => Host::Lease(self.random.below(4) as usize),
            15..25 if member == Member::Fold => Host::OwnScope,
            15..35 => Host::Scope,
            _ => Host::Pool,
        }
    }

    fn width(&mut self) -> u64 {
        match self.profile {
            Profile::Waves => return self.random.between(33, 100),
            Profile::Floods => return self.random.between(2, 5),
            _ => {}
        }
        match self.random.below(100) {
            0..55 => self.random.between(1, 4),
            55..80 => self.random.between(5, 16),
            80..93 => self.random.between(17, 40),
            _ => self.random.between(41, 100),
        }
    }

    fn items(&mut self, width: u64) -> u64 {
        match self.profile {
            Profile::Waves => return self.random.between(4, 24),
            Profile::Floods => return 20_000,
            _ => {}
        }
        let most = MOST_STEPS / width;
        match self.random.below(10) {
            0 => self.random.below(3),
            1..5 => self.random.below(most.min(60)),
            5..8 => self.random.below(most.min(400)),
            _ => self.random.below(most),
        }
    }

    fn settings(&mut self, member: Member) -> Settings {
        let waves = self.profile == Profile::Waves;
        let tight = waves && self.random.percent(70);
        let mut capacity = |likely: u64| match self.random.percent(likely) {
            _ if tight => Some(1),
            true => Some(self.random.between(1, 4) as usize),
            false => None,
        };
        let (input_capacity, output_capacity) = (capacity(75), capacity(75));
        let batch = match self.random.below(100) {
            _ if tight => Some(1),
            0..30 => Some(1),
            30..60 => Some(self.random.between(2, 8) as usize),
            60..75 => Some(self.random.between(9, 300) as usize),
            _ if self.profile == Profile::Floods => Some(16),
            _ => None,
        };
        Settings {
            input_capacity,
            output_capacity,
            batch,
            shards: self.random.between(1, 5) as usize,
            discard_without_scans: false,
            read_ahead: self.profile == Profile::Live || self.random.percent(40),
            until_error: self.random.percent(30),
            ordered: member == Member::Ordered,
        }
    }

    /// The plans of so many scans: few kinds, in runs, so that many do the same at once.
    fn plans(&mut self, width: u64, items: u64) -> Vec<Plan> {
        let kinds: Vec<_> = (0..self.random.between(1, 4)).map(|_| self.kind(items)).collect();
        let mut plans = Vec::new();
        while (plans.len() as u64) < width {
            let kind = self.random.one_of(&kinds);
            let run = self.random.between(1, 3);
            for _ in 0..run.min(width - plans.len() as u64) {
                plans.push(self.plan(kind.clone()));
            }
        }
        plans
    }

    /// Silent scans. Among them some that end together, and a few side by side that burst.
    fn waves(&mut self, width: u64) -> Vec<Plan> {
        let burst = self.random.between(1, 3);
        let end = burst + self.random.below(4);
        let silent = Plan::of(Kind::Common(kinds::Kind::Silent));
        let mut plans: Vec<_> = (0..width).map(|_| silent.clone()).collect();
        for _ in 0..self.random.between(1, 3) {
            let from = self.random.one_of(&[0, 16, 32, self.random.clone().below(width)]);
            let count = self.random.one_of(&[5, 15, 16, 17, 32]);
            for plan in plans.iter_mut().skip(from as usize).take(count) {
                plan.kind = Kind::Leaves(end);
            }
        }
        let (from, count) = (self.random.below(width), self.random.between(1, 4));
        for plan in plans.iter_mut().skip(from as usize).take(count as usize) {
            let outputs = self.random.one_of(&[3, 30, 100]);
            plan.kind = Kind::Burst { at: burst, outputs };
            if self.random.percent(60) {
                let pulled = burst + self.random.between(1, 3);
                plan.pace = Pace::Until { at: burst, pulled };
            }
        }
        plans
    }

    fn plan(&mut self, kind: Kind) -> Plan {
        let steps = match self.random.below(10) {
            0..7 => Steps::Default,
            7..9 => Steps::Whole,
            _ => Steps::Blind,
        };
        Plan { steps, pace: self.pace(10), ..Plan::of(kind) }
    }

    fn kind(&mut self, items: u64) -> Kind {
        let random = &mut *self.random;
        let early = |random: &mut Random| random.below(items.min(40) + 1) as usize;
        Kind::Common(match random.below(16) {
            0..3 => kinds::Kind::Running,
            3 => kinds::Kind::Every(random.between(1, 8)),
            4 | 5 => kinds::Kind::Repeat(random.between(1, 8)),
            6 => kinds::Kind::AtEnd,
            7 => kinds::Kind::Tail(random.below(20) as usize),
            8 => kinds::Kind::EndsAt(early(random)),
            9 => kinds::Kind::EndsAfter(early(random)),
            10 => kinds::Kind::Chain(early(random)),
            11 => kinds::Kind::LastWords(random.below(items.min(100) + 1)),
            12 => kinds::Kind::Silent,
            13 => return Kind::Polite(random.between(1, 30)),
            14 => return Kind::Caught { at: random.below(items + 2), below: None },
            _ => return Kind::Burst { at: random.below(items + 1), outputs: 100 },
        })
    }

    fn pace(&mut self, chance: u64) -> Pace {
        if !self.random.percent(chance) {
            return Pace::Full;
        }
        match self.random.below(10) {
            0..5 => Pace::Yield { every: self.random.between(1, 8) },
            5..8 => Pace::Spin {
                every: self.random.between(1, 10),
                micros: self.random.one_of(&[2, 20, 100]),
            },
            _ => Pace::Sleep {
                every: self.random.between(10, 60),
                micros: self.random.one_of(&[50, 500]),
            },
        }
    }

    fn any_item(&mut self, program: &Program) -> u64 {
        match self.random.below(6) {
            0 => 0,
            1 => program.items.saturating_sub(1),
            _ => self.random.below(program.items),
        }
    }

    fn any_scan<'p>(&mut self, program: &'p mut Program) -> &'p mut Plan {
        let index = self.random.below(program.scans.len() as u64) as usize;
        &mut program.scans[index]
    }

    fn fault(&mut self, program: &mut Program) {
        let item = self.any_item(program);
        let kind = self.random.below(100);
        let in_scan = match kind {
            0..14 => Some(ScanFault::Before(item)),
            14..28 => Some(ScanFault::After(item)),
            28..36 => Some(ScanFault::FlushBefore),
            36..42 => Some(ScanFault::FlushAfter),
            42..52 => Some(ScanFault::Drop),
            52..54 if program.member != Member::Demux => Some(ScanFault::Name),
            _ => None,
        };
        if let Some(fault) = in_scan {
            let plan = self.any_scan(program);
            // Where the library steps, nobody comes to speak behind an emission.
            if matches!(fault, ScanFault::After(_)) && plan.steps == Steps::Whole {
                plan.steps = Steps::Default;
            }
            plan.faults.push(fault);
            return;
        }
        match kind {
            54..68 => program.faults.push(Fault::Input(item + self.random.below(2))),
            68..74 => program.faults.push(Fault::InputDrop),
            74..83 => program.faults.push(Fault::ItemDrop(item)),
            83..92 => {
                let number = self.random.below(6);
                let same = self.random.between(1, 3);
                // One beside the other, so that two are dropped together.
                for _ in 0..same {
                    self.any_scan(program).bad_output = Some(number);
                }
            }
            92..95 if program.member == Member::Demux => program.faults.push(Fault::Key(item)),
            95..98 if program.member == Member::Demux => {
                program.faults.push(Fault::Factory(self.random.below(program.keys)));
            }
            _ => {
                let below = self.random.below(program.items + 1);
                let at = below + self.random.between(1, 5);
                self.any_scan(program).kind = Kind::Caught { at, below: Some(below) };
            }
        }
    }

    fn request(&mut self, program: &mut Program) {
        let (item, width) = (self.any_item(program), program.scans.len() as u64);
        let demux = program.member == Member::Demux;
        let ask = match self.random.below(100) {
            0..25 => Ask::Stop,
            25..45 => Ask::Abort,
            // The numbers of a demux are no scans of its user's.
            45..70 if !demux => Ask::StopScan(self.random.below(width + 2) as usize),
            70..100 if matches!(program.member, Member::Distribute | Member::Dynamic) => {
                let kind = self.kind(program.items);
                let mut plan = self.plan(kind);
                if self.profile == Profile::Mixed && self.random.percent(30) {
                    plan.faults.push(ScanFault::Before(item + self.random.below(5)));
                }
                Ask::Add(Box::new(plan))
            }
            70..85 => Ask::Abort,
            _ => Ask::Stop,
        };
        let gives = program.is_asked_for_scans() && matches!(ask, Ask::Add(_));
        let site = match self.random.below(100) {
            _ if gives => Site::Hook(item),
            0..5 if matches!(ask, Ask::Stop | Ask::Abort) => Site::BeforeTheRun,
            0..30 => Site::Input(item),
            30..60 if program.member != Member::Fold => {
                Site::Consumer(self.random.one_of(&[0, 1, 5, 30, 200]))
            }
            60..75 => {
                self.any_scan(program).asks.push((item, ask));
                return;
            }
            _ => Site::Elsewhere(item),
        };
        program.asks.push((site, ask));
    }

    /// One scan that emits and emits, a consumer that takes its time, and something that
    /// is to take effect nevertheless.
    fn flood(&mut self, program: &mut Program) {
        program.patience = 15_000;
        program.scans[0] = Plan::of(Kind::Flood(self.random.one_of(&[5, 50, 500])));
        program.consumer_pace = Pace::Spin { every: 1, micros: 3 };
        program.input_pace = Pace::Full;
        let item = self.random.below(20);
        let site = match program.member {
            Member::Fold => Site::Elsewhere(item),
            _ => Site::Consumer(self.random.between(1, 200)),
        };
        match self.random.below(6) {
            0 => program.asks.push((site, Ask::Stop)),
            1 if program.member == Member::Distribute => {
                let plan = Plan::of(Kind::Common(kinds::Kind::Running));
                program.asks.push((site, Ask::Add(Box::new(plan))));
            }
            2 if program.member != Member::Demux => {
                let scan = self.random.below(program.scans.len() as u64);
                program.asks.push((site, Ask::StopScan(scan as usize)));
            }
            3 => program.faults.push(Fault::ItemDrop(item)),
            4 => {
                let last = program.scans.len() - 1;
                program.scans[last].faults.push(ScanFault::Before(item));
            }
            _ => program.asks.push((site, Ask::Abort)),
        }
        if program.member == Member::Fold {
            // Nobody takes what it emits, so that all of it would be made.
            program.items = 2_000;
        }
    }
}
