//! Files as sources and as disks.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use thaw_image::Source;
use thaw_image::store::{BlockDevice, SECTOR_SIZE};

/// A file or block device that is only read.
#[derive(Debug)]
pub struct Bytes {
    file: File,
    length: u64,
}

impl Bytes {
    /// Takes a file at any position.
    pub fn new(mut file: File) -> io::Result<Self> {
        // The end, not the metadata: those of a block device say 0.
        let length = file.seek(SeekFrom::End(0))?;
        Ok(Self { file, length })
    }

    /// Fills `bytes` from `offset` on.
    pub fn read(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.read_exact(bytes)
    }

    /// Returns the bytes there are.
    pub fn length(&self) -> u64 {
        self.length
    }
}

impl Source for Bytes {
    type Error = io::Error;

    fn len(&mut self) -> io::Result<u64> {
        Ok(self.length)
    }

    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.read(offset, bytes)
    }
}

impl BlockDevice for Bytes {
    type Error = io::Error;

    fn sectors(&mut self) -> io::Result<u64> {
        Ok(self.length / SECTOR_SIZE as u64)
    }

    fn read(&mut self, lba: u64, bytes: &mut [u8]) -> io::Result<()> {
        Self::read(self, lba * SECTOR_SIZE as u64, bytes)
    }

    fn write(&mut self, _: u64, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
