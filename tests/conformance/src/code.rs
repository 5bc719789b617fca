//! What child threads run: an interpreter of steps, in assembly.
//!
//! A thread's sp points to its current step, 64 words in memory (layout in [`crate::step`]). A step puts
//! words into the UTCB and patterns into all registers, does one thing and stores every register. The
//! code exists once per revision, because they enter the kernel differently.
// UNSAFETY: the programs are assembly, and their addresses are linker symbols.
#![expect(unsafe_code)]

use thaw_l4::Revision;

/// Contents of registers that a system call has no use for: the number of the register in each byte.
pub const fn pattern(register: u32) -> u32 {
    register * 0x0101_0101
}

core::arch::global_asm!(
    r#"
.macro conf_sys_g
 mov lr, pc
 mvn pc, #11
.endm
.macro conf_sys_m
 svc #0
.endm
@ Stores all registers to the step at sp and counts it as done.
.macro conf_record mark
 str lr, [sp, #188]
 add lr, sp, #132
 stmia lr, {{r0-r12}}
 str sp, [sp, #184]
 mrc p15, 0, r7, c13, c0, 2
 ldr r0, [r7, #0x1ec]
 str r0, [sp, #192]
 add r6, sp, #196
 ldmia r7!, {{r8-r11}}
 stmia r6!, {{r8-r11}}
 ldmia r7!, {{r8-r11}}
 stmia r6!, {{r8-r11}}
 mov r0, #\mark
 str r0, [r6]
 ldr r0, [sp, #128]
 add r0, r0, #1
 str r0, [sp, #128]
.endm
@ Loads patterns into the registers from r6 on, and lr.
.macro conf_patterns
 ldr r6, =0x06060606
 ldr r7, =0x07070707
 ldr r8, =0x08080808
 ldr r9, =0x09090909
 ldr r10, =0x0a0a0a0a
 ldr r11, =0x0b0b0b0b
 ldr r12, =0x0c0c0c0c
 ldr lr, =0x0e0e0e0e
.endm

.macro conf_program x, sys
.balign 4096
.global conf_code_\x, conf_call_\x, conf_after_\x, conf_new_\x, conf_spin_\x, conf_spin_end_\x
.global conf_store_\x, conf_undef_\x, conf_load_\x, conf_svc_\x, conf_code_end_\x
conf_code_\x:
 ldr r0, [sp]
 add pc, pc, r0, lsl #2
 nop
 b 90f                          @ 0 end
 b 10f                          @ 1 system call
 b 20f                          @ 2 store
 b 30f                          @ 3 load
 b 40f                          @ 4 undefined instruction
 b 50f                          @ 5 count for ever
 b 60f                          @ 6 fill VFP registers
 b 70f                          @ 7 publish VFP registers
 b 80f                          @ 8 publish thread registers
 b 100f                         @ 9 jump
 b 110f                         @ 10 svc that is no system call
 b 120f                         @ 11 fill UTCB
 b 130f                         @ 12 publish UTCB
 b 140f                         @ 13 memory operation
 b 150f                         @ 14 answer for ever
 b 160f                         @ 15 burn time, then go on
 b 170f                         @ 16 append to a list
 b 180f                         @ 17 read the virtual timer's control register
 b 190f                         @ 18 read the physical timer's control register

10: ldr r12, [sp, #20]
 mrc p15, 0, r7, c13, c0, 2
 add r6, sp, #24
 tst r12, #1
 bne 11f
 ldmia r6!, {{r8-r11}}
 stmia r7!, {{r8-r11}}
 ldmia r6!, {{r8-r11}}
 stmia r7!, {{r8-r11}}
 sub r7, r7, #32
11: add r6, sp, #56
 add r7, r7, #0x100
 tst r12, #2
 bne 12f
 ldmia r6!, {{r8-r11}}
 stmia r7!, {{r8-r11}}
 ldmia r6!, {{r8-r11}}
 stmia r7!, {{r8-r11}}
12: ldr r0, [sp, #4]
 ldr r2, [sp, #8]
 ldr r3, [sp, #12]
 ldr r4, [sp, #16]
 mov r5, #0
 ldr r1, =0x01010101
 conf_patterns
conf_call_\x:
 \sys
conf_after_\x:
 conf_record 1
19: add sp, sp, #256
 b conf_code_\x

@ Where ex_regs sends threads to.
conf_new_\x:
 conf_record 2
 b 19b

20: ldr r0, [sp, #4]
 ldr r1, [sp, #8]
conf_store_\x:
 str r0, [r1]
 conf_record 1
 b 19b

30: ldr r1, [sp, #8]
conf_load_\x:
 ldr r0, [r1]
 conf_record 1
 b 19b

40: conf_patterns
 ldr r0, =0x10101010
conf_undef_\x:
 .word 0xe7f000f0
 conf_record 1
 b 19b

50: ldr r2, =0x02020202
 ldr r3, =0x03030303
 ldr r4, =0x04040404
 ldr r5, =0x05050505
 conf_patterns
 add r0, sp, #240
 mov r1, #0
conf_spin_\x:
 add r1, r1, #1
 str r1, [r0]
 b conf_spin_\x
conf_spin_end_\x:

60: ldr r0, [sp, #4]
 .fpu vfpv3
 vldmia r0!, {{d0-d15}}
 vldmia r0!, {{d16-d31}}
 ldr r1, [r0]
 vmsr fpscr, r1
 conf_record 1
 b 19b

70: ldr r0, [sp, #4]
 vstmia r0!, {{d0-d15}}
 vstmia r0!, {{d16-d31}}
 vmrs r1, fpscr
 str r1, [r0]
 conf_record 1
 b 19b

80: mrc p15, 0, r0, c13, c0, 3
 mrc p15, 0, r1, c13, c0, 2
 mrs r2, cpsr
 conf_record 1
 b 19b

90: mov r0, #0
 ldr r2, =0x802
 mov r3, #0
 mov r4, #0
 mov r5, #0
 \sys
 b 90b

100: ldr r1, [sp, #8]
 mov pc, r1

110: ldr r5, [sp, #4]
 conf_patterns
conf_svc_\x:
 svc #0
 conf_record 1
 b 19b

@ MR0-62 and BDR, BR0-57 become base + number of the word.
120: mrc p15, 0, r7, c13, c0, 2
 ldr r0, [sp, #4]
 mov r1, #0
121: cmp r1, #63
 addne r2, r0, r1
 strne r2, [r7, r1, lsl #2]
 add r1, r1, #1
 cmp r1, #123
 bne 121b
 conf_record 1
 b 19b

130: mrc p15, 0, r7, c13, c0, 2
 ldr r0, [sp, #4]
 mov r1, #128
131: ldr r2, [r7], #4
 str r2, [r0], #4
 subs r1, r1, #1
 bne 131b
 conf_record 1
 b 19b

@ Operation, start and end are given; the last entry of the page differs from the system call's.
150: mov r0, #0
 ldr r2, =0x806
 mov r3, #0
 mov r4, #0
 mov r5, #0
 \sys
151: mov r0, #0
 ldr r2, =0x80f
 ldr r3, =0x04000000
 mov r4, #0
 mov r5, #0
 \sys
 b 151b

160: ldr r0, [sp, #4]
161: subs r0, r0, #1
 bne 161b
 conf_record 1
 b 19b

@ A count and, behind it, numbers. Only one thread at a time is here: none is preempted by its equals
@ within a few instructions.
170: ldr r0, [sp, #4]
 ldr r1, [sp, #8]
 ldr r2, [r1]
 add r2, r2, #1
 str r2, [r1]
 str r0, [r1, r2, lsl #2]
 conf_record 1
 b 19b

180: mrc p15, 0, r0, c14, c3, 1 @ CNTV_CTL
 conf_record 1
 b 19b

190: mrc p15, 0, r0, c14, c2, 1 @ CNTP_CTL
 conf_record 1
 b 19b

140: ldr r0, [sp, #4]
 ldr r1, [sp, #8]
 ldr r2, [sp, #12]
 conf_patterns
 .ifc \x, g
 mov lr, pc
 mvn pc, #15
 .else
 mov r5, #1
 svc #0
 .endif
 conf_record 1
 b 19b
.ltorg
.balign 4096
conf_code_end_\x:
.endm

.section .text.conformance, "ax", %progbits
.arm
conf_program g, conf_sys_g
conf_program m, conf_sys_m
.text
"#
);

macro_rules! places {
    ($($name:ident: $g:ident $m:ident;)*) => {
        unsafe extern "C" {
            $(safe static $g: u8; safe static $m: u8;)*
        }
        /// Addresses in the interpreter of one revision.
        #[derive(Clone, Copy)]
        pub struct Code {
            $(#[doc = concat!("Address of `", stringify!($g), "` or its counterpart.")] pub $name: u32,)*
            /// Bytes of a system-call sequence.
            pub call_bytes: u32,
        }
        impl Code {
            /// The interpreter for a revision.
            pub fn of(revision: Revision) -> Self {
                match revision {
                    Revision::G => Self { $($name: &raw const $g as u32,)* call_bytes: 8 },
                    Revision::M => Self { $($name: &raw const $m as u32,)* call_bytes: 4 },
                }
            }
        }
    };
}

places! {
    start: conf_code_g conf_code_m;
    call: conf_call_g conf_call_m;
    after: conf_after_g conf_after_m;
    new: conf_new_g conf_new_m;
    spin: conf_spin_g conf_spin_m;
    spin_end: conf_spin_end_g conf_spin_end_m;
    store: conf_store_g conf_store_m;
    load: conf_load_g conf_load_m;
    undef: conf_undef_g conf_undef_m;
    svc: conf_svc_g conf_svc_m;
    end: conf_code_end_g conf_code_end_m;
}

impl Code {
    /// Name of a program counter of a child.
    pub fn place(&self, pc: u32) -> Place {
        Place(*self, pc)
    }
}

/// A program counter that prints as the name of the place.
pub struct Place(Code, u32);

impl core::fmt::Display for Place {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self(c, pc) = *self;
        let named = [
            (c.call, "call"),
            (c.after, "after-call"),
            (c.new, "new"),
            (c.store, "store"),
            (c.load, "load"),
            (c.undef, "undef"),
            (c.undef + 4, "after-undef"),
            (c.svc, "svc"),
            (c.svc + 4, "after-svc"),
            (c.start, "start"),
        ];
        if let Some((_, name)) = named.iter().find(|(at, _)| *at == pc) {
            return f.write_str(name);
        }
        match pc {
            _ if (c.spin..c.spin_end).contains(&pc) => f.write_str("spin"),
            _ if (c.call..c.after).contains(&pc) => write!(f, "call+{}", pc - c.call),
            _ if (c.start..c.end).contains(&pc) => f.write_str("inside"),
            _ => write!(f, "{}", crate::show::Address(pc)),
        }
    }
}
