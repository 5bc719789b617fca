//! Boot images as U-Boot loads them: a flat binary, with a legacy image header (U-Boot, include/image.h) or
//! without.
//!
//! `bootm` takes the header's kind "Linux kernel" and switches caches and MMU off before it jumps, which is
//! what the loader needs.

use thaw_bootimage::elf::Elf;

use crate::failure::{Failure, Kind, Result};

/// Bytes of the header.
pub const HEADER_BYTES: usize = 64;
const MAGIC: u32 = 0x2705_1956;
/// Operating system Linux, processor ARM, a kernel, not compressed.
const KIND: [u8; 4] = [5, 2, 2, 0];
const NAME: &[u8] = b"Thaw";
/// More than any board's boot image: a hole in a program that is linked apart.
const FLAT_MAX: u32 = 256 << 20;

/// A boot image as one piece of memory.
#[derive(Debug)]
pub struct Flat {
    /// Where it has to lie.
    pub load: u32,
    /// First instruction.
    pub entry: u32,
    /// Contents.
    pub bytes: Vec<u8>,
}

/// Lays the segments of an executable out as they lie in memory.
pub fn flatten(image: &[u8]) -> Result<Flat> {
    let refuse = |why: String| Failure::new(Kind::Program, format!("boot image: {why}"));
    let elf = Elf::parse(image).map_err(|e| refuse(e.to_string()))?;
    let (load, last) = elf.physical_range();
    if last - load >= FLAT_MAX {
        return Err(refuse(format!("{load:#x}-{last:#x} is too much for one piece")));
    }
    let mut bytes = vec![0; (last - load) as usize + 1];
    for segment in elf.loads() {
        let contents = elf.contents(&segment);
        let at = (segment.paddr - load) as usize;
        bytes[at..at + contents.len()].copy_from_slice(contents);
    }
    Ok(Flat { load, entry: elf.entry(), bytes })
}

/// Puts the header in front.
pub fn with_header(flat: &Flat) -> Vec<u8> {
    let mut header = [0; HEADER_BYTES];
    let mut put = |at: usize, word: u32| header[at..at + 4].copy_from_slice(&word.to_be_bytes());
    put(0, MAGIC);
    // No time of creation: the same parts make the same image.
    put(12, flat.bytes.len() as u32);
    put(16, flat.load);
    put(20, flat.entry);
    put(24, crc32fast::hash(&flat.bytes));
    header[28..32].copy_from_slice(&KIND);
    header[32..32 + NAME.len()].copy_from_slice(NAME);
    // Of the header with zeros in its own place.
    let check = crc32fast::hash(&header);
    header[4..8].copy_from_slice(&check.to_be_bytes());
    [&header, &flat.bytes[..]].concat()
}
