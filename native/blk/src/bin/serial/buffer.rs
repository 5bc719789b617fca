//! Memory of this program that others see, too: the shared buffer, and modules.
// UNSAFETY: reaches memory at addresses that root attached; users write the buffer, so it is never a reference.
#![expect(unsafe_code)]

use thaw_l4::Result;
use thaw_native_abi::layout::BLOCK_BUFFER_BYTES;
use thaw_rt::request;

/// The buffer that data passes through.
pub struct Buffer(u32);

impl Buffer {
    /// Takes what root allocated for it.
    pub fn new(address: u32) -> Self {
        Self(address)
    }

    fn byte(&self, offset: u32, i: usize) -> *mut u8 {
        let at = offset + i as u32;
        assert!(at < BLOCK_BUFFER_BYTES, "access within the buffer");
        (self.0 + at) as *mut u8
    }

    /// Reads from `offset` on.
    pub fn read(&self, offset: u32, bytes: &mut [u8]) {
        for (i, byte) in bytes.iter_mut().enumerate() {
            // SAFETY: inside memory that root allocated for the buffer, for good; volatile, since users
            // write it.
            *byte = unsafe { self.byte(offset, i).read_volatile() };
        }
    }

    /// Writes from `offset` on.
    pub fn write(&self, offset: u32, bytes: &[u8]) {
        for (i, byte) in bytes.iter().enumerate() {
            // SAFETY: as above; no Rust object lives there.
            unsafe { self.byte(offset, i).write_volatile(*byte) };
        }
    }
}

/// Contents of a module.
pub fn module(name: &str) -> Result<&'static [u8]> {
    let (address, bytes) = request::rom_attach(name)?;
    // SAFETY: root attached the module for good and nobody can write it.
    Ok(unsafe { core::slice::from_raw_parts(address as *const u8, bytes as usize) })
}
