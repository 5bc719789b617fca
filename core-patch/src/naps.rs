//! Sleeps that were interrupted by stops.
//!
//! Each continuation starts a sleep's timeout anew, so a thread that is stopped again and again within its
//! timeout would never wake. But a sleep can end by its timeout only. A thread that is found in the same sleep
//! before the timeout that we started can have expired has not been awake since; so its first stop bounds
//! when it would have woken, and at the first stop after that moment it is woken.

use heapless::Vec;

/// Sleeps that are remembered; the oldest are forgotten first and then last longer.
const SLEEPS: usize = 256;

/// A sleep as the stopped thread shows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sleep {
    /// The core's capability of the thread.
    pub(crate) thread: u32,
    /// Tells it from a thread that had the capability before.
    pub(crate) serial: u32,
    pub(crate) pc: u32,
    pub(crate) sp: u32,
    /// Its timeout in microseconds.
    pub(crate) us: u64,
}

#[derive(Clone, Copy, Debug)]
struct Nap {
    sleep: Sleep,
    /// It would have woken by then.
    deadline: u64,
    /// When it was last continued.
    continued: u64,
}

/// Interrupted sleeps, in microseconds of one clock.
pub(crate) struct Naps {
    naps: Vec<Nap, SLEEPS>,
}

impl Naps {
    pub(crate) const fn new() -> Self {
        Self { naps: Vec::new() }
    }

    /// A thread was found asleep; how long it sleeps on at most, 0 if it would be awake by now.
    pub(crate) fn found(&mut self, sleep: Sleep, now: u64) -> u64 {
        let same = |nap: &Nap| nap.sleep == sleep && now.saturating_sub(nap.continued) < sleep.us;
        let deadline = self.naps.iter().find(|nap| same(nap)).map(|nap| nap.deadline);
        self.forget(sleep.thread);
        let deadline = deadline.unwrap_or(now.saturating_add(sleep.us));
        if deadline > now {
            if self.naps.is_full() {
                self.naps.remove(0);
            }
            // There is room now.
            let _ = self.naps.push(Nap { sleep, deadline, continued: now });
        }
        deadline.saturating_sub(now)
    }

    /// `thread` is continued.
    pub(crate) fn continued(&mut self, thread: u32, now: u64) {
        if let Some(nap) = self.naps.iter_mut().find(|nap| nap.sleep.thread == thread) {
            nap.continued = now;
        }
    }

    /// `thread` was found doing something else.
    pub(crate) fn forget(&mut self, thread: u32) {
        if let Some(at) = self.naps.iter().position(|nap| nap.sleep.thread == thread) {
            self.naps.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLEEP: Sleep = Sleep { thread: 7, serial: 1, pc: 0x1000, sp: 0x2000, us: 1000 };

    #[test]
    fn a_sleep_that_is_stopped_every_now_and_then_ends() {
        let mut naps = Naps::new();
        assert_eq!(naps.found(SLEEP, 5_000), 1000);
        naps.continued(7, 5_100);
        assert_eq!(naps.found(SLEEP, 5_400), 600);
        naps.continued(7, 5_500);
        assert_eq!(naps.found(SLEEP, 5_999), 1);
        naps.continued(7, 5_999);
        assert_eq!(naps.found(SLEEP, 6_050), 0);
        assert_eq!(naps.found(SLEEP, 6_060), 1000, "the next sleep is another one");
    }

    #[test]
    fn a_sleep_that_may_have_ended_is_another_one() {
        let mut naps = Naps::new();
        naps.found(SLEEP, 0);
        naps.continued(7, 100);
        assert_eq!(naps.found(SLEEP, 1_100), 1000, "woke at 1100 and sleeps again, for all we know");
        naps.continued(7, 1_200);
        let deeper = Sleep { sp: 0x1ff0, ..SLEEP };
        assert_eq!(naps.found(deeper, 1_300), 1000);
        naps.forget(7);
        assert_eq!(naps.found(deeper, 1_301), 1000);
    }

    #[test]
    fn a_thread_made_in_the_place_of_one_that_ended_sleeps_its_own_sleep() {
        let mut naps = Naps::new();
        assert_eq!(naps.found(SLEEP, 0), 1000);
        naps.continued(7, 100);
        assert_eq!(naps.found(Sleep { serial: 2, ..SLEEP }, 900), 1000);
    }
}
