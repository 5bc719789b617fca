//! A hash chain over a heap: each step depends on all earlier ones and verifies what they stored.
//!
//! The heap is divided into [`CELLS`] cells, so that one round visits every page whatever the heap's
//! size. A cell holds pairs of a link and its check word; round `r` rewrites pair `r % pairs` of every
//! cell, after it has verified that pair, written `pairs` rounds ago, and the pair of the last round.
//! A page that is zeroed, older than the registers or swapped with another is found within a round.

use crate::mix::mix;

/// Steps of a round.
pub const CELLS: u32 = 1 << 16;
/// Bytes of a heap at least: two pairs in every cell.
pub const HEAP_BYTES_MIN: u32 = CELLS * 16;
/// Odd, so that a round visits all cells, and far from a divisor of a page.
const STRIDE: u32 = 0x9e35;

/// A link that does not hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BrokenLink {
    /// Byte offset of the check word in the heap.
    pub offset: u32,
    /// What its check word had to be.
    pub expected: u32,
    /// What it is.
    pub got: u32,
}

/// The chain; its last link and its position live here and nowhere else.
#[derive(Debug)]
pub struct Chain<'h> {
    heap: &'h mut [u32],
    cell_words: u32,
    link: u32,
    round: u32,
    /// Words into a cell at which this round's pair lies, and that of the round before: kept, because
    /// the processor may have no instruction to divide.
    pair: u32,
    recent_pair: u32,
    step: u32,
}

impl<'h> Chain<'h> {
    /// Fills the heap and starts. `None` if it has fewer than [`HEAP_BYTES_MIN`] bytes or 4 GiB and more.
    pub fn new(heap: &'h mut [u32], seed: u32) -> Option<Self> {
        let words = u32::try_from(heap.len()).ok().filter(|w| *w >= HEAP_BYTES_MIN / 4)?;
        let cell_words = (words / CELLS) & !1;
        let mut index = 0_u32;
        for _ in 0..CELLS {
            for round in 0..cell_words / 2 {
                let link = index.wrapping_mul(0x9e37_79b9) ^ seed;
                heap[index as usize] = link;
                heap[index as usize + 1] = mix(link, index, round);
                index += 2;
            }
        }
        // Rounds 0 to pairs - 1 are the ones that filled the heap.
        let round = cell_words / 2;
        Some(Self { heap, cell_words, link: seed, round, pair: 0, recent_pair: cell_words - 2, step: 0 })
    }

    /// Takes the next step.
    #[inline]
    pub fn advance(&mut self) -> Result<(), BrokenLink> {
        let cell = self.step.wrapping_mul(STRIDE) % CELLS * self.cell_words;
        let index = cell + self.pair;
        let recent = self.verified(cell + self.recent_pair, self.round - 1)?;
        let oldest = self.verified(index, self.round - self.cell_words / 2)?;
        self.link = mix(self.link ^ oldest, recent, self.step);
        self.heap[index as usize] = self.link;
        self.heap[index as usize + 1] = mix(self.link, index, self.round);
        self.step += 1;
        if self.step == CELLS {
            self.step = 0;
            self.round += 1;
            self.recent_pair = self.pair;
            self.pair = if self.pair + 2 == self.cell_words { 0 } else { self.pair + 2 };
        }
        Ok(())
    }

    #[inline]
    fn verified(&self, index: u32, round: u32) -> Result<u32, BrokenLink> {
        let link = self.heap[index as usize];
        let got = self.heap[index as usize + 1];
        let expected = mix(link, index, round);
        if got == expected { Ok(link) } else { Err(BrokenLink { offset: index * 4 + 4, expected, got }) }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::{vec, vec::Vec};

    use super::*;

    const MIB: usize = 1 << 20;

    fn run(chain: &mut Chain<'_>, steps: u32) -> Result<(), BrokenLink> {
        (0..steps).try_for_each(|_| chain.advance())
    }

    #[test]
    fn holds_for_many_rounds_and_sizes() {
        for bytes in [MIB, 3 * MIB, 3 * MIB + 4096] {
            let mut heap = vec![0; bytes / 4];
            let mut chain = Chain::new(&mut heap, 7).expect("large enough");
            assert_eq!(run(&mut chain, 9 * CELLS), Ok(()));
        }
        assert!(Chain::new(&mut vec![0; MIB / 4 - 1], 7).is_none());
    }

    /// Damages the heap in the middle of a round and returns after how many steps that is found.
    fn found_after(damage: impl Fn(&mut [u32], &[u32])) -> Option<u32> {
        let mut heap: Vec<u32> = vec![0; 2 * MIB / 4];
        let mut chain = Chain::new(&mut heap, 7).expect("large enough");
        run(&mut chain, 5 * CELLS + 1000).expect("holds");
        let before = chain.heap.to_vec();
        run(&mut chain, 2 * CELLS).expect("holds");
        damage(chain.heap, &before);
        (0..4 * CELLS).find(|_| chain.advance().is_err())
    }

    #[test]
    fn a_lost_stale_or_swapped_page_is_found_within_a_round() {
        let page = 123 * 1024..124 * 1024;
        let zeroed = found_after(|heap, _| heap[page.clone()].fill(0));
        let stale = found_after(|heap, before| heap[page.clone()].copy_from_slice(&before[page.clone()]));
        let swapped = found_after(|heap, _| {
            let (low, high) = heap.split_at_mut(200 * 1024);
            low[page.clone()].swap_with_slice(&mut high[..1024]);
        });
        for found in [zeroed, stale, swapped] {
            assert!(found.is_some_and(|steps| steps < CELLS), "{found:?}");
        }
    }

    #[test]
    fn one_changed_word_is_found() {
        assert!(found_after(|heap, _| heap[77_777] ^= 1 << 9).is_some());
    }

    #[test]
    fn lost_registers_are_found() {
        let mut heap = vec![0; MIB / 4];
        let mut chain = Chain::new(&mut heap, 7).expect("large enough");
        run(&mut chain, 3 * CELLS + 5).expect("holds");
        chain.round -= 1;
        assert!(chain.advance().is_err());
    }
}
