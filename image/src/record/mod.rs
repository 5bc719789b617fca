//! Saved state, one type per kind of record.
//!
//! These types exist for the image alone: no runtime type is ever written, and their fields keep
//! their place once released. What changes gets a new record version. Every kind pairs the public
//! type with a private `Raw` one that states each byte.

mod activity;
mod ipc;
mod memory;
mod named;
mod object;
mod slot;
mod target;
mod thread;

use core::fmt;

use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

pub use activity::{Activity, Wait};
pub use ipc::{Link, Queued};
pub use memory::{Access, Content, Dataspace, Encoding, Extent, Region};
pub use named::{Object, Role};
pub use object::{External, Gate, Irq};
pub use slot::{Rights, Slot, SlotObject};
pub use target::Target;
pub use thread::{Affinity, Frame, Pager, Thread, ThreadState, Vfp};

use crate::rules::Rules;
use crate::{MAX_PAYLOAD, Refusal};

/// The kind of a record. The numbers are fixed and give the order in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum Kind {
    /// [`Target`].
    Target = 1,
    /// [`External`].
    External = 2,
    /// [`Dataspace`].
    Dataspace = 3,
    /// [`Region`].
    Region = 4,
    /// [`Thread`].
    Thread = 5,
    /// [`Link`].
    Link = 6,
    /// [`Queued`].
    Queued = 7,
    /// [`Gate`].
    Gate = 8,
    /// [`Irq`].
    Irq = 9,
    /// [`Object`].
    Object = 10,
    /// [`Slot`].
    Slot = 11,
    /// [`Extent`].
    Extent = 12,
}

impl Kind {
    /// All kinds in the order of the table.
    pub const ALL: [Self; 12] = [
        Self::Target,
        Self::External,
        Self::Dataspace,
        Self::Region,
        Self::Thread,
        Self::Link,
        Self::Queued,
        Self::Gate,
        Self::Irq,
        Self::Object,
        Self::Slot,
        Self::Extent,
    ];

    /// Returns the number of the kind in an image.
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// Returns the kind with this number.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Target => "target",
            Self::External => "external",
            Self::Dataspace => "dataspace",
            Self::Region => "region",
            Self::Thread => "thread",
            Self::Link => "link",
            Self::Queued => "queued",
            Self::Gate => "gate",
            Self::Irq => "irq",
            Self::Object => "object",
            Self::Slot => "slot",
            Self::Extent => "extent",
        })
    }
}

/// What stands before the payload of every record.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy)]
#[repr(C)]
pub(crate) struct RawHead {
    pub kind: U16,
    pub version: U16,
    pub length: U32,
    pub pd: U32,
    pub index: U32,
}

/// Bytes before the payload of every record.
pub(crate) const HEAD_LEN: usize = size_of::<RawHead>();

/// Which record a rule or a decoder speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// Protection domain the object belongs to; 0 for what belongs to the whole set.
    pub pd: u32,
    /// Number of the object among those of its kind, or of the slot.
    pub index: u32,
}

impl At {
    pub(crate) fn field<T>(
        self,
        kind: Kind,
        field: &'static str,
        value: impl Into<u64>,
    ) -> Result<T, Refusal> {
        Err(Refusal::Field { kind, index: self.index, field, value: value.into() })
    }
}

/// Saved state that has a record of its own. Sealed: the kinds are part of the format.
pub trait Saved: Sized + Copy + sealed::Codec {
    /// Kind of the record.
    const KIND: Kind;
    /// Version of the record, written and read.
    const VERSION: u16 = 1;
}

pub(crate) mod sealed {
    use super::*;

    /// The byte layout and the rules of a kind.
    pub trait Codec {
        /// Bytes of the payload.
        const LENGTH: usize;

        /// Writes the payload to `out`, which has exactly `LENGTH` bytes.
        fn encode(&self, out: &mut [u8]);

