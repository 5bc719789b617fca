//! A system call through which values travel in registers only.
//!
//! The registers are loaded from a [`Carried`], whose memory is then overwritten; the system call is
//! made; the registers are stored back. A thread that does not get every register back as it was,
//! flags and VFP registers included, has lost its values for good.
// UNSAFETY: chooses the contents of all registers at a system call, which only assembly can.
#![expect(unsafe_code)]

use core::arch::global_asm;

use thaw_l4::{Kernel, MsgTag, Op, Revision, Selector, Timeouts};

use super::{Witness, tls::tls};
use crate::mix::mix;

/// What overwrites the memory, and what is in lr at the call.
const POISON: u32 = 0x5bad_c0de;

/// Register contents at a system call.
#[repr(C, align(8))]
pub struct Carried {
    /// r0 to r12, lr.
    r: [u32; 14],
    /// Condition flags.
    flags: u32,
    /// TPIDRURO after the call.
    tls: u32,
    /// d8 to d15.
    d: [u64; 8],
    salt: u32,
}

/// What came back.
pub struct Returned {
    /// The value taken along.
    pub value: u32,
    /// Tag of the message received.
    pub tag: MsgTag,
    /// Label of the sender.
    pub label: u32,
}

impl Carried {
    /// Takes `value` along in r6; all other registers hold words derived from it and `salt`.
    #[must_use]
    pub fn new(value: u32, salt: u32) -> Self {
        let mut carried = Self { r: [0; 14], flags: flags(value, salt), tls: 0, d: [0; 8], salt };
        for i in [1, 4, 5, 8, 9, 10, 11, 12] {
            carried.r[i] = word(value, salt, i);
        }
        carried.r[6] = value;
        carried.r[7] = !value;
        for (i, d) in carried.d.iter_mut().enumerate() {
            *d = double(value, salt, i);
        }
        carried
    }

    /// What is in r4 at the system call: the label of a message to a thread's own capability.
    #[must_use]
    pub fn label(value: u32, salt: u32) -> u32 {
        word(value, salt, 4)
    }

    /// Makes the system call and checks that every register came back.
    pub fn enter(mut self, me: &impl Witness, to: Selector, tag: MsgTag, timeouts: Timeouts) -> Returned {
        [self.r[0], self.r[2], self.r[3]] = [tag.0, to.0, timeouts.0];
        let before = tls();
        match me.kernel().revision() {
            // SAFETY: the routine uses `self` as laid out here, keeps what a function has to keep and
            // makes one system call of the running revision, which maps nothing.
            Revision::G => unsafe { witness_carried_ipc_g(&raw mut self) },
            Revision::M => {
                self.r[5] = 0;
                // SAFETY: as above.
                unsafe { witness_carried_ipc_m(&raw mut self) };
            }
        }
        me.expect("tls", before, self.tls);
        self.check(me, to, timeouts);
        Returned { value: self.r[6], tag: MsgTag(self.r[0]), label: self.r[4] }
    }

    /// Everything must follow from the value in r6. r0 and r4 are results; r4 and lr belong to the
    /// kernel on G; an interrupted reply-and-wait goes on as a wait.
    fn check(&self, me: &impl Witness, to: Selector, timeouts: Timeouts) {
        let (value, salt) = (self.r[6], self.salt);
        me.expect("r7", !value, self.r[7]);
        for (i, name) in [(1, "r1"), (8, "r8"), (9, "r9"), (10, "r10"), (11, "r11"), (12, "r12")] {
            me.expect(name, word(value, salt, i), self.r[i]);
        }
        let rewritten =
            matches!(to.op(), Op::REPLY_AND_WAIT | Op::SEND_AND_WAIT) && Selector(self.r[2]).op() == Op::WAIT;
        me.expect("r2", if rewritten { to.with_op(Op::WAIT).0 } else { to.0 }, self.r[2]);
        me.expect("r3", timeouts.0, self.r[3]);
        match me.kernel().revision() {
            Revision::G => me.expect("r5", word(value, salt, 5), self.r[5]),
            Revision::M => {
                me.expect("r5", 0, self.r[5]);
                me.expect("lr", POISON, self.r[13]);
                if to.op() == Op::RECEIVE && to.cap().is_none() {
                    me.expect("r4", word(value, salt, 4), self.r[4]);
                }
            }
        }
        me.expect("flags", flags(value, salt), self.flags & 0xf000_0000);
        for (i, got) in self.d.iter().enumerate() {
            let expected = double(value, salt, i);
            if *got != expected {
                me.fail(format_args!("{}.d{} expected {expected:#x} got {got:#x}", me.name(), i + 8));
            }
        }
    }
}

