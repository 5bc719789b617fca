//! A block device that keeps the last checkpoint across power cuts.
//!
//! Two label sectors of 4096 bytes each, A at LBA 0 and B at LBA 8, and two data areas of equal
//! size behind them. A label describes the image in the area of the same letter. A commit writes
//! the body into the area that is not in use, flushes, writes that area's label with the next
//! sequence number, flushes. Whatever is lost on the way, one of the labels is whole and its data
//! is, too: the disk holds the old image or the new one.

mod area;
mod commit;
mod label;
mod source;

pub use area::Geometry;
pub use commit::Commit;
pub use label::{DISK_MAGIC, Label};
pub use source::StoreSource;

use crate::{Error, HEADER_BLOCK, Header, Refusal};
use label::{LABEL_LEN, Slot, State};

/// Bytes of a sector.
pub const SECTOR_SIZE: usize = 512;

/// A disk of 512-byte sectors.
pub trait BlockDevice {
    /// Why the device failed.
    type Error;

    /// Returns the number of sectors.
    fn sectors(&mut self) -> Result<u64, Self::Error>;

    /// Fills `bytes`, whole sectors, from sector `lba` on.
    fn read(&mut self, lba: u64, bytes: &mut [u8]) -> Result<(), Self::Error>;

    /// Writes `bytes`, whole sectors, from sector `lba` on. Until the next [`flush`](Self::flush)
    /// returns, any of its sectors may be lost or overtaken by later ones, but each sector is
    /// written whole or not at all.
    fn write(&mut self, lba: u64, bytes: &[u8]) -> Result<(), Self::Error>;

    /// Returns once all writes so far survive a power cut.
    fn flush(&mut self) -> Result<(), Self::Error>;
}

impl<D: BlockDevice + ?Sized> BlockDevice for &mut D {
    type Error = D::Error;

    fn sectors(&mut self) -> Result<u64, D::Error> {
        (**self).sectors()
    }

    fn read(&mut self, lba: u64, bytes: &mut [u8]) -> Result<(), D::Error> {
        (**self).read(lba, bytes)
    }

    fn write(&mut self, lba: u64, bytes: &[u8]) -> Result<(), D::Error> {
        (**self).write(lba, bytes)
    }

    fn flush(&mut self) -> Result<(), D::Error> {
        (**self).flush()
    }
}

/// A disk as a store of checkpoints.
pub struct Store<D> {
    device: D,
    geometry: Geometry,
    current: Option<(Slot, Label)>,
}

impl<D: BlockDevice> Store<D> {
    /// Reads both labels and chooses the newest whole one. Writes nothing.
    ///
    /// A zeroed disk is an empty store, and so is one whose very first commit was cut off. Refuses
    /// a disk that is too small or was cut shorter ([`Refusal::DiskSize`]), two damaged labels
    /// ([`Refusal::DiskHeaders`]), foreign content ([`Refusal::NotAnImage`]) and the layout or
    /// image of a newer version by its name. Needs about 5 KiB of stack.
    pub fn open(mut device: D) -> Result<Self, Error<D::Error>> {
        let sectors = device.sectors().map_err(Error::Io)?;
        let fresh = Geometry::of(sectors)?;
        let a = read_label(&mut device, Slot::A)?;
        let b = read_label(&mut device, Slot::B)?;
        let current = label::newest(a, b)?;
        let geometry = match &current {
            // The layout stays what it was, even if the disk has grown: the image must not move.
            Some((_, label)) => label.geometry.within(sectors)?,
            None => fresh,
        };
        Ok(Self { device, geometry, current })
    }

    /// Makes an empty store of the disk, whatever it held. Destroys checkpoints on it.
    pub fn format(mut device: D) -> Result<Self, Error<D::Error>> {
        let sectors = device.sectors().map_err(Error::Io)?;
        let geometry = Geometry::of(sectors)?;
        for slot in [Slot::A, Slot::B] {
            device.write(slot.lba(), &[0; LABEL_LEN]).map_err(Error::Io)?;
        }
        device.flush().map_err(Error::Io)?;
        Ok(Self { device, geometry, current: None })
    }

    /// Returns the label of the newest image, or [`Refusal::DiskEmpty`].
    pub fn label(&self) -> Result<&Label, Refusal> {
        self.current.as_ref().map(|(_, label)| label).ok_or(Refusal::DiskEmpty)
    }

    /// Returns the header of the newest image, or [`Refusal::DiskEmpty`].
    pub fn header(&self) -> Result<&Header, Refusal> {
        self.label().map(|label| &label.header)
    }

    /// Returns the layout of the disk.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Returns the length of the largest image that fits, in bytes.
    pub fn capacity(&self) -> u64 {
        HEADER_BLOCK as u64 + self.geometry.area_bytes()
    }

    /// Returns the newest image for reading, or [`Refusal::DiskEmpty`].
    pub fn image(&mut self) -> Result<StoreSource<'_, D>, Refusal> {
        let (slot, label) = self.current.as_ref().ok_or(Refusal::DiskEmpty)?;
        let area = self.geometry.area_lba(*slot);
        Ok(StoreSource::new(&mut self.device, area, label.header))
    }

    /// Starts to replace the older image by a new one of `length` bytes, as far as known.
    ///
    /// Refuses with [`Refusal::DiskFull`], before anything is written, if that does not fit. Until
    /// [`Commit::finish`] the newest image stays what it is; dropping the commit gives it up.
    pub fn begin(&mut self, length: u64) -> Result<Commit<'_, D>, Refusal> {
        let available = self.capacity();
        if length > available {
            return Err(Refusal::DiskFull { needed: length, available });
        }
        let slot = self.current.as_ref().map_or(Slot::A, |(slot, _)| slot.other());
        Ok(Commit::new(self, slot))
    }

    /// Gives the device back.
    pub fn into_device(self) -> D {
        self.device
    }
}

fn read_label<D: BlockDevice>(device: &mut D, slot: Slot) -> Result<State, Error<D::Error>> {
    let mut block = [0; LABEL_LEN];
    device.read(slot.lba(), &mut block).map_err(Error::Io)?;
    Ok(State::of(&block))
}
