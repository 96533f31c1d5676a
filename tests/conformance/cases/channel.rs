//! Channels: order, capacity, blocking, disconnection, ownership.

use super::*;

pub(crate) fn messages_come_out_in_the_order_they_went_in() {
    let (sender, receiver) = bounded(3);
    for n in 0..3 {
        assert_eq!(sender.try_send(n), Ok(()));
    }
    for n in 0..3 {
        assert_eq!(receiver.try_recv(), Ok(n));
    }
}

pub(crate) fn a_channel_of_capacity_one_holds_exactly_one_message() {
    let (sender, _receiver) = bounded(1);
    assert_eq!(sender.try_send(1), Ok(()));
    assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
}

pub(crate) fn a_channel_of_capacity_two_holds_exactly_two_messages() {
    let (sender, _receiver) = bounded(2);
    assert_eq!(sender.send(1), Ok(()));
    assert_eq!(sender.try_send(2), Ok(()));
    assert_eq!(sender.try_send(3), Err(TrySendError::Full(3)));
}

pub(crate) fn a_full_channel_refuses_try_send_and_gives_the_message_back() {
    let (sender, receiver) = bounded(1);
    assert!(sender.try_send(Arc::new(1)).is_ok());

    let refused = Arc::new(2);
    match sender.try_send(Arc::clone(&refused)) {
        Err(TrySendError::Full(message)) => assert!(Arc::ptr_eq(&message, &refused)),
        other => panic!("a full channel said {other:?}"),
    }
    assert_eq!(receiver.try_recv().as_deref(), Ok(&1));
    assert!(receiver.try_recv().is_err_and(|error| error.is_empty()));
}

pub(crate) fn a_message_taken_makes_room_for_exactly_one() {
    let (sender, receiver) = bounded(2);
    assert_eq!(sender.try_send(1), Ok(()));
    assert_eq!(sender.try_send(2), Ok(()));
    assert_eq!(receiver.recv(), Ok(1));
    assert_eq!(sender.try_send(3), Ok(()));
    assert_eq!(sender.try_send(4), Err(TrySendError::Full(4)));
    assert_eq!(receiver.try_recv(), Ok(2));
    assert_eq!(sender.try_send(5), Ok(()));
    assert_eq!(sender.try_send(6), Err(TrySendError::Full(6)));
}

pub(crate) fn the_receiver_knows_how_many_messages_are_left() {
    let (sender, receiver) = bounded(3);
    assert_eq!(receiver.len(), 0);
    for n in 1..=3 {
        assert_eq!(sender.try_send(n), Ok(()));
        assert_eq!(receiver.len(), n);
    }
    assert_eq!(receiver.recv(), Ok(1));
    assert_eq!(receiver.len(), 2);
    drop(sender);
    assert_eq!(receiver.len(), 2);
}

pub(crate) fn order_and_capacity_hold_all_the_way_round() {
    let (sender, receiver) = bounded(3);
    assert_eq!(sender.try_send(0), Ok(()));
    assert_eq!(sender.try_send(1), Ok(()));
    for n in 2..12 {
        assert_eq!(sender.try_send(n), Ok(()));
        assert_eq!(sender.try_send(100), Err(TrySendError::Full(100)));
        assert_eq!(receiver.try_recv(), Ok(n - 2));
    }
}

pub(crate) fn messages_without_size_take_up_room() {
    let (sender, receiver) = bounded(2);
    assert_eq!(sender.try_send(()), Ok(()));
    assert_eq!(sender.try_send(()), Ok(()));
    assert_eq!(sender.try_send(()), Err(TrySendError::Full(())));
    drop(sender);
    assert_eq!(receiver.recv(), Ok(()));
    assert_eq!(receiver.recv(), Ok(()));
    assert!(receiver.recv().is_err());
}

pub(crate) fn try_recv_tells_empty_from_disconnected() {
    let (sender, receiver) = bounded::<i32>(1);
    assert!(receiver.try_recv().is_err_and(|error| error.is_empty()));
    drop(sender);
    assert!(receiver.try_recv().is_err_and(|error| error.is_disconnected()));
}

