//! The buffer shared with the block driver, word by word.
// UNSAFETY: another task writes this memory, so it is never a reference.
#![expect(unsafe_code)]

use thaw_native_abi::layout::{BLOCK_BUFFER, BLOCK_BUFFER_BYTES};

fn pointer(i: u32) -> *mut u32 {
    assert!(i < BLOCK_BUFFER_BYTES / 4, "word beyond the buffer");
    (BLOCK_BUFFER + 4 * i) as *mut u32
}

/// Word `i` of the buffer.
pub fn word(i: u32) -> u32 {
    // SAFETY: root attaches the whole buffer here in a PD that uses the driver; the index was checked.
    unsafe { pointer(i).read_volatile() }
}

/// Sets word `i` of the buffer.
pub fn set_word(i: u32, value: u32) {
    // SAFETY: as above.
    unsafe { pointer(i).write_volatile(value) }
}
