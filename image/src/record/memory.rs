//! Memory: what there is, where it is attached, and where its pages stand in the image.

use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{At, Kind, raw, sealed::Codec};
use crate::rules::Rules;
use crate::{Digest, Name, PAGE_SIZE, Refusal, Text};

/// A piece of memory, saved once however many regions attach it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dataspace {
    /// Size in bytes; not 0. The last page may be used in part.
    pub size_bytes: u64,
    /// Where its content comes from.
    pub content: Content,
}

/// Where the content of a dataspace comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Pages of the image.
    Ram,
    /// A module that the restorer has to provide, with exactly this content.
    Rom {
        /// Name of the module; not empty.
        module: Name,
        /// Hash of its bytes.
        hash: Digest,
    },
    /// What is attached in a region map of an RM session, which an object names.
    Managed,
}

impl Dataspace {
    /// Returns the number of pages, a started one counted whole.
    pub const fn page_count(&self) -> u64 {
        self.size_bytes.div_ceil(PAGE_SIZE as u64)
    }
}

/// An attached part of a dataspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// First virtual address; page-aligned.
    pub addr: u32,
    /// Length in bytes; whole pages, not 0.
    pub size_bytes: u32,
    /// Dataspace attached.
    pub dataspace: u32,
    /// Offset in the dataspace; page-aligned.
    pub offset: u64,
    /// How the region may be accessed.
    pub access: Access,
}

/// How a region may be accessed; the bits are those of a memory flexpage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Readable (4).
    pub read: bool,
    /// Writable (2).
    pub write: bool,
    /// Executable (1).
    pub execute: bool,
}

impl Access {
    /// Returns the bits of a memory flexpage.
    pub const fn bits(self) -> u32 {
        (self.read as u32) << 2 | (self.write as u32) << 1 | self.execute as u32
    }

    /// Returns the access with these bits, or nothing if there are unknown ones.
    pub const fn from_bits(bits: u32) -> Option<Self> {
        if bits & !7 != 0 {
            return None;
        }
        Some(Self { read: bits & 4 != 0, write: bits & 2 != 0, execute: bits & 1 != 0 })
    }
}

/// A run of pages of one dataspace, all encoded alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Dataspace of the pages.
    pub dataspace: u32,
    /// First page.
    pub first_page: u32,
    /// Number of pages; not 0, at most [`MAX_EXTENT_PAGES`](crate::MAX_EXTENT_PAGES) if stored.
    pub page_count: u32,
    /// How they are stored.
    pub encoding: Encoding,
    /// Where they stand in the image, 4 KiB aligned; 0 if nothing is stored.
    pub offset: u64,
    /// Bytes stored.
    pub stored_length: u32,
    /// Hash of the bytes stored, or [`Digest::NONE`].
    pub hash: Digest,
}

impl Extent {
    /// A placeholder for tables.
    pub const EMPTY: Self = Self {
        dataspace: 0,
        first_page: 0,
        page_count: 0,
        encoding: Encoding::Zero,
        offset: 0,
        stored_length: 0,
        hash: Digest::NONE,
    };
}

/// How the pages of an extent are stored.
///
/// The numbers 3 (LZ4 block) and 4 (the same pages of the parent image) are reserved and refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// All pages are zero and nothing is stored (1).
    Zero,
    /// The pages as they are (2).
    Raw,
}

impl Encoding {
    /// Returns the number of the encoding in an image.
    pub const fn number(self) -> u32 {
        match self {
            Self::Zero => 1,
            Self::Raw => 2,
        }
    }

