//! When a stop begins, as fine as an instruction.
//!
//! A stop begins with a tick of the kernel. The target outranks nobody here, so it is stopped at the
//! instruction that it has reached by then; and how far it gets is chosen: the checkpointer keeps the
//! processor for a while after one tick and leaves the rest of the time to the next tick to the target.
//! Most of these windows are short, from a few instructions on, because what threads do right after they
//! were woken is where their system calls are; some are long, so that threads are found asleep.

use crate::host::Host;

/// Microseconds between two ticks of the kernel.
const TICK_US: u64 = 1000;

/// When a stop begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pause {
    /// How much of a tick the target does not run at first, in parts of 1 << 16.
    pub held: u32,
    /// A few instructions more.
    pub spins: u32,
    /// Ticks after the first that the target runs.
    pub ticks: u32,
}

impl Pause {
    /// Before stop number `n`.
    #[must_use]
    pub fn of(seed: u32, n: u32) -> Self {
        let r = scramble(seed ^ scramble(n));
        let more = scramble(r);
        // Windows of all sizes are equally frequent: from 1/1024 of a tick to nearly all of it.
        let window =
            (1 << (6 + r % 10)) + (more & 0x3f) + if r & 0x100 != 0 { more >> 7 & 0x3fff } else { 0 };
        let ticks = match r >> 18 & 3 {
            0 | 1 => 0,
            2 => 1 + (r >> 20) % 5,
            _ => 6 + (r >> 20) % 36,
        };
        Self { held: 0xffff - window.min(0xfff0), spins: more >> 24 & 0x1f, ticks }
    }

    /// Lets the target run.
    pub fn make<H: Host>(self, host: &H) {
        // To a tick first, so that what follows is measured from there.
        host.pause(0, 0, 1);
        let tick = u64::from(host.counter_hz()) * TICK_US / 1_000_000;
        host.pause((tick * u64::from(self.held)) >> 16, self.spins, 1 + self.ticks * TICK_US as u32);
    }
}

const fn scramble(mut h: u32) -> u32 {
    h = h.wrapping_add(0x9e37_79b9);
    h = (h ^ h >> 16).wrapping_mul(0x7feb_352d);
    h = (h ^ h >> 15).wrapping_mul(0x846c_a68b);
    h ^ h >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_follow_from_the_seed_and_leave_some_time() {
        let pauses = |seed| (0..2_000).map(move |n| Pause::of(seed, n));
        assert!(pauses(1).eq(pauses(1)));
        assert!(!pauses(1).eq(pauses(2)));
        for pause in pauses(3) {
            assert!(pause.held < 0x1_0000 && pause.ticks < 42, "{pause:?}");
        }
        let short = pauses(4).filter(|p| p.held > 0xfe00 && p.ticks == 0).count();
        let long = pauses(4).filter(|p| p.held < 0x8000).count();
        assert!(short > 100 && long > 50, "{short} {long}");
    }
}
