//! The header: readable alone, covered by its own hash.

use core::mem::offset_of;

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::{Digest, HEADER_BLOCK, KernelName, MAX_TABLE, Name, PAGE_SIZE, Refusal, Text};

/// Major version written and read.
pub const MAJOR: u16 = 1;
/// The newest minor version read. Written is the oldest that has all kinds of records of the image.
pub const MINOR: u16 = 4;
/// First bytes of every image, in every version.
pub const MAGIC: [u8; 8] = *b"THAWIMG\x1a";
/// Bytes of the header proper; the rest of the header block is zero.
pub const HEADER_LEN: usize = 512;

/// The machine whose registers and pages an image holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// 32-bit ARM (ARMv7-A) with VFP and 4 KiB pages.
    Arm32,
}

/// The revision of the kernel's binary interface that saved frames and system calls follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abi {
    /// The 2019 revision: system calls by a jump to 0xfffffff4.
    G,
    /// The 2026 revision: system calls by `svc #0`.
    M,
}

impl Abi {
    /// Returns the number that stands for the revision in an image.
    pub const fn number(self) -> u16 {
        match self {
            Self::G => 1,
            Self::M => 2,
        }
    }

    /// Returns the revision with this number.
    pub const fn from_number(number: u16) -> Option<Self> {
        match number {
            1 => Some(Self::G),
            2 => Some(Self::M),
            _ => None,
        }
    }
}

impl Architecture {
    /// Returns the number that stands for the architecture in an image.
    pub const fn number(self) -> u16 {
        match self {
            Self::Arm32 => 1,
        }
    }

    /// Returns the architecture with this number.
    pub const fn from_number(number: u16) -> Option<Self> {
        match number {
            1 => Some(Self::Arm32),
            _ => None,
        }
    }
}

/// What else is true of an image. Unknown bits are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Flags {
    /// The target went on running after the checkpoint: restoring makes a twin (bit 0).
    pub left_running: bool,
}

impl Flags {
    const LEFT_RUNNING: u32 = 1;

    fn bits(self) -> u32 {
        if self.left_running { Self::LEFT_RUNNING } else { 0 }
    }

    fn from_bits(bits: u32) -> Result<Self, Refusal> {
        if bits & !Self::LEFT_RUNNING != 0 {
            return Err(Refusal::HeaderField { field: "flags", value: bits.into() });
        }
        Ok(Self { left_running: bits & Self::LEFT_RUNNING != 0 })
    }
}

/// What the maker of an image states about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Machine of the target.
    pub architecture: Architecture,
    /// Kernel interface of the target.
    pub abi: Abi,
    /// Number of the board; the name is what is shown.
    pub board_id: u32,
    /// Name of the board, for instance `virt`.
    pub board: Name,
    /// Name of the target.
    pub target: Name,
    /// Version string of the kernel; informational.
    pub kernel: KernelName,
    /// Number of the checkpoint in the life of the target, from 1.
    pub generation: u64,
    /// Header hash of the image that this one builds on, or [`Digest::NONE`].
    pub parent: Digest,
    /// Kernel clock at the checkpoint in microseconds since boot.
    pub clock_us: u64,
    /// Further properties.
    pub flags: Flags,
}

/// The header of an image, checked by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Minor version of the format.
    pub minor: u16,
    /// What the maker states.
    pub identity: Identity,
    /// Bytes of the whole image, header block included.
    pub total_length: u64,
    /// Where the record table starts.
    pub table_offset: u64,
    /// Bytes of the record table without padding.
    pub table_length: u64,
    /// Records of the table.
    pub record_count: u32,
    /// Hash of the record table.
    pub table_hash: Digest,
    /// Hash of the header: the identity of the image, which a child names as its parent.
    pub hash: Digest,
}

/// The header as it stands in an image.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Raw {
    magic: [u8; 8],
    major: U16,
    minor: U16,
    header_length: U32,
    architecture: U16,
    abi: U16,
    page_shift: U32,
    flags: U32,
    board_id: U32,
    board: [u8; 32],
    target: [u8; 32],
    kernel: [u8; 64],
    generation: U64,
    clock_us: U64,
    total_length: U64,
    table_offset: U64,
    table_length: U64,
    record_count: U32,
    reserved_word: U32,
    parent: [u8; 32],
    table_hash: [u8; 32],
    reserved: [u8; 176],
    header_hash: [u8; 32],
    /// For a keyed hash over all before it, once keys exist. Zero in 1.0.
    keyed_hash: [u8; 32],
}

const _: () = assert!(size_of::<Raw>() == HEADER_LEN);
const HASHED: usize = offset_of!(Raw, header_hash);

impl Header {
    /// Reads the header from `block`, the first 512 to 4096 bytes of an image.
    ///
    /// Checks, in this order: magic, major and minor version, header hash, every field, and that
    /// the bytes after the hash are zero. Does not look beyond `block`.
    pub fn parse(block: &[u8]) -> Result<Self, Refusal> {
        if let Some(&found) = block.first_chunk().filter(|&&found| found != MAGIC) {
            return Err(Refusal::NotAnImage { found });
        }
        let (raw, rest) = Raw::ref_from_prefix(block)
            .map_err(|_| Refusal::Truncated { needed: HEADER_BLOCK as u64, available: block.len() as u64 })?;
        raw.check_version()?;
        if Digest::of(&block[..HASHED]).0 != raw.header_hash {
            return Err(Refusal::HeaderDamaged);
        }
        let unused = raw.keyed_hash.iter().chain(rest).position(|&b| b != 0);
        if let Some(i) = unused {
            return Err(Refusal::Padding { offset: (offset_of!(Raw, keyed_hash) + i) as u64 });
        }
        raw.decode()
    }

