//! Which RAM is free when root starts.

use thaw_bootimage::kernel::{Descriptor, memory};
use thaw_native_abi::boot::{BOOT_INFO_OFFSET, BootInfo};

use crate::frames::{Frames, PAGE_BYTES};

/// Takes over all RAM that the kernel's descriptors leave: conventional memory minus everything else,
/// minus what the loader handed to root.
pub fn take_over(
    frames: &mut Frames,
    info: &BootInfo,
    descriptors: impl Iterator<Item = Descriptor> + Clone,
) {
    frames.set_range(info.ram_base, info.ram_size);
    for d in descriptors.clone().filter(|d| d.kind == memory::RAM) {
        frames.add(d.start, d.last);
    }
    for d in descriptors.filter(|d| d.kind != memory::RAM) {
        frames.reserve(d.start, d.last);
    }
    let boot_info = info.ram_base + BOOT_INFO_OFFSET;
    frames.reserve(boot_info, boot_info + (PAGE_BYTES - 1));
    frames.reserve(info.kip, info.kip + (PAGE_BYTES - 1));
    if info.archive_size != 0 {
        frames.reserve(info.archive, info.archive + (info.archive_size - 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_use_is_not_free() {
        let info = BootInfo {
            magic: 0,
            version: 0,
            revision: 2,
            board: 1,
            ram_base: 0x4000_0000,
            ram_size: 64 << 20,
            kip: 0x4000_2000,
            archive: 0x4300_0000,
            archive_size: 0x1001,
            root_end: 0x4130_0000,
            counter_hz: 0,
        };
        let list = [
            Descriptor { start: 0x4000_0000, last: 0x4fff_ffff, kind: memory::RAM },
            Descriptor { start: 0x4000_1000, last: 0x4000_1fff, kind: memory::RESERVED },
            Descriptor { start: 0x4100_0000, last: 0x4100_ffff, kind: memory::SIGMA0 },
            Descriptor { start: 0x4120_0000, last: 0x412f_ffff, kind: memory::ROOT },
        ];
        let mut frames = Frames::new();
        take_over(&mut frames, &info, list.iter().copied());
        let taken = 1 + 16 + 256 + 1 + 1 + 2;
        assert_eq!(frames.free_pages(), (64 << 8) - taken);
        assert_eq!(frames.alloc(1), Some(0x4000_0000));
        assert_eq!(
            frames.alloc(1),
            Some(0x4000_3000),
            "the kernel's page and the interface page are skipped"
        );
    }
}
