//! The label: which image a data area holds, and whether it is the newest.

use core::mem::offset_of;

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{Geometry, SECTOR_SIZE};
use crate::header::HEADER_LEN;
use crate::{Digest, HEADER_BLOCK, Hasher, Header, Refusal};

/// First bytes of every label, in every version.
pub const DISK_MAGIC: [u8; 8] = *b"THAWDSK\x1a";
/// Bytes of a label.
pub const LABEL_LEN: usize = 4096;
const MAJOR: u16 = 1;
const MINOR: u16 = 0;

/// One of the two labels and areas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    A,
    B,
}

impl Slot {
    /// Returns the first sector of the label.
    pub const fn lba(self) -> u64 {
        match self {
            Self::A => 0,
            Self::B => (LABEL_LEN / SECTOR_SIZE) as u64,
        }
    }

    /// Returns the other one.
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// What a whole label says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// Number of the commit in the life of the disk, from 1. The highest is the newest.
    pub sequence: u64,
    /// Layout of the disk.
    pub geometry: Geometry,
    /// Header of the image in the area.
    pub header: Header,
}

/// The label as it stands on a disk: its own sector, the image's header, zeros.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Raw {
    magic: [u8; 8],
    major: U16,
    minor: U16,
    label_length: U32,
    sequence: U64,
    area_sectors: U64,
    image_length: U64,
    reserved: [u8; 440],
    /// Hash of all 4096 bytes but these.
    hash: [u8; 32],
    header: [u8; HEADER_LEN],
    padding: [u8; LABEL_LEN - 2 * HEADER_LEN],
}

const _: () = assert!(size_of::<Raw>() == LABEL_LEN && offset_of!(Raw, header) == SECTOR_SIZE);

/// What was found in a label's place.
#[expect(clippy::large_enum_variant, reason = "there is no allocator to box the label with")]
pub enum State {
    /// Zeros: never written.
    Blank,
    /// Neither zeros nor whole; with its first bytes.
    Bad([u8; 8]),
    /// Whole, but of a version or content that this build does not take.
    Refused(Refusal),
    /// Whole.
    Whole(Label),
}

impl State {
    /// Judges the bytes of a label.
    pub fn of(block: &[u8; LABEL_LEN]) -> Self {
        if block.iter().all(|&byte| byte == 0) {
            return Self::Blank;
        }
        let Ok(raw) = Raw::ref_from_bytes(block) else { return Self::Blank };
        // The hash comes first: a label that a power cut tore is no label, whatever it says.
        if raw.magic != DISK_MAGIC || raw.digest().0 != raw.hash {
            return Self::Bad(raw.magic);
        }
        match raw.decode() {
            Ok(label) => Self::Whole(label),
            Err(refusal) => Self::Refused(refusal),
        }
    }
}

/// Chooses between the labels A and B; nothing for a disk without any image.
pub fn newest(a: State, b: State) -> Result<Option<(Slot, Label)>, Refusal> {
    match (a, b) {
        // Never fall back silently behind something newer than this build.
        (State::Refused(refusal), _) | (_, State::Refused(refusal)) => Err(refusal),
        (State::Whole(a), State::Whole(b)) if a.sequence == b.sequence => Err(Refusal::DiskHeaders),
        (State::Whole(a), State::Whole(b)) if a.sequence < b.sequence => Ok(Some((Slot::B, b))),
        (State::Whole(a), _) => Ok(Some((Slot::A, a))),
        (_, State::Whole(b)) => Ok(Some((Slot::B, b))),
        (State::Blank, State::Blank) => Ok(None),
        // The first commit goes to A. Torn, it shows its first sector or still the zeros there.
        (State::Bad(found), State::Blank) if found == DISK_MAGIC || found == [0; 8] => Ok(None),
        (State::Bad(DISK_MAGIC), _) | (_, State::Bad(DISK_MAGIC)) => Err(Refusal::DiskHeaders),
        (State::Bad(found), _) | (_, State::Bad(found)) => Err(Refusal::NotAnImage { found }),
    }
}

impl Label {
    /// Returns the bytes of the label.
    pub(super) fn to_block(self) -> [u8; LABEL_LEN] {
        let mut header = [0; HEADER_LEN];
        header.copy_from_slice(&self.header.to_block()[..HEADER_LEN]);
        let mut raw = Raw {
            magic: DISK_MAGIC,
            major: MAJOR.into(),
            minor: MINOR.into(),
            label_length: (LABEL_LEN as u32).into(),
            sequence: self.sequence.into(),
            area_sectors: self.geometry.area_sectors.into(),
            image_length: self.header.total_length.into(),
            reserved: [0; 440],
            hash: [0; 32],
            header,
            padding: [0; LABEL_LEN - 2 * HEADER_LEN],
        };
        raw.hash = raw.digest().0;
        zerocopy::transmute!(raw)
    }
}

impl Raw {
    fn digest(&self) -> Digest {
        let bytes = self.as_bytes();
        let mut hasher = Hasher::new();
        hasher.update(&bytes[..offset_of!(Raw, hash)]);
        hasher.update(&bytes[offset_of!(Raw, header)..]);
        hasher.take()
    }

    fn decode(&self) -> Result<Label, Refusal> {
        let (major, minor) = (self.major.get(), self.minor.get());
        if major != MAJOR || minor > MINOR {
            return Err(Refusal::DiskVersion { major, minor });
        }
        let field = |field, value| Refusal::HeaderField { field, value };
        if self.label_length != LABEL_LEN as u32 {
            return Err(field("label_length", self.label_length.get().into()));
        }
        if let Some(&byte) = self.reserved.iter().chain(&self.padding).find(|&&byte| byte != 0) {
            return Err(field("reserved", byte.into()));
        }
        let header = Header::parse(&self.header)?;
        let area_sectors = self.area_sectors.get();
        let geometry = Geometry::stated(area_sectors).ok_or(field("area_sectors", area_sectors))?;
        let length = self.image_length.get();
        let largest = HEADER_BLOCK as u64 + geometry.area_bytes();
        if length != header.total_length || length > largest {
            return Err(field("image_length", length));
        }
        Ok(Label { sequence: self.sequence.get(), geometry, header })
    }
}
