//! One instruction for ever, with a pattern in every register; memory with a pattern.
// UNSAFETY: assembly, because the compiler decides what is in a register; provides the stacks.
#![expect(unsafe_code)]

use core::arch::global_asm;

use thaw_l4::Result;
use thaw_rt::request::{self, NewThread};

/// State of the processor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// 32-bit instructions.
    Arm,
    /// 16- and 32-bit instructions.
    Thumb,
}

/// Makes a thread that begins with [`spin`]; its registers are zero, so its pattern follows from its stack pointer
/// and its TPIDRURO from `pattern`.
pub fn start(name: &str, priority: u32, state: State, pattern: u32) -> Result<()> {
    let ip = match state {
        State::Arm => still_spin_arm as extern "C" fn(u32) -> ! as usize,
        State::Thumb => still_spin_thumb as extern "C" fn(u32) -> ! as usize,
    };
    let new = NewThread { ip: ip as u32, sp: pattern, priority, tpidruro: !pattern, name };
    request::thread_create(&new).map(|_| ())
}

/// Fills new memory, a word that tells its address into each.
pub fn fill(addr: u32, bytes: u32) {
    for at in (addr..addr + bytes).step_by(4) {
        // SAFETY: the caller was just given this memory and nothing lives there.
        unsafe { (at as usize as *mut u32).write_volatile(at ^ 0xa5a5_5a5a) };
    }
}

/// Fills r0 to r12, lr, the flags and all VFP registers, and goes on for ever.
pub fn spin(state: State, pattern: u32) -> ! {
    match state {
        State::Arm => still_spin_arm(pattern),
        State::Thumb => still_spin_thumb(pattern),
    }
}

unsafe extern "C" {
    safe fn still_spin_arm(pattern: u32) -> !;
    safe fn still_spin_thumb(pattern: u32) -> !;
}

// Touches no memory. The flags are what the last addition left.
global_asm!(
    r#"
    .macro still_spin
    add r0, r0, sp
    mvn r1, r0
    .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    vmov d\n, r0, r1
    add r0, r0, #17
    sub r1, r1, #7
    .endr
    mov r2, #0x400000
    vmsr fpscr, r2
    add r2, r1, #3
    add r3, r2, #5
    add r4, r3, #7
    add r5, r4, #11
    add r6, r5, #13
    add r7, r6, #17
    add r8, r7, #19
    add r9, r8, #23
    add r10, r9, #29
    add r11, r10, #31
    add r12, r11, #37
    adds lr, r0, r1
    b .
    .endm

    .section .text.still_spin, "ax"
    .syntax unified
    .fpu neon
    .arm
    .global still_spin_arm
    .type still_spin_arm, %function
still_spin_arm:
    still_spin

    .thumb
    .global still_spin_thumb
    .thumb_func
    .type still_spin_thumb, %function
still_spin_thumb:
    still_spin
    .arm
    "#
);
