//! Code that a stopped thread runs for us, and the frames that make it.
//!
//! A stub is entered by a whole frame and ends in an undefined instruction, so the thread is back in its
//! exception. It runs in a window of two pages that is mapped only while all threads of the PD are stopped.
//!
//! Only the thread itself can read and write its UTCB: the kernel does not map that page to anybody else.

use l4_sys::{Frame, Revision, raw};
use thaw_l4::{ExRegs, Kernel};
use thaw_protocol::{Error, ErrorKind, trace::Event};

use crate::{Engine, Host};

/// Words of the window's code page that are used.
pub const CODE_WORDS: usize = 60;

/// `udf #16`, the end of every stub.
const UDF: u32 = 0xe7f0_01f0;
/// Index of the first word of each stub.
const SYSCALL: usize = 0;
const THUMB_SYSCALL: usize = 3;
const SAVE: usize = 4;
const LOAD: usize = 28;
/// `svc #0`, then `udf #0`.
const THUMB_SVC_UDF: u32 = 0xde00_df00;

const LDM_R0_12: u32 = 0xe8b0_5ffc; // ldmia r0!, {r2-r12, lr}
const STM_R0_12: u32 = 0xe8a0_5ffc; // stmia r0!, {r2-r12, lr}
const LDM_R1_12: u32 = 0xe8b1_5ffc; // ldmia r1!, {r2-r12, lr}
const STM_R1_12: u32 = 0xe8a1_5ffc; // stmia r1!, {r2-r12, lr}
const LDM_R1_8: u32 = 0xe8b1_03fc; // ldmia r1!, {r2-r9}
const STM_R0_8: u32 = 0xe8a0_03fc; // stmia r0!, {r2-r9}
const LDM_R0_3: u32 = 0xe8b0_001c; // ldmia r0!, {r2-r4}
const STM_R1_3: u32 = 0xe8a1_001c; // stmia r1!, {r2-r4}
const SKIP_R0: u32 = 0xe280_0004; // add r0, r0, #4
const SKIP_R1: u32 = 0xe281_1004; // add r1, r1, #4

/// A stub.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stub {
    /// One system call with the registers of the frame.
    Syscall,
    /// The same in Thumb state, on M.
    ThumbSyscall,
    /// Copies 128 words from r1 (the thread's UTCB) to r0.
    Save,
    /// Copies 128 words from r0 to r1 (the thread's UTCB), bar the two words that are the kernel's.
    Load,
}

/// The window's code page.
#[must_use]
pub fn code(revision: Revision) -> [u32; CODE_WORDS] {
    let mut page = [UDF; CODE_WORDS];
    match revision {
        // mov lr, pc; mvn pc, #11
        Revision::G => page[SYSCALL..SYSCALL + 2].copy_from_slice(&[0xe1a0_e00f, 0xe3e0_f00b]),
        // svc #0
        Revision::M => page[SYSCALL] = 0xef00_0000,
    }
    page[THUMB_SYSCALL] = THUMB_SVC_UDF;
    let mut at = SAVE;
    let mut put = |words: &[u32]| {
        page[at..at + words.len()].copy_from_slice(words);
        at += words.len();
    };
    for _ in 0..10 {
        put(&[LDM_R1_12, STM_R0_12]);
    }
    put(&[LDM_R1_8, STM_R0_8, UDF]);
    let mut at = LOAD;
    let mut put = |words: &[u32]| {
        page[at..at + words.len()].copy_from_slice(words);
        at += words.len();
    };
    for _ in 0..5 {
        put(&[LDM_R0_12, STM_R1_12]);
    }
    // Words 60-62, then skip 63; words 64-123, then skip 124; words 125-127.
    put(&[LDM_R0_3, STM_R1_3, SKIP_R0, SKIP_R1]);
    for _ in 0..5 {
        put(&[LDM_R0_12, STM_R1_12]);
    }
    put(&[SKIP_R0, SKIP_R1, LDM_R0_3, STM_R1_3, UDF]);
    page
}

impl Stub {
    /// Offsets in the code page: first instruction, and the pc that the exception at its end reports.
    const fn bounds(self, revision: Revision) -> (u32, u32) {
        if matches!(self, Self::ThumbSyscall) {
            return (THUMB_SYSCALL as u32 * 4, THUMB_SYSCALL as u32 * 4 + 2);
        }
        let (start, udf) = match (self, revision) {
            (Self::Syscall | Self::ThumbSyscall, Revision::G) => (SYSCALL, SYSCALL + 2),
            (Self::Syscall | Self::ThumbSyscall, Revision::M) => (SYSCALL, SYSCALL + 1),
            (Self::Save, _) => (SAVE, SAVE + 22),
            (Self::Load, _) => (LOAD, LOAD + 28),
        };
        (start as u32 * 4, udf as u32 * 4 + revision.undefined_pc_offset())
    }
}

