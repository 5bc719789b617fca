//! Writing an image onto a disk.

use super::label::{Label, Slot};
use super::{BlockDevice, SECTOR_SIZE, Store};
use crate::{Error, Finished, HEADER_BLOCK, Header, PAGE_SIZE, Refusal, Sink};

/// An image on its way to the disk. Dropped before [`finish`](Self::finish), it never was.
///
/// As a [`Sink`] it takes the body. It keeps back less than a page, so that the device sees whole
/// sectors.
pub struct Commit<'s, D> {
    store: &'s mut Store<D>,
    slot: Slot,
    /// Bytes of the body handed to the device.
    written: u64,
    buffer: [u8; PAGE_SIZE],
    filled: usize,
}

impl<'s, D: BlockDevice> Commit<'s, D> {
    pub(super) fn new(store: &'s mut Store<D>, slot: Slot) -> Self {
        Self { store, slot, written: 0, buffer: [0; PAGE_SIZE], filled: 0 }
    }

    /// Makes the image the newest of the disk: flushes the body, writes the label, flushes.
    ///
    /// Refuses with [`Refusal::Truncated`] if the body is not the one that `finished` describes.
    /// After any error the old image is still the newest, unless the device failed in the very
    /// last flush: then either may be.
    pub fn finish(self, finished: &Finished) -> Result<(), Error<D::Error>> {
        self.finish_copy(&finished.header)
    }

    /// Like [`finish`](Self::finish), for the body of an image that was verified elsewhere: its header.
    pub fn finish_copy(mut self, header: &Header) -> Result<(), Error<D::Error>> {
        let filled = self.filled;
        self.buffer[filled..].fill(0);
        if filled > 0 {
            let buffer = self.buffer;
            let sectors = filled.next_multiple_of(SECTOR_SIZE);
            self.device_write(&buffer[..sectors])?;
        }
        let available = HEADER_BLOCK as u64 + self.written;
        let needed = header.total_length;
        if available != needed {
            return Err(Refusal::Truncated { needed, available }.into());
        }
        let last = self.store.current.as_ref().map_or(0, |(_, label)| label.sequence);
        let sequence = last.saturating_add(1);
        let label = Label { sequence, geometry: self.store.geometry, header: *header };
        let device = &mut self.store.device;
        device.flush().map_err(Error::Io)?;
        device.write(self.slot.lba(), &label.to_block()).map_err(Error::Io)?;
        device.flush().map_err(Error::Io)?;
        self.store.current = Some((self.slot, label));
        Ok(())
    }

    /// Writes whole sectors behind those written so far.
    fn device_write(&mut self, bytes: &[u8]) -> Result<(), Error<D::Error>> {
        let end = self.written + bytes.len() as u64;
        if end > self.store.geometry.area_bytes() {
            let needed = HEADER_BLOCK as u64 + end;
            return Err(Refusal::DiskFull { needed, available: self.store.capacity() }.into());
        }
        let lba = self.store.geometry.area_lba(self.slot) + self.written / SECTOR_SIZE as u64;
        self.store.device.write(lba, bytes).map_err(Error::Io)?;
        self.written = end;
        Ok(())
    }
}

impl<D: BlockDevice> Sink for Commit<'_, D> {
    type Error = Error<D::Error>;

    fn write(&mut self, bytes: &[u8]) -> Result<(), Self::Error> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let direct = rest.len() - rest.len() % PAGE_SIZE;
            if self.filled == 0 && direct > 0 {
                self.device_write(&rest[..direct])?;
                rest = &rest[direct..];
                continue;
            }
            let part = rest.len().min(PAGE_SIZE - self.filled);
            self.buffer[self.filled..self.filled + part].copy_from_slice(&rest[..part]);
            self.filled += part;
            rest = &rest[part..];
            if self.filled == PAGE_SIZE {
                self.filled = 0;
                let buffer = self.buffer;
                self.device_write(&buffer)?;
            }
        }
        Ok(())
    }
}
