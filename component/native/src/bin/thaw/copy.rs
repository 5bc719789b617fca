//! Copying whole pages by assembly: what the stop spends its time on.
// UNSAFETY: copies between addresses that root attached, in assembly.
#![expect(unsafe_code)]

use core::arch::asm;

use thaw_component::host::{CopyRoutine, Span};

/// Bytes that every routine moves at once, or a divisor of it.
const BLOCK_BYTES: u32 = 4096;

/// Copies `from`, whole pages, to the start of `to`.
///
/// # Safety
///
/// Both spans are mapped in this task, the second writable; they do not overlap, and no Rust object lives
/// in them.
pub unsafe fn copy(to: Span, from: Span, routine: CopyRoutine) {
    assert!(from.bytes <= to.bytes, "the copy fits");
    assert!((from.bytes | from.addr | to.addr).is_multiple_of(BLOCK_BYTES), "whole pages");
    let pages = from.bytes / BLOCK_BYTES;
    if pages == 0 {
        return;
    }
    match routine {
        // SAFETY: passed on to the caller; there is at least one page.
        CopyRoutine::Stop => unsafe { thaw_rt::pages::copy(to.addr, from.addr, pages) },
        // SAFETY: as above.
        CopyRoutine::Loop => unsafe { rolled(to.addr, from.addr, pages) },
        // SAFETY: as above.
        CopyRoutine::Core => unsafe { core_registers(to.addr, from.addr, pages) },
    }
}

/// 16 double registers in a turn: the fastest of the experiments, 129 instructions a page.
#[instruction_set(arm::a32)]
#[inline(never)]
unsafe fn rolled(to: u32, from: u32, pages: u32) {
    // SAFETY: reads and writes `pages` pages, which the caller vouches for. The program is compiled for soft float,
    // so no compiled code keeps a value in d0-d15.
    unsafe {
        asm!(
            ".fpu vfpv3",
            "2:",
            "vldmia {from}!, {{d0-d15}}",
            "vstmia {to}!, {{d0-d15}}",
            "subs {turns}, {turns}, #1",
            "bne 2b",
            turns = inout(reg) pages * 32 => _,
            from = inout(reg) from => _,
            to = inout(reg) to => _,
            options(nostack),
        );
    }
}

/// Eight core registers in a turn.
#[instruction_set(arm::a32)]
#[inline(never)]
unsafe fn core_registers(to: u32, from: u32, pages: u32) {
    // SAFETY: reads and writes `pages` pages, which the caller vouches for.
    unsafe {
        asm!(
            // r6 may not be named as an operand, so it is left out of the list.
            "2:",
            "ldmia r1!, {{r3-r5, r7-r10, r12}}",
            "stmia r0!, {{r3-r5, r7-r10, r12}}",
            "subs r2, r2, #1",
            "bne 2b",
            inout("r0") to => _,
            inout("r1") from => _,
            inout("r2") pages * 128 => _,
            out("r3") _, out("r4") _, out("r5") _, out("r7") _, out("r8") _, out("r9") _,
            out("r10") _, out("r12") _,
            options(nostack),
        );
    }
}
