//! Mutexes and condition variables, by themselves and beside channels.

use super::*;

pub(crate) fn a_mutex_keeps_what_is_put_into_it() {
    let mutex = Mutex::new(vec![1]);
    mutex.lock().push(2);
    assert_eq!(*mutex.lock(), [1, 2]);
    *mutex.lock() = Vec::new();
    assert!(mutex.lock().is_empty());
}

pub(crate) fn a_wait_for_a_flag_that_is_set_already_does_not_block() {
    let bell = Bell::default();
    for _ in 0..2 {
        bell.ring();
        bell.wait();
        assert!(!*bell.rung.lock());
    }
}

pub(crate) fn a_notification_that_nobody_waits_for_does_no_harm() {
    let bell = Bell::default();
    bell.bell.notify_one();
    bell.bell.notify_one();
    assert!(!*bell.rung.lock());
    bell.ring();
    bell.wait();
}

pub(crate) fn one_thread_at_a_time_is_inside_a_lock() {
    fn enter(door: &Mutex<i32>, inside: &AtomicBool) -> bool {
        let mut visits = door.lock();
        let alone = !inside.load(Ordering::Relaxed);
        inside.store(true, Ordering::Relaxed);
        *visits += 1;
        inside.store(false, Ordering::Relaxed);
        alone
    }
    let door = Arc::new(Mutex::new(0));
    let inside = Arc::new(AtomicBool::new(false));
    let thread = start({
        let (door, inside) = (Arc::clone(&door), Arc::clone(&inside));
        move || enter(&door, &inside)
    });
    assert!(enter(&door, &inside));
    assert!(finish(&thread));
    assert_eq!(*door.lock(), 2);
}

pub(crate) fn a_lock_waits_until_its_holder_lets_go() {
    let mutex = Arc::new(Mutex::new(0));
    let mut held = mutex.lock();
    let thread = start({
        let mutex = Arc::clone(&mutex);
        move || *mutex.lock()
    });
    *held = 1;
    assert!(thread.try_recv().is_err(), "the lock is held");
    *held = 2;
    drop(held);
    assert_eq!(finish(&thread), 2);
}

pub(crate) fn a_lock_does_not_hold_up_another_lock() {
    let held = Mutex::new(());
    let free = Arc::new(Mutex::new(0));
    let guard = held.lock();
    let thread = start({
        let free = Arc::clone(&free);
        move || *free.lock() = 1
    });
    finish(&thread);
    assert_eq!(*free.lock(), 1);
    drop(guard);
}

pub(crate) fn what_was_written_under_a_lock_is_seen_under_it() {
    let mutex = Arc::new(Mutex::new(false));
    let written = Arc::new(AtomicBool::new(false));
    let thread = start({
        let (mutex, written) = (Arc::clone(&mutex), Arc::clone(&written));
        move || {
            let mut flag = mutex.lock();
            written.store(true, Ordering::Relaxed);
            *flag = true;
        }
    });
    let flag = mutex.lock();
    assert_eq!(written.load(Ordering::Relaxed), *flag);
    drop(flag);
    finish(&thread);
    assert!(*mutex.lock());
}

pub(crate) fn a_wait_lets_go_of_its_lock() {
    let bell = Arc::new(Bell::default());
    let mut rung = bell.rung.lock();
    let thread = start({
        let bell = Arc::clone(&bell);
        // Takes the lock, which is held from before the start until the wait.
        move || bell.ring()
    });
    while !*rung {
        rung = bell.bell.wait(rung);
    }
    drop(rung);
    finish(&thread);
}

pub(crate) fn a_wait_lets_go_of_no_other_lock() {
    let bell = Arc::new(Bell::default());
    let other = Arc::new(Mutex::new("held"));
    let mut held = other.lock();
    let thread = start({
        let (bell, other) = (Arc::clone(&bell), Arc::clone(&other));
        move || {
            bell.ring();
            *other.lock()
        }
    });
    bell.wait();
    *held = "let go";
    drop(held);
    assert_eq!(finish(&thread), "let go");
}

pub(crate) fn a_wait_returns_with_its_lock_held() {
    let state = Arc::new((Mutex::new(0), Condvar::default()));
    let inside = Arc::new(AtomicBool::new(false));
    let thread = start({
        let (state, inside) = (Arc::clone(&state), Arc::clone(&inside));
        move || {
            let mut steps = state.0.lock();
            inside.store(true, Ordering::Relaxed);
            *steps = 1;
            state.1.notify_one();
            *steps = 2;
            inside.store(false, Ordering::Relaxed);
        }
    });
    let mut steps = state.0.lock();
    while *steps == 0 {
        steps = state.1.wait(steps);
    }
    assert_eq!(*steps, 2, "whoever notified still had the lock");
    assert!(!inside.load(Ordering::Relaxed));
    drop(steps);
    finish(&thread);
}

