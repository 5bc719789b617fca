//! In which order threads are continued. Pure.
//!
//! First the reply links, each server before the calls it makes itself, so that it can still run the
//! stub that receives. Then the queues in their order. Then everybody else.

use heapless::Vec;
use thaw_protocol::{Activity, CALL_FORGOTTEN, Error, ErrorKind, THREADS_MAX, activity_kind, part};

/// A call to be staged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Link {
    pub(crate) client: usize,
    pub(crate) server: usize,
    /// The server owes the answer: the last one that is staged with it.
    pub(crate) owed: bool,
}

/// Links of a set: at most one call for each thread.
pub(crate) type Links = Vec<Link, THREADS_MAX>;

/// Every unanswered call, in an order in which they can be staged.
pub(crate) fn links(activities: &[(usize, Activity)]) -> Result<Links, Error> {
    let mut open: Links = Vec::new();
    for (client, activity) in activities {
        if activity.kind != activity_kind::CALL_DELIVERED {
            continue;
        }
        let (client, server) = (*client, known(activities, *client, activity.peer)?);
        let owed = activity.position != CALL_FORGOTTEN;
        if owed && open.iter().any(|other| other.owed && other.server == server) {
            return Err(ErrorKind::AmbiguousLink.with(server as u32, client as u32, 0));
        }
        // A thread makes at most one call, so the table cannot overflow.
        let _ = open.push(Link { client, server, owed });
    }
    in_order(open)
}

fn in_order(mut open: Links) -> Result<Links, Error> {
    let mut ordered = Links::new();
    while !open.is_empty() {
        let next = open.iter().position(|link| {
            let is_called = open.iter().any(|other| other.server == link.client);
            let others = open.iter().filter(|other| other.server == link.server).count() > 1;
            !(is_called || link.owed && others)
        });
        let Some(next) = next else {
            return Err(ErrorKind::Cycle.with(open[0].client as u32, 0, 0));
        };
        let _ = ordered.push(open.remove(next));
    }
    Ok(ordered)
}

/// Senders in the order in which they must enter their receivers' queues.
pub(crate) fn queue(activities: &[(usize, Activity)]) -> Result<Vec<usize, THREADS_MAX>, Error> {
    let mut queued: Vec<(u32, u32, usize), THREADS_MAX> = Vec::new();
    for (sender, activity) in activities {
        if activity.kind == activity_kind::SEND_QUEUED {
            known(activities, *sender, activity.peer)?;
            let _ = queued.push((activity.peer, activity.position, *sender));
        }
    }
    queued.sort_unstable();
    for pair in queued.windows(2) {
        if pair[0].0 == pair[1].0 && pair[0].1 == pair[1].1 {
            return Err(ErrorKind::BadState.with(pair[1].2 as u32, part::ACTIVITY, pair[1].1));
        }
    }
    Ok(queued.iter().map(|(_, _, sender)| *sender).collect())
}

/// Threads that wait for semaphores, in the order in which they wait.
pub(crate) fn waiters(activities: &[(usize, Activity)]) -> Vec<usize, THREADS_MAX> {
    let waits = activities.iter().filter(|(_, activity)| activity.kind == activity_kind::SEMAPHORE_WAIT);
    let mut waits: Vec<_, THREADS_MAX> =
        waits.map(|(index, activity)| (activity.badge, activity.position, *index)).collect();
    waits.sort_unstable();
    waits.iter().map(|(_, _, index)| *index).collect()
}

/// Threads that are in a system call and neither in a queue nor owed an answer.
pub(crate) fn others(activities: &[(usize, Activity)]) -> impl Iterator<Item = usize> {
    use activity_kind::{CALL_DELIVERED, PAGE_FAULT, SEMAPHORE_WAIT, SEND_QUEUED, USER};
    let elsewhere = [USER, CALL_DELIVERED, SEND_QUEUED, SEMAPHORE_WAIT, PAGE_FAULT];
    activities.iter().filter(move |(_, a)| !elsewhere.contains(&a.kind)).map(|(index, _)| *index)
}

fn known(activities: &[(usize, Activity)], thread: usize, peer: u32) -> Result<usize, Error> {
    let found = activities.iter().find(|(index, _)| *index == peer as usize && *index != thread);
    found.map(|(index, _)| *index).ok_or(ErrorKind::BadState.with(thread as u32, part::ACTIVITY, peer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(peer: usize) -> Activity {
        Activity { kind: activity_kind::CALL_DELIVERED, peer: peer as u32, ..Activity::USER }
    }

    fn queued(peer: usize, position: u32) -> Activity {
        Activity { kind: activity_kind::SEND_QUEUED, peer: peer as u32, position, ..Activity::USER }
    }

    #[test]
    fn a_server_is_linked_before_it_calls() {
        let set = [(0, call(1)), (1, call(2)), (2, Activity::USER), (3, call(0))];
        let pairs = |links: Links| links.iter().map(|l| (l.client, l.server)).collect::<Vec<_, 8>>();
        assert_eq!(pairs(links(&set).expect("chain"))[..], [(3, 0), (0, 1), (1, 2)]);
    }

    #[test]
    fn a_forgotten_call_is_staged_before_the_one_that_is_owed() {
        let forgotten = |peer| Activity { position: CALL_FORGOTTEN, ..call(peer) };
        // 1 is itself a server of 0, so its forgotten call to 3 comes late, and that of 2 after it.
        let set = [(0, call(1)), (1, forgotten(3)), (2, call(3)), (3, Activity::USER)];
        let order = links(&set).expect("one is owed");
        let expected = [(0, 1, true), (1, 3, false), (2, 3, true)];
        assert_eq!(order.iter().map(|l| (l.client, l.server, l.owed)).collect::<Vec<_, 8>>()[..], expected);
    }

    #[test]
    fn a_circle_is_refused_by_name() {
        let set = [(0, call(1)), (1, call(0))];
        assert_eq!(links(&set).expect_err("circle").kind, ErrorKind::Cycle);
    }

    #[test]
    fn a_server_owes_one_answer_at_most() {
        let set = [(0, call(2)), (1, call(2)), (2, Activity::USER)];
        assert_eq!(links(&set), Err(ErrorKind::AmbiguousLink.with(2, 1, 0)));
    }

    #[test]
    fn a_queue_keeps_its_order_per_receiver() {
        let set = [
            (0, queued(5, 1)),
            (1, queued(5, 0)),
            (2, queued(4, 0)),
            (4, Activity::USER),
            (5, Activity::USER),
        ];
        assert_eq!(queue(&set).expect("queues")[..], [2, 1, 0]);
        let twice = [(0, queued(5, 1)), (1, queued(5, 1)), (5, Activity::USER)];
        assert_eq!(queue(&twice).expect_err("same place").kind, ErrorKind::BadState);
    }

    #[test]
    fn waiters_of_a_semaphore_keep_their_order() {
        let wait = |badge, position| Activity {
            kind: activity_kind::SEMAPHORE_WAIT,
            badge,
            position,
            ..Activity::USER
        };
        let set = [(0, wait(0x210, 1)), (1, Activity::USER), (2, wait(0x200, 0)), (5, wait(0x210, 0))];
        assert_eq!(waiters(&set)[..], [2, 5, 0]);
    }

    #[test]
    fn a_peer_outside_the_set_is_refused() {
        assert_eq!(links(&[(0, call(9))]).expect_err("no such peer").kind, ErrorKind::BadState);
        assert_eq!(links(&[(0, call(0))]).expect_err("itself").kind, ErrorKind::BadState);
    }
}
