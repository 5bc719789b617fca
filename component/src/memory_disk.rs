//! A disk in RAM, for runs that may not wait for a device.

use thaw_image::store::{BlockDevice, SECTOR_SIZE};

use crate::error::{DiskError, Result};
use crate::host::{Host, Span};
use crate::memory::Spare;

/// Sectors that move at once between two disks.
const MOVED_SECTORS: usize = 8;

/// RAM of the checkpointer as a disk; empty at first, gone when dropped.
pub struct MemoryDisk<'h, H: Host> {
    host: &'h H,
    spare: Spare<'h, H>,
}

impl<'h, H: Host> MemoryDisk<'h, H> {
    /// Takes RAM for it, whole pages.
    pub fn new(host: &'h H, bytes: u32) -> Result<Self> {
        let spare = Spare::take(host, bytes)?;
        let zeros = [0; MOVED_SECTORS * SECTOR_SIZE];
        let mut disk = Self { host, spare };
        // RAM that was given back and taken again holds what it held.
        for lba in (0..disk.count()).step_by(MOVED_SECTORS) {
            disk.write(lba, &zeros[..SECTOR_SIZE * MOVED_SECTORS.min((disk.count() - lba) as usize)])?;
        }
        Ok(disk)
    }

    fn count(&self) -> u64 {
        u64::from(self.spare.span().bytes) / SECTOR_SIZE as u64
    }

    fn part(&self, lba: u64, bytes: usize) -> core::result::Result<Span, DiskError> {
        let offset = u32::try_from(lba.saturating_mul(SECTOR_SIZE as u64));
        let part = offset.ok().and_then(|offset| self.spare.span().part(offset, bytes as u32));
        part.ok_or(DiskError::Failed(0))
    }
}

impl<H: Host> BlockDevice for MemoryDisk<'_, H> {
    type Error = DiskError;

    fn sectors(&mut self) -> core::result::Result<u64, DiskError> {
        Ok(self.count())
    }

    fn read(&mut self, lba: u64, bytes: &mut [u8]) -> core::result::Result<(), DiskError> {
        self.host.read(self.part(lba, bytes.len())?, bytes);
        Ok(())
    }

    fn write(&mut self, lba: u64, bytes: &[u8]) -> core::result::Result<(), DiskError> {
        self.host.write(self.part(lba, bytes.len())?, bytes);
        Ok(())
    }

    fn flush(&mut self) -> core::result::Result<(), DiskError> {
        Ok(())
    }
}

/// Makes the first sectors of `to` those of `from`, all of them.
pub fn copy_disk(
    from: &mut impl BlockDevice<Error = DiskError>,
    to: &mut impl BlockDevice<Error = DiskError>,
    buffer: &mut [u8],
) -> core::result::Result<(), DiskError> {
    let sectors = from.sectors()?;
    let step = buffer.len() / SECTOR_SIZE;
    for lba in (0..sectors).step_by(step.max(1)) {
        let part = &mut buffer[..SECTOR_SIZE * step.min((sectors - lba) as usize)];
        from.read(lba, part)?;
        to.write(lba, part)?;
    }
    to.flush()
}
