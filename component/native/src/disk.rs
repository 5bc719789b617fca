//! The block driver as a disk: data passes through the shared buffer.

use thaw_component::error::DiskError;
use thaw_component::host::HostError;
use thaw_component::host::Span;
use thaw_image::store::{BlockDevice, SECTOR_SIZE};
use thaw_l4::{Kernel, raw};
use thaw_native_abi::block;
use thaw_native_abi::layout::{BLOCK_BUFFER, BLOCK_BUFFER_BYTES, SLOT_BLOCK};

use crate::Platform;
use crate::request::ask;

/// The client's end of the block session.
pub struct NativeDisk<'k, K: Kernel, P: Platform> {
    kernel: &'k K,
    platform: &'k P,
}

impl<'k, K: Kernel, P: Platform> NativeDisk<'k, K, P> {
    /// Reaches the driver in its slot.
    pub const fn new(kernel: &'k K, platform: &'k P) -> Self {
        Self { kernel, platform }
    }

    fn call<const N: usize>(&self, words: &[u32]) -> Result<[u32; N], DiskError> {
        ask(self.kernel, SLOT_BLOCK, words).map_err(|HostError(number)| match number {
            raw::L4_ENODEV => DiskError::Absent,
            raw::L4_EPERM => DiskError::ReadOnly,
            // No session is no disk.
            n if n == 2000 + raw::L4_IPC_ENOT_EXISTENT => DiskError::Absent,
            number => DiskError::Failed(number),
        })
    }

    fn transfer(&self, operation: u32, lba: u64, sectors: usize) -> Result<(), DiskError> {
        self.call::<0>(&[operation, lba as u32, (lba >> 32) as u32, sectors as u32]).map(|_| ())
    }
}

/// The start of the shared buffer.
const fn buffer(bytes: usize) -> Span {
    Span { addr: BLOCK_BUFFER, bytes: bytes as u32 }
}

impl<K: Kernel, P: Platform> BlockDevice for NativeDisk<'_, K, P> {
    type Error = DiskError;

    fn sectors(&mut self) -> Result<u64, DiskError> {
        self.call(&[block::INFO]).map(|[low, high, _]| u64::from(high) << 32 | u64::from(low))
    }

    fn read(&mut self, lba: u64, bytes: &mut [u8]) -> Result<(), DiskError> {
        let mut lba = lba;
        for piece in bytes.chunks_mut(BLOCK_BUFFER_BYTES as usize) {
            let sectors = piece.len() / SECTOR_SIZE;
            self.transfer(block::READ, lba, sectors)?;
            self.platform.read(buffer(piece.len()), piece);
            lba += sectors as u64;
        }
        Ok(())
    }

    fn write(&mut self, lba: u64, bytes: &[u8]) -> Result<(), DiskError> {
        let mut lba = lba;
        for piece in bytes.chunks(BLOCK_BUFFER_BYTES as usize) {
            let sectors = piece.len() / SECTOR_SIZE;
            self.platform.write(buffer(piece.len()), piece);
            self.transfer(block::WRITE, lba, sectors)?;
            lba += sectors as u64;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), DiskError> {
        self.call::<0>(&[block::FLUSH]).map(|_| ())
    }
}
