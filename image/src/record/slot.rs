//! Capability slots: which object, with which rights. Never authority.

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{At, Kind, raw, sealed::Codec};
use crate::Refusal;
use crate::rules::Rules;

/// An occupied slot of the protection domain's capability space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Slot index (bits 12 to 31 of the capability word).
    pub slot: u32,
    /// Object that the capability names.
    pub object: SlotObject,
    /// Badge seen through it, or 0.
    pub badge: u32,
    /// Rights of the capability.
    pub rights: Rights,
}

/// What a capability names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotObject {
    /// A gate of the image.
    Gate(u32),
    /// An IRQ of the image.
    Irq(u32),
    /// A thread of the image.
    Thread(u32),
    /// The gate to the platform's pager that threads of the protection domain fault to.
    PagerGate,
    /// A service of the platform, by its number in docs/target-abi.md.
    Service(u32),
    /// A session of the outside, by the index of its [`External`](super::External).
    External(u32),
    /// The protection domain's own task.
    Task,
    /// The kernel's log.
    Log,
    /// An object of Genode, by the index of its [`Object`](super::Object).
    Object(u32),
}

/// Rights of a capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Rights(u32);

impl Rights {
    /// Object right W.
    pub const W: u32 = 1;
    /// Object right S: passes FPU state and capabilities on.
    pub const S: u32 = 2;
    /// Object right R, without which nothing is mapped.
    pub const R: u32 = 4;
    /// Right to delete the object.
    pub const D: u32 = 8;
    /// The server right of a gate: its holder controls and answers it.
    pub const SERVER: u32 = 0x10;
    /// Put there by the program: the object has another slot, in which the platform put it.
    pub const COPY: u32 = 0x20;
    const ALL: u32 = 0x3f;

    /// Returns the rights with these bits, or nothing if there are unknown ones.
    pub const fn from_bits(bits: u32) -> Option<Self> {
        if bits & !Self::ALL == 0 { Some(Self(bits)) } else { None }
    }

    /// Returns the bits.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Tells whether all of `bits` are there.
    pub const fn has(self, bits: u32) -> bool {
        self.0 & bits == bits
    }
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Raw {
    kind: U32,
    object: U32,
    badge: U32,
    rights: U32,
}

impl SlotObject {
    const fn numbers(self) -> (u32, u32) {
        match self {
            Self::Gate(gate) => (1, gate),
            Self::Irq(irq) => (2, irq),
            Self::Thread(thread) => (3, thread),
            Self::PagerGate => (4, 0),
            Self::Service(service) => (5, service),
            Self::External(external) => (6, external),
            Self::Task => (7, 0),
            Self::Log => (8, 0),
            Self::Object(object) => (9, object),
        }
    }

    const fn from_numbers(kind: u32, object: u32) -> Option<Self> {
        Some(match kind {
            1 => Self::Gate(object),
            2 => Self::Irq(object),
            3 => Self::Thread(object),
            4 => Self::PagerGate,
            5 => Self::Service(object),
            6 => Self::External(object),
            7 => Self::Task,
            8 => Self::Log,
            9 => Self::Object(object),
            _ => return None,
        })
    }
}

impl Codec for Slot {
    const LENGTH: usize = size_of::<Raw>();

    fn encode(&self, out: &mut [u8]) {
        let (kind, object) = self.object.numbers();
        let raw = Raw {
            kind: kind.into(),
            object: object.into(),
            badge: self.badge.into(),
            rights: self.rights.0.into(),
        };
        out.copy_from_slice(raw.as_bytes());
    }

    fn decode(at: At, bytes: &[u8]) -> Result<Self, Refusal> {
        let raw: &Raw = raw(Kind::Slot, at, bytes)?;
        let Some(object) = SlotObject::from_numbers(raw.kind.get(), raw.object.get()) else {
            return at.field(Kind::Slot, "kind", raw.kind.get());
        };
        let Some(rights) = Rights::from_bits(raw.rights.get()) else {
            return at.field(Kind::Slot, "rights", raw.rights.get());
        };
        Ok(Self { slot: at.index, object, badge: raw.badge.get(), rights })
    }

    fn check(&self, at: At, rules: &mut Rules) -> Result<(), Refusal> {
        rules.slot(at, self)
    }

    fn own_index(&self) -> Option<u32> {
        Some(self.slot)
    }
}
