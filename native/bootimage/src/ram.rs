//! Which RAM user space may have: what the running kernel's memory descriptors leave.

use crate::kernel::{Descriptor, memory};

/// Descriptors that can be reserved memory; more than any kernel has room for.
const RESERVED_MAX: usize = 64;
/// Log2 of a page's bytes.
const PAGE_ORDER: u32 = 12;

/// RAM and the parts of it that only the kernel may write.
#[derive(Clone, Copy, Debug)]
pub struct RamMap {
    start: u32,
    last: u32,
    reserved: [(u32, u32); RESERVED_MAX],
    count: usize,
}

/// A naturally aligned part of RAM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Block {
    /// First address.
    pub base: u32,
    /// Log2 of its bytes.
    pub order: u32,
    /// Whether user space may write it.
    pub writable: bool,
}

impl RamMap {
    /// RAM from `start` to `last`, inclusive, without anything reserved.
    #[must_use]
    pub const fn new(start: u32, last: u32) -> Self {
        Self { start, last, reserved: [(0, 0); RESERVED_MAX], count: 0 }
    }

    /// Notes a memory descriptor of the kernel; other kinds than reserved ones change nothing.
    /// False: the table is full.
    #[must_use]
    pub fn note(&mut self, d: Descriptor) -> bool {
        if d.kind != memory::RESERVED || d.last < self.start || d.start > self.last {
            return true;
        }
        let Some(slot) = self.reserved.get_mut(self.count) else { return false };
        *slot = (d.start, d.last);
        self.count += 1;
        true
    }

    /// Whether any address of the inclusive range is RAM.
    #[must_use]
    pub const fn overlaps(&self, first: u32, last: u32) -> bool {
        first <= self.last && last >= self.start
    }

    /// The largest block around `address`, up to `1 << max_order` bytes, that lies in RAM and holds
    /// nothing reserved; a reserved page alone is read-only. `None`: no RAM.
    #[must_use]
    pub fn block(&self, address: u32, max_order: u32) -> Option<Block> {
        let range = |order: u32| {
            let mask = (1_u32 << order) - 1;
            (address & !mask, address | mask)
        };
        let (page, page_last) = range(PAGE_ORDER);
        if page < self.start || page_last > self.last {
            return None;
        }
        let free = (PAGE_ORDER..=max_order).rev().find(|order| {
            let (first, last) = range(*order);
            let reserved = &self.reserved[..self.count];
            first >= self.start && last <= self.last && reserved.iter().all(|r| last < r.0 || first > r.1)
        });
        Some(match free {
            Some(order) => Block { base: range(order).0, order, writable: true },
            None => Block { base: page, order: PAGE_ORDER, writable: false },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map() -> RamMap {
        let mut map = RamMap::new(0x4000_0000, 0x4fff_ffff);
        for (start, last, kind) in [
            (0x4000_1000, 0x4008_ffff, memory::RESERVED),
            (0x4f30_0000, 0x4fff_ffff, memory::RESERVED),
            (0x4100_0000, 0x4100_ffff, memory::SIGMA0),
            (0x0000_0000, 0x3fff_ffff, memory::RESERVED),
        ] {
            assert!(map.note(Descriptor { start, last, kind }));
        }
        map
    }

    #[test]
    fn gives_large_blocks_but_never_the_kernel() {
        let block = |base, order, writable| Some(Block { base, order, writable });
        assert_eq!(map().block(0x4123_4567, 21), block(0x4120_0000, 21, true));
        assert_eq!(map().block(0x4000_2abc, 21), block(0x4000_2000, 12, false), "kernel page");
        assert_eq!(map().block(0x4000_0000, 21), block(0x4000_0000, 12, true), "page before the kernel");
        assert_eq!(map().block(0x4f2f_ffff, 21), block(0x4f20_0000, 20, true), "up to the kernel's heap");
        assert_eq!(map().block(0x4100_0000, 21), block(0x4100_0000, 21, true), "sigma0 is root's to see");
        assert_eq!(map().block(0x3fff_ffff, 21), None);
        assert_eq!(map().block(0x5000_0000, 21), None);
    }

    #[test]
    fn says_when_it_is_full() {
        let mut map = RamMap::new(0x4000_0000, 0x4fff_ffff);
        let page = Descriptor::pages(0x4000_0000, 0x4000_0fff, memory::RESERVED);
        for _ in 0..RESERVED_MAX {
            assert!(map.note(page));
        }
        assert!(!map.note(page));
    }
}
