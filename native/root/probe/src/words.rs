//! Memory by address.
// UNSAFETY: the program reads and writes memory that it allocated by number, and faults on purpose.
#![expect(unsafe_code)]

/// Reads the aligned word at `addr`.
pub fn read(addr: u32) -> u32 {
    // SAFETY: no Rust object lives at addresses that root gave out; a bad one faults, which is the test.
    unsafe { (addr as *const u32).read_volatile() }
}

/// Writes the aligned word at `addr`.
pub fn write(addr: u32, value: u32) {
    // SAFETY: as above.
    unsafe { (addr as *mut u32).write_volatile(value) }
}

/// Writes a byte.
pub fn write_byte(addr: u32, value: u8) {
    // SAFETY: as above.
    unsafe { (addr as *mut u8).write_volatile(value) }
}

/// The bytes of an attached module.
pub fn bytes(addr: u32, len: u32) -> &'static [u8] {
    // SAFETY: modules are never written, and the caller keeps it attached while it uses the bytes.
    unsafe { core::slice::from_raw_parts(addr as *const u8, len as usize) }
}