/// A frame that enters user code in ARM state with the registers given.
pub(crate) fn entry_frame(base: &Frame, pc: u32, regs: &[(usize, u32)]) -> Frame {
    let mut frame = *base;
    frame.set_pc(pc);
    // ARM state, no IT block, little endian; the kernel forces mode and interrupt bits.
    frame.0[raw::THAW_EXC_CPSR as usize] = 0x10;
    for (n, value) in regs {
        frame.set_reg(*n, *value);
    }
    frame
}

impl<K: Kernel, H: Host> Engine<'_, K, H> {
    /// Lets a held thread make, in the window, the system call that its frame stands before, with `tag` in
    /// r0 and all its other registers. If it blocks there it is [moved out](Self::move_out) later.
    pub(crate) fn start_own_syscall(&mut self, index: usize, tag: u32) -> Result<Stub, Error> {
        let mut frame = self.set.entries[index].frame;
        let stub = if frame.is_thumb() { Stub::ThumbSyscall } else { Stub::Syscall };
        frame.set_pc(self.env.pd_window + stub.bounds(self.k.revision()).0);
        frame.set_reg(0, tag);
        self.set.entries[index].last = Frame::ZERO;
        self.send_frame(index, &frame, true)?;
        Ok(stub)
    }

    /// Sees, after a barrier, whether such a system call blocks or has ended.
    pub(crate) fn note_own_syscall(&mut self, index: usize, stub: Stub) -> Result<(), Error> {
        if self.set.entries[index].last == Frame::ZERO {
            self.set.entries[index].staged = true;
            return Ok(());
        }
        let mut ended = self.finish_stub(index, stub)?;
        ended.set_pc(self.pc_behind(index));
        self.set.entries[index].ended = Some(ended);
        Ok(())
    }

    /// The pc behind the system call that the frame of thread `index` stands before.
    fn pc_behind(&self, index: usize) -> u32 {
        let frame = &self.set.entries[index].frame;
        let revision = self.k.revision();
        let thumb = frame.is_thumb().then(|| revision.thumb_syscall_bytes()).flatten();
        frame.pc() + thumb.unwrap_or(revision.syscall_bytes())
    }

    /// Makes a thread that is blocked in the window return behind its own system call.
    pub(crate) fn move_out(&mut self, index: usize) -> Result<(), Error> {
        // M takes the Thumb bit from bit 0; on G the system call is always made in ARM state.
        let ip = Some(self.pc_behind(index) | u32::from(self.set.entries[index].frame.is_thumb()));
        self.ex_regs(index, ExRegs { ip, ..ExRegs::default() })
    }

    /// Starts a stub on a held thread; it is back after the next barrier.
    pub(crate) fn start_stub(
        &mut self,
        index: usize,
        stub: Stub,
        regs: &[(usize, u32)],
    ) -> Result<(), Error> {
        let (start, _) = stub.bounds(self.k.revision());
        let frame = entry_frame(&self.set.entries[index].frame, self.env.pd_window + start, regs);
        self.set.entries[index].last = Frame::ZERO;
        self.send_frame(index, &frame, false)
    }

    /// Checks that a thread came back from a stub, and returns its registers.
    pub(crate) fn finish_stub(&mut self, index: usize, stub: Stub) -> Result<Frame, Error> {
        let (start, end) = stub.bounds(self.k.revision());
        self.trace(Event::Stub.of(index).with(start));
        let last = self.set.entries[index].last;
        let expected = last.pc() == self.env.pd_window + end && last.class() == raw::THAW_ERR_CLASS_UNDEFINED;
        if expected { Ok(last) } else { Err(ErrorKind::StubFailed.with(index as u32, last.pc(), 0)) }
    }

    /// Runs a system call on a held thread and returns its registers after it.
    pub(crate) fn run_syscall(&mut self, index: usize, regs: &[(usize, u32)]) -> Result<Frame, Error> {
        self.start_stub(index, Stub::Syscall, regs)?;
        self.quiesce()?;
        self.finish_stub(index, Stub::Syscall)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stub_ends_in_the_undefined_instruction() {
        for revision in [Revision::G, Revision::M] {
            let page = code(revision);
            for stub in [Stub::Syscall, Stub::Save, Stub::Load] {
                let (start, end) = stub.bounds(revision);
                let udf = (end - revision.undefined_pc_offset()) as usize / 4;
                assert_eq!(page[udf], UDF, "{stub:?}");
                assert!(page[start as usize / 4..udf].iter().all(|word| *word != UDF), "{stub:?}");
            }
        }
    }

    #[test]
    fn load_moves_126_words_and_save_128() {
        let page = code(Revision::M);
        let moved = |words: &[u32], base: u32| -> u32 {
            let is_store = |w: &&u32| **w >> 16 == 0xe8a0 | base;
            words.iter().filter(is_store).map(|w| (w & 0xffff).count_ones()).sum()
        };
        assert_eq!(moved(&page[SAVE..SAVE + 22], 0), 128);
        assert_eq!(moved(&page[LOAD..LOAD + 28], 1), 126);
    }
}
