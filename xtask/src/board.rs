//! Boards as QEMU runs them.

use clap::ValueEnum;
use thaw_native_abi::boot::board;

use crate::qemu::Disk;

/// A board that can be run here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum Board {
    /// QEMU `virt` with a Cortex-A15.
    #[default]
    Virt,
}

impl Board {
    /// Number in boot information.
    pub const fn number(self) -> u32 {
        match self {
            Self::Virt => board::VIRT,
        }
    }

    /// Name on the command line and in `linker/`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Virt => "virt",
        }
    }

    /// QEMU's options for the machine itself.
    pub const fn machine(self) -> &'static [&'static str] {
        match self {
            Self::Virt => &["-M", "virt", "-cpu", "cortex-a15", "-global", "virtio-mmio.force-legacy=false"],
        }
    }

    /// QEMU's options for a disk.
    pub fn disk(self, disk: &Disk) -> [String; 4] {
        match self {
            Self::Virt => [
                "-drive".into(),
                format!(
                    "if=none,id=disk,format=raw,readonly={},file={}",
                    if disk.read_only { "on" } else { "off" },
                    disk.file.replace(',', ",,")
                ),
                "-device".into(),
                // An error of the disk is for the machine to see; by default QEMU would stop it when space runs out.
                "virtio-blk-device,drive=disk,werror=report,rerror=report".into(),
            ],
        }
    }
}
