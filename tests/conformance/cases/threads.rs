//! Threads: what starting one means, and what a panic on one leaves behind.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::*;

/// Panics without a word.
fn unwind() -> ! {
    resume_unwind(Box::new("on purpose"))
}

/// Runs `body`, which is to panic, as a thread contains a panic of a stranger.
fn caught(body: impl FnOnce()) {
    assert!(catch_unwind(AssertUnwindSafe(body)).is_err());
}

pub(crate) fn a_spawned_thread_runs_its_body_once() {
    let runs = Tally::default();
    let (done, is_done) = bounded(1);
    let body = {
        let runs = runs.clone();
        move || {
            runs.add_one();
            assert_eq!(done.send(()), Ok(()));
        }
    };
    assert!(spawn("case", None, body).is_ok());
    assert_eq!(is_done.recv(), Ok(()));
    assert!(is_done.recv().is_err());
    assert_eq!(runs.count(), 1);
}

pub(crate) fn spawn_does_not_wait_for_the_body() {
    let (go, gone) = bounded(1);
    let thread = start(move || gone.recv());
    assert!(thread.try_recv().is_err_and(|error| error.is_empty()));
    assert_eq!(go.send(7), Ok(()));
    assert_eq!(finish(&thread), Ok(7));
}

pub(crate) fn a_stack_size_may_be_asked_for() {
    let (done, is_done) = bounded(1);
    let body = move || assert_eq!(done.send(()), Ok(()));
    assert!(spawn("case", Some(256 * 1024), body).is_ok());
    assert_eq!(is_done.recv(), Ok(()));
}

pub(crate) fn a_thread_sees_what_was_written_before_it_was_started() {
    let written = Arc::new(AtomicBool::new(false));
    written.store(true, Ordering::Relaxed);
    let thread = start({
        let written = Arc::clone(&written);
        move || written.load(Ordering::Relaxed)
    });
    assert!(finish(&thread));
}

pub(crate) fn a_thread_that_ends_drops_what_it_owned() {
    let (owned, watched) = bounded::<()>(1);
    spawn("case", None, move || assert_eq!(owned.try_send(()), Ok(()))).expect("a thread starts");
    assert_eq!(watched.recv(), Ok(()));
    assert!(watched.recv().is_err());
}

pub(crate) fn a_spawned_thread_may_spawn() {
    let thread = start(|| {
        let inner = start(|| 7);
        finish(&inner)
    });
    assert_eq!(finish(&thread), 7);
}

pub(crate) fn a_thread_does_one_job_after_the_other_until_its_mailbox_is_gone() {
    type Job = Box<dyn FnOnce() + Send>;
    let (mailbox, jobs) = bounded::<Job>(1);
    let done = Tally::default();
    let thread = start(move || {
        while let Ok(job) = jobs.recv() {
            job();
        }
    });
    for _ in 0..2 {
        let done = done.clone();
        assert!(mailbox.send(Box::new(move || done.add_one())).is_ok());
    }
    drop(mailbox);
    finish(&thread);
    assert_eq!(done.count(), 2);
}

pub(crate) fn a_caught_panic_leaves_a_channel_as_it_was() {
    let (sender, receiver) = bounded(2);
    let thread = start(move || {
        caught(|| {
            assert_eq!(sender.send(1), Ok(()));
            unwind();
        });
        sender.send(2)
    });
    assert_eq!(receiver.recv(), Ok(1));
    assert_eq!(receiver.recv(), Ok(2));
    assert!(receiver.recv().is_err());
    assert_eq!(finish(&thread), Ok(()));
}

pub(crate) fn a_caught_panic_leaves_a_mutex_as_it_was() {
    let mutex = Arc::new(Mutex::new(0));
    let thread = start({
        let mutex = Arc::clone(&mutex);
        move || {
            caught(|| {
                *mutex.lock() += 1;
                unwind();
            });
            *mutex.lock() += 1;
        }
    });
    assert!(*mutex.lock() <= 2);
    finish(&thread);
    assert_eq!(*mutex.lock(), 2);
}

pub(crate) fn a_panic_under_a_lock_lets_go_of_it() {
    let mutex = Arc::new(Mutex::new(0));
    let thread = start({
        let mutex = Arc::clone(&mutex);
        move || {
            caught(|| {
                let mut held = mutex.lock();
                *held += 1;
                unwind();
            });
        }
    });
    assert!(*mutex.lock() <= 1);
    finish(&thread);
    assert_eq!(*mutex.lock(), 1);
}

pub(crate) fn a_panic_does_not_reach_a_lock_that_another_thread_holds() {
    let mutex = Mutex::new(0);
    let (sender, receiver) = bounded::<()>(1);
    let thread = start(move || {
        caught(move || {
            let _sender = sender;
            unwind();
        });
    });
    let mut held = mutex.lock();
    *held = 1;
    assert!(receiver.try_recv().is_err());
    drop(held);
    assert_eq!(*mutex.lock(), 1);
    finish(&thread);
}

pub(crate) fn a_sender_dropped_by_a_panic_disconnects() {
    let (sender, receiver) = bounded(1);
    let thread = start(move || {
        caught(move || {
            let sender = sender;
            assert_eq!(sender.send(7), Ok(()));
            unwind();
        });
    });
    assert_eq!(receiver.recv(), Ok(7));
    assert!(receiver.recv().is_err());
    finish(&thread);
}

pub(crate) fn a_receiver_dropped_by_a_panic_disconnects() {
    let (sender, receiver) = bounded(1);
    assert_eq!(sender.try_send(1), Ok(()));
    let thread = start(move || {
        caught(move || {
            let _receiver: Receiver<i32> = receiver;
            unwind();
        });
    });
    assert_eq!(sender.send(2).map_err(|refused| refused.into_inner()), Err(2));
    finish(&thread);
}
