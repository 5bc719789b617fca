//! Flexpage arithmetic: which part of a send flexpage goes where.

use l4_sys::raw as abi;

/// A flexpage word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flexpage(pub u32);

/// What a flexpage names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Type 0 with order 63: everything.
    AllSpaces,
    /// Memory
    Memory,
    /// Capability slots
    Object,
    /// I/O ports, or type 0 of another order: not on this machine.
    Other,
}

/// A contiguous transfer: `1 << order` units from `from` to `to`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// First unit at the sender.
    pub from: u32,
    /// First unit at the receiver.
    pub to: u32,
    /// Size as a power of two.
    pub order: u32,
}

impl Flexpage {
    /// Everything, full rights.
    pub const ALL: Self = Self(abi::L4_WHOLE_ADDRESS_SPACE << 6 | 0xf);

    /// Low nibble.
    #[must_use]
    pub const fn rights(self) -> u8 {
        (self.0 & 0xf) as u8
    }

    /// Kind of space.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self.0 >> 4 & 3 {
            0 if self.order() == abi::L4_WHOLE_ADDRESS_SPACE => Kind::AllSpaces,
            abi::L4_FPAGE_MEMORY => Kind::Memory,
            abi::L4_FPAGE_OBJ => Kind::Object,
            _ => Kind::Other,
        }
    }

    /// Size as a power of two, as given.
    #[must_use]
    pub const fn order(self) -> u32 {
        self.0 >> 6 & 0x3f
    }

    /// Index of a capability slot, unaligned.
    #[must_use]
    pub const fn index(self) -> u32 {
        self.0 >> 12
    }

    /// First byte of a memory flexpage and its order (12 to 32); `None` below page size.
    #[must_use]
    pub const fn memory(self) -> Option<(u32, u32)> {
        let order = self.order();
        if matches!(self.kind(), Kind::AllSpaces) || order >= 32 {
            return Some((0, 32));
        }
        if order < 12 { None } else { Some((align(self.0, order), order)) }
    }

    /// First slot of an object flexpage and its order (0 to 20).
    #[must_use]
    pub const fn slots(self) -> (u32, u32) {
        let order = self.order();
        if matches!(self.kind(), Kind::AllSpaces) || order >= 20 {
            return (0, 20);
        }
        (align(self.index(), order), order)
    }
}

/// `value` rounded down to a multiple of `1 << order`.
#[must_use]
pub const fn align(value: u32, order: u32) -> u32 {
    if order >= 32 { 0 } else { value & !((1 << order) - 1) }
}

/// Fits a send window and a receive window together. The larger of the two is narrowed to the size
/// of the smaller one; the hot spot says which part of it.
#[must_use]
pub const fn fit(from: (u32, u32), to: (u32, u32), hot_spot: u32) -> Window {
    let ((from, from_order), (to, to_order)) = (from, to);
    if from_order > to_order {
        let inside = hot_spot - align(hot_spot, from_order);
        Window { from: from.wrapping_add(align(inside, to_order)), to, order: to_order }
    } else {
        let inside = hot_spot - align(hot_spot, to_order);
        Window { from, to: to.wrapping_add(align(inside, from_order)), order: from_order }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(addr: u32, order: u32) -> Flexpage {
        Flexpage(addr | order << 6 | 1 << 4 | 7)
    }

    #[test]
    fn a_page_goes_to_its_hot_spot() {
        let w = fit(memory(0x5000, 12).memory().unwrap(), Flexpage::ALL.memory().unwrap(), 0x7123_4000);
        assert_eq!(w, Window { from: 0x5000, to: 0x7123_4000, order: 12 });
    }

    #[test]
    fn a_larger_flexpage_keeps_its_alignment_at_the_receiver() {
        let w = fit(memory(0x4120_0000, 21).memory().unwrap(), Flexpage::ALL.memory().unwrap(), 0x4123_4000);
        assert_eq!(w, Window { from: 0x4120_0000, to: 0x4120_0000, order: 21 });
    }

    #[test]
    fn a_small_receive_window_takes_the_part_at_the_hot_spot() {
        let w =
            fit(memory(0x4120_0000, 21).memory().unwrap(), memory(0x9000, 12).memory().unwrap(), 0x0003_4000);
        assert_eq!(w, Window { from: 0x4123_4000, to: 0x9000, order: 12 });
    }

    #[test]
    fn slots_are_aligned() {
        assert_eq!(Flexpage(0x105 << 12 | 2 << 6 | 3 << 4).slots(), (0x104, 2));
        assert_eq!(Flexpage::ALL.slots(), (0, 20));
    }

    #[test]
    fn below_page_size_is_nothing() {
        assert_eq!(memory(0x1000, 11).memory(), None);
        assert_eq!(memory(0, 40).memory(), Some((0, 32)));
    }
}
