//! Coprocessor registers and barriers.
// UNSAFETY: privileged instructions.
#![expect(unsafe_code)]

use core::arch::asm;

macro_rules! read_register {
    ($($(#[$doc:meta])* $name:ident: $text:literal;)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name() -> u32 {
            let value: u32;
            // SAFETY: reads a system register, no side effect.
            unsafe { asm!($text, out(reg) value, options(nomem, nostack, preserves_flags)) };
            value
        }
    )*};
}

macro_rules! write_register {
    ($($(#[$doc:meta])* $name:ident: $text:literal;)*) => {$(
        $(#[$doc])*
        pub fn $name(value: u32) {
            // SAFETY: a user-visible or timer register; it cannot break memory safety here.
            unsafe { asm!($text, "isb", in(reg) value, options(nostack, preserves_flags)) };
        }
    )*};
}

read_register! {
    /// Data fault status
    dfsr: "mrc p15, 0, {}, c5, c0, 0";
    /// Data fault address
    dfar: "mrc p15, 0, {}, c6, c0, 0";
    /// Instruction fault status
    ifsr: "mrc p15, 0, {}, c5, c0, 1";
    /// Instruction fault address
    ifar: "mrc p15, 0, {}, c6, c0, 2";
    /// TPIDRURW: the UTCB pointer of the running thread, which user mode may write.
    tpidrurw: "mrc p15, 0, {}, c13, c0, 2";
    /// Generic timer frequency
    cntfrq: "mrc p15, 0, {}, c14, c0, 0";
}

write_register! {
    /// TPIDRURW: user read-write thread register
    set_tpidrurw: "mcr p15, 0, {}, c13, c0, 2";
    /// TPIDRURO: user read-only thread register
    set_tpidruro: "mcr p15, 0, {}, c13, c0, 3";
    /// Virtual timer control
    set_cntv_ctl: "mcr p15, 0, {}, c14, c3, 1";
    /// CNTKCTL: what of the timer user mode may read
    set_cntkctl: "mcr p15, 0, {}, c14, c1, 0";
    /// CPACR: coprocessor access
    set_cpacr: "mcr p15, 0, {}, c1, c0, 2";
}

/// Virtual counter
#[must_use]
pub fn cntvct() -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: reads a counter.
    unsafe {
        asm!("isb", "mrrc p15, 1, {}, {}, c14", out(reg) low, out(reg) high, options(nomem, nostack, preserves_flags))
    };
    u64::from(high) << 32 | u64::from(low)
}

/// Sets the virtual timer's compare value.
pub fn set_cntv_cval(value: u64) {
    let (low, high) = (value as u32, (value >> 32) as u32);
    // SAFETY: sets when the timer interrupt comes, nothing else.
    unsafe {
        asm!("mcrr p15, 3, {}, {}, c14", "isb", in(reg) low, in(reg) high, options(nostack, preserves_flags))
    };
}

/// Makes `l1` (physical, four long descriptors) the translation table and forgets the old one.
pub fn set_address_space(l1: u32) {
    // SAFETY: every table the kernel passes maps the kernel itself in its last entry, and user
    // mappings never reach kernel memory except UTCB pages.
    unsafe {
        asm!("dsb", "mcrr p15, 0, {}, {}, c2", "isb", "mcr p15, 0, {}, c8, c7, 0", "dsb", "isb",
            in(reg) l1, in(reg) 0, in(reg) 0, options(nostack, preserves_flags));
    }
}

/// Forgets all cached translations.
pub fn flush_tlb() {
    // SAFETY: only makes the CPU walk the tables again.
    unsafe {
        asm!("dsb", "mcr p15, 0, {}, c8, c7, 0", "dsb", "isb", in(reg) 0, options(nostack, preserves_flags))
    };
}

/// Waits for an interrupt with interrupts unmasked; returns with them masked.
pub fn wait_for_interrupt() {
    // SAFETY: the vectors return from an interrupt of a privileged mode with interrupts masked and
    // change nothing else, so this is the only place where one can be taken.
    unsafe { asm!("dsb", "wfi", "cpsie i", "nop", "cpsid i", options(nostack)) };
}