fn word(value: u32, salt: u32, register: usize) -> u32 {
    mix(value, salt, register as u32)
}

fn flags(value: u32, salt: u32) -> u32 {
    word(value, salt, 14) & 0xf000_0000
}

fn double(value: u32, salt: u32, i: usize) -> u64 {
    u64::from(word(value, salt, 16 + i)) << 32 | u64::from(word(value, salt, 32 + i))
}

unsafe extern "C" {
    fn witness_carried_ipc_g(carried: *mut Carried);
    fn witness_carried_ipc_m(carried: *mut Carried);
}

// The pointer waits on the stack. Between `msr` and `mrs` no instruction sets flags. The frame
// information lets a debugger look through a thread that stands in here.
global_asm!(
    r#"
    .cfi_sections .debug_frame
    .macro witness_enter
    .cfi_startproc
    push {{r4-r11, lr}}
    .cfi_adjust_cfa_offset 36
    .irp register, 4,5,6,7,8,9,10,11
    .cfi_rel_offset r\register, 4 * (\register - 4)
    .endr
    .cfi_rel_offset lr, 32
    push {{r0}}
    .cfi_adjust_cfa_offset 4
    add r1, r0, #64
    vldmia r1, {{d8-d15}}
    ldr lr, [r0, #56]
    msr apsr_nzcvq, lr
    ldmib r0, {{r1-r12}}
    movw lr, #{poison_low}
    movt lr, #{poison_high}
    .irp offset, 4,8,12,16,20,24,28,32,36,40,44,48,52,56,60
    str lr, [r0, #\offset]
    .endr
    .irp offset, 64,68,72,76,80,84,88,92,96,100,104,108,112,116,120,124
    str lr, [r0, #\offset]
    .endr
    ldr r0, [r0]
    .endm

    .macro witness_leave
    push {{lr}}
    .cfi_adjust_cfa_offset 4
    push {{r1}}
    .cfi_adjust_cfa_offset 4
    ldr r1, [sp, #8]
    str r0, [r1]
    add r0, r1, #8
    stmia r0, {{r2-r12}}
    mrs r0, apsr
    str r0, [r1, #56]
    mrc p15, 0, r0, c13, c0, 3
    str r0, [r1, #60]
    pop {{r0}}
    .cfi_adjust_cfa_offset -4
    str r0, [r1, #4]
    pop {{r0}}
    .cfi_adjust_cfa_offset -4
    str r0, [r1, #52]
    add r0, r1, #64
    vstmia r0, {{d8-d15}}
    add sp, sp, #4
    .cfi_adjust_cfa_offset -4
    pop {{r4-r11, pc}}
    .cfi_endproc
    .endm

    .section .text.witness_carried, "ax"
    .arm
    .fpu vfpv3
    .global witness_carried_ipc_g
    .type witness_carried_ipc_g, %function
witness_carried_ipc_g:
    witness_enter
    mov lr, pc
    mvn pc, #11
    witness_leave

    .global witness_carried_ipc_m
    .type witness_carried_ipc_m, %function
witness_carried_ipc_m:
    witness_enter
    svc #0
    witness_leave
    "#,
    poison_low = const POISON & 0xffff,
    poison_high = const POISON >> 16,
);
