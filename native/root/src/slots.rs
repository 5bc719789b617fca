//! Slots of root's own capability space.
//!
//! They are given out in turn: one that was given back is not used again before all others were. So whoever noted a
//! thread's slot, as the checkpoint service does, does not find another thread in it soon after.

use thaw_l4::CapIndex;

/// First slot given out; what lies below belongs to the kernel's initial capabilities.
pub const FIRST: u32 = 0x100;
/// Slots there are.
pub const COUNT: u32 = 0x2000;

const WORDS: usize = (COUNT / 32) as usize;

/// Which slots are in use.
pub struct Slots {
    used: [u32; WORDS],
    in_use: u32,
    /// Where the search for a free one begins.
    next: u32,
}

impl Slots {
    /// All free.
    #[must_use]
    pub const fn new() -> Self {
        Self { used: [0; WORDS], in_use: 0, next: 0 }
    }

    /// Takes the free slot that has not been used for longest, or never.
    pub fn alloc(&mut self) -> Option<CapIndex> {
        let n = self.free_from(self.next).or_else(|| self.free_from(0))?;
        self.used[(n / 32) as usize] |= 1 << (n % 32);
        self.next = (n + 1) % COUNT;
        self.in_use += 1;
        Some(CapIndex(FIRST + n))
    }

    fn free_from(&self, start: u32) -> Option<u32> {
        let below = (1 << (start % 32)) - 1;
        let first = (start / 32) as usize;
        let used = |w: usize| if w == first { self.used[w] | below } else { self.used[w] };
        let word = (first..WORDS).find(|w| used(*w) != u32::MAX)?;
        Some(word as u32 * 32 + used(word).trailing_ones())
    }

    /// Takes the lowest `count` free slots in a row.
    pub fn alloc_run(&mut self, count: u32) -> Option<CapIndex> {
        let end = COUNT.checked_sub(count)?;
        let first = (0..=end).find(|n| (*n..n + count).all(|s| !self.is_used(CapIndex(FIRST + s))))?;
        for n in first..first + count {
            self.used[(n / 32) as usize] |= 1 << (n % 32);
        }
        self.in_use += count;
        Some(CapIndex(FIRST + first))
    }

    /// Gives a slot back; the kernel's capability in it is gone already.
    ///
    /// # Panics
    ///
    /// If the slot is not in use: root's books are wrong then.
    pub fn free(&mut self, slot: CapIndex) {
        assert!(self.is_used(slot), "slot freed that is not in use");
        let n = slot.0 - FIRST;
        self.used[(n / 32) as usize] &= !(1 << (n % 32));
        self.in_use -= 1;
    }

    /// Whether the slot was given out.
    #[must_use]
    pub fn is_used(&self, slot: CapIndex) -> bool {
        let Some(n) = slot.0.checked_sub(FIRST) else { return false };
        n < COUNT && self.used[(n / 32) as usize] & (1 << (n % 32)) != 0
    }

    /// Slots in use.
    #[must_use]
    pub fn in_use(&self) -> u32 {
        self.in_use
    }
}

impl Default for Slots {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_used_again_after_all_others() {
        let mut slots = Slots::new();
        for n in 0..COUNT {
            assert_eq!(slots.alloc(), Some(CapIndex(FIRST + n)));
        }
        assert_eq!(slots.alloc(), None);
        for n in [70, 3] {
            slots.free(CapIndex(FIRST + n));
        }
        assert_eq!(slots.in_use(), COUNT - 2);
        assert_eq!(slots.alloc(), Some(CapIndex(FIRST + 3)));
        slots.free(CapIndex(FIRST + 3));
        assert_eq!(slots.alloc(), Some(CapIndex(FIRST + 70)));
        assert_eq!(slots.alloc(), Some(CapIndex(FIRST + 3)), "once round");
    }

    #[test]
    fn a_run_is_in_a_row() {
        let mut slots = Slots::new();
        let taken: std::vec::Vec<_> = (0..40).map(|_| slots.alloc().expect("room")).collect();
        slots.free(taken[10]);
        slots.free(taken[30]);
        assert_eq!(slots.alloc_run(64), Some(CapIndex(FIRST + 40)));
        assert_eq!(slots.alloc_run(1), Some(taken[10]));
        assert_eq!(slots.alloc(), Some(CapIndex(FIRST + 104)));
        assert_eq!(slots.alloc(), Some(CapIndex(FIRST + 105)));
        assert_eq!(slots.in_use(), 105);
        assert_eq!(slots.alloc_run(COUNT), None);
        assert_eq!(slots.alloc_run(u32::MAX), None);
    }

    #[test]
    #[should_panic(expected = "not in use")]
    fn freeing_a_foreign_slot_is_noticed() {
        Slots::new().free(CapIndex(4));
    }
}
