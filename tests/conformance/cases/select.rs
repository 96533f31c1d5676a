//! Selection: which channel is named, with what, and that it never waits.

use super::*;

pub(crate) fn no_channels_have_nothing_to_say() {
    assert_eq!(select_ready::<i32>(&[]), None);
}

pub(crate) fn empty_channels_have_nothing_to_say() {
    let (_first, one) = bounded::<i32>(1);
    let (_second, two) = bounded::<i32>(1);
    assert_eq!(select_ready(&[&one, &two]), None);
}

pub(crate) fn the_channel_that_is_ready_is_named() {
    let channels = [(); 3].map(|()| bounded(1));
    let receivers = [&channels[0].1, &channels[1].1, &channels[2].1];
    for (index, (sender, _)) in channels.iter().enumerate() {
        assert_eq!(sender.try_send(index * 10), Ok(()));
        assert_eq!(select_ready(&receivers), Some((index, Some(index * 10))));
        assert_eq!(select_ready(&receivers), None);
    }
}

pub(crate) fn a_channel_that_is_disconnected_and_drained_is_named_without_a_message() {
    let (_first, one) = bounded(1);
    let (second, two) = bounded(1);
    assert_eq!(second.try_send(7), Ok(()));
    assert_eq!(two.recv(), Ok(7));
    drop(second);
    assert_eq!(select_ready(&[&one, &two]), Some((1, None)));
    assert_eq!(select_ready(&[&two, &one]), Some((0, None)));
}

pub(crate) fn what_is_queued_comes_before_the_disconnection() {
    let (_first, one) = bounded(1);
    let (second, two) = bounded(2);
    assert_eq!(second.try_send(1), Ok(()));
    assert_eq!(second.try_send(2), Ok(()));
    drop(second);
    assert_eq!(select_ready(&[&one, &two]), Some((1, Some(1))));
    assert_eq!(select_ready(&[&one, &two]), Some((1, Some(2))));
    assert_eq!(select_ready(&[&one, &two]), Some((1, None)));
}

pub(crate) fn of_several_that_are_ready_each_is_named_in_the_end() {
    let channels = [(); 3].map(|()| bounded(2));
    let receivers = [&channels[0].1, &channels[1].1, &channels[2].1];
    for (index, (sender, _)) in channels.iter().enumerate() {
        assert_eq!(sender.try_send(index), Ok(()));
        assert_eq!(sender.try_send(index), Ok(()));
    }
    let mut named = [0; 3];
    while let Some((index, message)) = select_ready(&receivers) {
        assert_eq!(message, Some(index));
        named[index] += 1;
    }
    assert_eq!(named, [2; 3]);
}

pub(crate) fn a_selection_takes_one_message_and_leaves_the_rest() {
    let (first, one) = bounded(2);
    let (second, two) = bounded(1);
    assert_eq!(first.try_send(1), Ok(()));
    assert_eq!(first.try_send(1), Ok(()));
    assert_eq!(second.try_send(1), Ok(()));
    assert!(select_ready(&[&one, &two]).is_some());
    drop(first);
    drop(second);
    let left = [one, two].map(|receiver| {
        let mut left = 0;
        while let Ok(message) = receiver.recv() {
            left += message;
        }
        left
    });
    assert!(left == [1, 1] || left == [2, 0], "left behind: {left:?}");
}

pub(crate) fn a_selection_keeps_the_order_of_every_channel() {
    let channels = [(); 2].map(|()| bounded(3));
    let receivers = [&channels[0].1, &channels[1].1];
    for n in 0..3 {
        for (sender, _) in &channels {
            assert_eq!(sender.try_send(n), Ok(()));
        }
    }
    let mut taken = [0; 2];
    while let Some((index, message)) = select_ready(&receivers) {
        assert_eq!(message, Some(taken[index]));
        taken[index] += 1;
    }
    assert_eq!(taken, [3; 2]);
}

pub(crate) fn a_selection_makes_room_for_one_message() {
    let (sender, receiver) = bounded(2);
    let (_other, empty) = bounded(1);
    assert_eq!(sender.try_send(1), Ok(()));
    assert_eq!(sender.try_send(2), Ok(()));
    assert_eq!(select_ready(&[&empty, &receiver]), Some((1, Some(1))));
    assert_eq!(sender.try_send(3), Ok(()));
    assert_eq!(sender.try_send(4), Err(TrySendError::Full(4)));
}

pub(crate) fn a_channel_by_itself_gives_all_three_answers() {
    let (sender, receiver) = bounded(1);
    assert_eq!(select_ready(&[&receiver]), None);
    assert_eq!(sender.try_send(7), Ok(()));
    assert_eq!(select_ready(&[&receiver]), Some((0, Some(7))));
    assert_eq!(sender.try_send(8), Ok(()));
    drop(sender);
    assert_eq!(select_ready(&[&receiver]), Some((0, Some(8))));
    assert_eq!(select_ready(&[&receiver]), Some((0, None)));
}

