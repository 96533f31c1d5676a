//! What the sync facade promises, one behaviour a case.
//!
//! The same source runs against both sides: crossbeam, parking_lot and std
//! (`main.rs`, beside this file), and the primitives of the model checkers
//! (`loom-tests/conformance`). So a case takes everything that blocks from
//! `crate::sync`, never spins, asserts only what both sides promise, and starts
//! no more than two threads, as a checker goes through every way in which they
//! can meet.

use crate::sync::{
    Arc, AtomicBool, Condvar, Mutex, Ordering, Receiver, Sender, TrySendError, bounded,
    select_ready, spawn,
};

#[path = "cases/channel.rs"]
pub(crate) mod channel;
#[path = "cases/locks.rs"]
pub(crate) mod locks;
#[path = "cases/select.rs"]
pub(crate) mod select;
#[path = "cases/threads.rs"]
pub(crate) mod threads;

/// Hands every case to `$harness!`, by module and kind. A case that is not
/// listed is dead code, and the compiler says so.
///
/// `Alone` starts no thread; `Together` does; `Crowded` does, and has more
/// schedules than a checker goes through in seconds without a bound. In
/// `Unwinding` a thread panics while a lock is held, after which loom's own
/// mutex cannot be locked again.
macro_rules! each_case {
    ($harness:ident) => {
        $harness! { channel Alone
            messages_come_out_in_the_order_they_went_in
            a_channel_of_capacity_one_holds_exactly_one_message
            a_channel_of_capacity_two_holds_exactly_two_messages
            a_full_channel_refuses_try_send_and_gives_the_message_back
            a_message_taken_makes_room_for_exactly_one
            the_receiver_knows_how_many_messages_are_left
            order_and_capacity_hold_all_the_way_round
            messages_without_size_take_up_room
            try_recv_tells_empty_from_disconnected
            recv_drains_what_was_sent_before_the_sender_left
            try_recv_drains_what_was_sent_before_the_sender_left
            a_disconnection_is_reported_every_time
            send_to_a_receiver_that_left_gives_the_message_back
            try_send_to_a_receiver_that_left_gives_the_message_back
            a_full_channel_whose_receiver_left_is_disconnected_not_full
            send_into_a_full_channel_whose_receiver_left_does_not_block
            what_is_left_in_a_channel_is_dropped_once_with_its_second_end
            a_message_that_was_refused_is_dropped_once_by_its_sender
            a_message_that_was_received_is_dropped_once_by_its_receiver
            a_queued_message_outlives_its_sender
            a_message_may_be_a_boxed_closure
            a_queued_sender_keeps_its_channel_connected
            a_receiver_travels_with_what_is_queued_for_it
        }
        $harness! { channel Together
            order_is_kept_from_thread_to_thread
            send_into_a_full_channel_waits_for_recv_to_make_room
            try_recv_wakes_a_blocked_send
            a_blocked_send_gets_its_message_back_when_the_receiver_leaves
            send_wakes_a_blocked_recv
            try_send_wakes_a_blocked_recv
            a_blocked_recv_ends_when_the_sender_leaves
            a_receiver_can_wait_again_and_again
            a_full_channel_leaves_one_less_than_it_holds_to_who_takes_the_first
            a_sender_can_be_held_back_again_and_again
            nothing_is_lost_when_the_sender_leaves_before_the_receiver_has_drained
            a_sender_that_leaves_is_never_mistaken_for_a_message
            a_message_is_never_overtaken_by_its_senders_leaving
            a_send_racing_the_receivers_leaving_loses_no_message
            a_try_send_racing_the_receivers_leaving_loses_no_message
            try_recv_sees_a_message_that_was_sent_before
            try_recv_sees_that_the_sender_left_before
            try_send_sees_room_that_was_made_before
            try_send_sees_that_the_receiver_left_before
            a_message_carries_what_was_written_before_it_was_sent
            a_message_is_gone_when_the_other_thread_has_dropped_it
            a_sender_may_be_handed_over_through_a_channel
            ping_pong
        }
        $harness! { select Alone
            no_channels_have_nothing_to_say
            empty_channels_have_nothing_to_say
            the_channel_that_is_ready_is_named
            a_channel_that_is_disconnected_and_drained_is_named_without_a_message
            what_is_queued_comes_before_the_disconnection
            of_several_that_are_ready_each_is_named_in_the_end
            a_selection_takes_one_message_and_leaves_the_rest
            a_selection_keeps_the_order_of_every_channel
            a_selection_makes_room_for_one_message
            a_channel_by_itself_gives_all_three_answers
            a_disconnection_is_selected_every_time
            a_disconnected_channel_does_not_hide_a_message_for_good
        }
        $harness! { select Together
            a_selection_wakes_a_blocked_send
            a_selection_does_not_wait_for_a_message
            a_selection_sees_a_message_that_was_sent_before
            a_selection_sees_that_a_sender_left_before
            a_selected_message_is_never_overtaken_by_its_senders_leaving
            a_selected_message_carries_what_was_written_before_it_was_sent
            selections_take_everything_from_two_senders
        }
        $harness! { locks Alone
            a_mutex_keeps_what_is_put_into_it
            a_wait_for_a_flag_that_is_set_already_does_not_block
            a_notification_that_nobody_waits_for_does_no_harm
        }
        $harness! { locks Together
            one_thread_at_a_time_is_inside_a_lock
            a_lock_waits_until_its_holder_lets_go
            a_lock_does_not_hold_up_another_lock
            what_was_written_under_a_lock_is_seen_under_it
            a_wait_lets_go_of_its_lock
            a_wait_lets_go_of_no_other_lock
            a_wait_returns_with_its_lock_held
            a_notification_under_the_lock_wakes_the_waiter
            a_notification_after_the_lock_wakes_the_waiter
            a_flag_makes_up_for_a_notification_that_came_too_early
            a_waiter_can_wait_again_and_again
            two_notifications_wake_two_waiters
            what_is_published_before_a_ring_is_there_after_the_wait
            a_bell_that_was_rung_twice_wakes_at_least_once
            a_sleeper_that_looks_before_it_sleeps_misses_nothing
        }
        $harness! { locks Crowded
            opposite_channels_never_jam_with_a_bell_to_wait_at
        }
        $harness! { threads Together
            a_spawned_thread_runs_its_body_once
            spawn_does_not_wait_for_the_body
            a_stack_size_may_be_asked_for
            a_thread_sees_what_was_written_before_it_was_started
            a_thread_that_ends_drops_what_it_owned
            a_spawned_thread_may_spawn
            a_thread_does_one_job_after_the_other_until_its_mailbox_is_gone
            a_caught_panic_leaves_a_channel_as_it_was
            a_caught_panic_leaves_a_mutex_as_it_was
            a_sender_dropped_by_a_panic_disconnects
            a_receiver_dropped_by_a_panic_disconnects
        }
        $harness! { threads Unwinding
            a_panic_under_a_lock_lets_go_of_it
            a_panic_does_not_reach_a_lock_that_another_thread_holds
        }
    };
}
pub(crate) use each_case;

