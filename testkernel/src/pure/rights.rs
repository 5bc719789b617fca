//! Rights of capabilities and of memory mappings.

use l4_sys::raw as abi;

/// Attributes of a capability: rights in the low nibble (R 4, W 1, S 2, D 8), then 0x10 "counted"
/// and 0x20..0x80 object-specific; 0x20 of a gate is the server right.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CapAttr(pub u8);

/// Right W of a capability.
pub const CAP_W: u8 = abi::L4_CAP_FPAGE_W as u8;
/// Right S of a capability.
pub const CAP_S: u8 = abi::L4_CAP_FPAGE_S as u8;
/// Right R of a capability, without which nothing is mapped.
pub const CAP_R: u8 = abi::L4_CAP_FPAGE_R as u8;
/// Right D: delete the object.
pub const CAP_D: u8 = abi::L4_CAP_FPAGE_D as u8;

const COUNTED: u8 = 0x10;
const SERVER: u8 = 0x20;

impl CapAttr {
    /// Of the first capability of an object.
    pub const FULL: Self = Self(0xff);

    /// What a send item lets through: rights of its flexpage, the attribute nibble of its first
    /// word, in which 0x10 means "do not count".
    #[must_use]
    pub const fn of_item(rights: u8, word0: u32) -> Self {
        Self(rights & 0xf | (word0 & 0xf0) as u8 ^ COUNTED)
    }

    /// What a copy of a capability with `self` through `mask` has; `None` without R.
    #[must_use]
    pub const fn diminished(self, mask: Self) -> Option<Self> {
        let attr = self.0 & mask.0;
        if attr & CAP_R == 0 { None } else { Some(Self(attr)) }
    }

    /// W and S: what an invocation carries and comparison compares.
    #[must_use]
    pub const fn invoke_rights(self) -> u8 {
        self.0 & (CAP_W | CAP_S)
    }

    /// Whether the object's life depends on it.
    #[must_use]
    pub const fn is_counted(self) -> bool {
        self.0 & COUNTED != 0
    }

    /// Whether it may delete the object.
    #[must_use]
    pub const fn may_delete(self) -> bool {
        self.0 & CAP_D != 0
    }

    /// Whether it speaks to the gate itself rather than to its thread.
    #[must_use]
    pub const fn is_server(self) -> bool {
        self.0 & SERVER != 0
    }
}

/// Right R of a memory mapping.
pub const MEM_R: u8 = abi::L4_FPAGE_RO as u8;
/// Right W of a memory mapping.
pub const MEM_W: u8 = abi::L4_FPAGE_W as u8;
/// Right X of a memory mapping.
pub const MEM_X: u8 = abi::L4_FPAGE_X as u8;
/// All of them.
pub const MEM_RWX: u8 = 7;

/// Cacheability of a memory mapping: index of the memory attribute register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemType {
    /// Write-back cached
    Normal = 0,
    /// Uncached, gathered
    Buffered = 1,
    /// Device
    Uncached = 2,
}

impl MemType {
    /// The type a send item asks for; `None`: as at the sender.
    #[must_use]
    pub const fn of_item(word0: u32) -> Option<Self> {
        if word0 & abi::THAW_MEM_ATTR_SET == 0 {
            None
        } else if word0 & abi::THAW_MEM_NORMAL != 0 {
            Some(Self::Normal)
        } else if word0 & abi::THAW_MEM_BUFFERED != 0 {
            Some(Self::Buffered)
        } else {
            Some(Self::Uncached)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_copy_is_counted_and_has_no_server_right() {
        let copy = CapAttr::FULL.diminished(CapAttr::of_item(0xf, 8)).unwrap();
        assert!(copy.is_counted() && copy.may_delete() && !copy.is_server());
        assert_eq!(copy.invoke_rights(), 3);
    }

    #[test]
    fn weak_and_server_attributes() {
        assert!(!CapAttr::FULL.diminished(CapAttr::of_item(0xf, 0x18)).unwrap().is_counted());
        assert!(CapAttr::FULL.diminished(CapAttr::of_item(0xf, 0x28)).unwrap().is_server());
        let plain = CapAttr::FULL.diminished(CapAttr::of_item(0xf, 8)).unwrap();
        assert!(!plain.diminished(CapAttr::of_item(0xf, 0xf8)).unwrap().is_server(), "it never comes back");
    }

    #[test]
    fn nothing_without_the_read_right() {
        assert_eq!(CapAttr::FULL.diminished(CapAttr::of_item(3, 8)), None);
    }

    #[test]
    fn memory_types() {
        assert_eq!(MemType::of_item(8), None);
        assert_eq!(MemType::of_item(0x38), Some(MemType::Normal));
        assert_eq!(MemType::of_item(0x58), Some(MemType::Buffered));
        assert_eq!(MemType::of_item(0x18), Some(MemType::Uncached));
    }
}
