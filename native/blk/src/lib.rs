//! What the block driver decides without touching a device: which requests it takes, and how it says
//! no to the others. On the target also the loop that serves them.
#![no_std]

#[cfg(target_os = "none")]
pub mod server;

use l4_sys::raw;
use thaw_native_abi::{
    block::{FLUSH, INFO, READ, SECTOR_BYTES, WRITE},
    layout::BLOCK_BUFFER_BYTES,
};

/// A disk as far as requests are concerned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Geometry {
    /// Sectors.
    pub sectors: u64,
    /// Writing is refused.
    pub read_only: bool,
}

/// A request that can be carried out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Request {
    /// What disk is it?
    Info(Geometry),
    /// From the disk to the buffer.
    Read(Extent),
    /// From the buffer to the disk.
    Write(Extent),
    /// Everything written is to be on the medium.
    Flush,
}

/// Sectors that exist and fit into the buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extent {
    /// The first.
    pub first: u64,
    /// All their bytes, a positive multiple of the sector size.
    pub bytes: u32,
}

/// Why a request is not carried out, or did not succeed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// There is no disk, or it stopped answering.
    NoDisk,
    /// The disk may not be written.
    ReadOnly,
    /// Sectors beyond the end of the disk.
    BeyondEnd,
    /// No sectors, or more than the buffer holds.
    Length,
    /// No such operation.
    Operation,
    /// Fewer words than the operation takes.
    TooShort,
    /// The device reported an error, or an operation it does not know.
    Device,
    /// The device did not answer in time. It is reset and no longer used.
    Timeout,
}

impl Refusal {
    /// The number in the reply, without sign.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Self::NoDisk => raw::L4_ENODEV,
            Self::ReadOnly => raw::L4_EPERM,
            Self::BeyondEnd => raw::L4_ERANGE,
            Self::Length => raw::L4_EINVAL,
            Self::Operation => raw::L4_ENOSYS,
            Self::TooShort => raw::L4_EMSGTOOSHORT,
            Self::Device => raw::L4_EIO,
            Self::Timeout => raw::L4_EBUSY,
        }
    }
}

/// Reads a request's words; `disk` is `None` if there is none.
pub fn decode(words: &[u32], disk: Option<Geometry>) -> Result<Request, Refusal> {
    let operation = *words.first().ok_or(Refusal::TooShort)?;
    if ![INFO, READ, WRITE, FLUSH].contains(&operation) {
        return Err(Refusal::Operation);
    }
    let disk = disk.ok_or(Refusal::NoDisk)?;
    match operation {
        INFO => Ok(Request::Info(disk)),
        FLUSH => Ok(Request::Flush),
        READ => extent(words, disk).map(Request::Read),
        _ if disk.read_only => Err(Refusal::ReadOnly),
        _ => extent(words, disk).map(Request::Write),
    }
}

fn extent(words: &[u32], disk: Geometry) -> Result<Extent, Refusal> {
    let &[_, low, high, count, ..] = words else { return Err(Refusal::TooShort) };
    let first = u64::from(high) << 32 | u64::from(low);
    if count == 0 || count > BLOCK_BUFFER_BYTES / SECTOR_BYTES {
        return Err(Refusal::Length);
    }
    match first.checked_add(count.into()) {
        Some(end) if end <= disk.sectors => Ok(Extent { first, bytes: count * SECTOR_BYTES }),
        _ => Err(Refusal::BeyondEnd),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DISK: Option<Geometry> = Some(Geometry { sectors: 1000, read_only: false });
    const BUFFER_SECTORS: u32 = BLOCK_BUFFER_BYTES / SECTOR_BYTES;

    #[test]
    fn takes_what_lies_on_the_disk() {
        assert_eq!(decode(&[READ, 0, 0, 1], DISK), Ok(Request::Read(Extent { first: 0, bytes: 512 })));
        assert_eq!(decode(&[WRITE, 998, 0, 2], DISK), Ok(Request::Write(Extent { first: 998, bytes: 1024 })));
        let whole = Extent { first: 3, bytes: BLOCK_BUFFER_BYTES };
        assert_eq!(decode(&[READ, 3, 0, BUFFER_SECTORS], DISK), Ok(Request::Read(whole)));
        assert_eq!(decode(&[FLUSH], DISK), Ok(Request::Flush));
        assert_eq!(decode(&[INFO], DISK), Ok(Request::Info(DISK.unwrap())));
    }

    #[test]
    fn refuses_the_rest_by_name() {
        for (words, refusal) in [
            (&[][..], Refusal::TooShort),
            (&[READ, 0, 0], Refusal::TooShort),
            (&[READ, 999, 0, 2], Refusal::BeyondEnd),
            (&[WRITE, 1000, 0, 1], Refusal::BeyondEnd),
            (&[READ, 0, 1, 1], Refusal::BeyondEnd),
            (&[READ, !0, !0, 1], Refusal::BeyondEnd),
            (&[READ, 0, 0, 0], Refusal::Length),
            (&[READ, 0, 0, BUFFER_SECTORS + 1], Refusal::Length),
            (&[READ, 0, 0, !0], Refusal::Length),
            (&[0], Refusal::Operation),
            (&[FLUSH + 1, 0, 0, 1], Refusal::Operation),
        ] {
            assert_eq!(decode(words, DISK), Err(refusal), "{words:?}");
        }
    }

    #[test]
    fn read_only_disks_and_missing_ones() {
        let read_only = DISK.map(|d| Geometry { read_only: true, ..d });
        assert_eq!(decode(&[WRITE, 0, 0, 1], read_only), Err(Refusal::ReadOnly));
        assert!(decode(&[READ, 0, 0, 1], read_only).is_ok());
        for words in [&[INFO][..], &[READ, 0, 0, 1], &[FLUSH]] {
            assert_eq!(decode(words, None), Err(Refusal::NoDisk));
        }
    }

    #[test]
    fn refusals_have_numbers_of_their_own() {
        use Refusal::*;
        let all = [NoDisk, ReadOnly, BeyondEnd, Length, Operation, TooShort, Device, Timeout];
        for (i, a) in all.iter().enumerate() {
            assert!(all[..i].iter().all(|b| a.code() != b.code()), "{a:?}");
        }
    }
}