pub(crate) fn recv_drains_what_was_sent_before_the_sender_left() {
    let (sender, receiver) = bounded(2);
    assert_eq!(sender.send(1), Ok(()));
    assert_eq!(sender.send(2), Ok(()));
    drop(sender);
    assert_eq!(receiver.recv(), Ok(1));
    assert_eq!(receiver.recv(), Ok(2));
    assert!(receiver.recv().is_err());
}

pub(crate) fn try_recv_drains_what_was_sent_before_the_sender_left() {
    let (sender, receiver) = bounded(2);
    assert_eq!(sender.send(1), Ok(()));
    assert_eq!(sender.send(2), Ok(()));
    drop(sender);
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(receiver.try_recv(), Ok(2));
    assert!(receiver.try_recv().is_err_and(|error| error.is_disconnected()));
}

pub(crate) fn a_disconnection_is_reported_every_time() {
    let (sender, receiver) = bounded::<i32>(1);
    drop(sender);
    for _ in 0..2 {
        assert!(receiver.recv().is_err());
        assert!(receiver.try_recv().is_err_and(|error| error.is_disconnected()));
    }

    let (sender, receiver) = bounded(1);
    drop(receiver);
    for n in 0..2 {
        assert!(sender.send(n).is_err());
        assert_eq!(sender.try_send(n), Err(TrySendError::Disconnected(n)));
    }
}

pub(crate) fn send_to_a_receiver_that_left_gives_the_message_back() {
    let (sender, receiver) = bounded(1);
    drop(receiver);
    let message = Arc::new(());
    let refused = sender.send(Arc::clone(&message)).expect_err("nobody is there to receive");
    assert!(Arc::ptr_eq(&refused.into_inner(), &message));
}

pub(crate) fn try_send_to_a_receiver_that_left_gives_the_message_back() {
    let (sender, receiver) = bounded(1);
    drop(receiver);
    let message = Arc::new(());
    match sender.try_send(Arc::clone(&message)) {
        Err(TrySendError::Disconnected(refused)) => assert!(Arc::ptr_eq(&refused, &message)),
        other => panic!("a disconnected channel said {other:?}"),
    }
}

pub(crate) fn a_full_channel_whose_receiver_left_is_disconnected_not_full() {
    let (sender, receiver) = bounded(1);
    assert_eq!(sender.try_send(1), Ok(()));
    drop(receiver);
    assert_eq!(sender.try_send(2), Err(TrySendError::Disconnected(2)));
}

pub(crate) fn send_into_a_full_channel_whose_receiver_left_does_not_block() {
    let (sender, receiver) = bounded(1);
    assert_eq!(sender.try_send(1), Ok(()));
    drop(receiver);
    assert_eq!(sender.send(2).map_err(|refused| refused.into_inner()), Err(2));
}

pub(crate) fn what_is_left_in_a_channel_is_dropped_once_with_its_second_end() {
    for sender_leaves_first in [true, false] {
        let tally = Tally::default();
        let (sender, receiver) = bounded(3);
        for _ in 0..3 {
            assert!(sender.try_send(tally.parcel()).is_ok());
        }
        drop(receiver.try_recv());
        assert_eq!(tally.count(), 1);
        if sender_leaves_first {
            drop(sender);
            assert_eq!(tally.count(), 1, "the receiver can still take them");
            drop(receiver);
        } else {
            drop(receiver);
            drop(sender);
        }
        assert_eq!(tally.count(), 3);
    }
}

pub(crate) fn a_message_that_was_refused_is_dropped_once_by_its_sender() {
    let tally = Tally::default();
    let (sender, receiver) = bounded(1);
    assert!(sender.try_send(tally.parcel()).is_ok());
    let full = sender.try_send(tally.parcel());
    drop(receiver);
    let disconnected = sender.try_send(tally.parcel());
    let unsent = sender.send(tally.parcel());
    drop(sender);
    assert_eq!(tally.count(), 1, "only the one that went in has been dropped");
    drop(full);
    assert_eq!(tally.count(), 2);
    drop(disconnected);
    assert_eq!(tally.count(), 3);
    drop(unsent);
    assert_eq!(tally.count(), 4);
}

pub(crate) fn a_message_that_was_received_is_dropped_once_by_its_receiver() {
    let tally = Tally::default();
    let (sender, receiver) = bounded(1);
    assert!(sender.send(tally.parcel()).is_ok());
    let parcel = receiver.recv();
    drop(sender);
    drop(receiver);
    assert_eq!(tally.count(), 0);
    drop(parcel);
    assert_eq!(tally.count(), 1);
}

