//! Physical memory and processor registers: every place where the loader touches the machine.
// UNSAFETY: a loader writes physical memory that no Rust object lives in, and system registers.
#![expect(unsafe_code)]

use core::arch::asm;

use thaw_bootimage::elf::Elf;

unsafe extern "C" {
    /// End of the loader's image, page aligned: the payload begins here.
    safe static __image_end: u8;
    /// Absolute symbol: the number of the board the loader is linked for.
    safe static __board_number: u8;
}

/// Address at which the payload begins.
pub fn payload_address() -> u32 {
    &raw const __image_end as u32
}

/// The number of the board the loader is linked for.
pub fn board_number() -> u32 {
    &raw const __board_number as u32
}

/// Reads a word of a device or of memory.
pub fn read_word(address: u32) -> u32 {
    // SAFETY: volatile read of a device register or RAM that the board's table names; the MMU is off,
    // so every address can be read.
    unsafe { (address as *const u32).read_volatile() }
}

/// Writes a word of a device or of memory that no Rust object lives in.
pub fn write_word(address: u32, value: u32) {
    // SAFETY: as for reading; callers write device registers, the loaded kernel's tables and the boot
    // information, all outside the loader's image (`place` checks).
    unsafe { (address as *mut u32).write_volatile(value) }
}

/// `len` bytes of RAM as a slice: the payload, or a device tree that was moved.
///
/// They are constant from now on: only [`load`] and [`copy`] write memory, to other places.
pub fn bytes(address: u32, len: u32) -> &'static [u8] {
    // SAFETY: 1. RAM, checked by `place`; 2. nothing writes there (above); 3. `u8` has no alignment
    // and every value is valid.
    unsafe { core::slice::from_raw_parts(address as *const u8, len as usize) }
}

/// Copies `len` bytes of RAM to a place that does not overlap.
pub fn copy(from: u32, to: u32, len: u32) {
    // SAFETY: both ranges are RAM outside the loader and do not overlap, which the caller checked.
    unsafe { core::ptr::copy_nonoverlapping(from as *const u8, to as *mut u8, len as usize) }
}

/// Copies an executable's segments to their physical addresses and zeroes what the file leaves out.
pub fn load(elf: &Elf<'_>) {
    for segment in elf.loads() {
        let contents = elf.contents(&segment);
        let to = segment.paddr as *mut u8;
        // SAFETY: `place` checked that the segments lie in RAM, below the loader and its payload.
        unsafe {
            core::ptr::copy_nonoverlapping(contents.as_ptr(), to, contents.len());
            to.add(contents.len()).write_bytes(0, segment.memory_bytes as usize - contents.len());
        }
    }
}

/// Whether MMU or data cache are on.
pub fn is_cached() -> bool {
    let control: u32;
    // SAFETY: reads SCTLR, which any privileged mode may.
    unsafe { asm!("mrc p15, 0, {}, c1, c0, 0", out(reg) control, options(nomem, nostack)) };
    control & 0b101 != 0
}

/// Lets user mode read the generic timer's counters; sets the frequency if nobody did. Returns it.
pub fn open_timer(default_hz: u32) -> u32 {
    let mut hz: u32;
    // SAFETY: the board has a generic timer. CNTKCTL bits 0-1: PL0 may read both counters.
    unsafe {
        asm!("mcr p15, 0, {}, c14, c1, 0", in(reg) 0b11, options(nomem, nostack));
        asm!("mrc p15, 0, {}, c14, c0, 0", out(reg) hz, options(nomem, nostack));
    }
    if hz == 0 {
        hz = default_hz;
        // SAFETY: CNTFRQ was never written, so this is secure PL1 fresh from reset, which may.
        unsafe { asm!("mcr p15, 0, {}, c14, c0, 0", in(reg) hz, options(nomem, nostack)) };
    }
    hz
}

/// Enters the kernel, which never returns.
pub fn enter(kernel: u32) -> ! {
    // SAFETY: the kernel was loaded and its tables are filled; it takes over the machine.
    unsafe { asm!("dsb", "isb", "bx {}", in(reg) kernel, options(noreturn)) }
}

/// Stops the machine for good.
pub fn halt() -> ! {
    loop {
        // SAFETY: waits for an interrupt, and interrupts are masked.
        unsafe { asm!("wfi", options(nomem, nostack)) };
    }
}
