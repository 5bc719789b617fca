//! An image that goes over the line.

use std::fs::File;
use std::path::Path;

use thaw_image::HEADER_BLOCK;
use thaw_image::store::{BlockDevice, SECTOR_SIZE, Store};
use thaw_serial::{Disk, Status};

use crate::error::{self, HostError};
use crate::file::{FileDisk, ImageFile, fill, verify};

/// Sectors before the first area.
const LABEL_SECTORS: u64 = 16;

/// A store for the target to read, with one verified image in it.
pub struct Outgoing {
    disk: FileDisk,
    store: u32,
    /// First sector behind the image, once it was read.
    end: u64,
    read_to_end: bool,
    bytes: u64,
}

impl Outgoing {
    /// Verifies the image and lays it out; an image that is wrong is refused here, before any target
    /// gets to see it.
    pub fn open(path: &Path) -> Result<Self, HostError> {
        let mut image = ImageFile(File::open(path).map_err(error::file(path))?);
        let verified = verify(&mut image).map_err(error::image(path))?;
        let bytes = verified.header().total_length;
        let body = bytes.saturating_sub(HEADER_BLOCK as u64).next_multiple_of(4096) / SECTOR_SIZE as u64;
        let sectors = LABEL_SECTORS + 2 * body.max(4096 / SECTOR_SIZE as u64);
        let file = tempfile::tempfile().map_err(error::file("temporary file"))?;
        file.set_len(sectors * SECTOR_SIZE as u64).map_err(error::file("temporary file"))?;
        let mut disk = FileDisk { file, sectors };
        fill(&mut disk, &mut image, &verified).map_err(error::image(path))?;
        // Sees that the target will find it.
        Store::open(&mut disk).map_err(error::image(path))?;
        let used = (bytes - HEADER_BLOCK as u64).div_ceil(SECTOR_SIZE as u64);
        let end = LABEL_SECTORS + used;
        Ok(Self { disk, store: fastrand::u32(1..), end, read_to_end: false, bytes })
    }

    /// Bytes of the image.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether the target has read the last of the image.
    pub fn is_read_to_end(&self) -> bool {
        self.read_to_end
    }
}

impl Disk for Outgoing {
    fn store(&self) -> u32 {
        self.store
    }

    fn sectors(&self) -> u32 {
        // An image of 2 TiB does not go over a serial line.
        u32::try_from(self.disk.sectors).unwrap_or(u32::MAX)
    }

    fn is_read_only(&self) -> bool {
        true
    }

    fn read(&mut self, first: u32, bytes: &mut [u8]) -> Result<(), Status> {
        let end = u64::from(first) + (bytes.len() / SECTOR_SIZE) as u64;
        self.read_to_end |= end >= self.end;
        BlockDevice::read(&mut self.disk, first.into(), bytes).map_err(|_| Status::Failed)
    }

    fn write(&mut self, _: u32, _: &[u8]) -> Result<(), Status> {
        Err(Status::ReadOnly)
    }

    fn flush(&mut self) -> Result<(), Status> {
        Ok(())
    }
}
