//! Reading an image from a disk.

use super::{BlockDevice, SECTOR_SIZE};
use crate::{HEADER_BLOCK, Header, Source};

/// The newest image of a disk, header block in front as in a file.
pub struct StoreSource<'d, D> {
    device: &'d mut D,
    /// First sector of the body.
    area: u64,
    header: Header,
}

impl<'d, D: BlockDevice> StoreSource<'d, D> {
    pub(super) fn new(device: &'d mut D, area: u64, header: Header) -> Self {
        Self { device, area, header }
    }

    /// Reads from the body; whole sectors go straight into `bytes`.
    fn read_body(&mut self, offset: u64, bytes: &mut [u8]) -> Result<(), D::Error> {
        let sector_size = SECTOR_SIZE as u64;
        let mut offset = offset;
        let mut rest = bytes;
        while !rest.is_empty() {
            let lba = self.area + offset / sector_size;
            let skip = (offset % sector_size) as usize;
            let whole = rest.len() - rest.len() % SECTOR_SIZE;
            let part = if skip == 0 && whole > 0 {
                self.device.read(lba, &mut rest[..whole])?;
                whole
            } else {
                let mut sector = [0; SECTOR_SIZE];
                self.device.read(lba, &mut sector)?;
                let part = rest.len().min(SECTOR_SIZE - skip);
                rest[..part].copy_from_slice(&sector[skip..skip + part]);
                part
            };
            offset += part as u64;
            rest = &mut rest[part..];
        }
        Ok(())
    }
}

impl<D: BlockDevice> Source for StoreSource<'_, D> {
    type Error = D::Error;

    fn len(&mut self) -> Result<u64, D::Error> {
        Ok(self.header.total_length)
    }

    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> Result<(), D::Error> {
        let block_len = HEADER_BLOCK as u64;
        let in_block = (block_len.saturating_sub(offset) as usize).min(bytes.len());
        let (head, body) = bytes.split_at_mut(in_block);
        if !head.is_empty() {
            let start = offset as usize;
            head.copy_from_slice(&self.header.to_block()[start..start + in_block]);
        }
        self.read_body(offset.max(block_len) - block_len, body)
    }
}
