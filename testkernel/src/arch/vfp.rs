//! The VFP unit: 32 double registers and FPSCR.
// UNSAFETY: VFP instructions in a soft-float kernel.
#![expect(unsafe_code)]

use core::arch::asm;

/// Contents of the VFP unit.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
pub struct State {
    d: [u64; 32],
    fpscr: u32,
}

impl State {
    /// What a thread finds that has never used the unit or has given its contents away.
    pub const ZERO: Self = Self { d: [0; 32], fpscr: 0 };
}

const FPEXC_EN: u32 = 1 << 30;

/// Switches the unit on or off; off, its use is an undefined instruction.
pub fn enable(on: bool) {
    let fpexc = if on { FPEXC_EN } else { 0 };
    // SAFETY: the kernel itself uses no VFP register.
    unsafe { asm!(".fpu neon", "vmsr fpexc, {}", in(reg) fpexc, options(nostack)) };
}

/// Whether the unit is on.
#[must_use]
pub fn enabled() -> bool {
    let fpexc: u32;
    // SAFETY: reads a register.
    unsafe { asm!(".fpu neon", "vmrs {}, fpexc", out(reg) fpexc, options(nomem, nostack)) };
    fpexc & FPEXC_EN != 0
}

/// Copies the unit's contents to `state`. The unit must be on.
pub fn save(state: &mut State) {
    // SAFETY: `state` is exactly what the instructions write: 32 double words.
    unsafe {
        asm!(".fpu neon", "vstmia {0}!, {{d0-d15}}", "vstmia {0}, {{d16-d31}}", "vmrs {1}, fpscr",
            inout(reg) state.d.as_mut_ptr() => _, out(reg) state.fpscr, options(nostack));
    }
}

/// Loads the unit from `state`. The unit must be on.
pub fn load(state: &State) {
    // SAFETY: `state` is exactly what the instructions read; the compiler keeps nothing in VFP
    // registers (soft-float target).
    unsafe {
        asm!(".fpu neon", "vldmia {0}!, {{d0-d15}}", "vldmia {0}, {{d16-d31}}", "vmsr fpscr, {1}",
            inout(reg) state.d.as_ptr() => _, in(reg) state.fpscr, options(nostack));
    }
}
