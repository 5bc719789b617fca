//! The protection domain as a whole.

use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{At, Kind, raw, sealed::Codec};
use crate::rules::Rules;
use crate::{Abi, Name, Refusal, Text};

/// A protection domain: its name, quota and clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Name of the protection domain; not empty.
    pub name: Name,
    /// Kernel interface it was written for; the same as in the header.
    pub abi: Abi,
    /// Quota in pages of 4 KiB.
    pub quota_pages: u32,
    /// Badge of the protection domain at its services.
    pub badge: u32,
    /// Virtual clock of the target at the checkpoint in microseconds.
    pub clock_us: u64,
    /// Number of the checkpoint in the life of the target.
    pub generation: u64,
    /// How many times the target was restored up to here.
    pub clones: u32,
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Raw {
    name: [u8; 32],
    abi: U32,
    quota_pages: U32,
    badge: U32,
    clones: U32,
    clock_us: U64,
    generation: U64,
}

impl Codec for Target {
    const LENGTH: usize = size_of::<Raw>();

    fn encode(&self, out: &mut [u8]) {
        let raw = Raw {
            name: *self.name.as_padded(),
            abi: u32::from(self.abi.number()).into(),
            quota_pages: self.quota_pages.into(),
            badge: self.badge.into(),
            clones: self.clones.into(),
            clock_us: self.clock_us.into(),
            generation: self.generation.into(),
        };
        out.copy_from_slice(raw.as_bytes());
    }

    fn decode(at: At, bytes: &[u8]) -> Result<Self, Refusal> {
        let raw: &Raw = raw(Kind::Target, at, bytes)?;
        let abi = u16::try_from(raw.abi.get()).ok().and_then(Abi::from_number);
        Ok(Self {
            name: Text::from_padded(raw.name)?,
            abi: match abi {
                Some(abi) => abi,
                None => return at.field(Kind::Target, "abi", raw.abi.get()),
            },
            quota_pages: raw.quota_pages.get(),
            badge: raw.badge.get(),
            clones: raw.clones.get(),
            clock_us: raw.clock_us.get(),
            generation: raw.generation.get(),
        })
    }

    fn check(&self, at: At, rules: &mut Rules) -> Result<(), Refusal> {
        rules.target(at, self)
    }
}
