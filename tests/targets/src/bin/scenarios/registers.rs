//! A computation that lives in r0 to r12 and the carry flag only, in ARM and in Thumb state, and a system
//! call in Thumb state.
// UNSAFETY: assembly, because the compiler decides what is in a register.
#![expect(unsafe_code)]

use core::arch::global_asm;

use thaw_l4::{MsgTag, Selector, Timeouts};

/// r0 to r12 and the condition flags.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Registers {
    /// r0 to r12.
    pub r: [u32; 13],
    /// Flags in bits 28-31.
    pub flags: u32,
}

/// State of the processor in which a step is computed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// 32-bit instructions.
    Arm,
    /// 16- and 32-bit instructions.
    Thumb,
}

impl Registers {
    /// Does `steps` steps, at least one, in registers.
    pub fn advance(&mut self, state: State, steps: u32) {
        let steps = steps.max(1);
        match state {
            // SAFETY: the routine reads and writes the registers' memory and keeps what a function has to.
            State::Arm => unsafe { scenarios_churn_arm(self, steps) },
            // SAFETY: as above.
            State::Thumb => unsafe { scenarios_churn_thumb(self, steps) },
        }
    }
}

/// Makes a system call of revision M in Thumb state; the tag that comes back.
pub fn enter_in_thumb(to: Selector, tag: MsgTag, timeouts: Timeouts) -> MsgTag {
    // SAFETY: the callers' calls are sleeps, which map nothing; all registers that the kernel may change
    // are a function's own to lose.
    MsgTag(unsafe { scenarios_thumb_ipc(tag.0, 0, to.0, timeouts.0) })
}

/// Where a thread begins, in Thumb state, that counts up the word at its stack pointer for ever.
pub fn counter_in_thumb() -> u32 {
    let entry: extern "C" fn() -> ! = scenarios_thumb_counter;
    entry as usize as u32
}

/// How far such a thread has come.
pub fn counted(cell: u32) -> u32 {
    // SAFETY: the caller was given this memory, and no Rust object lives in it.
    unsafe { (cell as usize as *const u32).read_volatile() }
}

unsafe extern "C" {
    safe fn scenarios_thumb_counter() -> !;
    fn scenarios_churn_arm(registers: *mut Registers, steps: u32);
    fn scenarios_churn_thumb(registers: *mut Registers, steps: u32);
    fn scenarios_thumb_ipc(tag: u32, unused: u32, to: u32, timeouts: u32) -> u32;
}

// The carry goes around with the sums; nothing but them changes flags: `teq lr, #0` leaves carry alone.
global_asm!(
    r#"
    .macro scenarios_step
    adcs r0, r0, r1, ror #5
    eor r1, r1, r2, ror #7
    adcs r2, r2, r3, lsl #1
    eor r3, r3, r4, ror #11
    adcs r4, r4, r5, ror #3
    eor r5, r5, r6, ror #13
    adcs r6, r6, r7, lsr #2
    eor r7, r7, r8, ror #17
    adcs r8, r8, r9, ror #19
    eor r9, r9, r10, ror #23
    adcs r10, r10, r11, ror #29
    eor r11, r11, r12, ror #9
    adcs r12, r12, r0, ror #21
    sub lr, lr, #1
    teq lr, #0
    .endm

    .macro scenarios_churn
    push {{r4-r11, lr}}
    push {{r0}}
    mov lr, r1
    ldr r1, [r0, #52]
    msr apsr_nzcvq, r1
    ldmia r0, {{r0-r12}}
1:  scenarios_step
    bne 1b
    push {{r0}}
    ldr r0, [sp, #4]
    add r0, r0, #4
    stmia r0, {{r1-r12}}
    mrs r1, apsr
    and r1, r1, #0xf0000000
    str r1, [r0, #48]
    pop {{r1}}
    str r1, [r0, #-4]
    add sp, sp, #4
    pop {{r4-r11, pc}}
    .endm

    .section .text.scenarios_registers, "ax"
    .syntax unified
    .arm
    .global scenarios_churn_arm
    .type scenarios_churn_arm, %function
scenarios_churn_arm:
    scenarios_churn

    .thumb
    .global scenarios_churn_thumb
    .thumb_func
    .type scenarios_churn_thumb, %function
scenarios_churn_thumb:
    scenarios_churn

    .global scenarios_thumb_ipc
    .thumb_func
    .type scenarios_thumb_ipc, %function
scenarios_thumb_ipc:
    push {{r4-r11, lr}}
    movs r4, #0
    movs r5, #0
    svc #0
    pop {{r4-r11, pc}}

    .global scenarios_thumb_counter
    .thumb_func
    .type scenarios_thumb_counter, %function
scenarios_thumb_counter:
    mov r0, sp
1:  ldr r1, [r0]
    adds r1, #1
    str r1, [r0]
    b 1b
    .arm
    "#
);
