//! Checking with shuttle: many schedules, half of them at random, half with few
//! but well-spread preemptions (PCT).

use std::sync::Once;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, MaxSteps, Runner};

use crate::Bound;

/// Runs `model` under 2,000 schedules, or as many as `ANABRANCH_SCHEDULES` says.
///
/// They follow from a seed, which is printed; `ANABRANCH_SEED` replays it. A
/// failure also prints the one schedule that failed, for `shuttle::replay`.
pub fn check(name: &str, _bound: Bound, model: fn()) {
    hush();
    let seed = from_environment("ANABRANCH_SEED").unwrap_or_else(clock);
    let schedules = from_environment("ANABRANCH_SCHEDULES").unwrap_or(2_000) as usize;
    println!("model {name} | shuttle | seed {seed}");
    let begun = Instant::now();
    let mut config = Config::new();
    config.stack_size = 0x1_0000;
    // A run that takes this many steps would take for ever.
    config.max_steps = MaxSteps::FailAfter(2_000_000);
    let half = schedules.div_ceil(2);
    let random = RandomScheduler::new_from_seed(seed, half);
    let ran = Runner::new(random, config.clone()).run(model);
    let pct = PctScheduler::new_from_seed(seed, 3, half);
    let ran = ran + Runner::new(pct, config).run(model);
    assert_eq!(ran, 2 * half, "{name} did not run all its schedules");
    println!("model {name} | shuttle | {ran} schedules | {:.1} s", begun.elapsed().as_secs_f64());
}

/// Hushes expected panics behind the hook of shuttle, which it sets when it first
/// runs and which would tell of each.
fn hush() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        shuttle::check_random(|| {}, 1);
        crate::hush();
    });
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().expect(name))
}

fn clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64)
}
