//! Which cells are run: all, one, or a sample that a seed determines.

use std::collections::BTreeMap;
use std::env;
use std::hash::{BuildHasher, RandomState};

use crate::cell::{Cell, MEMBERS, NUMBERS, SITES, cells};

/// How many cells are run unless somebody says otherwise.
const DEFAULT: usize = 2_000;

/// What the environment asks for.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) seed: u64,
    pub(crate) cells: Vec<Cell>,
    /// How often each cell is run.
    pub(crate) times: usize,
}

impl Choice {
    /// Reads `ANABRANCH_CELL`, `_CELLS`, `_SEED`, `_TIMES` and `_ONLY`.
    pub(crate) fn from_environment() -> Self {
        let seed = number("ANABRANCH_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
        let times = number("ANABRANCH_TIMES").map_or(1, |times| times as usize);
        let cells = match number("ANABRANCH_CELL") {
            Some(cell) => vec![one(cell as usize)],
            None => sample(seed, many(), env::var("ANABRANCH_ONLY").ok().as_deref()),
        };
        Self { seed, cells, times }
    }
}

fn many() -> usize {
    match env::var("ANABRANCH_CELLS").as_deref() {
        Ok("all") => NUMBERS,
        _ => number("ANABRANCH_CELLS").map_or(DEFAULT, |cells| cells as usize),
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}

fn one(number: usize) -> Cell {
    assert!(number < NUMBERS, "there are {NUMBERS} numbers, from 0 on");
    let cell = Cell::new(number);
    assert_eq!(cell.left_out(), None, "{cell} is left out");
    cell
}

/// At most `count` cells, of each pair of a site and a member about as many. `only` says
/// which words there have to be in the description of each.
fn sample(seed: u64, count: usize, only: Option<&str>) -> Vec<Cell> {
    let wanted = |cell: &Cell| {
        let name = cell.to_string();
        only.is_none_or(|only| only.split_whitespace().all(|word| name.contains(word)))
    };
    let mut pairs: BTreeMap<usize, Vec<Cell>> = BTreeMap::new();
    for cell in cells().filter(wanted) {
        let of_the_pair = NUMBERS / SITES.len() / MEMBERS.len();
        pairs.entry(cell.number / of_the_pair).or_default().push(cell);
    }
    let mut random = Random(seed);
    let mut ranked: Vec<_> = pairs
        .into_values()
        .flat_map(|mut pair| {
            random.shuffle(&mut pair);
            pair.into_iter().enumerate()
        })
        .collect();
    // In turns, so that the first of each pair come first.
    random.shuffle(&mut ranked);
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().take(count).map(|(_, cell)| cell).collect()
}

/// A small generator of its own, so that a seed means the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        (mixed(self.0) % n as u64) as usize
    }

    fn shuffle<T>(&mut self, values: &mut [T]) {
        for end in (1..values.len()).rev() {
            values.swap(end, self.below(end + 1));
        }
    }
}

/// Every bit of `word` has a say in every bit of this (the finish of SplitMix64).
pub(crate) fn mixed(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[test]
fn a_seed_determines_the_sample_and_all_pairs_are_in_it() {
    let drawn = sample(7, DEFAULT, None);
    assert_eq!(drawn, sample(7, DEFAULT, None));
    assert_eq!(drawn.len(), DEFAULT);
    let pairs = |cells: &[Cell]| {
        let mut pairs: Vec<_> =
            cells.iter().map(|cell| format!("{:?}{:?}", cell.site, cell.member)).collect();
        pairs.sort_unstable();
        pairs.dedup();
        pairs.len()
    };
    assert_eq!(pairs(&drawn), pairs(&cells().collect::<Vec<_>>()));
}
