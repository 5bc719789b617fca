//! Which cases to run: one word in the boot module `case`.
// UNSAFETY: reads the archive of boot modules, which the loader left in RAM.
#![expect(unsafe_code)]

use thaw_native_abi::boot::{ARCHIVE_ENTRY_BYTES, ARCHIVE_HEADER_BYTES, ARCHIVE_MAGIC, MODULE_NAME_BYTES};
use thaw_rt::boot_info;

/// Bytes of the word at most.
const BYTES_MAX: usize = 64;

/// A word from the archive.
pub struct Word {
    bytes: [u8; BYTES_MAX],
    len: usize,
}

impl Word {
    /// Its text.
    pub fn text(&self) -> &str {
        core::str::from_utf8(&self.bytes[..self.len]).unwrap_or("").trim()
    }
}

/// Reads the first module of the archive, which is the only one.
///
/// # Panics
///
/// If there is no such module.
pub fn read() -> Word {
    let info = boot_info().expect("started by the loader");
    let byte = |at: u32| {
        assert!(at < info.archive_size, "inside the archive");
        // SAFETY: the loader says that so many bytes lie there; nobody writes them while root runs.
        unsafe { ((info.archive + at) as *const u8).read_volatile() }
    };
    let word = |at: u32| u32::from_le_bytes([byte(at), byte(at + 1), byte(at + 2), byte(at + 3)]);
    assert!(word(0) == ARCHIVE_MAGIC && word(4) == 1, "an archive with one module");
    const { assert!(ARCHIVE_ENTRY_BYTES as usize == MODULE_NAME_BYTES + 8) };
    let numbers = ARCHIVE_HEADER_BYTES + MODULE_NAME_BYTES as u32;
    let (offset, len) = (word(numbers), word(numbers + 4) as usize);
    let mut found = Word { bytes: [0; BYTES_MAX], len: len.min(BYTES_MAX) };
    found.bytes[..len.min(BYTES_MAX)].iter_mut().zip(offset..).for_each(|(b, at)| *b = byte(at));
    found
}
