//! A disk in memory.

use thaw_component::error::DiskError;
use thaw_image::store::BlockDevice;

use crate::world::{INJECTED, World};

/// A disk in memory, whose requests the world counts and refuses.
pub struct Disk<'w> {
    pub world: &'w World,
    pub bytes: Vec<u8>,
}

impl Disk<'_> {
    fn ask(&self, name: &str) -> Result<(), DiskError> {
        let refused = DiskError::Failed(INJECTED);
        if self.world.fails(name) { Err(refused) } else { Ok(()) }
    }
}

impl BlockDevice for Disk<'_> {
    type Error = DiskError;

    fn sectors(&mut self) -> Result<u64, Self::Error> {
        self.ask("disk_sectors")?;
        Ok(self.bytes.len() as u64 / 512)
    }

    fn read(&mut self, lba: u64, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.ask("disk_read")?;
        bytes.copy_from_slice(&self.bytes[lba as usize * 512..][..bytes.len()]);
        Ok(())
    }

    fn write(&mut self, lba: u64, bytes: &[u8]) -> Result<(), Self::Error> {
        self.ask("disk_write")?;
        let left = self.world.writes_left.get().checked_sub(1);
        self.world.writes_left.set(left.ok_or(DiskError::Failed(INJECTED))?);
        self.bytes[lba as usize * 512..][..bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        self.ask("disk_flush")
    }
}
