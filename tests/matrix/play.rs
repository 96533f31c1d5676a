//! Plays one cell.

use std::thread;
use std::time::Duration;

use crate::cell::{Asker, Cell, Place, Site};
use crate::check::check;
use crate::consumer::{Consumer, GRACE, patiently};
use crate::expect::Expected;
use crate::layer::{Order, Refused, Started, Threads, start, start_scoped};
use crate::ledger::Ledger;
use crate::oracle::Oracle;
use crate::script::{Script, Stage};
use crate::source::Source;

/// The numbers of items that borrow from nobody who ends.
static NUMBERS: [usize; 256] = {
    let mut numbers = [0; 256];
    let mut index = 0;
    while index < numbers.len() {
        numbers[index] = index;
        index += 1;
    }
    numbers
};

/// Plays a cell, and says all that is wrong.
pub(crate) fn play(cell: Cell, threads: &Threads) -> Vec<String> {
    let script = Script::new(cell);
    let ledger = Ledger::new(script.scans + 1);
    let stage = Stage::new(&script, &ledger);
    if cell.site == Site::PoolFull {
        return refuse(&script, &ledger, &stage);
    }
    let oracle = Oracle::new(&script);
    if script.asker() == Some(Asker::Nobody) {
        (stage.prompt)();
    }
    let handle = script.watched.then_some(&stage.handle);
    let adds = matches!(cell.site, Site::Add(_));
    let leased = cell.leased();
    let order = Order { cell: &cell, threads, leased, handle, adds };
    let consumer = Consumer {
        script: &script,
        ledger: &ledger,
        prompt: &stage.prompt,
        threads: (!cell.is_scoped()).then_some(threads),
        events: oracle.events(),
        detaches: Expected::new(&script, &oracle, &ledger).detaches,
    };
    let acts = stage.source_acts.clone();
    let witness = if cell.is_scoped() {
        let numbers: Vec<_> = (0..script.items).collect();
        thread::scope(|scope| {
            let source = Source::new(&numbers, acts, &ledger);
            let Started { run, adding } = start_scoped(&order, scope, source, &stage.cast);
            stage.started(adding);
            consumer.consume(run)
        })
    } else {
        let source = Source::new(&NUMBERS[..script.items], acts, &ledger);
        match start(&order, source, &stage.cast) {
            Ok(Started { run, adding }) => {
                stage.started(adding);
                consumer.consume(run)
            }
            Err(Refused { text, .. }) => return vec![format!("the run was refused: {text}")],
        }
    };
    let expected = Expected::new(&script, &oracle, &ledger);
    let mut wrongs = check(&script, &oracle, &ledger, &expected, &witness);
    // Nobody holds anything of the run any more, so all has to be gone.
    drop(stage);
    let grace = if expected.detaches && !cell.is_scoped() { GRACE } else { Duration::ZERO };
    if let Some((kind, made, dropped)) = patiently(grace, || ledger.unsettled(&[])) {
        let counts = format!("{made} made, {dropped} dropped");
        wrongs.push(format!("not every {kind:?} was dropped at last: {counts}"));
    }
    if let Some(live) = patiently(grace, || Some(threads.in_use()).filter(|live| *live > 0)) {
        wrongs.push(format!("{live} threads are not back at last"));
    }
    wrongs
}

/// Starts a run in a pool that has no room for it.
fn refuse(script: &Script, ledger: &Ledger, stage: &Stage) -> Vec<String> {
    let cell = &script.cell;
    let wanted = cell.width + usize::from(cell.read_ahead);
    let (max, busy) = match cell.place {
        Place::First => (0, false),
        Place::Middle => (wanted - 1, false),
        Place::Last => (wanted, true),
    };
    let threads = Threads::with_max(max);
    let occupied = busy.then(|| threads.occupy());
    let handle = script.watched.then_some(&stage.handle);
    // Too many, or too few for the run: who starts it is told in the one case and the other.
    let leased = if cell.place == Place::Middle { max } else { wanted };
    let order = Order { cell, threads: &threads, leased, handle, adds: false };
    let source = Source::new(&NUMBERS[..script.items], stage.source_acts.clone(), stage.ledger());
    let mut wrongs = Vec::new();
    match start(&order, source, &stage.cast) {
        Ok(_) => wrongs.push("a run started that does not fit into the pool".to_owned()),
        Err(Refused { is_pool_full, text }) => {
            if !is_pool_full {
                wrongs.push("a run was refused, and not for want of threads".to_owned());
            }
            let count = if wanted == 1 { "thread".to_owned() } else { wanted.to_string() };
            if !text.contains(&count) {
                wrongs.push(format!("it is not said that {wanted} threads are needed: {text}"));
            }
        }
    }
    let mut live = |most| {
        if threads.in_use() > most {
            wrongs.push(format!("{} threads are not back", threads.in_use()));
        }
    };
    live(usize::from(busy));
    drop(occupied);
    live(0);
    if let Some(unsettled) = ledger.unsettled(&[]) {
        wrongs.push(format!("not every value was dropped: {unsettled:?}"));
    }
    if !ledger.is_untouched() {
        wrongs.push("something was called of a run that was refused".to_owned());
    }
    wrongs
}
