//! What is booted: ELF files, kernels and their tables, the payload behind the loader.
//!
//! Used by the loader on the target and by `xtask` on the host, so that a file that is no kernel is
//! refused by the same code, with the same words, before anything boots. Needs neither allocator nor
//! kernel bindings and contains no unsafe code.
#![no_std]
#![forbid(unsafe_code)]

pub mod elf;
pub mod fdt;
pub mod kernel;
pub mod payload;
pub mod program;
pub mod ram;

/// Reads the little-endian word at `at`, or `None` past the end.
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let end = at.checked_add(4)?;
    Some(u32::from_le_bytes(bytes.get(at..end)?.try_into().ok()?))
}

/// Reads the little-endian half word at `at`, or `None` past the end.
fn half(bytes: &[u8], at: usize) -> Option<u16> {
    let end = at.checked_add(2)?;
    Some(u16::from_le_bytes(bytes.get(at..end)?.try_into().ok()?))
}
