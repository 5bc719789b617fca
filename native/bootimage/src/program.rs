//! Where an executable goes in a PD: pages to allocate, bytes to copy.
//!
//! Segments become page-granular pieces; segments that share a page become one piece with the rights
//! of both. Everything is checked before the first byte is copied.

use core::fmt;

use heapless::Vec;
use thaw_native_abi::layout;

use crate::elf::{Elf, ElfError, PF_R, PF_W, PF_X, Segment};

const PAGE_BYTES: u32 = 4096;

/// Loaded segments at most.
pub const SEGMENTS_MAX: usize = 16;

/// Why a program was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProgramError {
    /// The file is no executable.
    Elf(ElfError),
    /// A segment lies outside the addresses a program may use.
    Address(u32),
    /// Segments overlap or are not in order of address.
    Overlap(u32),
    /// More than [`SEGMENTS_MAX`] segments.
    TooManySegments,
    /// The entry is not in an executable segment.
    Entry(u32),
}

impl fmt::Display for ProgramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Elf(e) => write!(f, "{e}"),
            Self::Address(addr) => write!(
                f,
                "segment at {addr:#x} outside {:#x}-{:#x}",
                layout::USER_START,
                layout::USER_END - layout::STACK_BYTES
            ),
            Self::Overlap(addr) => write!(f, "segment at {addr:#x} overlaps the one before"),
            Self::TooManySegments => write!(f, "more than {SEGMENTS_MAX} segments"),
            Self::Entry(entry) => write!(f, "entry {entry:#x} is in no executable segment"),
        }
    }
}

/// Whole pages that one or several segments fill.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Piece {
    /// Page-aligned address.
    pub addr: u32,
    /// Whole pages, in bytes.
    pub bytes: u32,
    /// `L4_FPAGE_*`, which are the bits of ELF's segment flags.
    pub rights: u32,
}

/// A checked program.
pub struct Program<'a> {
    elf: Elf<'a>,
    pieces: Vec<Piece, SEGMENTS_MAX>,
}

impl<'a> Program<'a> {
    /// Checks the file.
    pub fn parse(file: &'a [u8]) -> Result<Self, ProgramError> {
        let elf = Elf::parse(file).map_err(ProgramError::Elf)?;
        let mut pieces: Vec<Piece, SEGMENTS_MAX> = Vec::new();
        let mut end = 0;
        for (n, segment) in elf.loads().enumerate() {
            // The ELF reader has checked that the end does not wrap around.
            if segment.vaddr < end {
                return Err(ProgramError::Overlap(segment.vaddr));
            }
            end = segment.vaddr + segment.memory_bytes;
            if segment.vaddr < layout::USER_START || end > layout::USER_END - layout::STACK_BYTES {
                return Err(ProgramError::Address(segment.vaddr));
            }
            if n >= SEGMENTS_MAX {
                return Err(ProgramError::TooManySegments);
            }
            append(&mut pieces, &segment)?;
        }
        let entry = elf.entry() & !1;
        let runs = |s: Segment| s.flags & PF_X != 0 && entry >= s.vaddr && entry - s.vaddr < s.memory_bytes;
        if elf.loads().any(runs) { Ok(Self { elf, pieces }) } else { Err(ProgramError::Entry(elf.entry())) }
    }

    /// Entry point; bit 0 set: Thumb.
    #[must_use]
    pub const fn entry(&self) -> u32 {
        self.elf.entry()
    }

    /// The pages to allocate, in order of address.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// What to copy into a piece: offset in the piece, bytes.
    pub fn contents(&self, piece: Piece) -> impl Iterator<Item = (u32, &'a [u8])> + use<'a, '_> {
        let inside = move |s: &Segment| s.vaddr >= piece.addr && s.vaddr - piece.addr < piece.bytes;
        self.elf.loads().filter(inside).map(move |s| (s.vaddr - piece.addr, self.elf.contents(&s)))
    }
}

