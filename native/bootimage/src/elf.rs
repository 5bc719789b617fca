//! 32-bit little-endian ARM executables in ELF, as far as loading needs them.
//!
//! Field offsets: System V ABI, "ELF-32 Object File Format"; `EM_ARM`: ELF for the Arm Architecture.

use core::fmt;

use crate::{half, word};

const HEADER_BYTES: usize = 52;
const PROGRAM_HEADER_BYTES: usize = 32;
const TYPE_EXECUTABLE: u16 = 2;
const MACHINE_ARM: u16 = 40;

/// Segment type of what is loaded into memory.
pub const PT_LOAD: u32 = 1;
/// Segment flag: executable.
pub const PF_X: u32 = 1;
/// Segment flag: writable.
pub const PF_W: u32 = 2;
/// Segment flag: readable.
pub const PF_R: u32 = 4;

/// Why bytes are no executable that can be loaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ElfError {
    /// The file does not begin with the ELF magic.
    NotElf,
    /// ELF, but not 32-bit little-endian.
    NotLittleEndian32,
    /// Machine number of another processor.
    NotArm(u16),
    /// Type number of something else than an executable (an object file, a library).
    NotExecutable(u16),
    /// The program headers are missing, of unknown size or outside the file.
    BadProgramHeaders,
    /// A segment's contents lie outside the file, its size is impossible or it wraps around.
    BadSegment(u16),
    /// No segment is loaded.
    Empty,
}

impl fmt::Display for ElfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotElf => f.write_str("no ELF file"),
            Self::NotLittleEndian32 => f.write_str("no 32-bit little-endian ELF file"),
            Self::NotArm(machine) => {
                write!(f, "built for ELF machine {machine}, not for ARM ({MACHINE_ARM})")
            }
            Self::NotExecutable(kind) => write!(f, "ELF type {kind} is no executable ({TYPE_EXECUTABLE})"),
            Self::BadProgramHeaders => f.write_str("ELF program headers are missing or outside the file"),
            Self::BadSegment(i) => write!(f, "ELF segment {i} is cut off or has an impossible size"),
            Self::Empty => f.write_str("ELF file without anything to load"),
        }
    }
}

impl core::error::Error for ElfError {}

/// One program header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment {
    /// Type, [`PT_LOAD`] or another.
    pub kind: u32,
    /// Where its contents are in the file.
    pub offset: u32,
    /// Virtual address.
    pub vaddr: u32,
    /// Physical address.
    pub paddr: u32,
    /// Bytes in the file.
    pub file_bytes: u32,
    /// Bytes in memory; what exceeds the file is zero.
    pub memory_bytes: u32,
    /// [`PF_R`], [`PF_W`] and [`PF_X`].
    pub flags: u32,
}

/// An executable whose headers were checked: every loaded segment lies inside the file and inside
/// the 32-bit address space.
#[derive(Clone, Copy)]
pub struct Elf<'a> {
    bytes: &'a [u8],
    entry: u32,
    headers_at: usize,
    headers: u16,
}