pub(crate) fn a_queued_message_outlives_its_sender() {
    let (sender, receiver) = bounded(1);
    let message = Arc::new(());
    assert!(sender.send(Arc::clone(&message)).is_ok());
    drop(sender);
    assert_eq!(Arc::strong_count(&message), 2);
    drop(receiver);
    assert_eq!(Arc::strong_count(&message), 1);
}

pub(crate) fn a_message_may_be_a_boxed_closure() {
    type Job = Box<dyn FnOnce() -> String + Send>;
    let (sender, receiver) = bounded::<Job>(2);
    let owned = String::from("one");
    assert!(sender.send(Box::new(move || owned)).is_ok());
    assert!(sender.send(Box::new(|| String::from("two"))).is_ok());
    drop(sender);
    let mut done = Vec::new();
    while let Ok(job) = receiver.recv() {
        done.push(job());
    }
    assert_eq!(done, ["one", "two"]);
}

pub(crate) fn a_queued_sender_keeps_its_channel_connected() {
    let (inner_sender, inner_receiver) = bounded::<i32>(1);
    let (sender, receiver) = bounded(1);
    assert!(sender.send(inner_sender).is_ok());
    assert!(inner_receiver.try_recv().is_err_and(|error| error.is_empty()));
    drop(receiver);
    drop(sender);
    assert!(inner_receiver.try_recv().is_err_and(|error| error.is_disconnected()));
}

pub(crate) fn a_receiver_travels_with_what_is_queued_for_it() {
    let (inner_sender, inner_receiver) = bounded(1);
    assert_eq!(inner_sender.send(7), Ok(()));
    let (sender, receiver) = bounded(1);
    assert!(sender.send(inner_receiver).is_ok());
    drop(sender);
    assert_eq!(inner_sender.try_send(8), Err(TrySendError::Full(8)));
    let inner_receiver: Receiver<i32> = receiver.recv().expect("it was sent");
    assert_eq!(inner_receiver.recv(), Ok(7));
    assert_eq!(inner_sender.try_send(8), Ok(()));
}

pub(crate) fn order_is_kept_from_thread_to_thread() {
    let (sender, receiver) = bounded(2);
    let thread = start(move || (0..3).all(|n| sender.send(n).is_ok()));
    for n in 0..3 {
        assert_eq!(receiver.recv(), Ok(n));
    }
    assert!(receiver.recv().is_err());
    assert!(finish(&thread));
}

pub(crate) fn send_into_a_full_channel_waits_for_recv_to_make_room() {
    let (sender, receiver) = bounded(1);
    assert_eq!(sender.try_send(1), Ok(()));
    let sent = Arc::new(AtomicBool::new(false));
    let thread = start({
        let sent = Arc::clone(&sent);
        move || {
            let result = sender.send(2);
            sent.store(true, Ordering::Relaxed);
            result
        }
    });
    assert!(!sent.load(Ordering::Relaxed), "there was no room yet");
    assert_eq!(receiver.recv(), Ok(1));
    assert_eq!(finish(&thread), Ok(()));
    assert_eq!(receiver.recv(), Ok(2));
}

pub(crate) fn try_recv_wakes_a_blocked_send() {
    let (sender, receiver) = bounded(1);
    assert_eq!(sender.try_send(1), Ok(()));
    let thread = start(move || sender.send(2));
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(finish(&thread), Ok(()));
    assert_eq!(receiver.try_recv(), Ok(2));
}

pub(crate) fn a_blocked_send_gets_its_message_back_when_the_receiver_leaves() {
    let (sender, receiver) = bounded(1);
    assert_eq!(sender.try_send(1), Ok(()));
    let thread = start(move || sender.send(2));
    drop(receiver);
    assert_eq!(finish(&thread).map_err(|refused| refused.into_inner()), Err(2));
}

pub(crate) fn send_wakes_a_blocked_recv() {
    let (sender, receiver) = bounded(1);
    let thread = start(move || receiver.recv());
    assert_eq!(sender.send(7), Ok(()));
    assert_eq!(finish(&thread), Ok(7));
}

pub(crate) fn try_send_wakes_a_blocked_recv() {
    let (sender, receiver) = bounded(1);
    let thread = start(move || receiver.recv());
    assert_eq!(sender.try_send(7), Ok(()));
    assert_eq!(finish(&thread), Ok(7));
}