    /// Returns the encoding with this number.
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Zero),
            2 => Some(Self::Raw),
            _ => None,
        }
    }
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct RawDataspace {
    size_bytes: U64,
    kind: U32,
    reserved: U32,
    module: [u8; 32],
    hash: [u8; 32],
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct RawRegion {
    addr: U32,
    size_bytes: U32,
    dataspace: U32,
    access: U32,
    offset: U64,
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct RawExtent {
    dataspace: U32,
    first_page: U32,
    page_count: U32,
    encoding: U32,
    offset: U64,
    stored_length: U32,
    reserved: U32,
    hash: [u8; 32],
}

impl Codec for Dataspace {
    const LENGTH: usize = size_of::<RawDataspace>();

    fn encode(&self, out: &mut [u8]) {
        let (kind, module, hash) = match self.content {
            Content::Ram => (1, Name::EMPTY, Digest::NONE),
            Content::Rom { module, hash } => (2, module, hash),
            Content::Managed => (3, Name::EMPTY, Digest::NONE),
        };
        let raw = RawDataspace {
            size_bytes: self.size_bytes.into(),
            kind: kind.into(),
            reserved: 0.into(),
            module: *module.as_padded(),
            hash: hash.0,
        };
        out.copy_from_slice(raw.as_bytes());
    }

    fn decode(at: At, bytes: &[u8]) -> Result<Self, Refusal> {
        let raw: &RawDataspace = raw(Kind::Dataspace, at, bytes)?;
        let content = match raw.kind.get() {
            1 => Content::Ram,
            2 => Content::Rom { module: Text::from_padded(raw.module)?, hash: Digest(raw.hash) },
            3 => Content::Managed,
            other => return at.field(Kind::Dataspace, "kind", other),
        };
        Ok(Self { size_bytes: raw.size_bytes.get(), content })
    }

    fn check(&self, at: At, rules: &mut Rules) -> Result<(), Refusal> {
        rules.dataspace(at, self)
    }
}

impl Codec for Region {
    const LENGTH: usize = size_of::<RawRegion>();

    fn encode(&self, out: &mut [u8]) {
        let raw = RawRegion {
            addr: self.addr.into(),
            size_bytes: self.size_bytes.into(),
            dataspace: self.dataspace.into(),
            access: self.access.bits().into(),
            offset: self.offset.into(),
        };
        out.copy_from_slice(raw.as_bytes());
    }

    fn decode(at: At, bytes: &[u8]) -> Result<Self, Refusal> {
        let raw: &RawRegion = raw(Kind::Region, at, bytes)?;
        let Some(access) = Access::from_bits(raw.access.get()) else {
            return at.field(Kind::Region, "access", raw.access.get());
        };
        Ok(Self {
            addr: raw.addr.get(),
            size_bytes: raw.size_bytes.get(),
            dataspace: raw.dataspace.get(),
            offset: raw.offset.get(),
            access,
        })
    }

    fn check(&self, at: At, rules: &mut Rules) -> Result<(), Refusal> {
        rules.region(at, self)
    }
}

impl Codec for Extent {
    const LENGTH: usize = size_of::<RawExtent>();

    fn encode(&self, out: &mut [u8]) {
        let raw = RawExtent {
            dataspace: self.dataspace.into(),
            first_page: self.first_page.into(),
            page_count: self.page_count.into(),
            encoding: self.encoding.number().into(),
            offset: self.offset.into(),
            stored_length: self.stored_length.into(),
            reserved: 0.into(),
            hash: self.hash.0,
        };
        out.copy_from_slice(raw.as_bytes());
    }

    fn decode(at: At, bytes: &[u8]) -> Result<Self, Refusal> {
        let raw: &RawExtent = raw(Kind::Extent, at, bytes)?;
        let found = raw.encoding.get();
        Ok(Self {
            dataspace: raw.dataspace.get(),
            first_page: raw.first_page.get(),
            page_count: raw.page_count.get(),
            encoding: Encoding::from_number(found).ok_or(Refusal::Encoding { index: at.index, found })?,
            offset: raw.offset.get(),
            stored_length: raw.stored_length.get(),
            hash: Digest(raw.hash),
        })
    }

    fn check(&self, at: At, rules: &mut Rules) -> Result<(), Refusal> {
        rules.extent(at, self)
    }
}
