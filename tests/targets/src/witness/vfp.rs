//! A running product that exists in d0 to d31 and FPSCR only, from the first load on.
// UNSAFETY: computes in VFP registers that the compiler of a soft-float program does not know.
#![expect(unsafe_code)]

use core::arch::global_asm;

use super::Witness;
use crate::product::{FACTORS, ITERATIONS, Product};

/// The product in the calling thread's registers. Nothing else in the thread may use VFP registers.
pub struct Running {
    expected: Product,
}

impl Running {
    /// Loads the first values.
    #[must_use]
    pub fn start(seed: u32) -> Self {
        let expected = Product::new(seed);
        // SAFETY: reads 256 bytes; no compiled code keeps anything in VFP registers.
        unsafe { witness_vfp_load(expected.d.as_ptr()) };
        Self { expected }
    }

    /// Multiplies [`ITERATIONS`] times and checks all registers.
    pub fn batch(&mut self, me: &impl Witness) {
        // SAFETY: changes VFP registers only.
        unsafe { witness_vfp_batch(self.expected.next_fpscr(), ITERATIONS, FACTORS.as_ptr()) };
        // Far longer than the batch: meanwhile the registers hold its result.
        self.expected.advance();
        self.check(me);
    }

    /// Checks all registers.
    pub fn check(&self, me: &impl Witness) {
        let mut got = [0; 32];
        // SAFETY: writes 256 bytes.
        let fpscr = unsafe { witness_vfp_peek(got.as_mut_ptr()) };
        for (i, (expected, got)) in self.expected.d.iter().zip(got).enumerate() {
            if *expected != got {
                me.fail(format_args!("{}.d{i} expected {expected:#x} got {got:#x}", me.name()));
            }
        }
        me.expect("fpscr", self.expected.fpscr, fpscr);
    }

    /// A word that depends on every register.
    #[must_use]
    pub fn digest(&self) -> u32 {
        let words = self.expected.d.iter().flat_map(|d| [*d as u32, (*d >> 32) as u32]);
        words.fold(self.expected.fpscr, |hash, word| crate::mix::mix(hash, word, 0xd))
    }
}

unsafe extern "C" {
    fn witness_vfp_load(d: *const u64);
    fn witness_vfp_peek(d: *mut u64) -> u32;
    fn witness_vfp_batch(fpscr: u32, iterations: u32, factors: *const u64);
}

// A batch holds the factors in r4-r7. To have a register for the factor it parks d0, and for d0's own
// product d1, in core registers.
global_asm!(
    r#"
    .cfi_sections .debug_frame
    .section .text.witness_vfp, "ax"
    .arm
    .fpu vfpv3
    .global witness_vfp_load
    .type witness_vfp_load, %function
witness_vfp_load:
    .cfi_startproc
    vldmia r0!, {{d0-d15}}
    vldmia r0, {{d16-d31}}
    bx lr
    .cfi_endproc

    .global witness_vfp_peek
    .type witness_vfp_peek, %function
witness_vfp_peek:
    .cfi_startproc
    vstmia r0!, {{d0-d15}}
    vstmia r0, {{d16-d31}}
    vmrs r0, fpscr
    bx lr
    .cfi_endproc

    .macro witness_shift to, from
    vmov.f64 d\to, d\from
    .endm

    .global witness_vfp_batch
    .type witness_vfp_batch, %function
witness_vfp_batch:
    .cfi_startproc
    push {{r4-r11, lr}}
    .cfi_adjust_cfa_offset 36
    .irp register, 4,5,6,7,8,9,10,11
    .cfi_rel_offset r\register, 4 * (\register - 4)
    .endr
    .cfi_rel_offset lr, 32
    vmsr fpscr, r0
    ldm r2, {{r4-r7}}
1:  vmov r8, r9, d0
    vmov d0, r4, r5
    .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    vmul.f64 d\n, d\n, d0
    .endr
    vmov r10, r11, d1
    vmov d1, r4, r5
    vmov d0, r8, r9
    vmul.f64 d0, d0, d1
    vmov r8, r9, d0
    vmov d0, r10, r11
    witness_shift 1, 2
    witness_shift 2, 3
    witness_shift 3, 4
    witness_shift 4, 5
    witness_shift 5, 6
    witness_shift 6, 7
    witness_shift 7, 8
    witness_shift 8, 9
    witness_shift 9, 10
    witness_shift 10, 11
    witness_shift 11, 12
    witness_shift 12, 13
    witness_shift 13, 14
    witness_shift 14, 15
    witness_shift 15, 16
    witness_shift 16, 17
    witness_shift 17, 18
    witness_shift 18, 19
    witness_shift 19, 20
    witness_shift 20, 21
    witness_shift 21, 22
    witness_shift 22, 23
    witness_shift 23, 24
    witness_shift 24, 25
    witness_shift 25, 26
    witness_shift 26, 27
    witness_shift 27, 28
    witness_shift 28, 29
    witness_shift 29, 30
    witness_shift 30, 31
    vmov d31, r8, r9
    mov r8, r4
    mov r9, r5
    mov r4, r6
    mov r5, r7
    mov r6, r8
    mov r7, r9
    subs r1, r1, #1
    bne 1b
    vcmp.f64 d0, d1
    pop {{r4-r11, pc}}
    .cfi_endproc
    "#
);
