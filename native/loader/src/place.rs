//! Where things may go: every range is checked before anything is written.

use core::fmt;

use thaw_bootimage::{
    elf::{Elf, ElfError},
    kernel::KernelError,
    payload::PayloadError,
};
use thaw_native_abi::boot::{BOOT_INFO_OFFSET, DTB_OFFSET, LOADER_OFFSET, ROOT_OFFSET, SIGMA0_OFFSET};

use crate::board::Board;

/// Bytes kept for a device tree.
pub const DEVICE_TREE_MAX: u32 = 0x10_0000;
/// Bytes kept for boot information.
pub const BOOT_INFO_BYTES: u32 = 4096;
/// Bytes of root's image at most.
const ROOT_MAX: u32 = 0x60_0000;
/// RAM that must be left above the payload for the kernel's own heap.
const HEAP_MIN: u32 = 0x200_0000;

/// Why the loader does not boot.
#[derive(Clone, Copy, Debug)]
pub enum LoadError {
    /// Linked for a board without an entry in the table.
    UnknownBoard(u32),
    /// MMU or data cache are on.
    Cached,
    /// No payload, or not a good one.
    Payload(PayloadError),
    /// The payload was packed for another board.
    OtherBoard(u32),
    /// Nothing says how much RAM there is.
    NoDeviceTree,
    /// The device tree is larger than the place for it.
    DeviceTreeBytes(u32),
    /// The device tree names RAM that starts elsewhere, or none.
    DeviceTreeRam,
    /// There is less RAM than needed or than the payload asks for.
    Ram(u32, u32),
    /// The kernel file is refused.
    Kernel(KernelError),
    /// The file of sigma0 or root is refused.
    Task(&'static str, ElfError),
    /// A program would be loaded outside its place.
    Misplaced(&'static str, u32, u32),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownBoard(n) => write!(f, "linked for board {n}, which has no table entry"),
            Self::Cached => f.write_str("MMU or data cache are on; start the loader with both off"),
            Self::Payload(e) => write!(f, "{e}"),
            Self::OtherBoard(n) => write!(f, "payload was packed for board {n}: pack it for this one"),
            Self::NoDeviceTree => f.write_str("no device tree at the start of RAM; boot with QEMU's -kernel"),
            Self::DeviceTreeBytes(n) => write!(f, "device tree of {n} bytes, room for {DEVICE_TREE_MAX}"),
            Self::DeviceTreeRam => f.write_str("device tree names no RAM at the board's start of RAM"),
            Self::Ram(have, need) => {
                write!(f, "{have:#x} bytes of RAM, {need:#x} are needed: give QEMU more (-m)")
            }
            Self::Kernel(e) => write!(f, "kernel: {e}"),
            Self::Task(name, e) => write!(f, "{name}: {e}"),
            Self::Misplaced(name, first, last) => {
                write!(f, "{name} is linked for {first:#010x}-{last:#010x}, outside its place on this board")
            }
        }
    }
}

impl From<PayloadError> for LoadError {
    fn from(e: PayloadError) -> Self {
        Self::Payload(e)
    }
}

impl From<KernelError> for LoadError {
    fn from(e: KernelError) -> Self {
        Self::Kernel(e)
    }
}

/// Checks that the kernel lies between the start of RAM and the boot information.
pub fn check_kernel(board: &Board, elf: &Elf<'_>) -> Result<(u32, u32), LoadError> {
    check("kernel", elf, board.ram_base, BOOT_INFO_OFFSET)
}

/// Checks that sigma0 lies in its place.
pub fn check_sigma0(board: &Board, elf: &Elf<'_>) -> Result<(u32, u32), LoadError> {
    check("sigma0", elf, board.ram_base + SIGMA0_OFFSET, ROOT_OFFSET - SIGMA0_OFFSET)
}

/// Checks that root lies in its place.
pub fn check_root(board: &Board, elf: &Elf<'_>) -> Result<(u32, u32), LoadError> {
    check("root", elf, board.ram_base + ROOT_OFFSET, ROOT_MAX)
}

fn check(name: &'static str, elf: &Elf<'_>, start: u32, bytes: u32) -> Result<(u32, u32), LoadError> {
    let (first, last) = elf.physical_range();
    if first < start || last - start >= bytes {
        return Err(LoadError::Misplaced(name, first, last));
    }
    Ok((first, last))
}

/// Checks that RAM holds everything up to `end` (the payload's) and the kernel's heap above.
pub fn check_ram(board: &Board, ram_size: u32, end: u32) -> Result<(), LoadError> {
    let need = end - board.ram_base + HEAP_MIN;
    if ram_size < need { Err(LoadError::Ram(ram_size, need)) } else { Ok(()) }
}

// The places do not overlap: kernel, boot information, sigma0, root, device tree, loader.
const _: () = assert!(
    BOOT_INFO_OFFSET + BOOT_INFO_BYTES <= SIGMA0_OFFSET
        && SIGMA0_OFFSET < ROOT_OFFSET
        && ROOT_OFFSET + ROOT_MAX <= DTB_OFFSET
        && DTB_OFFSET + DEVICE_TREE_MAX <= LOADER_OFFSET
);