impl<'a> Elf<'a> {
    /// Checks the headers of an executable.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ElfError> {
        if bytes.len() < HEADER_BYTES || bytes[..4] != *b"\x7fELF" {
            return Err(ElfError::NotElf);
        }
        if bytes[4..6] != [1, 1] {
            return Err(ElfError::NotLittleEndian32);
        }
        let half_at = |at| half(bytes, at).ok_or(ElfError::NotElf);
        let word_at = |at| word(bytes, at).ok_or(ElfError::NotElf);
        let (kind, machine) = (half_at(16)?, half_at(18)?);
        if machine != MACHINE_ARM {
            return Err(ElfError::NotArm(machine));
        }
        if kind != TYPE_EXECUTABLE {
            return Err(ElfError::NotExecutable(kind));
        }
        let (headers_at, header_bytes, headers) = (word_at(28)? as usize, half_at(42)?, half_at(44)?);
        let elf = Self { bytes, entry: word_at(24)?, headers_at, headers };
        let end = usize::from(headers) * PROGRAM_HEADER_BYTES;
        let inside = headers_at.checked_add(end).is_some_and(|end| end <= bytes.len());
        if usize::from(header_bytes) != PROGRAM_HEADER_BYTES || headers == 0 || !inside {
            return Err(ElfError::BadProgramHeaders);
        }
        elf.check_segments()?;
        Ok(elf)
    }

    fn check_segments(&self) -> Result<(), ElfError> {
        for (i, s) in (0..).zip(self.segments()) {
            let wraps = |at: u32| at.checked_add(s.memory_bytes).is_none();
            let in_file =
                (s.offset as usize).checked_add(s.file_bytes as usize).is_some_and(|e| e <= self.bytes.len());
            let loads = s.kind == PT_LOAD && s.memory_bytes != 0;
            if !in_file || loads && (s.file_bytes > s.memory_bytes || wraps(s.vaddr) || wraps(s.paddr)) {
                return Err(ElfError::BadSegment(i));
            }
        }
        if self.loads().next().is_none() { Err(ElfError::Empty) } else { Ok(()) }
    }

    /// Address of the first instruction; bit 0 set: Thumb.
    #[must_use]
    pub const fn entry(&self) -> u32 {
        self.entry
    }

    /// All program headers.
    pub fn segments(&self) -> impl Iterator<Item = Segment> + use<'a> {
        let (bytes, headers_at) = (self.bytes, self.headers_at);
        (0..usize::from(self.headers)).map(move |i| {
            let at = |n: usize| word(bytes, headers_at + i * PROGRAM_HEADER_BYTES + 4 * n).unwrap_or(0);
            Segment {
                kind: at(0),
                offset: at(1),
                vaddr: at(2),
                paddr: at(3),
                file_bytes: at(4),
                memory_bytes: at(5),
                flags: at(6),
            }
        })
    }

    /// The segments to be loaded, without empty ones.
    pub fn loads(&self) -> impl Iterator<Item = Segment> + use<'a> {
        self.segments().filter(|s| s.kind == PT_LOAD && s.memory_bytes != 0)
    }

    /// The contents of a segment of this file.
    #[must_use]
    pub fn contents(&self, segment: &Segment) -> &'a [u8] {
        let start = segment.offset as usize;
        self.bytes.get(start..start + segment.file_bytes as usize).unwrap_or(&[])
    }

    /// First and last physical address of what is loaded.
    #[must_use]
    pub fn physical_range(&self) -> (u32, u32) {
        let low = self.loads().map(|s| s.paddr).min().unwrap_or(0);
        let last = self.loads().map(|s| s.paddr + (s.memory_bytes - 1)).max().unwrap_or(0);
        (low, last)
    }

    /// `len` bytes of file contents that are loaded at physical address `paddr`.
    #[must_use]
    pub fn at_physical(&self, paddr: u32, len: usize) -> Option<&'a [u8]> {
        self.loads().find_map(|s| {
            let skip = paddr.checked_sub(s.paddr)? as usize;
            self.contents(&s).get(skip..skip.checked_add(len)?)
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    extern crate std;

    use super::*;
    use std::vec::Vec;

    /// An executable with the segments given: header fields and contents.
    pub(crate) fn build(entry: u32, segments: &[(Segment, &[u8])]) -> Vec<u8> {
        let mut out = Vec::from(*b"\x7fELF\x01\x01\x01");
        out.resize(16, 0);
        out.extend(TYPE_EXECUTABLE.to_le_bytes());
        out.extend(MACHINE_ARM.to_le_bytes());
        for value in [1, entry, HEADER_BYTES as u32, 0, 0x500_0200] {
            out.extend(value.to_le_bytes());
        }
        for value in [HEADER_BYTES as u16, PROGRAM_HEADER_BYTES as u16, segments.len() as u16, 0, 0, 0] {
            out.extend(value.to_le_bytes());
        }
        let mut offset = (HEADER_BYTES + segments.len() * PROGRAM_HEADER_BYTES) as u32;
        for (s, contents) in segments {
            let bytes = contents.len() as u32;
            for value in [s.kind, offset, s.vaddr, s.paddr, bytes, s.memory_bytes, s.flags, 4] {
                out.extend(value.to_le_bytes());
            }
            offset += bytes;
        }
        segments.iter().for_each(|(_, contents)| out.extend(*contents));
        out
    }

    pub(crate) fn load(paddr: u32, memory_bytes: u32) -> Segment {
        Segment { kind: PT_LOAD, offset: 0, vaddr: paddr, paddr, file_bytes: 0, memory_bytes, flags: 7 }
    }

    fn error(bytes: &[u8]) -> ElfError {
        Elf::parse(bytes).err().expect("refused")
    }

    #[test]
    fn reads_what_was_built() {
        let bytes = build(0x1001, &[(load(0x1000, 8), b"abcd"), (load(0x3000, 4), b"efgh")]);
        let elf = Elf::parse(&bytes).expect("good");
        assert_eq!(elf.entry(), 0x1001);
        assert_eq!(elf.physical_range(), (0x1000, 0x3003));
        assert_eq!(elf.at_physical(0x1001, 3), Some(&b"bcd"[..]));
        assert_eq!(elf.at_physical(0x1001, 4), None, "beyond the file contents");
        assert_eq!(elf.at_physical(0x3000, 4), Some(&b"efgh"[..]));
    }

    #[test]
    fn refuses_by_name() {
        let good = build(0, &[(load(0x1000, 8), b"abcd")]);
        let with = |at: usize, value: u8| {
            let mut bytes = good.clone();
            bytes[at] = value;
            bytes
        };
        assert_eq!(error(b"#!/bin/sh\n"), ElfError::NotElf);
        assert_eq!(error(&with(4, 2)), ElfError::NotLittleEndian32);
        assert_eq!(error(&with(18, 62)), ElfError::NotArm(62));
        assert_eq!(error(&with(16, 1)), ElfError::NotExecutable(1));
        assert_eq!(error(&with(44, 200)), ElfError::BadProgramHeaders);
        assert_eq!(error(&with(HEADER_BYTES + 16, 9)), ElfError::BadSegment(0));
        assert_eq!(error(&build(0, &[(load(0xffff_fffc, 8), b"")])), ElfError::BadSegment(0));
        assert_eq!(error(&build(0, &[(load(0, 0), b"")])), ElfError::Empty);
        for len in 0..good.len() {
            assert!(Elf::parse(&good[..len]).is_err(), "cut to {len} bytes");
        }
    }
}
