//! Time: microseconds of the machine, and a PD's own clock ahead of it.

use crate::error::{Error, Result};

/// Microseconds after `ticks` of a counter of `hertz`, without overflow for any 64-bit count.
///
/// A frequency of 0 gives 0: the machine has no counter.
#[must_use]
pub const fn ticks_to_us(ticks: u64, hertz: u32) -> u64 {
    if hertz == 0 {
        return 0;
    }
    let hertz = hertz as u64;
    (ticks / hertz) * 1_000_000 + (ticks % hertz) * 1_000_000 / hertz
}

/// How far a PD's clock is from the machine's: a restored PD goes on from its old time, which may be
/// ahead of this machine's or behind it.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct PdClock {
    ahead_us: i64,
}

impl PdClock {
    /// The machine's time.
    pub const ZERO: Self = Self { ahead_us: 0 };

    /// The PD's time when the machine's is `machine_us`.
    #[must_use]
    pub const fn now(self, machine_us: u64) -> u64 {
        machine_us.saturating_add_signed(self.ahead_us)
    }

    /// Sets the PD's time; forwards only if a thread of the PD may have read it.
    pub const fn set(&mut self, machine_us: u64, pd_us: u64, was_read: bool) -> Result<()> {
        if was_read && pd_us < self.now(machine_us) {
            return Err(Error::ClockBackwards);
        }
        // Of two times below 2^63 microseconds (292 000 years) the distance fits.
        self.ahead_us = pd_us.wrapping_sub(machine_us) as i64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_become_microseconds_without_overflow() {
        assert_eq!(ticks_to_us(62_500_000, 62_500_000), 1_000_000);
        assert_eq!(ticks_to_us(125, 62_500_000), 2);
        assert_eq!(ticks_to_us(u64::MAX, 62_500_000), 295_147_905_179_352_825);
        assert_eq!(ticks_to_us(5, 0), 0);
    }

    #[test]
    fn a_clock_that_was_read_is_only_set_forwards() {
        let mut clock = PdClock::default();
        assert_eq!(clock.now(100), 100);
        assert_eq!(clock.set(100, 5000, true), Ok(()));
        assert_eq!(clock.now(150), 5050);
        assert_eq!(clock.set(150, 5049, true), Err(Error::ClockBackwards));
        assert_eq!(clock.set(150, 5050, true), Ok(()));
    }

    #[test]
    fn a_fresh_clock_may_lie_behind_the_machine() {
        let mut clock = PdClock::default();
        assert_eq!(clock.set(9_000, 1_000, false), Ok(()));
        assert_eq!((clock.now(9_000), clock.now(9_500)), (1_000, 1_500));
        assert_eq!(clock.set(9_500, 1_499, true), Err(Error::ClockBackwards));
    }
}
