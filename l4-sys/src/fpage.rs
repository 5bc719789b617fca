//! Flexpages.

use bit_field::BitField;

use crate::{CapIndex, raw};

/// A flexpage: rights (bits 0-3), type (4-5), order (6-11), page number or capability index (12-31).
///
/// Corresponds to `l4_fpage_t`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(transparent)]
pub struct Fpage(pub u32);

impl Fpage {
    /// A memory flexpage of `1 << order` bytes at `addr`, which must be aligned to it.
    ///
    /// Corresponds to `l4_fpage`; rights are `raw::L4_FPAGE_*`.
    #[must_use]
    pub const fn memory(addr: u32, order: u32, rights: u32) -> Self {
        Self((addr & !0xfff) | ((order & 63) << 6) | (raw::L4_FPAGE_MEMORY << 4) | (rights & 15))
    }

    /// An object flexpage of one capability. Corresponds to `l4_obj_fpage`; rights are `raw::L4_CAP_FPAGE_*`.
    #[must_use]
    pub const fn object(cap: CapIndex, rights: u32) -> Self {
        Self((cap.0 << raw::L4_CAP_SHIFT) | (raw::L4_FPAGE_OBJ << 4) | (rights & 15))
    }

    /// Log2 of the size: bytes for memory, capabilities for objects.
    #[must_use]
    pub fn order(self) -> u32 {
        self.0.get_bits(6..12)
    }

    /// The rights field.
    #[must_use]
    pub fn rights(self) -> u32 {
        self.0.get_bits(0..4)
    }

    /// The type field, `raw::L4_FPAGE_MEMORY` and so on.
    #[must_use]
    pub fn kind(self) -> u32 {
        self.0.get_bits(4..6)
    }

    /// The address of a memory flexpage.
    #[must_use]
    pub const fn addr(self) -> u32 {
        self.0 & !0xfff
    }

    /// The first capability of an object flexpage.
    #[must_use]
    pub const fn cap(self) -> CapIndex {
        CapIndex(self.0 >> raw::L4_CAP_SHIFT)
    }
}
