//! What the loader leaves for sigma0 and root, and the archive of boot modules.

/// Offset of the boot information from the start of RAM, in bytes.
pub const BOOT_INFO_OFFSET: u32 = 0x00f0_0000;
/// Offset of sigma0's image from the start of RAM, in bytes.
pub const SIGMA0_OFFSET: u32 = 0x0100_0000;
/// Offset of root's image from the start of RAM, in bytes; at most 6 MiB.
pub const ROOT_OFFSET: u32 = 0x0120_0000;
/// Offset to which the loader moves a device tree.
pub const DTB_OFFSET: u32 = 0x0200_0000;
/// Offset of the loader's image and, behind it, the archive.
pub const LOADER_OFFSET: u32 = 0x0800_0000;

/// First word of [`BootInfo`]: "Thaw".
pub const BOOT_MAGIC: u32 = 0x7761_6854;
/// Version of [`BootInfo`].
pub const BOOT_VERSION: u32 = 1;

/// Board numbers in boot information, wire messages and images.
pub mod board {
    /// QEMU `virt`.
    pub const VIRT: u32 = 1;
    /// QEMU `realview-pbx-a9`.
    pub const PBXA9: u32 = 2;
    /// i.MX6 SabreLite.
    pub const IMX6: u32 = 3;
    /// i.MX7 Sabre.
    pub const IMX7: u32 = 4;
    /// OMAP4 PandaBoard.
    pub const PANDA: u32 = 5;
}

/// Boot information, written by the loader at RAM start + [`BOOT_INFO_OFFSET`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct BootInfo {
    /// [`BOOT_MAGIC`].
    pub magic: u32,
    /// [`BOOT_VERSION`].
    pub version: u32,
    /// Kernel revision, `l4_sys::Revision::number`.
    pub revision: u32,
    /// One of [`board`].
    pub board: u32,
    /// Physical start of RAM.
    pub ram_base: u32,
    /// Bytes of RAM.
    pub ram_size: u32,
    /// Physical address of the kernel interface page.
    pub kip: u32,
    /// Physical address of the module archive, 4 KiB aligned.
    pub archive: u32,
    /// Bytes of the archive.
    pub archive_size: u32,
    /// Physical end of root's image, exclusive.
    pub root_end: u32,
    /// Frequency of the virtual counter in hertz, 0 where user mode cannot read one.
    pub counter_hz: u32,
}

/// First word of an archive: "TArc".
pub const ARCHIVE_MAGIC: u32 = 0x6372_4154;
/// Bytes of the archive's header: magic, module count, two reserved words.
pub const ARCHIVE_HEADER_BYTES: u32 = 16;
/// Bytes of one entry: a name of 24 bytes, zero padded, then offset and size in bytes.
pub const ARCHIVE_ENTRY_BYTES: u32 = 32;
/// Bytes of a module's name at most.
pub const MODULE_NAME_BYTES: usize = 24;
/// Modules at most.
pub const MODULES_MAX: u32 = 32;
/// Module contents start at multiples of this many bytes from the start of the archive.
pub const MODULE_ALIGN: u32 = 4096;

/// Line that ends a run: whoever watches the console switches the machine off.
pub const POWER_OFF_LINE: &str = "thaw: power off";
