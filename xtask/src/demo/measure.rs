//! From ticks of the virtual counter to instructions and microseconds.

use std::collections::BTreeMap;

/// What is needed to turn ticks into anything else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scale {
    /// Frequency of the counter in hertz.
    pub counter_hz: u64,
    /// QEMU's `-icount shift=N`: an instruction takes `1 << N` virtual nanoseconds.
    pub icount_shift: u32,
}

/// Counter frequency of QEMU's generic timer.
pub const QEMU_COUNTER_HZ: u64 = 62_500_000;

impl Scale {
    /// Reads the shift out of a value of `-icount`; `None` if it is not fixed.
    pub fn of_icount(icount: &str) -> Option<Self> {
        let first = icount.split(',').next()?;
        let shift = first.strip_prefix("shift=").unwrap_or(first).parse().ok()?;
        Some(Self { counter_hz: QEMU_COUNTER_HZ, icount_shift: shift })
    }
}

/// Ticks that the checkpointer measured.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Measures {
    /// The stop: first trigger to end of copying.
    pub stop: Option<u64>,
    /// The restore: verified image to commit.
    pub restore: Option<u64>,
    /// Copying the same bytes by the same routine.
    pub copy: Option<u64>,
    /// Copying the same bytes by the fastest routine known.
    pub copy_fastest: Option<u64>,
    /// How to read ticks; `None` counts them as they are.
    pub scale: Option<Scale>,
}

impl Measures {
    /// Collects the ticks from both runs' summaries.
    pub fn collect(
        before: &BTreeMap<String, String>,
        after: &BTreeMap<String, String>,
        scale: Option<Scale>,
    ) -> Self {
        let ticks = |from: &BTreeMap<String, String>, key: &str| from.get(key).and_then(|v| v.parse().ok());
        Self {
            stop: ticks(before, "stop_ticks"),
            restore: ticks(after, "restore_ticks"),
            copy: ticks(before, "copy_ticks"),
            copy_fastest: ticks(before, "copy_fastest_ticks"),
            scale,
        }
    }

    /// Instructions in that many ticks.
    pub fn instructions(&self, ticks: u64) -> u64 {
        self.scale.map_or(ticks, |s| (ticks * 1_000_000_000 / s.counter_hz) >> s.icount_shift)
    }

    /// Virtual microseconds in that many ticks.
    pub fn microseconds(&self, ticks: u64) -> u64 {
        self.scale.map_or(ticks, |s| ticks * 1_000_000 / s.counter_hz)
    }

    /// How many times a copy of the same bytes that took.
    pub fn ratio(&self, ticks: Option<u64>) -> Option<f64> {
        match (ticks, self.copy) {
            (Some(ticks), Some(copy @ 1..)) => Some(ticks as f64 / copy as f64),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_become_instructions() {
        let scale = Scale::of_icount("shift=2,sleep=off");
        assert_eq!(scale, Some(Scale { counter_hz: QEMU_COUNTER_HZ, icount_shift: 2 }));
        let measures = Measures { copy: Some(50), scale, ..Measures::default() };
        // A tick is 16 ns, an instruction 4 ns.
        assert_eq!((measures.instructions(1000), measures.microseconds(1000)), (4000, 16));
        assert_eq!(measures.ratio(Some(100)), Some(2.0));
        assert_eq!(Scale::of_icount("auto"), None);
        assert_eq!(Measures::default().ratio(Some(1)), None);
    }
}