pub(crate) fn a_notification_under_the_lock_wakes_the_waiter() {
    let bell = Arc::new(Bell::default());
    let thread = start({
        let bell = Arc::clone(&bell);
        move || bell.wait()
    });
    let mut rung = bell.rung.lock();
    *rung = true;
    bell.bell.notify_one();
    drop(rung);
    finish(&thread);
}

pub(crate) fn a_notification_after_the_lock_wakes_the_waiter() {
    let bell = Arc::new(Bell::default());
    let thread = start({
        let bell = Arc::clone(&bell);
        move || bell.wait()
    });
    let mut rung = bell.rung.lock();
    *rung = true;
    drop(rung);
    bell.bell.notify_one();
    finish(&thread);
}

pub(crate) fn a_flag_makes_up_for_a_notification_that_came_too_early() {
    let bell = Arc::new(Bell::default());
    bell.ring();
    let thread = start({
        let bell = Arc::clone(&bell);
        move || bell.wait()
    });
    finish(&thread);
    assert!(!*bell.rung.lock());
}

pub(crate) fn a_waiter_can_wait_again_and_again() {
    let bell = Arc::new(Bell::default());
    let (answer, answered) = bounded(1);
    let thread = start({
        let bell = Arc::clone(&bell);
        move || {
            bell.wait();
            assert_eq!(answer.send(()), Ok(()));
            bell.wait();
        }
    });
    bell.ring();
    assert_eq!(answered.recv(), Ok(()));
    bell.ring();
    finish(&thread);
}

pub(crate) fn what_is_published_before_a_ring_is_there_after_the_wait() {
    let board = Arc::new(Mutex::new(None));
    let bell = Arc::new(Bell::default());
    let thread = start({
        let (board, bell) = (Arc::clone(&board), Arc::clone(&bell));
        move || {
            *board.lock() = Some(7);
            bell.ring();
        }
    });
    bell.wait();
    assert_eq!(*board.lock(), Some(7));
    finish(&thread);
}

pub(crate) fn a_bell_that_was_rung_twice_wakes_at_least_once() {
    let rings = Arc::new(Mutex::new(0));
    let bell = Arc::new(Bell::default());
    let thread = start({
        let (rings, bell) = (Arc::clone(&rings), Arc::clone(&bell));
        move || {
            for _ in 0..2 {
                *rings.lock() += 1;
                bell.ring();
            }
        }
    });
    bell.wait();
    if *rings.lock() < 2 {
        bell.wait();
    }
    assert_eq!(*rings.lock(), 2);
    finish(&thread);
}

pub(crate) fn two_notifications_wake_two_waiters() {
    let state = Arc::new((Mutex::new(0), Condvar::default()));
    let waiters = [(); 2].map(|()| {
        let state = Arc::clone(&state);
        start(move || {
            let mut permits = state.0.lock();
            while *permits == 0 {
                permits = state.1.wait(permits);
            }
            *permits -= 1;
        })
    });
    for _ in 0..2 {
        *state.0.lock() += 1;
        state.1.notify_one();
    }
    for waiter in &waiters {
        finish(waiter);
    }
    assert_eq!(*state.0.lock(), 0);
}

pub(crate) fn a_sleeper_that_looks_before_it_sleeps_misses_nothing() {
    let bell = Arc::new(Bell::default());
    let (sender, receiver) = bounded(2);
    let thread = start({
        let bell = Arc::clone(&bell);
        move || {
            for n in 0..2 {
                assert_eq!(sender.try_send(n), Ok(()));
                bell.ring();
            }
            drop(sender);
            bell.ring();
        }
    });
    let mut received = Vec::new();
    loop {
        match select_ready(&[&receiver]) {
            Some((_, Some(message))) => received.push(message),
            Some((_, None)) => break,
            None => bell.wait(),
        }
    }
    assert_eq!(received, [0, 1]);
    finish(&thread);
}

pub(crate) fn opposite_channels_never_jam_with_a_bell_to_wait_at() {
    let bell = Arc::new(Bell::default());
    let (inward, input) = bounded(1);
    let (output, outward) = bounded(1);
    let thread = start({
        let bell = Arc::clone(&bell);
        move || {
            while let Ok(n) = input.recv() {
                bell.ring();
                assert_eq!(output.send(n), Ok(()));
                bell.ring();
            }
            drop(output);
            bell.ring();
        }
    });
    let mut to_send = 0;
    let mut inward = Some(inward);
    let mut received = Vec::new();
    loop {
        let mut idle = true;
        if let Some(sender) = &inward {
            match sender.try_send(to_send) {
                Ok(()) => {
                    idle = false;
                    to_send += 1;
                    if to_send == 2 {
                        inward = None;
                    }
                }
                Err(error) => assert!(error.is_full()),
            }
        }
        match select_ready(&[&outward]) {
            Some((_, Some(message))) => {
                idle = false;
                received.push(message);
            }
            Some((_, None)) => break,
            None => {}
        }
        if idle {
            bell.wait();
        }
    }
    assert_eq!(received, [0, 1]);
    finish(&thread);
}
