//! Opening an image or a disk, told apart by content.

use std::fs::File;
use std::io;
use std::path::Path;

use thaw_image::store::{DISK_MAGIC, Label, Store, StoreSource};
use thaw_image::{Error, MAGIC, Source};

use crate::failure::Failure;
use crate::file::Bytes;

/// Where the second label of a disk begins.
const LABEL_B: u64 = 4096;

/// An opened input.
pub enum Input {
    /// The file of one checkpoint.
    Image(Bytes),
    /// A disk.
    Disk(Box<Store<Bytes>>),
}

/// The image of an input.
pub enum Image<'i> {
    /// All of a file.
    File(&'i mut Bytes),
    /// The newest one of a disk.
    Store(Box<StoreSource<'i, Bytes>>),
}

impl Input {
    /// Opens the file at `path`; a disk must hold whole labels.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let unreadable = |error| Failure::Input(path.into(), error);
        let mut bytes = File::open(path).and_then(Bytes::new).map_err(unreadable)?;
        if !is_disk(&mut bytes).map_err(unreadable)? {
            return Ok(Self::Image(bytes));
        }
        Store::open(bytes).map(|store| Self::Disk(Box::new(store))).map_err(|error| Failure::of(path, error))
    }

    /// Returns the image, of a disk the newest.
    pub fn image(&mut self, path: &Path) -> Result<Image<'_>, Failure> {
        match self {
            Self::Image(bytes) => Ok(Image::File(bytes)),
            Self::Disk(store) => {
                let refused = |refusal| Failure::Refused(path.into(), refusal);
                store.image().map(|source| Image::Store(Box::new(source))).map_err(refused)
            }
        }
    }

    /// Returns the label of a disk's newest image.
    pub fn label(&self) -> Option<Label> {
        match self {
            Self::Image(_) => None,
            Self::Disk(store) => store.label().ok().copied(),
        }
    }
}

/// Tells a disk by either label, or by zeros where an image has its magic.
fn is_disk(bytes: &mut Bytes) -> io::Result<bool> {
    let a = magic_at(bytes, 0)?;
    let b = magic_at(bytes, LABEL_B)?;
    Ok(a != Some(MAGIC) && (a == Some([0; 8]) || a == Some(DISK_MAGIC) || b == Some(DISK_MAGIC)))
}

fn magic_at(bytes: &mut Bytes, offset: u64) -> io::Result<Option<[u8; 8]>> {
    let mut magic = [0; 8];
    if bytes.length() < offset + 8 {
        return Ok(None);
    }
    bytes.read(offset, &mut magic)?;
    Ok(Some(magic))
}

impl Source for Image<'_> {
    type Error = io::Error;

    fn len(&mut self) -> io::Result<u64> {
        match self {
            Self::File(bytes) => Source::len(*bytes),
            Self::Store(source) => source.len(),
        }
    }

    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        match self {
            Self::File(file) => file.read_at(offset, bytes),
            Self::Store(source) => source.read_at(offset, bytes),
        }
    }
}

/// Bytes read at a time.
pub const SCRATCH: usize = 256 * 1024;

/// Returns what an error of `path` means; shortens `map_err`.
pub fn at(path: &Path) -> impl Fn(Error<io::Error>) -> Failure + '_ {
    |error| Failure::of(path, error)
}
