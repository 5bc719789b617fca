//! The module of wrong images. **For tests only.**

use thaw_component::error::DiskError;
use thaw_image::store::BlockDevice;
use thaw_native_abi::forged::{HEADER_BYTES, LABEL_BYTES};

/// Wrong images, see [`thaw_native_abi::forged`].
pub struct Forged<'a> {
    module: &'a [u8],
}

impl<'a> Forged<'a> {
    /// Those of a module.
    #[must_use]
    pub const fn new(module: &'a [u8]) -> Self {
        Self { module }
    }

    fn word(&self, n: usize) -> Option<u32> {
        let bytes = self.module.get(4 * n..4 * n + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }

    /// Label and table of image `n`.
    fn parts(&self, n: u32) -> Option<(&'a [u8], &'a [u8])> {
        let table_bytes = self.word(2)? as usize;
        let bytes = LABEL_BYTES + table_bytes;
        let start = HEADER_BYTES + bytes * n as usize;
        (n < self.word(0)?).then_some(())?;
        Some(self.module.get(start..start + bytes)?.split_at(LABEL_BYTES))
    }

    /// Puts image `n` onto the disk, which holds the one that they were made of; whether there is such an image.
    pub fn put<D>(&self, n: u32, disk: &mut D) -> Result<bool, DiskError>
    where
        D: BlockDevice<Error = DiskError>,
    {
        let Some(((label, table), lba)) = self.parts(n).zip(self.word(1)) else { return Ok(false) };
        disk.write(lba.into(), table)?;
        disk.write(0, label)?;
        Ok(true)
    }
}