    /// Returns the header block that stands at the start of an image.
    ///
    /// The stated [`hash`](Self::hash) is ignored and computed anew.
    pub fn to_block(&self) -> [u8; HEADER_BLOCK] {
        let mut block = [0; HEADER_BLOCK];
        block[..HEADER_LEN].copy_from_slice(self.encode().as_bytes());
        block
    }

    /// Returns the header with its hash filled in.
    pub(crate) fn sealed(mut self) -> Self {
        self.hash = Digest(self.encode().header_hash);
        self
    }

    fn encode(&self) -> Raw {
        let id = &self.identity;
        let mut raw = Raw {
            magic: MAGIC,
            major: MAJOR.into(),
            minor: self.minor.into(),
            header_length: (HEADER_LEN as u32).into(),
            architecture: id.architecture.number().into(),
            abi: id.abi.number().into(),
            page_shift: PAGE_SIZE.trailing_zeros().into(),
            flags: id.flags.bits().into(),
            board_id: id.board_id.into(),
            board: *id.board.as_padded(),
            target: *id.target.as_padded(),
            kernel: *id.kernel.as_padded(),
            generation: id.generation.into(),
            clock_us: id.clock_us.into(),
            total_length: self.total_length.into(),
            table_offset: self.table_offset.into(),
            table_length: self.table_length.into(),
            record_count: self.record_count.into(),
            reserved_word: 0.into(),
            parent: id.parent.0,
            table_hash: self.table_hash.0,
            reserved: [0; 176],
            header_hash: [0; 32],
            keyed_hash: [0; 32],
        };
        raw.header_hash = Digest::of(&raw.as_bytes()[..HASHED]).0;
        raw
    }
}

impl Raw {
    /// The version comes before the hash: another major version may hash differently.
    fn check_version(&self) -> Result<(), Refusal> {
        if self.magic != MAGIC {
            return Err(Refusal::NotAnImage { found: self.magic });
        }
        if self.major != MAJOR {
            return Err(Refusal::Major { found: self.major.get() });
        }
        if self.minor > MINOR {
            return Err(Refusal::Minor { found: self.minor.get() });
        }
        Ok(())
    }

    fn decode(&self) -> Result<Header, Refusal> {
        let header = Header {
            minor: self.minor.get(),
            identity: self.identity()?,
            total_length: self.total_length.get(),
            table_offset: self.table_offset.get(),
            table_length: self.table_length.get(),
            record_count: self.record_count.get(),
            table_hash: Digest(self.table_hash),
            hash: Digest(self.header_hash),
        };
        self.check_fields()?;
        self.check_lengths()?;
        Ok(header)
    }

    fn identity(&self) -> Result<Identity, Refusal> {
        let architecture = self.architecture.get();
        let abi = self.abi.get();
        Ok(Identity {
            architecture: Architecture::from_number(architecture)
                .ok_or(Refusal::Architecture { found: architecture })?,
            abi: Abi::from_number(abi).ok_or(Refusal::Abi { found: abi, here: 0 })?,
            board_id: self.board_id.get(),
            board: Text::from_padded(self.board)?,
            target: Text::from_padded(self.target)?,
            kernel: Text::from_padded(self.kernel)?,
            generation: self.generation.get(),
            parent: Digest(self.parent),
            clock_us: self.clock_us.get(),
            flags: Flags::from_bits(self.flags.get())?,
        })
    }

    fn check_fields(&self) -> Result<(), Refusal> {
        let field = |field, value| Err(Refusal::HeaderField { field, value });
        if self.header_length != HEADER_LEN as u32 {
            return field("header_length", self.header_length.get().into());
        }
        if self.page_shift != PAGE_SIZE.trailing_zeros() {
            return field("page_shift", self.page_shift.get().into());
        }
        if self.reserved_word != 0 {
            return field("reserved", self.reserved_word.get().into());
        }
        match self.reserved.iter().find(|&&b| b != 0) {
            Some(&byte) => field("reserved", byte.into()),
            None => Ok(()),
        }
    }

    fn check_lengths(&self) -> Result<(), Refusal> {
        let field = |field, value: U64| Err(Refusal::HeaderField { field, value: value.get() });
        let page = PAGE_SIZE as u64;
        let start = self.table_offset.get();
        // The bounds also keep every later sum far from an overflow.
        if start < HEADER_BLOCK as u64 || !start.is_multiple_of(page) || start > 1 << 40 {
            return field("table_offset", self.table_offset);
        }
        if self.table_length == 0 || self.table_length > MAX_TABLE {
            return field("table_length", self.table_length);
        }
        if self.total_length != (start + self.table_length.get()).next_multiple_of(page) {
            return field("total_length", self.total_length);
        }
        Ok(())
    }
}
