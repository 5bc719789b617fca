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

/// How far a PD's clock is ahead of the machine's: a restored PD goes on from its old time.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct PdClock {
    ahead_us: u64,
}

impl PdClock {
    /// The machine's time.
    pub const ZERO: Self = Self { ahead_us: 0 };

    /// The PD's time when the machine's is `machine_us`.
    #[must_use]
    pub const fn now(self, machine_us: u64) -> u64 {
        machine_us.saturating_add(self.ahead_us)
    }

    /// Sets the PD's time, forwards only.
    pub const fn set(&mut self, machine_us: u64, pd_us: u64) -> Result<()> {
        if pd_us < self.now(machine_us) {
            return Err(Error::ClockBackwards);
        }
        self.ahead_us = pd_us - machine_us;
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
    fn a_clock_is_only_set_forwards() {
        let mut clock = PdClock::default();
        assert_eq!(clock.now(100), 100);
        assert_eq!(clock.set(100, 5000), Ok(()));
        assert_eq!(clock.now(150), 5050);
        assert_eq!(clock.set(150, 5049), Err(Error::ClockBackwards));
        assert_eq!(clock.set(150, 5050), Ok(()));
        assert_eq!(clock.set(150, u64::MAX), Ok(()));
        assert_eq!(clock.now(u64::MAX), u64::MAX);
    }
}