/// Runs `body` on a thread of its own. What it returns comes out of the channel,
/// when everything that `body` owned has been dropped.
fn start<R: Send + 'static>(body: impl FnOnce() -> R + Send + 'static) -> Receiver<R> {
    let (tell, told) = bounded(1);
    spawn("case", None, move || {
        let report = body();
        assert!(tell.send(report).is_ok(), "a case waits for its threads");
    })
    .expect("a thread starts");
    told
}

/// Waits for the thread that [`start`] started.
fn finish<R>(told: &Receiver<R>) -> R {
    told.recv().expect("the thread has not panicked")
}

/// A message that keeps count of how many of its kind have been dropped.
#[derive(Debug)]
struct Parcel(Tally);

impl Drop for Parcel {
    fn drop(&mut self) {
        self.0.add_one();
    }
}

/// A plain count. It orders nothing between threads, and a checker sees nothing
/// of it.
#[derive(Clone, Debug, Default)]
struct Tally(Arc<std::sync::atomic::AtomicUsize>);

impl Tally {
    fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    fn parcel(&self) -> Parcel {
        Parcel(self.clone())
    }
}

/// A flag that is raised and read under a lock, so that what was done before it
/// was raised has happened before whatever is done after it was seen.
#[derive(Clone, Debug, Default)]
struct Milestone(Arc<Mutex<bool>>);

impl Milestone {
    fn reach(&self) {
        *self.0.lock() = true;
    }

    fn is_reached(&self) -> bool {
        *self.0.lock()
    }
}

/// Somewhere to sleep: the flag and the condition variable of it.
#[derive(Debug, Default)]
struct Bell {
    rung: Mutex<bool>,
    bell: Condvar,
}

impl Bell {
    fn ring(&self) {
        *self.rung.lock() = true;
        self.bell.notify_one();
    }

    fn wait(&self) {
        let mut rung = self.rung.lock();
        while !*rung {
            rung = self.bell.wait(rung);
        }
        *rung = false;
    }
}
