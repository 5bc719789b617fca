//! System-call stubs and the few registers user mode may read, for ARM.
//!
//! One stub per revision. Registers in: r0 tag, r2 selector, r3 timeouts, r4 label, and for M r5 = 0.
//! Out: r0 tag, r4 label; the kernel preserves the others except where a stub names a clobber.
//! No stub declares `readonly`, `nomem` or `preserves_flags`: the kernel reads and writes the UTCB and
//! may map memory, and whoever resumes a thread may have changed its flags.
// UNSAFETY: entering the kernel and reading coprocessor registers is assembly.
#![expect(unsafe_code)]

use core::{arch::asm, ptr::NonNull};

use crate::{MsgTag, Revision, Selector, Timeouts, UTCB_WORDS, Utcb, Vfp};

/// Tag and label that a system call returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Tag of the message received, or the caller's with the error bit.
    pub tag: MsgTag,
    /// Label of the sender's capability; 0 after a call.
    pub label: u32,
}

/// Performs one IPC or object invocation. Corresponds to `l4_ipc`.
///
/// # Safety
///
/// 1. The running kernel is of that `revision`.
/// 2. What the message makes the kernel do (mapping, unmapping, deleting, changing this thread)
///    leaves this program's own memory as Rust expects it.
#[inline(never)]
pub unsafe fn ipc(revision: Revision, to: Selector, tag: MsgTag, timeouts: Timeouts, label: u32) -> Answer {
    if to == Selector::SLEEP {
        // SAFETY: passed on to the caller.
        return unsafe { sleep(revision, tag, timeouts, label) };
    }
    match revision {
        // SAFETY: passed on to the caller.
        Revision::G => unsafe { ipc_g(to, tag, timeouts, label) },
        // SAFETY: passed on to the caller.
        Revision::M => unsafe { ipc_m(to, tag, timeouts, label) },
    }
}

/// Enters a G kernel: a jump to 0xfffffff4 with the return address in lr.
#[instruction_set(arm::a32)]
#[inline(never)]
unsafe fn ipc_g(to: Selector, tag: MsgTag, timeouts: Timeouts, label: u32) -> Answer {
    let (out_tag, out_label);
    // SAFETY: the sequence clobbers lr and the registers named; the caller vouches for the effect.
    unsafe {
        asm!(
            "mov lr, pc",
            "mvn pc, #11",
            inout("r0") tag.0 => out_tag,
            out("r1") _,
            inout("r2") to.0 => _,
            inout("r3") timeouts.0 => _,
            inout("r4") label => out_label,
            out("r12") _,
            out("lr") _,
            options(nostack),
        );
    }
    Answer { tag: MsgTag(out_tag), label: out_label }
}

/// Enters an M kernel: `svc #0` with r5 = 0.
#[inline(never)]
unsafe fn ipc_m(to: Selector, tag: MsgTag, timeouts: Timeouts, label: u32) -> Answer {
    let (out_tag, out_label);
    // SAFETY: as for G; lr is preserved by the kernel but named all the same.
    unsafe {
        asm!(
            "svc #0",
            inout("r0") tag.0 => out_tag,
            out("r1") _,
            inout("r2") to.0 => _,
            inout("r3") timeouts.0 => _,
            inout("r4") label => out_label,
            inout("r5") 0 => _,
            out("r12") _,
            out("lr") _,
            options(nostack),
        );
    }
    Answer { tag: MsgTag(out_tag), label: out_label }
}

/// A receive from nobody, which can be told from any other system call: the instruction before it
/// ([`Selector::SLEEP_MARK`]) sets r2, and nothing jumps between the two.
///
/// # Safety
///
/// As for [`ipc`].
#[instruction_set(arm::a32)]
#[inline(never)]
unsafe fn sleep(revision: Revision, tag: MsgTag, timeouts: Timeouts, label: u32) -> Answer {
    let (out_tag, out_label);
    match revision {
        // SAFETY: as for `ipc_g`.
        Revision::G => unsafe {
            asm!(
                "movw r2, #0x802",
                "mov lr, pc",
                "mvn pc, #11",
                inout("r0") tag.0 => out_tag,
                out("r1") _,
                out("r2") _,
                inout("r3") timeouts.0 => _,
                inout("r4") label => out_label,
                out("r12") _,
                out("lr") _,
                options(nostack),
            );
        },
        // SAFETY: as for `ipc_m`.
        Revision::M => unsafe {
            asm!(
                "movw r2, #0x802",
                "svc #0",
                inout("r0") tag.0 => out_tag,
                out("r1") _,
                out("r2") _,
                inout("r3") timeouts.0 => _,
                inout("r4") label => out_label,
                inout("r5") 0 => _,
                out("r12") _,
                out("lr") _,
                options(nostack),
            );
        },
    }
    Answer { tag: MsgTag(out_tag), label: out_label }
}

