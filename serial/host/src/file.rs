//! A file as a disk, and images between files.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use thaw_image::store::{BlockDevice, SECTOR_SIZE, Store};
use thaw_image::{Expect, HEADER_BLOCK, Sink, Source, Verified};

/// Bytes that are read at once.
pub const SCRATCH: usize = 1 << 16;

/// The first sectors of a file.
pub struct FileDisk {
    /// The file.
    pub file: File,
    /// How many sectors.
    pub sectors: u64,
}

impl FileDisk {
    fn seek(&mut self, lba: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(lba * SECTOR_SIZE as u64)).map(|_| ())
    }
}

impl BlockDevice for FileDisk {
    type Error = io::Error;

    fn sectors(&mut self) -> io::Result<u64> {
        Ok(self.sectors)
    }

    fn read(&mut self, lba: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.seek(lba)?;
        self.file.read_exact(bytes)
    }

    fn write(&mut self, lba: u64, bytes: &[u8]) -> io::Result<()> {
        self.seek(lba)?;
        self.file.write_all(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// An image file.
pub struct ImageFile(pub File);

impl Source for ImageFile {
    type Error = io::Error;

    fn len(&mut self) -> io::Result<u64> {
        self.0.seek(SeekFrom::End(0))
    }

    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.0.seek(SeekFrom::Start(offset))?;
        self.0.read_exact(bytes)
    }
}

type ImageResult<T> = Result<T, thaw_image::Error<io::Error>>;

/// Checks a whole image.
pub fn verify(source: &mut impl Source<Error = io::Error>) -> ImageResult<Verified> {
    thaw_image::verify(source, &Expect::ANY, &mut vec![0; SCRATCH])
}

/// Puts a verified image onto an empty disk.
pub fn fill(disk: &mut FileDisk, image: &mut ImageFile, verified: &Verified) -> ImageResult<()> {
    let length = verified.header().total_length;
    let mut store = Store::format(disk)?;
    let mut commit = store.begin(length)?;
    let mut scratch = vec![0; SCRATCH];
    let mut offset = HEADER_BLOCK as u64;
    while offset < length {
        let part = (length - offset).min(SCRATCH as u64) as usize;
        image.read_at(offset, &mut scratch[..part]).map_err(thaw_image::Error::Io)?;
        commit.write(&scratch[..part])?;
        offset += part as u64;
    }
    commit.finish_copy(verified.header())
}

/// Copies an image, header and all.
pub fn copy(source: &mut impl Source<Error = io::Error>, length: u64, out: &mut File) -> io::Result<()> {
    let mut scratch = vec![0; SCRATCH];
    let mut offset = 0;
    while offset < length {
        let part = (length - offset).min(SCRATCH as u64) as usize;
        source.read_at(offset, &mut scratch[..part])?;
        out.write_all(&scratch[..part])?;
        offset += part as u64;
    }
    out.sync_all()
}