        /// Reads the payload from `bytes`, which have exactly `LENGTH` bytes.
        fn decode(at: At, bytes: &[u8]) -> Result<Self, Refusal>
        where
            Self: Sized;

        /// Checks the record against those before it.
        fn check(&self, at: At, rules: &mut Rules) -> Result<(), Refusal>;

        /// Returns the index where the record carries it itself, else the next number is used.
        fn own_index(&self) -> Option<u32> {
            None
        }
    }
}

/// A record of any kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Record {
    /// Protection domain the object belongs to; 0 for what belongs to the whole set.
    pub pd: u32,
    /// Number of the object among those of its kind, or of the slot.
    pub index: u32,
    /// The saved state.
    pub body: Body,
}

macro_rules! bodies {
    ($($kind:ident)*) => {
        /// The saved state of a record.
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[expect(clippy::large_enum_variant, reason = "there is no allocator to box the thread with")]
        pub enum Body {
            $(#[doc = concat!("Of kind [`Kind::", stringify!($kind), "`].")] $kind($kind),)*
        }

        impl Body {
            /// Returns the kind of the record.
            pub const fn kind(&self) -> Kind {
                match self { $(Self::$kind(_) => Kind::$kind,)* }
            }

            pub(crate) fn check(&self, at: At, rules: &mut Rules) -> Result<(), Refusal> {
                use sealed::Codec;
                match self { $(Self::$kind(body) => body.check(at, rules),)* }
            }
        }

        $(
            impl Saved for $kind {
                const KIND: Kind = Kind::$kind;
            }

            const _: () = assert!(<$kind as sealed::Codec>::LENGTH <= MAX_PAYLOAD);
        )*

        /// Returns the payload length of a kind.
        pub(crate) const fn payload_length(kind: Kind) -> usize {
            match kind { $(Kind::$kind => <$kind as sealed::Codec>::LENGTH,)* }
        }

        /// Reads a payload of the right length.
        pub(crate) fn decode(kind: Kind, at: At, payload: &[u8]) -> Result<Body, Refusal> {
            match kind { $(Kind::$kind => decode_exactly::<$kind>(at, payload).map(Body::$kind),)* }
        }
    };
}

bodies!(Target External Dataspace Region Thread Link Queued Gate Irq Object Slot Extent);

/// Decodes and demands that encoding gives the same bytes: so every reserved byte and every
/// operand that the state does not use is zero, without a rule for each.
fn decode_exactly<R: Saved>(at: At, payload: &[u8]) -> Result<R, Refusal> {
    let record = R::decode(at, payload)?;
    let mut again = [0; MAX_PAYLOAD];
    let again = &mut again[..R::LENGTH];
    record.encode(again);
    match again.iter().zip(payload).position(|(a, b)| a != b) {
        Some(i) => Err(Refusal::ReservedBytes { kind: R::KIND, index: at.index, offset: i as u32 }),
        None => Ok(record),
    }
}

/// Returns the raw form of a payload whose length was checked against the kind.
fn raw<T: FromBytes + KnownLayout + Immutable + Unaligned>(
    kind: Kind,
    at: At,
    bytes: &[u8],
) -> Result<&T, Refusal> {
    T::ref_from_bytes(bytes).map_err(|_| Refusal::RecordLength {
        kind,
        index: at.index,
        found: bytes.len() as u32,
        expected: size_of::<T>() as u32,
    })
}

/// An index in an image that may be absent, there `0xffff_ffff`.
fn optional(index: Option<u32>) -> U32 {
    index.unwrap_or(u32::MAX).into()
}

/// Reads what [`optional`] wrote.
fn present(index: U32) -> Option<u32> {
    Some(index.get()).filter(|&i| i != u32::MAX)
}

/// Returns little-endian words.
fn words<const N: usize>(values: &[u32; N]) -> [U32; N] {
    values.map(U32::new)
}

/// Reads what [`words`] wrote.
fn values<const N: usize>(words: &[U32; N]) -> [u32; N] {
    words.map(U32::get)
}