/// Makes instructions written to `start..end` visible to instruction fetches of every thread: cleans the
/// data cache and invalidates the instruction cache. Corresponds to `l4_cache_coherent`.
///
/// The range is mapped in the calling task; it needs no write right.
#[instruction_set(arm::a32)]
#[inline(never)]
pub fn make_coherent(revision: Revision, start: u32, end: u32) {
    let op = crate::raw::L4_MEM_OP_CACHE_COHERENT;
    // SAFETY: the kernel cleans and invalidates caches, which changes no memory that Rust knows of; the
    // clobbers are those of the IPC entry. The statement is no `nomem`, so earlier stores precede it.
    unsafe {
        match revision {
            Revision::G => asm!(
                "mov lr, pc",
                "mvn pc, #15",
                inout("r0") op => _, inout("r1") start => _, inout("r2") end => _,
                out("r3") _, out("r12") _, out("lr") _,
                options(nostack),
            ),
            Revision::M => asm!(
                "svc #0",
                inout("r0") op => _, inout("r1") start => _, inout("r2") end => _,
                out("r3") _, inout("r5") 1 => _, out("r12") _, out("lr") _,
                options(nostack),
            ),
        }
    }
}

/// The calling thread's UTCB, whose address the kernel keeps in TPIDRURW.
///
/// # Safety
///
/// The calling thread has not changed TPIDRURW, and the value stays with it.
#[must_use]
pub unsafe fn utcb() -> Utcb {
    let base: u32;
    // SAFETY: reads a register that user mode may read.
    unsafe { asm!("mrc p15, 0, {}, c13, c0, 2", out(reg) base, options(nomem, nostack, preserves_flags)) };
    let base = NonNull::new(base as *mut [u32; UTCB_WORDS]).expect("the kernel sets TPIDRURW");
    // SAFETY: the kernel maps the UTCB of a running thread for its whole life; the caller keeps it in the thread.
    unsafe { Utcb::from_ptr(base) }
}

/// The virtual counter CNTVCT; undefined-instruction exception where a board has none or forbids it.
#[must_use]
pub fn cntvct() -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: reads a counter and touches no memory; `isb` keeps it from being read early.
    unsafe { asm!("isb", "mrrc p15, 1, {}, {}, c14", out(reg) low, out(reg) high, options(nostack)) };
    u64::from(high) << 32 | u64::from(low)
}

/// Frequency of [`cntvct`] in hertz as firmware left it in CNTFRQ.
#[must_use]
pub fn cntfrq() -> u32 {
    let hertz: u32;
    // SAFETY: reads a register that user mode may read.
    unsafe { asm!("mrc p15, 0, {}, c14, c0, 0", out(reg) hertz, options(nomem, nostack, preserves_flags)) };
    hertz
}

/// Copies the VFP registers of the calling thread out.
#[instruction_set(arm::a32)]
#[inline(never)]
pub fn vfp_save(to: &mut Vfp) {
    let fpscr: u32;
    // SAFETY: stores 256 bytes into `to.d` and reads FPSCR.
    unsafe {
        asm!(
            ".fpu vfpv3",
            "vstmia {p}!, {{d0-d15}}",
            "vstmia {p}, {{d16-d31}}",
            "vmrs {f}, fpscr",
            p = inout(reg) to.d.as_mut_ptr() => _,
            f = out(reg) fpscr,
            options(nostack),
        );
    }
    to.fpscr = fpscr;
}

/// Loads the VFP registers of the calling thread.
///
/// The program is compiled for soft float, so no compiled code keeps a value there.
#[instruction_set(arm::a32)]
#[inline(never)]
pub fn vfp_load(from: &Vfp) {
    // SAFETY: reads 256 bytes of `from.d`; d0-d31 hold nothing of the compiler's in a soft-float program.
    unsafe {
        asm!(
            ".fpu vfpv3",
            "vldmia {p}!, {{d0-d15}}",
            "vldmia {p}, {{d16-d31}}",
            "vmsr fpscr, {f}",
            p = inout(reg) from.d.as_ptr() => _,
            f = in(reg) from.fpscr,
            options(nostack, readonly),
        );
    }
}
