//! The payload behind the loader: a header, then the files to boot.
//!
//! `cargo xtask pack` appends it to the loader as one more loaded segment, at the first page boundary
//! after the loader's own memory; so the loader needs no rebuilding for another kernel.

use core::fmt;

use crate::word;

/// First word: "TPay".
pub const MAGIC: u32 = 0x7961_5054;
/// Version of the header.
pub const VERSION: u32 = 1;
/// The payload, and each file in it, is aligned to this many bytes.
pub const ALIGN: u32 = 4096;
/// Bytes of the header.
pub const HEADER_BYTES: usize = 4 * WORDS;

const WORDS: usize = 13;

/// Where a file lies, counted from the start of the payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Extent {
    /// Offset in bytes, a multiple of [`ALIGN`].
    pub offset: u32,
    /// Size in bytes.
    pub bytes: u32,
}

/// The payload's header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Payload {
    /// Bytes of the whole payload.
    pub bytes: u32,
    /// Board that it was packed for, one of [`thaw_native_abi::boot::board`].
    pub board: u32,
    /// Bytes of RAM, or 0 to ask the device tree.
    pub ram_size: u32,
    /// Kernel ELF.
    pub kernel: Extent,
    /// sigma0 ELF.
    pub sigma0: Extent,
    /// Root ELF.
    pub root: Extent,
    /// Module archive.
    pub archive: Extent,
}

/// Why there is no payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PayloadError {
    /// Nothing was packed behind the loader.
    Missing,
    /// Packed by another version.
    Version(u32),
    /// A file lies outside the payload or is misplaced.
    BadExtent,
}

impl fmt::Display for PayloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("no payload behind the loader, pack one with `cargo xtask pack`"),
            Self::Version(v) => write!(f, "payload of version {v}, this loader knows {VERSION}: pack again"),
            Self::BadExtent => f.write_str("payload header names a file outside the payload: pack again"),
        }
    }
}

impl core::error::Error for PayloadError {}

impl Payload {
    /// The header as bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let files = [self.kernel, self.sigma0, self.root, self.archive];
        let mut words = [0; WORDS];
        words[..5].copy_from_slice(&[MAGIC, VERSION, self.bytes, self.board, self.ram_size]);
        for (pair, file) in words[5..].chunks_exact_mut(2).zip(files) {
            pair.copy_from_slice(&[file.offset, file.bytes]);
        }
        let mut out = [0; HEADER_BYTES];
        for (bytes, word) in out.chunks_exact_mut(4).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        out
    }

    /// Reads the header and checks that every file lies inside the payload.
    pub fn decode(header: &[u8; HEADER_BYTES]) -> Result<Self, PayloadError> {
        let at = |i: usize| word(header, 4 * i).unwrap_or(0);
        if at(0) != MAGIC {
            return Err(PayloadError::Missing);
        }
        if at(1) != VERSION {
            return Err(PayloadError::Version(at(1)));
        }
        let file = |i: usize| Extent { offset: at(i), bytes: at(i + 1) };
        let (bytes, board, ram_size) = (at(2), at(3), at(4));
        let payload = Self {
            bytes,
            board,
            ram_size,
            kernel: file(5),
            sigma0: file(7),
            root: file(9),
            archive: file(11),
        };
        let inside = |e: &Extent| {
            e.offset.is_multiple_of(ALIGN) && e.offset.checked_add(e.bytes).is_some_and(|end| end <= bytes)
        };
        let files = [payload.kernel, payload.sigma0, payload.root, payload.archive];
        if files.iter().all(inside) { Ok(payload) } else { Err(PayloadError::BadExtent) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: Payload = Payload {
        bytes: 0x6000,
        board: 1,
        ram_size: 0,
        kernel: Extent { offset: 0x1000, bytes: 0x800 },
        sigma0: Extent { offset: 0x2000, bytes: 1 },
        root: Extent { offset: 0x3000, bytes: 0x1001 },
        archive: Extent { offset: 0x5000, bytes: 0x1000 },
    };

    #[test]
    fn round_trip() {
        assert_eq!(Payload::decode(&SAMPLE.encode()), Ok(SAMPLE));
    }

    #[test]
    fn refuses_by_name() {
        assert_eq!(Payload::decode(&[0; HEADER_BYTES]), Err(PayloadError::Missing));
        let mut other = SAMPLE.encode();
        other[4] = 9;
        assert_eq!(Payload::decode(&other), Err(PayloadError::Version(9)));
        let long = Payload { archive: Extent { offset: 0x5000, bytes: 0x1001 }, ..SAMPLE };
        assert_eq!(Payload::decode(&long.encode()), Err(PayloadError::BadExtent));
        let wrapping = Payload { archive: Extent { offset: 0xffff_f000, bytes: 0x2000 }, ..SAMPLE };
        assert_eq!(Payload::decode(&wrapping.encode()), Err(PayloadError::BadExtent));
    }
}
