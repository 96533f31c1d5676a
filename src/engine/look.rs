//! A look over lanes: the order in which they are checked, and when all have been. Pure: no
//! channel, no thread.

use std::collections::VecDeque;

/// What a check of the lanes of a window found.
#[derive(Debug)]
pub(super) enum Answer<R> {
    /// The lane at this place of the window is ready, with this.
    Ready(usize, R),
    /// The lane at this place has ended.
    Ended(usize),
    /// No lane of the window has anything now.
    Idle,
}

/// Checks `lanes`, a window at a time, until one is ready or all were checked. Removes lanes that
/// have ended.
///
/// The lanes form a queue. A lane that was found idle moves to its end, and so does the one that is
/// ready. So the ready lane is the last to be checked again, and a lane that is ready is found
/// before any other is found twice.
///
/// Why a look returns nothing only after checking every lane: lanes are checked at the front of the
/// queue and then leave the front. The lanes not yet checked are the first `unseen`, whatever was
/// removed meanwhile.
pub(super) fn look<L, R>(
    lanes: &mut VecDeque<L>,
    window: usize,
    mut ask: impl FnMut(&mut dyn Iterator<Item = &L>) -> Answer<R>,
) -> Option<R> {
    // INVARIANT: the first `unseen` lanes are those that this look has not checked.
    let mut unseen = lanes.len();
    while unseen > 0 {
        let width = unseen.min(window);
        match ask(&mut lanes.iter().take(width)) {
            Answer::Ready(index, found) => {
                let lane = lanes.remove(index);
                lanes.extend(lane);
                return Some(found);
            }
            Answer::Ended(index) => {
                drop(lanes.remove(index));
                unseen -= 1;
            }
            Answer::Idle => {
                lanes.rotate_left(width);
                unseen -= width;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The state of a lane when it is checked.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Lane {
        Ready(usize),
        Ended(usize),
        Idle(usize),
    }

    /// Every row of `length` lanes, numbered from the front.
    fn rows(length: usize) -> impl Iterator<Item = Vec<Lane>> {
        (0..3_usize.pow(length as u32)).map(move |code| {
            (0..length)
                .map(|index| match code / 3_usize.pow(index as u32) % 3 {
                    0 => Lane::Ready(index),
                    1 => Lane::Ended(index),
                    _ => Lane::Idle(index),
                })
                .collect()
        })
    }

    /// One look. If several lanes of a window are ready or ended, the `pick`th is found. Returns
    /// what was found, and which lanes were checked.
    fn one(lanes: &mut VecDeque<Lane>, window: usize, pick: usize) -> (Option<usize>, Vec<Lane>) {
        let mut asked = Vec::new();
        let found = look(lanes, window, |lanes| {
            let lanes: Vec<_> = lanes.copied().collect();
            assert!(!lanes.is_empty() && lanes.len() <= window);
            asked.extend(lanes.iter().filter(|lane| matches!(lane, Lane::Idle(_))));
            let speak: Vec<_> =
                (0..lanes.len()).filter(|at| !matches!(lanes[*at], Lane::Idle(_))).collect();
            match speak.get(pick % speak.len().max(1)) {
                None => Answer::Idle,
                Some(at) => {
                    asked.push(lanes[*at]);
                    match lanes[*at] {
                        Lane::Ready(index) => Answer::Ready(*at, index),
                        _ => Answer::Ended(*at),
                    }
                }
            }
        });
        (found, asked)
    }

    /// The window sizes, and the choices of a lane in a window, that the tests cover.
    fn settings() -> impl Iterator<Item = (usize, usize)> {
        (1..=4).flat_map(|window| (0..3).map(move |pick| (window, pick)))
    }

    #[test]
    fn nothing_is_said_only_when_every_lane_was_asked() {
        for (length, (window, pick)) in (0..=7).flat_map(|n| settings().map(move |s| (n, s))) {
            for row in rows(length) {
                let mut lanes = VecDeque::from(row.clone());
                let (found, asked) = one(&mut lanes, window, pick);
                if found.is_none() {
                    assert!(row.iter().all(|lane| asked.contains(lane)), "{row:?}: {asked:?}");
                    assert!(!row.iter().any(|lane| matches!(lane, Lane::Ready(_))), "{row:?}");
                }
            }
        }
    }

    #[test]
    fn lanes_that_have_ended_leave_and_no_other_does() {
        for (window, pick) in settings() {
            for row in rows(6) {
                let mut lanes = VecDeque::from(row.clone());
                let (found, asked) = one(&mut lanes, window, pick);
                let gone: Vec<_> = row.iter().filter(|lane| !lanes.contains(lane)).collect();
                assert!(gone.iter().all(|lane| matches!(lane, Lane::Ended(_))));
                assert_eq!(gone.len() + lanes.len(), row.len());
                let ended = asked.iter().filter(|lane| matches!(lane, Lane::Ended(_))).count();
                assert_eq!(gone.len(), ended);
                assert_eq!(
                    found.map(Lane::Ready),
                    asked.last().copied().filter(|_| found.is_some())
                );
            }
        }
    }

    #[test]
    fn a_lane_that_is_ready_is_found_before_another_is_found_twice() {
        for window in 1..=4 {
            for row in rows(6) {
                let ready = row.iter().filter(|lane| matches!(lane, Lane::Ready(_))).count();
                let mut lanes = VecDeque::from(row);
                let mut found: Vec<_> = (0..ready).map(|_| one(&mut lanes, window, 0).0).collect();
                found.sort_unstable();
                found.dedup();
                assert_eq!(found.len(), ready);
            }
        }
    }

    #[test]
    fn no_window_is_looked_at_twice_without_need() {
        let mut lanes: VecDeque<_> = (0..1000).map(Lane::Idle).collect();
        let (found, asked) = one(&mut lanes, 16, 0);
        assert_eq!((found, asked.len()), (None, 1000));
    }
}
