//! Kernel objects of the target, and names of what lies outside of it.

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{At, Kind, optional, present, raw, sealed::Codec};
use crate::rules::Rules;
use crate::{Name, Refusal, Text};

/// A session or service of the outside, bound again by the restorer's policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct External {
    /// Name of the service; not empty.
    pub service: Name,
    /// Label of the session at that service; may be empty.
    pub session: Name,
}

/// An IPC gate. Its number is the index of its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Label that the receiver sees; restored as it is, so that no memory needs an edit.
    pub badge: u32,
    /// Thread that receives, or none.
    pub thread: Option<u32>,
}

/// An IRQ object. Its number is the index of its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Irq {
    /// Label that the receiver sees.
    pub badge: u32,
    /// Thread that receives, or none.
    pub thread: Option<u32>,
    /// Triggers not yet received.
    pub pending: u32,
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct RawExternal {
    service: [u8; 32],
    session: [u8; 32],
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct RawGate {
    badge: U32,
    thread: U32,
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct RawIrq {
    badge: U32,
    thread: U32,
    pending: U32,
}

impl Codec for External {
    const LENGTH: usize = size_of::<RawExternal>();

    fn encode(&self, out: &mut [u8]) {
        let raw = RawExternal { service: *self.service.as_padded(), session: *self.session.as_padded() };
        out.copy_from_slice(raw.as_bytes());
    }

    fn decode(at: At, bytes: &[u8]) -> Result<Self, Refusal> {
        let raw: &RawExternal = raw(Kind::External, at, bytes)?;
        Ok(Self { service: Text::from_padded(raw.service)?, session: Text::from_padded(raw.session)? })
    }

    fn check(&self, at: At, rules: &mut Rules) -> Result<(), Refusal> {
        rules.external(at, self)
    }
}

impl Codec for Gate {
    const LENGTH: usize = size_of::<RawGate>();

    fn encode(&self, out: &mut [u8]) {
        let raw = RawGate { badge: self.badge.into(), thread: optional(self.thread) };
        out.copy_from_slice(raw.as_bytes());
    }

    fn decode(at: At, bytes: &[u8]) -> Result<Self, Refusal> {
        let raw: &RawGate = raw(Kind::Gate, at, bytes)?;
        Ok(Self { badge: raw.badge.get(), thread: present(raw.thread) })
    }

    fn check(&self, at: At, rules: &mut Rules) -> Result<(), Refusal> {
        rules.receiver(Kind::Gate, at, self.thread)
    }
}

impl Codec for Irq {
    const LENGTH: usize = size_of::<RawIrq>();

    fn encode(&self, out: &mut [u8]) {
        let raw =
            RawIrq { badge: self.badge.into(), thread: optional(self.thread), pending: self.pending.into() };
        out.copy_from_slice(raw.as_bytes());
    }

    fn decode(at: At, bytes: &[u8]) -> Result<Self, Refusal> {
        let raw: &RawIrq = raw(Kind::Irq, at, bytes)?;
        Ok(Self { badge: raw.badge.get(), thread: present(raw.thread), pending: raw.pending.get() })
    }

    fn check(&self, at: At, rules: &mut Rules) -> Result<(), Refusal> {
        rules.receiver(Kind::Irq, at, self.thread)
    }
}