pub(crate) fn a_blocked_recv_ends_when_the_sender_leaves() {
    let (sender, receiver) = bounded::<i32>(1);
    let thread = start(move || receiver.recv());
    drop(sender);
    assert!(finish(&thread).is_err());
}

pub(crate) fn a_receiver_can_wait_again_and_again() {
    let (sender, receiver) = bounded(1);
    let thread = start(move || [receiver.recv().ok(), receiver.recv().ok(), receiver.recv().ok()]);
    assert_eq!(sender.send(1), Ok(()));
    assert_eq!(sender.send(2), Ok(()));
    drop(sender);
    assert_eq!(finish(&thread), [Some(1), Some(2), None]);
}

pub(crate) fn a_full_channel_leaves_one_less_than_it_holds_to_who_takes_the_first() {
    let (sender, receiver) = bounded(2);
    assert_eq!(sender.try_send(1), Ok(()));
    assert_eq!(sender.try_send(2), Ok(()));
    assert_eq!(sender.try_send(3), Err(TrySendError::Full(3)));
    let thread = start(move || (receiver.recv(), receiver.len()));
    assert_eq!(finish(&thread), (Ok(1), 1));
    drop(sender);
}

pub(crate) fn a_sender_can_be_held_back_again_and_again() {
    let (sender, receiver) = bounded(1);
    assert_eq!(sender.try_send(0), Ok(()));
    let thread = start(move || [1, 2].map(|n| sender.send(n).is_ok()));
    for n in 0..3 {
        assert_eq!(receiver.recv(), Ok(n));
    }
    assert_eq!(finish(&thread), [true, true]);
}

pub(crate) fn nothing_is_lost_when_the_sender_leaves_before_the_receiver_has_drained() {
    let (sender, receiver) = bounded(1);
    let thread = start(move || {
        assert_eq!(sender.send(1), Ok(()));
        assert_eq!(sender.send(2), Ok(()));
        drop(sender);
    });
    let mut received = Vec::new();
    while let Ok(message) = receiver.recv() {
        received.push(message);
    }
    assert_eq!(received, [1, 2]);
    finish(&thread);
}

pub(crate) fn a_sender_that_leaves_is_never_mistaken_for_a_message() {
    let (sender, receiver) = bounded::<i32>(1);
    let thread = start(move || drop(sender));
    assert!(receiver.try_recv().is_err());
    finish(&thread);
    assert!(receiver.try_recv().is_err_and(|error| error.is_disconnected()));
}

pub(crate) fn a_message_is_never_overtaken_by_its_senders_leaving() {
    let (sender, receiver) = bounded(1);
    let thread = start(move || sender.send(7));
    match receiver.try_recv() {
        Ok(message) => assert_eq!(message, 7),
        Err(error) => {
            assert!(error.is_empty(), "the message comes first");
            assert_eq!(receiver.recv(), Ok(7));
        }
    }
    assert!(receiver.recv().is_err());
    assert_eq!(finish(&thread), Ok(()));
}

pub(crate) fn a_send_racing_the_receivers_leaving_loses_no_message() {
    let tally = Tally::default();
    let (sender, receiver) = bounded(1);
    let thread = start({
        let tally = tally.clone();
        move || [sender.send(tally.parcel()), sender.send(tally.parcel())]
    });
    let received = receiver.recv();
    assert!(received.is_ok());
    drop(receiver);
    let results = finish(&thread);
    let unsent = results.iter().filter(|result| result.is_err()).count();
    assert!(results[0].is_ok(), "it was received");
    assert_eq!(tally.count(), 1 - unsent);
    drop(results);
    assert_eq!(tally.count(), 1);
    drop(received);
    assert_eq!(tally.count(), 2);
}

pub(crate) fn a_try_send_racing_the_receivers_leaving_loses_no_message() {
    let tally = Tally::default();
    let (sender, receiver) = bounded(2);
    let thread = start({
        let tally = tally.clone();
        move || [sender.try_send(tally.parcel()), sender.try_send(tally.parcel())]
    });
    drop(receiver);
    let results = finish(&thread);
    let unsent = results.iter().filter(|result| result.is_err()).count();
    assert_eq!(tally.count(), 2 - unsent);
    for result in results {
        assert!(!matches!(result, Err(TrySendError::Full(_))), "there was room for both");
    }
    assert_eq!(tally.count(), 2);
}

