//! What memory there is, read once from the kernel interface page.
// UNSAFETY: reads the kernel interface page, which the kernel owns.
#![expect(unsafe_code)]

use thaw_bootimage::{kernel::memory_descriptors, ram::RamMap};
use thaw_native_abi::boot::BootInfo;

/// Reads the kernel's memory descriptors.
///
/// # Panics
///
/// If the page does not look as the loader said; then nothing can run.
pub fn read(info: &BootInfo) -> RamMap {
    let load = |at: u32| {
        assert!(at < 4096, "inside the page");
        // SAFETY: the kernel gives sigma0 all RAM at its physical address, and the loader found the
        // page there; the offset is inside it. Volatile, since the kernel writes the page.
        unsafe { ((info.kip + at) as *const u32).read_volatile() }
    };
    let mut map = RamMap::new(info.ram_base, info.ram_base + (info.ram_size - 1));
    let descriptors = memory_descriptors(info.revision, load).expect("interface page of the revision");
    for d in descriptors {
        assert!(map.note(d), "room for all reserved memory");
    }
    map
}
