//! The doorbell on its own, from the engine's source: what is published before a ring is seen,
//! and a wait returns only when rung.

#[path = "../../src/sync/mod.rs"]
#[allow(dead_code, unused_imports, unreachable_pub, reason = "the doorbell uses a part of it")]
mod sync;

#[path = "../../src/engine/doorbell.rs"]
mod doorbell;

use std::sync::atomic::Ordering;

use anabranch_models::{Bound::Unbounded, models};
use doorbell::Doorbell;
use sync::{Arc, AtomicBool, Mutex, spawn};

/// A doorbell whose first wait returns for no reason.
fn restless() -> Arc<Doorbell> {
    #[cfg(loom)]
    sync::spurious::inject(true);
    Arc::new(Doorbell::default())
}

fn ring_after(bell: &Arc<Doorbell>, publish: impl FnOnce() + Send + 'static) {
    let bell = Arc::clone(bell);
    spawn("ringer", None, move || {
        publish();
        bell.ring();
    })
    .expect("a thread");
}

models! {
    /// Look, wait, look, wait: what is published before a ring is seen.
    ring_is_never_lost(Unbounded) {
        let (bell, state) = (restless(), Arc::new(Mutex::new(0)));
        let published = Arc::clone(&state);
        ring_after(&bell, move || *published.lock() += 1);
        while *state.lock() == 0 {
            bell.wait();
        }
    }

    /// The same with two who ring, and with what they publish left to each.
    rings_of_two_are_never_lost(Unbounded) {
        let (bell, state) = (restless(), Arc::new(Mutex::new(0)));
        for _ in 0..2 {
            let published = Arc::clone(&state);
            ring_after(&bell, move || *published.lock() += 1);
        }
        while *state.lock() < 2 {
            bell.wait();
        }
    }

    /// One who rings twice: the second ring is not swallowed by the first.
    second_ring_is_not_lost(Unbounded) {
        let (bell, state) = (restless(), Arc::new(Mutex::new(0)));
        let (ringer, published) = (Arc::clone(&bell), Arc::clone(&state));
        spawn("ringer", None, move || {
            for _ in 0..2 {
                *published.lock() += 1;
                ringer.ring();
            }
        })
        .expect("a thread");
        while *state.lock() < 2 {
            bell.wait();
        }
    }

    /// A wait returns only after a ring, whatever the condition variable does.
    wait_returns_only_when_rung(Unbounded) {
        let (bell, rung) = (restless(), Arc::new(AtomicBool::new(false)));
        let ringing = Arc::clone(&rung);
        ring_after(&bell, move || ringing.store(true, Ordering::Relaxed));
        bell.wait();
        assert!(rung.load(Ordering::Relaxed), "woken, and what was published is visible");
    }

    /// A ring that nobody waited for yet keeps the next wait from sleeping.
    ring_before_the_wait_is_kept(Unbounded) {
        let bell = restless();
        bell.ring();
        ring_after(&bell, || {});
        bell.wait();
    }
}
