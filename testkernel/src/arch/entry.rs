//! Exception vectors: user state in, kernel call, user state out.
//!
//! There is one kernel stack and no nesting: interrupts stay masked in the kernel, so every
//! exception taken from a privileged mode but the idle interrupt is a kernel defect.
// UNSAFETY: the exception vectors and the one static that holds the kernel.
#![expect(unsafe_code)]

use core::{arch::global_asm, cell::UnsafeCell, mem::MaybeUninit};

use crate::kernel::Kernel;

/// User registers as the vectors save and load them.
#[repr(C)]
#[derive(Clone, Copy, Default, Debug)]
pub struct Regs {
    /// r0 to r12
    pub r: [u32; 13],
    /// Banked user stack pointer.
    pub sp: u32,
    /// Banked user link register.
    pub lr: u32,
    /// Where user mode goes on.
    pub pc: u32,
    /// Saved program status.
    pub psr: u32,
    /// Link register of the exception mode, unadjusted.
    pub mode_lr: u32,
}

/// Why the kernel was entered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// Undefined instruction or disabled VFP.
    Undefined,
    /// `svc`
    Svc,
    /// Prefetch abort
    Prefetch,
    /// Data abort
    Data,
    /// Interrupt
    Irq,
    /// A code the vectors do not know.
    Other,
}

// Each mode saves into `user_regs` by way of its own banked sp, a mere scratch register, and goes
// on in SVC mode on the kernel stack.
global_asm!(
    r#"
.section .vectors, "ax"
.balign 32
.global vector_table
vector_table:
    b       kernel_fault
    b       enter_undef
    b       enter_svc
    b       enter_prefetch
    b       enter_data
    b       kernel_fault
    b       enter_irq
    b       kernel_fault

.macro enter cause, adjust
    ldr     sp, =user_regs
    stmia   sp, {{r0-r12}}
    add     r0, sp, #52
    stmia   r0, {{sp, lr}}^
    mrs     r1, spsr
    str     lr, [sp, #68]
    sub     lr, lr, #\adjust
    str     lr, [sp, #60]
    str     r1, [sp, #64]
    mov     r0, #\cause
    and     r2, r1, #0x1f
    cmp     r2, #0x10
    bne     kernel_exception
    cps     #0x13
    ldr     sp, =kernel_stack_top
    bl      kernel_entry
    b       leave
.endm

enter_undef:    enter 0, 0
enter_svc:      enter 1, 0
enter_prefetch: enter 2, 4
enter_data:     enter 3, 8
enter_irq:
    mrs     sp, spsr                @ idle waits with interrupts on: just wake it
    tst     sp, #0x0f
    bne     woke_idle
    enter 4, 4
woke_idle:
    mrs     sp, spsr
    orr     sp, sp, #0x80           @ return with interrupts masked
    msr     spsr_cxsf, sp
    subs    pc, lr, #4

.global leave
leave:
    ldr     r0, =user_regs
    ldr     r1, [r0, #64]
    msr     spsr_cxsf, r1
    ldr     lr, [r0, #60]
    add     r1, r0, #52
    ldmia   r1, {{sp, lr}}^
    nop
    ldmia   r0, {{r0-r12}}
    clrex
    movs    pc, lr

kernel_exception:
    cps     #0x13
    ldr     sp, =kernel_stack_top
    b       kernel_fault_report
kernel_fault:
    ldr     sp, =kernel_stack_top
    mov     r0, #5
    b       kernel_fault_report
    .ltorg

.section .bss
.balign 16
.global user_regs
user_regs:
    .space  128
"#
);

unsafe extern "C" {
    static mut user_regs: Regs;
    fn leave() -> !;
}

struct KernelCell(UnsafeCell<MaybeUninit<Kernel>>);
// SAFETY: one CPU, and the kernel is entered with interrupts masked and never nests.
unsafe impl Sync for KernelCell {}
static KERNEL: KernelCell = KernelCell(UnsafeCell::new(MaybeUninit::uninit()));

/// The registers that the vectors save to and load from.
///
/// # Safety
///
/// Only while the kernel runs, and one reference at a time.
unsafe fn saved_regs() -> &'static mut Regs {
    let regs = &raw mut user_regs;
    // SAFETY: a static of this type; the caller sees to it that the reference is unique.
    unsafe { &mut *regs }
}

fn cause(code: u32) -> Cause {
    match code {
        0 => Cause::Undefined,
        1 => Cause::Svc,
        2 => Cause::Prefetch,
        3 => Cause::Data,
        4 => Cause::Irq,
        _ => Cause::Other,
    }
}

/// Puts the kernel in its place and lets it run its first thread.
pub fn start(init: impl FnOnce(&mut MaybeUninit<Kernel>)) -> ! {
    // SAFETY: called once, before any exception can be taken (interrupts are masked and no user
    // code has run), so no other reference exists.
    let cell = unsafe { &mut *KERNEL.0.get() };
    init(cell);
    // SAFETY: `init` has just filled the cell.
    let kernel = unsafe { cell.assume_init_mut() };
    // SAFETY: the vectors are not active now and nothing else touches the registers.
    kernel.run(unsafe { saved_regs() });
    // SAFETY: the registers are those of a user thread.
    unsafe { leave() }
}

#[unsafe(no_mangle)]
extern "C" fn kernel_entry(code: u32) {
    // SAFETY: the vectors call this with interrupts masked, once per entry and only after `start`
    // has filled the cell; the previous call has returned, so the reference is unique.
    let kernel = unsafe { (*KERNEL.0.get()).assume_init_mut() };
    // SAFETY: the vectors have written the registers and do not touch them until we return.
    kernel.enter(cause(code), unsafe { saved_regs() });
}

#[unsafe(no_mangle)]
extern "C" fn kernel_fault_report(code: u32) -> ! {
    if super::semihost::stopped() {
        super::semihost::exit(0); // no host took the exit: the second time it just stays there
    }
    // SAFETY: nothing else runs any more; the vectors have written the registers.
    let r = unsafe { (&raw const user_regs).read() };
    panic!(
        "exception {:?} in the kernel: pc {:#x} psr {:#x} lr {:#x} dfar {:#x} dfsr {:#x}",
        cause(code),
        r.pc,
        r.psr,
        r.mode_lr,
        super::cpu::dfar(),
        super::cpu::dfsr()
    )
}
