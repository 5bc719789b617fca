//! Message tags and selectors, as the kernel reads and writes them.

use l4_sys::raw as abi;

/// A message tag word.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tag(pub u32);

const FLAGS: u32 = 0xf000;

impl Tag {
    /// An error, the rest cleared.
    pub const ERROR: Self = Self(abi::L4_MSGTAG_ERROR);

    /// A tag of a protocol (or label, or negative result).
    #[must_use]
    pub const fn new(label: i32, words: u32, items: u32) -> Self {
        Self((label as u32) << 16 | items << 6 | words)
    }

    /// Untyped words.
    #[must_use]
    pub const fn words(self) -> u32 {
        self.0 & 0x3f
    }

    /// Typed items.
    #[must_use]
    pub const fn items(self) -> u32 {
        self.0 >> 6 & 0x3f
    }

    /// Protocol, label or result.
    #[must_use]
    pub const fn label(self) -> i32 {
        self.0 as i32 >> 16
    }

    /// Whether the error bit is set.
    #[must_use]
    pub const fn is_error(self) -> bool {
        self.0 & abi::L4_MSGTAG_ERROR != 0
    }

    /// With exactly these flags.
    #[must_use]
    pub const fn with_flags(self, flags: u32) -> Self {
        Self(self.0 & !FLAGS | flags & FLAGS)
    }

    /// With the error bit set or cleared, the rest kept.
    #[must_use]
    pub const fn set_error(self, error: bool) -> Self {
        Self(self.0 & !abi::L4_MSGTAG_ERROR | if error { abi::L4_MSGTAG_ERROR } else { 0 })
    }

    /// Whether the VFP state goes along.
    #[must_use]
    pub const fn transfers_vfp(self) -> bool {
        self.0 & abi::L4_MSGTAG_TRANSFER_FPU != 0
    }

    /// Whether the sender is willing to donate its time slice.
    #[must_use]
    pub const fn donates(self) -> bool {
        self.0 & abi::L4_MSGTAG_SCHEDULE == 0
    }
}

/// A destination word: capability index or special selector, and operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Selector(pub u32);

impl Selector {
    /// A call to the capability at `index`.
    #[must_use]
    pub const fn call(index: u32) -> Self {
        Self(index << abi::L4_CAP_SHIFT | abi::L4_SYSF_CALL)
    }

    const fn has(self, bit: u32) -> bool {
        self.0 & bit != 0
    }

    /// Has a send phase.
    #[must_use]
    pub const fn sends(self) -> bool {
        self.has(abi::L4_SYSF_SEND)
    }

    /// Has a receive phase.
    #[must_use]
    pub const fn receives(self) -> bool {
        self.has(abi::L4_SYSF_RECV)
    }

    /// Receives from anyone.
    #[must_use]
    pub const fn open_wait(self) -> bool {
        self.has(abi::L4_SYSF_OPEN_WAIT)
    }

    /// Sends to the remembered caller.
    #[must_use]
    pub const fn replies(self) -> bool {
        self.has(abi::L4_SYSF_REPLY)
    }

    /// No operation bit at all.
    #[must_use]
    pub const fn is_bare(self) -> bool {
        self.0 & 0xf == 0
    }

    /// The invoking thread itself instead of a capability.
    #[must_use]
    pub const fn is_self(self) -> bool {
        self.has(abi::L4_INVALID_CAP_BIT)
    }

    /// The index names a reply slot (revision M).
    #[must_use]
    pub const fn explicit_reply(self) -> bool {
        self.has(abi::THAW_EXPLICIT_REPLY_BIT)
    }

    /// Capability or reply slot index.
    #[must_use]
    pub const fn index(self) -> u32 {
        self.0 >> abi::L4_CAP_SHIFT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags() {
        let t = Tag::new(-2, 2, 1);
        assert_eq!((t.0, t.label(), t.words(), t.items()), (0xfffe_0042, -2, 2, 1));
        assert_eq!(Tag(0x0011_1002).with_flags(abi::L4_MSGTAG_ERROR).0, 0x0011_8002);
        assert!(Tag(0x1000).transfers_vfp() && Tag(0).donates() && !Tag(0x2000).donates());
    }

    #[test]
    fn selectors() {
        let s = Selector(0x80f);
        assert!(
            s.sends() && s.receives() && s.open_wait() && s.replies() && s.is_self() && !s.explicit_reply()
        );
        assert_eq!(Selector::call(0x11).0, 0x11003);
    }
}
