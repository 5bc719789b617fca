//! System calls that last until a time of the kernel's clock.
//!
//! That clock begins anew with each boot, so what an image keeps is how much time was left. A restore writes into the
//! thread's buffer registers when that is by the clock of its own boot; the thread repeats its system call and the kernel
//! reads them again.

use heapless::Vec;
use thaw_l4::{Selector, Timeout, Timeouts, UtcbImage, raw};
use thaw_protocol::Activity;

/// First words of the times in the UTCB: of the receive and of the send phase, or of both.
fn places(activity: &Activity) -> Vec<usize, 2> {
    let (op, timeouts) = (Selector(activity.selector).op(), Timeouts(activity.timeouts));
    let mut places = Vec::new();
    let phases = [(op.receives(), timeouts.receive()), (op.sends(), timeouts.send())];
    for (_, Timeout(bits)) in phases.iter().filter(|(happens, time)| *happens && time.is_absolute()) {
        let register = usize::from(bits & 0x3f);
        let place = raw::THAW_UTCB_BR_WORD as usize + register;
        // What would lie behind the buffer registers is no time that the kernel reads.
        if register + 1 < raw::L4_UTCB_GENERIC_BUFFERS_SIZE as usize && !places.contains(&place) {
            let _ = places.push(place);
        }
    }
    places
}

fn time(utcb: &UtcbImage, place: usize) -> u64 {
    u64::from(utcb[place + 1]) << 32 | u64::from(utcb[place])
}

/// How much time is left at `now_us` of the kernel's clock until the last of them, at least 1.
#[must_use]
pub fn left(activity: &Activity, utcb: &UtcbImage, now_us: u64) -> Option<u64> {
    let last = places(activity).iter().map(|place| time(utcb, *place)).max()?;
    Some(last.saturating_sub(now_us).clamp(1, u64::MAX - 1))
}

/// Moves all of them so that the last is over when `left_us` has passed from `now_us` on.
pub fn rebase(activity: &Activity, utcb: &mut UtcbImage, left_us: u64, now_us: u64) {
    let places = places(activity);
    let Some(last) = places.iter().map(|place| time(utcb, *place)).max() else { return };
    let end = now_us.saturating_add(left_us);
    for place in places {
        // A time of 0 may mean something else.
        let moved = end.saturating_sub(last - time(utcb, place)).max(1);
        (utcb[place], utcb[place + 1]) = (moved as u32, (moved >> 32) as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thaw_l4::UTCB_WORDS;

    fn waits(selector: u32, timeouts: u32) -> Activity {
        Activity { selector, timeouts, ..Activity::USER }
    }

    fn utcb(times: &[(usize, u64)]) -> UtcbImage {
        let mut utcb = [7; UTCB_WORDS];
        for (register, us) in times {
            let place = raw::THAW_UTCB_BR_WORD as usize + register;
            (utcb[place], utcb[place + 1]) = (*us as u32, (*us >> 32) as u32);
        }
        utcb
    }

    #[test]
    fn what_is_left_stays_left_by_another_clock() {
        let sleep = waits(0x802, 0x8003);
        let mut image = utcb(&[(3, 5 << 32)]);
        let left = left(&sleep, &image, (5 << 32) - 1_000).expect("absolute");
        assert_eq!(left, 1_000);
        rebase(&sleep, &mut image, left, 70);
        assert_eq!(image, utcb(&[(3, 1_070)]), "and nothing else changes");
    }

    #[test]
    fn both_phases_keep_their_distance() {
        let call = waits(0x20_0003, 0x8000_8002);
        let mut image = utcb(&[(0, 9_000), (2, 9_500)]);
        let left = left(&call, &image, 8_000).expect("absolute");
        rebase(&call, &mut image, left, 100_000);
        assert_eq!(image, utcb(&[(0, 101_000), (2, 101_500)]));
        let same = waits(0x20_0003, 0x8002_8002);
        let mut image = utcb(&[(2, 9_500)]);
        rebase(&same, &mut image, 10, 20);
        assert_eq!(image, utcb(&[(2, 30)]), "one time for both is moved once");
    }

    #[test]
    fn only_what_the_system_call_uses_counts() {
        let image = utcb(&[(0, 9_000)]);
        for (selector, timeouts) in
            [(0x802, 0x8000_0000), (0x20_0001, 0x8000), (0x802, 0x3ff), (0x802, 0x803f)]
        {
            assert_eq!(left(&waits(selector, timeouts), &image, 5), None, "{selector:#x} {timeouts:#x}");
        }
    }

    #[test]
    fn what_is_over_stays_over_and_for_ever_stays_for_ever() {
        let sleep = waits(0x802, 0x8000);
        let mut image = utcb(&[(0, 500)]);
        assert_eq!(left(&sleep, &image, 90_000), Some(1));
        rebase(&sleep, &mut image, 1, 0);
        assert_eq!(image, utcb(&[(0, 1)]));
        let far = utcb(&[(0, u64::MAX)]);
        assert_eq!(left(&sleep, &far, 0), Some(u64::MAX - 1), "all ones mean for ever in an image");
    }
}
