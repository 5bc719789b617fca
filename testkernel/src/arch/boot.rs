//! Entry from the loader: MMU on, jump to the kernel's virtual address, call `kernel_main`.
//!
//! The image is loaded at 0x40001000 (the start of RAM of QEMU virt plus a page) and linked at
//! 0xf0001000. The tables below map it at both places; the low mapping is dropped as soon as the
//! kernel runs high.
// UNSAFETY: the very first instructions, before there is a stack.
#![expect(unsafe_code)]

use core::arch::global_asm;

/// What is added to a physical address of the image to get its virtual one.
pub const IMAGE_DELTA: u32 = 0xb000_0000;

// Long descriptors: a 2 MiB block is 0b01, a table 0b11; 0x701 = access flag, inner shareable,
// memory attribute 0; 0x409 = access flag, memory attribute 2 (device), no execution (high word).
global_asm!(
    r#"
.section .boot, "ax"
.arch_extension virt
.global _start
_start:
    cpsid   aif
    mrs     r0, cpsr
    and     r1, r0, #0x1f
    cmp     r1, #0x1a               @ entered in HYP mode: leave it
    bne     1f
    bic     r0, r0, #0x1f
    orr     r0, r0, #0x1d0
    orr     r0, r0, #0x03
    msr     spsr_cxsf, r0
    adr     lr, 1f
    msr     elr_hyp, lr
    eret
1:  mrc     p15, 0, r0, c1, c0, 0   @ MMU and caches off, whatever the loader left
    bic     r0, r0, #0x1000
    bic     r0, r0, #0x0007
    mcr     p15, 0, r0, c1, c0, 0
    dsb
    isb
    mov     r1, #0
    mcr     p15, 0, r1, c8, c7, 0   @ TLBIALL
    mcr     p15, 0, r1, c7, c5, 0   @ ICIALLU
    dsb
    ldr     r1, =0x000444ff         @ MAIR0: normal write-back, normal uncached, device
    mcr     p15, 0, r1, c10, c2, 0
    ldr     r1, =0x80003500         @ TTBCR: long descriptors, cached walks, TTBR0 for everything
    mcr     p15, 0, r1, c2, c0, 2
    ldr     r2, =boot_l1 - 0xb0000000
    mov     r3, #0
    mcrr    p15, 0, r2, r3, c2      @ TTBR0, 64 bit
    isb
    ldr     r1, =0x1805             @ M, C, Z, I
    orr     r0, r0, r1
    bic     r0, r0, #0x2            @ no alignment checks
    bic     r0, r0, #0x2000         @ vectors by VBAR
    mcr     p15, 0, r0, c1, c0, 0
    isb
    ldr     pc, =2f
2:  ldr     sp, =kernel_stack_top
    ldr     r0, =vector_table
    mcr     p15, 0, r0, c12, c0, 0  @ VBAR
    ldr     r0, =boot_l1
    mov     r1, #0
    str     r1, [r0, #8]            @ drop the low mapping
    dsb
    mcr     p15, 0, r1, c8, c7, 0
    dsb
    isb
    bl      kernel_main
3:  b       3b
    .ltorg

.section .tables, "aw"
.balign 4096
.global boot_l1, kernel_l2
boot_l1:
    .word   0, 0
    .word   boot_low_l2 - 0xb0000000 + 3, 0     @ 1 GiB: the RAM the image was loaded to
    .word   0, 0
    .word   kernel_l2 - 0xb0000000 + 3, 0       @ 3 GiB: the kernel
    .balign 4096
boot_low_l2:
    .word   0x40000701, 0
    .balign 4096
kernel_l2:                                      @ 3 GiB + n * 2 MiB
    .fill   256, 8, 0
    .word   0x08000409, 0x00400000              @ 0xe0000000: GIC
    .word   0x09000409, 0x00400000              @ 0xe0200000: UART
    .fill   126, 8, 0
    .word   0x40000701, 0                       @ 0xf0000000: the image
    .fill   127, 8, 0

.section .bss
.balign 16
    .space  32768
.global kernel_stack_top
kernel_stack_top:
    .space  16
"#
);

const KERNEL_BASE: u32 = 0xc000_0000;
const BLOCK_ORDER: u32 = 21;
/// Descriptor bits of kernel memory, as in the boot tables.
const KERNEL_BLOCK: u32 = 0x701;
const TABLE: u32 = 3;
/// Where kernel memory is mapped.
pub const WINDOW: u32 = 0xd000_0000;
/// How much of it there can be.
pub const WINDOW_BYTES: u32 = 0x1000_0000;

unsafe extern "C" {
    static mut kernel_l2: [u32; 1024];
}

/// Sets a descriptor of the kernel's second-level table.
fn set_descriptor(va: u32, low: u32) {
    let index = ((va - KERNEL_BASE) >> BLOCK_ORDER) as usize;
    // SAFETY: `index` is below 512; only this function writes the table, before user mode runs and
    // only entries that are empty.
    unsafe { (&raw mut kernel_l2).cast::<u32>().add(index * 2).write_volatile(low) };
}

/// Descriptor of the kernel's second-level table, for the first level of every task.
#[must_use]
pub fn kernel_descriptor() -> u32 {
    (&raw const kernel_l2) as u32 - IMAGE_DELTA + TABLE
}

/// Maps `bytes` of RAM at `phys` (both multiples of 2 MiB) to the window for kernel memory.
pub fn map_window(phys: u32, bytes: u32) {
    assert!(bytes <= WINDOW_BYTES && (phys | bytes).is_multiple_of(1 << BLOCK_ORDER));
    for offset in (0..bytes).step_by(1 << BLOCK_ORDER) {
        set_descriptor(WINDOW + offset, (phys + offset) | KERNEL_BLOCK);
    }
    super::cpu::flush_tlb();
}

/// Hangs a third-level table under the last 2 MiB of the address space.
pub fn map_last_table(phys: u32) {
    set_descriptor(0xffe0_0000, phys | TABLE);
    super::cpu::flush_tlb();
}
