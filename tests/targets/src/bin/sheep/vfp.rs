//! The VFP worker: its product exists in d0 to d31 and FPSCR only, from the first load on.
// UNSAFETY: computes in VFP registers that the compiler of a soft-float program does not know.
#![expect(unsafe_code)]

use core::arch::global_asm;

use thaw_targets::product::{FACTORS, ITERATIONS, Product};

use crate::me::Me;

/// Multiplies and checks for ever.
pub fn run(me: &Me) -> ! {
    let mut product = Product::new(0xf00d);
    // SAFETY: reads 256 bytes; no compiled code keeps anything in VFP registers.
    unsafe { sheep_vfp_load(product.d.as_ptr()) };
    me.started();
    let mut iterations = 0;
    loop {
        // SAFETY: changes VFP registers only.
        unsafe { sheep_vfp_batch(product.next_fpscr(), ITERATIONS, FACTORS.as_ptr()) };
        // Far longer than the batch: meanwhile the registers hold its result.
        product.advance();
        check(me, &product);
        iterations += u64::from(ITERATIONS);
        me.reached(iterations);
    }
}

fn check(me: &Me, expected: &Product) {
    let mut got = [0; 32];
    // SAFETY: writes 256 bytes.
    let fpscr = unsafe { sheep_vfp_peek(got.as_mut_ptr()) };
    for (i, (expected, got)) in expected.d.iter().zip(got).enumerate() {
        if *expected != got {
            me.fail(format_args!("vfp.d{i} expected {expected:#x} got {got:#x}"));
        }
    }
    me.expect("fpscr", expected.fpscr, fpscr);
}

unsafe extern "C" {
    fn sheep_vfp_load(d: *const u64);
    fn sheep_vfp_peek(d: *mut u64) -> u32;
    fn sheep_vfp_batch(fpscr: u32, iterations: u32, factors: *const u64);
}

// A batch holds the factors in r4-r7. To have a register for the factor it parks d0, and for d0's own
// product d1, in core registers.
global_asm!(
    r#"
    .cfi_sections .debug_frame
    .section .text.sheep_vfp, "ax"
    .arm
    .fpu vfpv3
    .global sheep_vfp_load
    .type sheep_vfp_load, %function
sheep_vfp_load:
    .cfi_startproc
    vldmia r0!, {{d0-d15}}
    vldmia r0, {{d16-d31}}
    bx lr
    .cfi_endproc

    .global sheep_vfp_peek
    .type sheep_vfp_peek, %function
sheep_vfp_peek:
    .cfi_startproc
    vstmia r0!, {{d0-d15}}
    vstmia r0, {{d16-d31}}
    vmrs r0, fpscr
    bx lr
    .cfi_endproc

    .macro sheep_shift to, from
    vmov.f64 d\to, d\from
    .endm

    .global sheep_vfp_batch
    .type sheep_vfp_batch, %function
sheep_vfp_batch:
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
    sheep_shift 1, 2
    sheep_shift 2, 3
    sheep_shift 3, 4
    sheep_shift 4, 5
    sheep_shift 5, 6
    sheep_shift 6, 7
    sheep_shift 7, 8
    sheep_shift 8, 9
    sheep_shift 9, 10
    sheep_shift 10, 11
    sheep_shift 11, 12
    sheep_shift 12, 13
    sheep_shift 13, 14
    sheep_shift 14, 15
    sheep_shift 15, 16
    sheep_shift 16, 17
    sheep_shift 17, 18
    sheep_shift 18, 19
    sheep_shift 19, 20
    sheep_shift 20, 21
    sheep_shift 21, 22
    sheep_shift 22, 23
    sheep_shift 23, 24
    sheep_shift 24, 25
    sheep_shift 25, 26
    sheep_shift 26, 27
    sheep_shift 27, 28
    sheep_shift 28, 29
    sheep_shift 29, 30
    sheep_shift 30, 31
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
