//! The thread's TLS register.
// UNSAFETY: reads a coprocessor register.
#![expect(unsafe_code)]

use core::arch::asm;

/// TPIDRURO of the calling thread.
#[must_use]
pub fn tls() -> u32 {
    let value: u32;
    // SAFETY: reads a register that user mode may read; not `pure`, so that it is read each time.
    unsafe { asm!("mrc p15, 0, {}, c13, c0, 3", out(reg) value, options(nomem, nostack, preserves_flags)) };
    value
}
