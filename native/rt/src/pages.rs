//! Copying whole pages: what a stop and a restore spend their time on.
// UNSAFETY: copies between addresses that the caller vouches for, in assembly.
#![expect(unsafe_code)]

use core::arch::asm;

/// Copies `pages` pages from `from` to `to`, 16 double registers at a time and 1 KiB in a turn: 73 instructions a page.
///
/// # Safety
///
/// The pages are mapped in this task, those of `to` writable; the two do not overlap, and no Rust object lives in
/// those of `to`.
#[instruction_set(arm::a32)]
#[inline(never)]
pub unsafe fn copy(to: u32, from: u32, pages: u32) {
    if pages == 0 {
        return;
    }
    // SAFETY: reads and writes the pages that the caller vouches for. Programs are compiled for soft float, so no
    // compiled code keeps a value in d0-d15.
    unsafe {
        asm!(
            ".fpu vfpv3",
            "2:",
            ".rept 8",
            "vldmia {from}!, {{d0-d15}}",
            "vstmia {to}!, {{d0-d15}}",
            ".endr",
            "subs {turns}, {turns}, #1",
            "bne 2b",
            turns = inout(reg) pages * 4 => _,
            from = inout(reg) from => _,
            to = inout(reg) to => _,
            options(nostack),
        );
    }
}
