//! What a thread was doing, in the words of the service and in those of the image.

use thaw_image::{Activity as Saved, Wait};
use thaw_l4::{Timeouts, raw};
use thaw_protocol::{Activity, CALL_FORGOTTEN, activity_kind};

/// Index of the IRQ object in a slot, if it is one of the image.
pub type IrqOf<'a> = &'a dyn Fn(u32) -> Option<u32>;

/// The image's words for an activity.
///
/// A message to a receiver outside is repeated as a whole by the thread's frame, so to the image the
/// thread runs user code.
#[must_use]
pub fn to_saved(activity: &Activity, irq_of: IrqOf<'_>) -> Saved {
    let wait = wait(activity);
    let slot = activity.selector >> raw::L4_CAP_SHIFT;
    let badge = activity.badge;
    match activity.kind {
        activity_kind::RECEIVE if activity.selector & raw::L4_INVALID_CAP_BIT != 0 => {
            let bound = (activity.label != 0).then_some(u64::from(activity.label));
            let remaining_us = wait.remaining_us.map(|us| bound.map_or(us, |bound| us.min(bound)));
            Saved::Asleep { wait: Wait { remaining_us, ..wait } }
        }
        activity_kind::RECEIVE => Saved::Receive { slot, wait },
        activity_kind::OPEN_WAIT => Saved::OpenWait { wait },
        activity_kind::IRQ_WAIT => Saved::IrqWait { slot, irq: irq_of(slot), wait },
        activity_kind::SEMAPHORE_WAIT => {
            Saved::SemaphoreWait { slot, semaphore: badge, position: activity.position, wait }
        }
        activity_kind::CALL_DELIVERED => {
            let owed = activity.position != CALL_FORGOTTEN;
            Saved::Call { slot, badge, server: activity.peer, tag: activity.tag, owed, wait }
        }
        activity_kind::SEND_QUEUED => Saved::Send {
            slot,
            badge,
            receiver: activity.peer,
            position: activity.position,
            tag: activity.tag,
            label: activity.label,
            wait,
        },
        activity_kind::PAGE_FAULT => Saved::PageFault { addr: 0, access: 0 },
        _ => Saved::User,
    }
}

/// Of a timeout nobody knows when it began: at most all of it is left.
fn wait(activity: &Activity) -> Wait {
    let receive = Timeouts(activity.timeouts).receive();
    let remaining_us = if receive.is_absolute() { Some(0) } else { receive.us() };
    Wait { selector: activity.selector, timeout: activity.timeouts, remaining_us }
}

/// The service's words for an activity; `None` for one that it cannot continue.
#[must_use]
pub fn from_saved(saved: &Saved) -> Option<Activity> {
    let waits = |kind, wait: &Wait| Activity {
        kind,
        selector: wait.selector,
        timeouts: wait.timeout,
        ..Activity::USER
    };
    Some(match saved {
        Saved::User => Activity::USER,
        Saved::Asleep { wait } | Saved::Receive { wait, .. } => waits(activity_kind::RECEIVE, wait),
        Saved::OpenWait { wait } => waits(activity_kind::OPEN_WAIT, wait),
        Saved::IrqWait { wait, .. } => waits(activity_kind::IRQ_WAIT, wait),
        Saved::SemaphoreWait { semaphore, position, wait, .. } => {
            Activity { badge: *semaphore, position: *position, ..waits(activity_kind::SEMAPHORE_WAIT, wait) }
        }
        Saved::Call { badge, server, tag, owed, wait, .. } => Activity {
            badge: *badge,
            peer: *server,
            tag: *tag,
            position: if *owed { 0 } else { CALL_FORGOTTEN },
            ..waits(activity_kind::CALL_DELIVERED, wait)
        },
        Saved::Send { badge, receiver, position, tag, label, wait, .. } => Activity {
            badge: *badge,
            peer: *receiver,
            position: *position,
            tag: *tag,
            label: *label,
            ..waits(activity_kind::SEND_QUEUED, wait)
        },
        Saved::PageFault { .. } => Activity { kind: activity_kind::PAGE_FAULT, ..Activity::USER },
        Saved::Exception { .. } => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activity(kind: u32, selector: u32) -> Activity {
        Activity { kind, selector, timeouts: 0x3ff, ..Activity::USER }
    }

    #[test]
    fn what_matters_for_continuing_survives() {
        let call = Activity { peer: 3, badge: 0x1000, tag: 0x41, ..activity(5, 0x20_0003) };
        let send = Activity { peer: 1, position: 2, tag: 0x42, label: 0x1003, ..activity(6, 0x20_1003) };
        for kind in [1, 2, 3, 4, 7] {
            let back = from_saved(&to_saved(&activity(kind, 0x20_0003), &|_| Some(0))).expect("known");
            assert_eq!(back.kind, kind);
        }
        let down = Activity { badge: 0x210, position: 3, ..activity(10, 0x21_0003) };
        for activity in [call, Activity { position: CALL_FORGOTTEN, ..call }, send, down] {
            assert_eq!(from_saved(&to_saved(&activity, &|_| None)), Some(activity));
        }
    }

    #[test]
    fn a_sleep_is_told_from_a_wait_for_somebody() {
        assert!(matches!(to_saved(&activity(2, 0x802), &|_| None), Saved::Asleep { .. }));
        assert!(matches!(to_saved(&activity(2, 0x20_0002), &|_| None), Saved::Receive { slot: 0x200, .. }));
        let irq = to_saved(&activity(4, 0x20_5003), &|slot| (slot == 0x205).then_some(7));
        assert!(matches!(irq, Saved::IrqWait { slot: 0x205, irq: Some(7), .. }));
    }

    #[test]
    fn timeouts_are_bounds() {
        let of = |timeouts| match to_saved(&Activity { timeouts, ..activity(2, 0x802) }, &|_| None) {
            Saved::Asleep { wait } => wait.remaining_us,
            other => panic!("{other:?}"),
        };
        assert_eq!((of(0), of(0x3ff), of(0x400)), (None, Some(0x3ff), Some(0)));
        let bounded = Activity { timeouts: 0x3ff, label: 40, ..activity(2, 0x802) };
        assert_eq!(to_saved(&bounded, &|_| None).wait().and_then(|wait| wait.remaining_us), Some(40));
    }

    #[test]
    fn an_open_exception_cannot_be_continued() {
        assert_eq!(from_saved(&Saved::Exception { code: 0, addr: 0 }), None);
    }
}
