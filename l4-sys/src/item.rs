//! Typed items: what a sender maps, what a receiver accepts, what arrived.

use crate::{CapIndex, Fpage, raw};

/// A send item, two message registers. Corresponds to `l4_snd_fpage_t`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct SendItem {
    /// Hot spot, attributes and item bits.
    pub base: u32,
    /// What is mapped.
    pub fpage: Fpage,
}

impl SendItem {
    /// Names an object for a kernel operation (a thread to bind, a task to map from).
    #[must_use]
    pub const fn object(cap: CapIndex) -> Self {
        Self { base: raw::L4_ITEM_MAP, fpage: Fpage::object(cap, raw::L4_CAP_FPAGE_RWSD) }
    }

    /// Maps one capability with `rights`; `attr` is a combination of `raw::THAW_ITEM_*`.
    #[must_use]
    pub const fn capability(cap: CapIndex, rights: u32, attr: u32) -> Self {
        Self { base: raw::L4_ITEM_MAP | (attr & 0xf0), fpage: Fpage::object(cap, rights) }
    }

    /// Maps memory; the receiver puts it at `hot_spot` if its window allows.
    #[must_use]
    pub const fn memory(hot_spot: u32, fpage: Fpage, attr: u32) -> Self {
        Self { base: (hot_spot & !0xfff) | raw::L4_ITEM_MAP | (attr & 0xf0), fpage }
    }
}

/// A one-word receive buffer for a capability, one buffer register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct RecvBuffer(pub u32);

impl RecvBuffer {
    /// Accepts one capability into `slot`.
    #[must_use]
    pub const fn capability(slot: CapIndex) -> Self {
        Self(slot.word() | raw::L4_RCV_ITEM_SINGLE_CAP)
    }

    /// Like [`capability`](Self::capability), but a gate bound to a thread of the receiver's own task
    /// arrives as its label and no slot is filled.
    #[must_use]
    pub const fn capability_or_label(slot: CapIndex) -> Self {
        Self(slot.word() | raw::L4_RCV_ITEM_SINGLE_CAP | raw::L4_RCV_ITEM_LOCAL_ID)
    }
}

/// What arrived for an item: the two words the kernel leaves in the receiver's message registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct ReturnItem {
    /// Type bits.
    pub base: u32,
    /// Label and rights of a local gate, else the flexpage that was mapped.
    pub data: u32,
}

impl ReturnItem {
    /// Label with rights bits of a gate bound in the receiver's own task.
    #[must_use]
    pub const fn local_label(self) -> Option<u32> {
        if self.base & 0x3f == raw::THAW_RETURN_LOCAL_ID { Some(self.data) } else { None }
    }

    /// Whether a capability was mapped. Revision G answers the same when nothing was, so the
    /// caller has to ask the slot (`cap_valid`).
    #[must_use]
    pub const fn may_be_mapped(self) -> bool {
        self.base & 0x3f == raw::THAW_RETURN_MAPPED
    }
}