pub(crate) fn a_disconnection_is_selected_every_time() {
    let (sender, receiver) = bounded::<i32>(1);
    let (_other, empty) = bounded(1);
    drop(sender);
    for _ in 0..2 {
        assert_eq!(select_ready(&[&receiver]), Some((0, None)));
        assert_eq!(select_ready(&[&empty, &receiver]), Some((1, None)));
    }
}

pub(crate) fn a_disconnected_channel_does_not_hide_a_message_for_good() {
    let (first, one) = bounded(1);
    let (second, two) = bounded(1);
    drop(first);
    assert_eq!(second.try_send(7), Ok(()));
    match select_ready(&[&one, &two]) {
        Some((1, Some(7))) => assert_eq!(select_ready(&[&one, &two]), Some((0, None))),
        Some((0, None)) => assert_eq!(select_ready(&[&two]), Some((0, Some(7)))),
        other => panic!("two ready channels said {other:?}"),
    }
}

pub(crate) fn a_selection_wakes_a_blocked_send() {
    let (sender, receiver) = bounded(1);
    let (_other, empty) = bounded(1);
    assert_eq!(sender.try_send(1), Ok(()));
    let thread = start(move || sender.send(2));
    assert_eq!(select_ready(&[&empty, &receiver]), Some((1, Some(1))));
    assert_eq!(finish(&thread), Ok(()));
    assert_eq!(select_ready(&[&empty, &receiver]), Some((1, Some(2))));
}

pub(crate) fn a_selection_does_not_wait_for_a_message() {
    let (go, gone) = bounded::<()>(1);
    let (sender, receiver) = bounded(1);
    let (_other, empty) = bounded(1);
    let thread = start(move || {
        assert!(gone.recv().is_err());
        sender.send(7)
    });
    assert_eq!(select_ready(&[&empty, &receiver]), None);
    assert_eq!(select_ready(&[&receiver]), None);
    drop(go);
    assert_eq!(receiver.recv(), Ok(7));
    assert_eq!(finish(&thread), Ok(()));
}

pub(crate) fn a_selection_sees_a_message_that_was_sent_before() {
    let (sender, receiver) = bounded(1);
    let (_other, empty) = bounded(1);
    let sent = Milestone::default();
    let thread = start({
        let sent = sent.clone();
        move || {
            assert_eq!(sender.try_send(7), Ok(()));
            sent.reach();
            sender
        }
    });
    let was_sent = sent.is_reached();
    match select_ready(&[&empty, &receiver]) {
        Some(answer) => assert_eq!(answer, (1, Some(7))),
        None => assert!(!was_sent, "there was a message"),
    }
    drop(finish(&thread));
}

pub(crate) fn a_selection_sees_that_a_sender_left_before() {
    let (sender, receiver) = bounded::<i32>(1);
    let (_other, empty) = bounded(1);
    let left = Milestone::default();
    let thread = start({
        let left = left.clone();
        move || {
            drop(sender);
            left.reach();
        }
    });
    let had_left = left.is_reached();
    match select_ready(&[&empty, &receiver]) {
        Some(answer) => assert_eq!(answer, (1, None)),
        None => assert!(!had_left, "the sender had left"),
    }
    finish(&thread);
}

pub(crate) fn a_selected_message_is_never_overtaken_by_its_senders_leaving() {
    let (sender, receiver) = bounded(1);
    let (_other, empty) = bounded(1);
    let thread = start(move || sender.send(7));
    match select_ready(&[&receiver, &empty]) {
        None => assert_eq!(receiver.recv(), Ok(7)),
        Some(answer) => assert_eq!(answer, (0, Some(7)), "the message comes first"),
    }
    assert_eq!(finish(&thread), Ok(()));
    assert_eq!(select_ready(&[&receiver, &empty]), Some((0, None)));
}

pub(crate) fn a_selected_message_carries_what_was_written_before_it_was_sent() {
    let (sender, receiver) = bounded(1);
    let (_other, empty) = bounded(1);
    let written = Arc::new(AtomicBool::new(false));
    let thread = start({
        let written = Arc::clone(&written);
        move || {
            written.store(true, Ordering::Relaxed);
            sender.send(())
        }
    });
    if select_ready(&[&receiver, &empty]).is_some() {
        assert!(written.load(Ordering::Relaxed));
    }
    assert_eq!(finish(&thread), Ok(()));
}

pub(crate) fn selections_take_everything_from_two_senders() {
    let bell = Arc::new(Bell::default());
    let (first, one) = bounded(1);
    let (second, two) = bounded(1);
    for (n, sender) in [(1, first), (2, second)] {
        let bell = Arc::clone(&bell);
        let body = move || {
            assert_eq!(sender.try_send(n), Ok(()));
            drop(sender);
            bell.ring();
        };
        spawn("case", None, body).expect("a thread starts");
    }
    let mut live = vec![&one, &two];
    let mut received = Vec::new();
    while !live.is_empty() {
        match select_ready(&live) {
            Some((_, Some(message))) => received.push(message),
            Some((index, None)) => drop(live.remove(index)),
            None => bell.wait(),
        }
    }
    received.sort_unstable();
    assert_eq!(received, [1, 2]);
}
