//! An image that comes over the line.
//!
//! It grows in a file beside the one that is wanted, `NAME.part`: a disk of two areas as on any other
//! disk, and behind it a trailer with the number of the store. As long as that file is there a transfer can
//! go on, whoever was started anew. The image itself appears, whole and verified, when the target commits.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use thaw_image::store::{BlockDevice, SECTOR_SIZE, Store};
use thaw_serial::{Disk, Status};

use crate::error::{self, HostError};
use crate::file::{FileDisk, ImageFile, copy, fill, verify};

/// Sectors of a new store: two areas of 256 MiB. The file has holes, it takes what is written.
const SECTORS: u64 = 1 << 20;
/// First bytes of the trailer; the number of the store follows.
const TRAILER: [u8; 8] = *b"THAWPRT\x01";

/// An image that was accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Accepted {
    /// Number of the checkpoint.
    pub generation: u64,
    /// Bytes of the image.
    pub bytes: u64,
}

/// A store for the target to write to.
pub struct Incoming {
    out: PathBuf,
    part: PathBuf,
    disk: FileDisk,
    store: u32,
    /// Label number of the newest image that `out` holds.
    sequence: u64,
    accepted: Option<Accepted>,
    refusal: Option<HostError>,
    resumed: bool,
}

impl Incoming {
    /// Goes on with what an earlier transfer to `out` left, or begins a new store that holds the image
    /// that is there already.
    pub fn open(out: &Path) -> Result<Self, HostError> {
        let part = with_suffix(out, ".part");
        match resume(&part)? {
            Some((file, store)) => Self::ready(out, part, file, store, true),
            None => {
                let (file, store) = create(&part)?;
                let mut incoming = Self::ready(out, part, file, store, false)?;
                incoming.keep_old()?;
                Ok(incoming)
            }
        }
    }

    fn ready(out: &Path, part: PathBuf, file: File, store: u32, resumed: bool) -> Result<Self, HostError> {
        let disk = FileDisk { file, sectors: SECTORS };
        let mut incoming =
            Self { out: out.into(), part, disk, store, sequence: 0, accepted: None, refusal: None, resumed };
        // What was committed before was accepted before, or refused.
        incoming.sequence = incoming.newest()?.map_or(0, |(sequence, ..)| sequence);
        Ok(incoming)
    }

    /// Puts the image that `out` holds into the store, so that the next one is its successor.
    fn keep_old(&mut self) -> Result<(), HostError> {
        let Ok(file) = File::open(&self.out) else { return Ok(()) };
        let mut old = ImageFile(file);
        let verified = verify(&mut old).map_err(error::image(&self.out))?;
        fill(&mut self.disk, &mut old, &verified).map_err(error::image(&self.part))?;
        self.sequence = self.newest()?.map_or(0, |(sequence, ..)| sequence);
        Ok(())
    }

    /// Label number, checkpoint number and length of the newest image in the store.
    fn newest(&mut self) -> Result<Option<(u64, u64, u64)>, HostError> {
        let store = Store::open(&mut self.disk).map_err(error::image(&self.part))?;
        Ok(store.label().ok().map(|label| {
            let header = &label.header;
            (label.sequence, header.identity.generation, header.total_length)
        }))
    }

    /// Whether this goes on with an earlier transfer.
    pub fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// The image that was accepted last, to whoever asks first.
    pub fn take_accepted(&mut self) -> Option<Accepted> {
        self.accepted.take()
    }

    /// Why an image was refused, or could not be kept.
    pub fn take_refusal(&mut self) -> Option<HostError> {
        self.refusal.take()
    }

    /// Forgets the store; the image stays.
    pub fn close(self) -> Result<(), HostError> {
        drop(self.disk);
        fs::remove_file(&self.part).map_err(error::file(&self.part))
    }

    /// Takes over a new image, if there is one.
    fn accept(&mut self) -> Result<(), HostError> {
        let Some((sequence, generation, bytes)) = self.newest()? else { return Ok(()) };
        if sequence == self.sequence {
            return Ok(());
        }
        let mut store = Store::open(&mut self.disk).map_err(error::image(&self.part))?;
        let mut image = store.image().map_err(|refusal| HostError::Image(self.part.clone(), refusal))?;
        verify(&mut image).map_err(error::image(&self.part))?;
        let new = with_suffix(&self.out, ".new");
        let mut file = File::create(&new).map_err(error::file(&new))?;
        copy(&mut image, bytes, &mut file).map_err(error::file(&new))?;
        fs::rename(&new, &self.out).map_err(error::file(&self.out))?;
        self.sequence = sequence;
        self.accepted = Some(Accepted { generation, bytes });
        Ok(())
    }
}

impl Disk for Incoming {
    fn store(&self) -> u32 {
        self.store
    }

    fn sectors(&self) -> u32 {
        SECTORS as u32
    }

    fn is_read_only(&self) -> bool {
        false
    }

    fn read(&mut self, first: u32, bytes: &mut [u8]) -> Result<(), Status> {
        BlockDevice::read(&mut self.disk, first.into(), bytes).map_err(|_| Status::Failed)
    }

    fn write(&mut self, first: u32, bytes: &[u8]) -> Result<(), Status> {
        BlockDevice::write(&mut self.disk, first.into(), bytes).map_err(|_| Status::Failed)
    }

    fn flush(&mut self) -> Result<(), Status> {
        BlockDevice::flush(&mut self.disk).map_err(|_| Status::Failed)?;
        self.accept().map_err(|error| {
            let status = match error {
                HostError::Image(..) => Status::Refused,
                HostError::File(..) => Status::Failed,
            };
            self.refusal = Some(error);
            status
        })
    }
}

/// A name with something appended.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().into();
    name.push(suffix);
    name.into()
}

/// The store of an earlier transfer, if it is whole.
fn resume(part: &Path) -> Result<Option<(File, u32)>, HostError> {
    let Ok(mut file) = File::options().read(true).write(true).open(part) else { return Ok(None) };
    let mut trailer = [0; 12];
    let read =
        file.seek(SeekFrom::Start(SECTORS * SECTOR_SIZE as u64)).and_then(|_| file.read_exact(&mut trailer));
    let [magic @ .., a, b, c, d] = trailer;
    let is_store = read.is_ok() && magic == TRAILER;
    Ok(is_store.then(|| (file, u32::from_le_bytes([a, b, c, d]))))
}

/// An empty store with a number of its own.
fn create(part: &Path) -> Result<(File, u32), HostError> {
    let number = fastrand::u32(1..);
    let make = || {
        let mut file = File::options().read(true).write(true).create(true).truncate(true).open(part)?;
        file.seek(SeekFrom::Start(SECTORS * SECTOR_SIZE as u64))?;
        file.write_all(&TRAILER)?;
        file.write_all(&number.to_le_bytes())?;
        Ok(file)
    };
    make().map(|file| (file, number)).map_err(error::file(part))
}
