//! Slots of root's own capability space.

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
    /// No word before this one has a free slot.
    hint: usize,
}

impl Slots {
    /// All free.
    #[must_use]
    pub const fn new() -> Self {
        Self { used: [0; WORDS], in_use: 0, hint: 0 }
    }

    /// Takes the lowest free slot.
    pub fn alloc(&mut self) -> Option<CapIndex> {
        let at = (self.hint..WORDS).find(|w| self.used[*w] != u32::MAX)?;
        let bit = self.used[at].trailing_ones();
        self.used[at] |= 1 << bit;
        self.hint = at;
        self.in_use += 1;
        Some(CapIndex(FIRST + at as u32 * 32 + bit))
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
        self.hint = self.hint.min((n / 32) as usize);
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
    fn the_lowest_free_slot_comes_first_and_all_are_reachable() {
        let mut slots = Slots::new();
        for n in 0..COUNT {
            assert_eq!(slots.alloc(), Some(CapIndex(FIRST + n)));
        }
        assert_eq!(slots.alloc(), None);
        slots.free(CapIndex(FIRST + 70));
        slots.free(CapIndex(FIRST + 3));
        assert_eq!(slots.in_use(), COUNT - 2);
        assert_eq!(slots.alloc(), Some(CapIndex(FIRST + 3)));
        assert_eq!(slots.alloc(), Some(CapIndex(FIRST + 70)));
    }

    #[test]
    fn a_run_is_in_a_row() {
        let mut slots = Slots::new();
        let taken: std::vec::Vec<_> = (0..40).map(|_| slots.alloc().expect("room")).collect();
        slots.free(taken[10]);
        slots.free(taken[30]);
        assert_eq!(slots.alloc_run(64), Some(CapIndex(FIRST + 40)));
        assert_eq!(slots.alloc_run(1), Some(taken[10]));
        assert_eq!(slots.alloc(), Some(taken[30]));
        assert_eq!(slots.alloc(), Some(CapIndex(FIRST + 104)));
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
