//! The host's end: carries out requests, each of which may come twice or too late.

use crate::frame::{DATA_MAX, Frame, Kind, SECTOR_BYTES, Status};

/// Greetings with an old number after which the target counts as started anew.
const GREETINGS: u32 = 3;

/// What requests are carried out on.
pub trait Disk {
    /// Number of the store: another one each time that what was written before is gone.
    fn store(&self) -> u32;
    /// Sectors.
    fn sectors(&self) -> u32;
    /// Whether it can only be read.
    fn is_read_only(&self) -> bool;
    /// Fills `bytes`, whole sectors that exist, from sector `first` on.
    fn read(&mut self, first: u32, bytes: &mut [u8]) -> Result<(), Status>;
    /// Writes whole sectors that exist.
    fn write(&mut self, first: u32, bytes: &[u8]) -> Result<(), Status>;
    /// Keeps what was written; checks a new image and refuses it if it is none.
    fn flush(&mut self) -> Result<(), Status>;
}

/// The host's memory of one target: which request was the last.
#[derive(Default)]
pub struct Server {
    /// Start of the target, and number of its last request.
    last: Option<(Option<u32>, u16)>,
    /// Greetings in a row that seemed to be old ones.
    old_greetings: u32,
    data: Data,
}

struct Data([u8; DATA_MAX]);

impl Default for Data {
    fn default() -> Self {
        Self([0; DATA_MAX])
    }
}

impl Server {
    /// Carries a request out and returns the answer. Nothing for what is no request, or comes too late:
    /// it was answered long ago, and carrying it out again would undo what came after it.
    pub fn answer<D: Disk + ?Sized>(&mut self, request: &Frame<'_>, disk: &mut D) -> Option<Frame<'_>> {
        if request.is_answer || request.kind == Kind::Damaged || self.is_late(request) {
            return None;
        }
        let start = match (request.kind, self.last) {
            (Kind::Hello, _) => Some(request.value),
            (_, Some((start, _))) => start,
            _ => None,
        };
        self.last = Some((start, request.number));
        let (status, len) = match self.carry_out(request, disk) {
            Ok(len) => (Status::Done, len),
            Err(status) => (status, 0),
        };
        Some(request.answer(disk.store(), status, &self.data.0[..len]))
    }

    fn is_late(&mut self, request: &Frame<'_>) -> bool {
        let Some((start, number)) = self.last else { return false };
        let is_hello = request.kind == Kind::Hello;
        let is_new_start = is_hello && start.is_some_and(|start| start != request.value);
        // Numbers wrap; what is less than half the way round behind is old.
        let is_old = !is_new_start && number.wrapping_sub(request.number).wrapping_sub(1) < 0x8000 - 1;
        self.old_greetings = if is_hello && is_old { self.old_greetings + 1 } else { 0 };
        if self.old_greetings == GREETINGS {
            self.old_greetings = 0;
            return false;
        }
        is_old
    }

    /// Bytes of the answer's data.
    fn carry_out<D: Disk + ?Sized>(&mut self, request: &Frame<'_>, disk: &mut D) -> Result<usize, Status> {
        let Self { data: Data(data), .. } = self;
        if request.kind == Kind::Hello {
            data[..4].copy_from_slice(&disk.sectors().to_le_bytes());
            data[4..8].copy_from_slice(&[disk.is_read_only().into(), 0, 0, 0]);
            return Ok(8);
        }
        if request.store != disk.store() {
            return Err(Status::OtherStore);
        }
        match request.kind {
            Kind::Read => {
                let bytes = (request.value as usize).checked_mul(SECTOR_BYTES).filter(|b| *b <= DATA_MAX);
                let bytes = bytes.filter(|b| *b != 0).ok_or(Status::Bad)?;
                check(disk, request.first, bytes)?;
                disk.read(request.first, &mut data[..bytes])?;
                Ok(bytes)
            }
            Kind::Write => {
                let bytes = request.data.len();
                if bytes == 0 || !bytes.is_multiple_of(SECTOR_BYTES) {
                    return Err(Status::Bad);
                }
                if disk.is_read_only() {
                    return Err(Status::ReadOnly);
                }
                check(disk, request.first, bytes)?;
                disk.write(request.first, request.data).map(|()| 0)
            }
            Kind::Flush => disk.flush().map(|()| 0),
            Kind::Hello | Kind::Damaged => Err(Status::Bad),
        }
    }
}

fn check<D: Disk + ?Sized>(disk: &D, first: u32, bytes: usize) -> Result<(), Status> {
    match first.checked_add((bytes / SECTOR_BYTES) as u32) {
        Some(end) if end <= disk.sectors() => Ok(()),
        _ => Err(Status::BeyondEnd),
    }
}
