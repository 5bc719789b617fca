//! Boards: how QEMU runs them, where their programs are.

use std::path::PathBuf;

use clap::ValueEnum;
use thaw_native_abi::boot::board;

use crate::{paths, qemu::Disk};

/// A board that something can be packed for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum Board {
    /// QEMU `virt` with a Cortex-A15.
    #[default]
    Virt,
    /// RealView PBX with a Cortex-A9: QEMU `realview-pbx-a9`.
    Pbxa9,
    /// SabreLite with an i.MX6: QEMU `sabrelite`.
    Imx6,
    /// MCIMX7SABRE with an i.MX7: QEMU `mcimx7d-sabre`.
    Imx7,
    /// PandaBoard with an OMAP4: no QEMU has it, so it can be packed for only.
    Panda,
}

impl Board {
    /// Number in boot information.
    pub const fn number(self) -> u32 {
        match self {
            Self::Virt => board::VIRT,
            Self::Pbxa9 => board::PBXA9,
            Self::Imx6 => board::IMX6,
            Self::Imx7 => board::IMX7,
            Self::Panda => board::PANDA,
        }
    }

    /// Name on the command line and in `linker/`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Virt => "virt",
            Self::Pbxa9 => "pbxa9",
            Self::Imx6 => "imx6",
            Self::Imx7 => "imx7",
            Self::Panda => "panda",
        }
    }

    /// QEMU's options for the machine itself, `None` if it has no such machine.
    pub const fn machine(self) -> Option<&'static [&'static str]> {
        Some(match self {
            Self::Virt => &["-M", "virt", "-cpu", "cortex-a15", "-global", "virtio-mmio.force-legacy=false"],
            Self::Pbxa9 => &["-M", "realview-pbx-a9"],
            Self::Imx6 => &["-M", "sabrelite"],
            Self::Imx7 => &["-M", "mcimx7d-sabre"],
            Self::Panda => return None,
        })
    }

    /// MiB of RAM that the loader's table gives the board; `None` where a device tree tells.
    pub const fn memory_mib(self) -> Option<u32> {
        match self {
            Self::Virt => None,
            Self::Pbxa9 => Some(256),
            Self::Imx6 | Self::Imx7 | Self::Panda => Some(1024),
        }
    }

    /// QEMU's options for a disk, `None` if the board has no disk that there is a driver for.
    pub fn disk(self, disk: &Disk) -> Option<[String; 4]> {
        self.has_disk().then(|| {
            [
                "-drive".into(),
                format!(
                    "if=none,id=disk,format=raw,readonly={},file={}",
                    if disk.read_only { "on" } else { "off" },
                    disk.file.replace(',', ",,")
                ),
                "-device".into(),
                // An error of the disk is for the machine to see; by default QEMU would stop it when space runs out.
                "virtio-blk-device,drive=disk,werror=report,rerror=report".into(),
            ]
        })
    }

    /// Whether the board has a disk that there is a driver for.
    pub fn has_disk(self) -> bool {
        self == Self::Virt
    }

    /// A first task after `build`: loader, sigma0, root or what takes root's place. They run where they
    /// are loaded, so they are linked for each board; all other programs are the same on all boards.
    pub fn first_task(self, name: &str) -> PathBuf {
        match self {
            Self::Virt => paths::program(name),
            other => paths::program("boards").join(other.name()).join(name),
        }
    }
}