pub(crate) fn try_recv_sees_a_message_that_was_sent_before() {
    let (sender, receiver) = bounded(1);
    let sent = Milestone::default();
    let thread = start({
        let sent = sent.clone();
        move || {
            assert_eq!(sender.send(7), Ok(()));
            sent.reach();
        }
    });
    if sent.is_reached() {
        assert_eq!(receiver.try_recv(), Ok(7));
    } else {
        assert_eq!(receiver.recv(), Ok(7));
    }
    finish(&thread);
}

pub(crate) fn try_recv_sees_that_the_sender_left_before() {
    let (sender, receiver) = bounded::<i32>(1);
    let left = Milestone::default();
    let thread = start({
        let left = left.clone();
        move || {
            drop(sender);
            left.reach();
        }
    });
    if left.is_reached() {
        assert!(receiver.try_recv().is_err_and(|error| error.is_disconnected()));
    } else {
        assert!(receiver.recv().is_err());
    }
    finish(&thread);
}

pub(crate) fn try_send_sees_room_that_was_made_before() {
    let (sender, receiver) = bounded(1);
    assert_eq!(sender.try_send(1), Ok(()));
    let taken = Milestone::default();
    let thread = start({
        let taken = taken.clone();
        move || {
            assert_eq!(receiver.recv(), Ok(1));
            taken.reach();
            receiver
        }
    });
    let was_taken = taken.is_reached();
    match sender.try_send(2) {
        Ok(()) => {}
        Err(TrySendError::Full(2)) => assert!(!was_taken, "there was room"),
        other => panic!("a channel with both its ends said {other:?}"),
    }
    drop(finish(&thread));
}

pub(crate) fn try_send_sees_that_the_receiver_left_before() {
    let (sender, receiver) = bounded(1);
    let left = Milestone::default();
    let thread = start({
        let left = left.clone();
        move || {
            drop(receiver);
            left.reach();
        }
    });
    let had_left = left.is_reached();
    match sender.try_send(7) {
        Ok(()) => assert!(!had_left, "nobody was there to receive"),
        Err(error) => assert_eq!(error, TrySendError::Disconnected(7)),
    }
    finish(&thread);
}

pub(crate) fn a_message_carries_what_was_written_before_it_was_sent() {
    let (sender, receiver) = bounded(1);
    let written = Arc::new(AtomicBool::new(false));
    let thread = start({
        let written = Arc::clone(&written);
        move || {
            written.store(true, Ordering::Relaxed);
            sender.send(())
        }
    });
    assert_eq!(receiver.recv(), Ok(()));
    assert!(written.load(Ordering::Relaxed));
    assert_eq!(finish(&thread), Ok(()));
}

pub(crate) fn a_message_is_gone_when_the_other_thread_has_dropped_it() {
    let (sender, receiver) = bounded(1);
    let message = Arc::new(());
    let thread = start(move || drop(receiver.recv()));
    assert!(sender.send(Arc::clone(&message)).is_ok());
    finish(&thread);
    assert_eq!(Arc::strong_count(&message), 1);
}

pub(crate) fn a_sender_may_be_handed_over_through_a_channel() {
    let (hand_over, handed_over) = bounded::<Sender<i32>>(1);
    let thread = start(move || {
        let sender = handed_over.recv().expect("it was sent");
        sender.send(7).is_ok()
    });
    let (sender, receiver) = bounded(1);
    assert!(hand_over.send(sender).is_ok());
    assert_eq!(receiver.recv(), Ok(7));
    assert!(receiver.recv().is_err(), "the one sender has gone with its thread");
    assert!(finish(&thread));
}

pub(crate) fn ping_pong() {
    let (ping, pinged) = bounded(1);
    let (pong, ponged) = bounded(1);
    let thread = start(move || {
        while let Ok(n) = pinged.recv() {
            assert_eq!(pong.send(n + 1), Ok(()));
        }
    });
    for n in [10, 20] {
        assert_eq!(ping.send(n), Ok(()));
        assert_eq!(ponged.recv(), Ok(n + 1));
    }
    drop(ping);
    assert!(ponged.recv().is_err());
    finish(&thread);
}