fn append(pieces: &mut Vec<Piece, SEGMENTS_MAX>, segment: &Segment) -> Result<(), ProgramError> {
    let start = segment.vaddr & !(PAGE_BYTES - 1);
    let end = (segment.vaddr + segment.memory_bytes).next_multiple_of(PAGE_BYTES);
    // The kernel maps nothing without the right to read.
    let rights = PF_R | segment.flags & (PF_W | PF_X);
    match pieces.last_mut() {
        Some(last) if start < last.addr + last.bytes => {
            last.bytes = (end - last.addr).max(last.bytes);
            last.rights |= rights;
            Ok(())
        }
        _ => {
            let piece = Piece { addr: start, bytes: end - start, rights };
            pieces.push(piece).map_err(|_| ProgramError::TooManySegments)
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    /// A file with the given `(address, file bytes, memory bytes, flags)` segments behind the headers.
    fn file(entry: u32, segments: &[(u32, u32, u32, u32)]) -> std::vec::Vec<u8> {
        let mut out = std::vec![0; 52];
        out[..7].copy_from_slice(b"\x7fELF\x01\x01\x01");
        let mut put = |at: usize, value: u32, len: usize| {
            out[at..at + len].copy_from_slice(&value.to_le_bytes()[..len]);
        };
        put(16, 2, 2);
        put(18, 40, 2);
        put(24, entry, 4);
        put(28, 52, 4);
        put(42, 32, 2);
        put(44, segments.len() as u32, 2);
        let mut offset = 52 + 32 * segments.len() as u32;
        for (addr, in_file, in_memory, flags) in segments {
            for value in [1, offset, *addr, *addr, *in_file, *in_memory, *flags, 4] {
                out.extend_from_slice(&value.to_le_bytes());
            }
            offset += in_file;
        }
        for (i, (_, in_file, _, _)) in segments.iter().enumerate() {
            out.extend(std::iter::repeat_n(i as u8 + 1, *in_file as usize));
        }
        out
    }

    fn refused(entry: u32, segments: &[(u32, u32, u32, u32)]) -> ProgramError {
        Program::parse(&file(entry, segments)).map(|_| ()).expect_err("must be refused")
    }

    #[test]
    fn pieces_and_contents_of_a_good_file() {
        let bytes = file(0x100_0001, &[(0x100_0000, 20, 20, 5), (0x100_2ff0, 16, 0x1020, 6)]);
        let program = Program::parse(&bytes).expect("good");
        assert_eq!(program.entry(), 0x100_0001);
        let pieces = program.pieces();
        assert_eq!(pieces[0], Piece { addr: 0x100_0000, bytes: 0x1000, rights: 5 });
        assert_eq!(pieces[1], Piece { addr: 0x100_2000, bytes: 0x3000, rights: 6 });
        let contents: std::vec::Vec<_> = program.contents(pieces[1]).collect();
        assert_eq!(contents, [(0xff0, &[2; 16][..])]);
    }

    #[test]
    fn segments_that_share_a_page_become_one_piece_with_both_rights() {
        let bytes = file(0x100_0000, &[(0x100_0000, 0x800, 0x800, 5), (0x100_0900, 4, 0x1000, 6)]);
        let program = Program::parse(&bytes).expect("good");
        let pieces = program.pieces();
        assert_eq!(pieces, [Piece { addr: 0x100_0000, bytes: 0x2000, rights: 7 }]);
        let offsets: std::vec::Vec<_> = program.contents(pieces[0]).map(|(at, b)| (at, b.len())).collect();
        assert_eq!(offsets, [(0, 0x800), (0x900, 4)]);
    }

    #[test]
    fn each_defect_has_its_name() {
        assert_eq!(
            Program::parse(b"#!/bin/sh").map(|_| ()).expect_err("no ELF"),
            ProgramError::Elf(ElfError::NotElf)
        );
        assert_eq!(refused(0x1000, &[(0x1000, 4, 4, 5)]), ProgramError::Address(0x1000));
        let stack = layout::USER_END - layout::STACK_BYTES;
        assert_eq!(refused(stack, &[(stack - 4, 4, 8, 5)]), ProgramError::Address(stack - 4));
        assert_eq!(refused(0x100_0000, &[(0x100_0000, 4, 4, 6)]), ProgramError::Entry(0x100_0000));
        assert_eq!(refused(0x100_0004, &[(0x100_0000, 4, 4, 5)]), ProgramError::Entry(0x100_0004));
        let overlap = [(0x100_0000, 4, 8, 5), (0x100_0004, 4, 4, 6)];
        assert_eq!(refused(0x100_0000, &overlap), ProgramError::Overlap(0x100_0004));
        let many: std::vec::Vec<_> = (0..17).map(|i| (0x100_0000 + i * 0x1000, 4, 4, 5)).collect();
        assert_eq!(refused(0x100_0000, &many), ProgramError::TooManySegments);
    }
}
