//! How a disk is divided.

use super::SECTOR_SIZE;
use super::label::Slot;
use crate::{PAGE_SIZE, Refusal};

/// Sectors of both labels, before the first area.
const LABEL_SECTORS: u64 = 16;
const PAGE_SECTORS: u64 = (PAGE_SIZE / SECTOR_SIZE) as u64;
/// One page of table is the least an image has.
const MIN_SECTORS: u64 = LABEL_SECTORS + 2 * PAGE_SECTORS;
/// No disk is larger (8 EiB); keeps byte counts in 64 bits.
const MAX_SECTORS: u64 = 1 << 54;

/// Where the data areas of a disk are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Sectors of each area; whole pages.
    pub area_sectors: u64,
}

impl Geometry {
    /// Divides a fresh disk.
    pub(super) fn of(sectors: u64) -> Result<Self, Refusal> {
        if sectors < MIN_SECTORS {
            return Err(too_small(MIN_SECTORS, sectors));
        }
        let half = (sectors.min(MAX_SECTORS) - LABEL_SECTORS) / 2;
        Ok(Self { area_sectors: half - half % PAGE_SECTORS })
    }

    /// Returns the layout with areas of `area_sectors` as a label states it, if there can be one.
    pub(super) fn stated(area_sectors: u64) -> Option<Self> {
        let whole = area_sectors.is_multiple_of(PAGE_SECTORS);
        (whole && (1..=MAX_SECTORS / 2).contains(&area_sectors)).then_some(Self { area_sectors })
    }

    /// Returns the layout if a disk of this size still holds it.
    pub(super) fn within(self, sectors: u64) -> Result<Self, Refusal> {
        let needed = LABEL_SECTORS + 2 * self.area_sectors;
        if needed > sectors { Err(too_small(needed, sectors)) } else { Ok(self) }
    }

    /// Returns the bytes of each area.
    pub const fn area_bytes(&self) -> u64 {
        self.area_sectors * SECTOR_SIZE as u64
    }

    /// Returns the first sector of an area.
    pub(super) fn area_lba(&self, slot: Slot) -> u64 {
        match slot {
            Slot::A => LABEL_SECTORS,
            Slot::B => LABEL_SECTORS + self.area_sectors,
        }
    }
}

fn too_small(needed: u64, available: u64) -> Refusal {
    let bytes = |sectors: u64| sectors.saturating_mul(SECTOR_SIZE as u64);
    Refusal::DiskSize { needed: bytes(needed), available: bytes(available) }
}
