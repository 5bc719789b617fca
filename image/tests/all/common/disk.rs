//! A disk in memory that may lose power at any write, and with it what was not flushed.

use thaw_image::store::{BlockDevice, SECTOR_SIZE};

/// The disk has no power any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoPower;

impl core::fmt::Display for NoPower {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("no power")
    }
}

/// Which of the unflushed sectors survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// None: a cache that was lost.
    Nothing,
    /// All: a cache that was saved.
    Everything,
    /// Those whose turn is even under this seed: torn writes, overtaken ones.
    Some(u64),
}

/// The disk: what is safe, and what a flush would make safe.
#[derive(Clone)]
pub struct Disk {
    pub bytes: Vec<u8>,
    pending: Vec<(usize, [u8; SECTOR_SIZE])>,
    /// Writes and flushes until the power goes.
    pub power: u32,
    /// Writes and flushes so far.
    pub operations: u32,
}

impl Disk {
    pub fn new(sectors: usize) -> Self {
        Self::of(vec![0; sectors * SECTOR_SIZE])
    }

    pub fn of(bytes: Vec<u8>) -> Self {
        Self { bytes, pending: vec![], power: u32::MAX, operations: 0 }
    }

    /// Returns the disk as it is found after the power came back.
    pub fn after(mut self, crash: Crash) -> Self {
        for (turn, (at, sector)) in self.pending.iter().enumerate() {
            let survives = match crash {
                Crash::Nothing => false,
                Crash::Everything => true,
                Crash::Some(seed) => mix(seed, turn as u64).is_multiple_of(2),
            };
            if survives {
                self.bytes[*at..*at + SECTOR_SIZE].copy_from_slice(sector);
            }
        }
        Self::of(self.bytes)
    }

    fn operate(&mut self) -> Result<(), NoPower> {
        self.operations += 1;
        self.power = self.power.checked_sub(1).ok_or(NoPower)?;
        Ok(())
    }
}

/// SplitMix64, enough to scatter bits.
fn mix(seed: u64, turn: u64) -> u64 {
    let mut z = seed.wrapping_add((turn + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl BlockDevice for Disk {
    type Error = NoPower;

    fn sectors(&mut self) -> Result<u64, NoPower> {
        Ok((self.bytes.len() / SECTOR_SIZE) as u64)
    }

    fn read(&mut self, lba: u64, bytes: &mut [u8]) -> Result<(), NoPower> {
        assert!(bytes.len().is_multiple_of(SECTOR_SIZE), "whole sectors");
        let start = lba as usize * SECTOR_SIZE;
        bytes.copy_from_slice(&self.bytes[start..start + bytes.len()]);
        for (at, sector) in &self.pending {
            if (start..start + bytes.len()).contains(at) {
                bytes[at - start..][..SECTOR_SIZE].copy_from_slice(sector);
            }
        }
        Ok(())
    }

    fn write(&mut self, lba: u64, bytes: &[u8]) -> Result<(), NoPower> {
        assert!(bytes.len().is_multiple_of(SECTOR_SIZE), "whole sectors");
        let start = lba as usize * SECTOR_SIZE;
        assert!(start + bytes.len() <= self.bytes.len(), "inside the disk");
        // A cut inside of a write leaves some of its sectors: they are pending already.
        for (i, sector) in bytes.as_chunks::<SECTOR_SIZE>().0.iter().enumerate() {
            self.pending.push((start + i * SECTOR_SIZE, *sector));
        }
        self.operate()
    }

    fn flush(&mut self) -> Result<(), NoPower> {
        self.operate()?;
        for (at, sector) in core::mem::take(&mut self.pending) {
            self.bytes[at..at + SECTOR_SIZE].copy_from_slice(&sector);
        }
        Ok(())
    }
}
