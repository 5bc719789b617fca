//! Exception frames and the VFP state that travels with them.

use crate::{Revision, raw};

/// Bit of cpsr: Thumb state.
const THUMB: u32 = 0x20;

/// The words of an exception message: all registers of a stopped thread.
///
/// 22 words whatever the revision; G neither sends nor reads the last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Frame(pub [u32; raw::THAW_EXC_WORDS_M as usize]);

impl Frame {
    /// All zero.
    pub const ZERO: Self = Self([0; raw::THAW_EXC_WORDS_M as usize]);

    /// Register `n`: 0-12, 13 sp, 14 lr, 15 pc; others read 0.
    #[must_use]
    pub const fn reg(&self, n: usize) -> u32 {
        match n {
            0..=14 => self.0[raw::THAW_EXC_R0 as usize + n],
            15 => self.pc(),
            _ => 0,
        }
    }

    /// Sets register `n` as numbered by [`reg`](Self::reg); other numbers are ignored.
    pub const fn set_reg(&mut self, n: usize, value: u32) {
        match n {
            0..=14 => self.0[raw::THAW_EXC_R0 as usize + n] = value,
            15 => self.set_pc(value),
            _ => {}
        }
    }

    /// Program counter.
    #[must_use]
    pub const fn pc(&self) -> u32 {
        self.0[raw::THAW_EXC_PC as usize]
    }

    /// Sets the program counter.
    pub const fn set_pc(&mut self, pc: u32) {
        self.0[raw::THAW_EXC_PC as usize] = pc;
    }

    /// Program status register.
    #[must_use]
    pub const fn cpsr(&self) -> u32 {
        self.0[raw::THAW_EXC_CPSR as usize]
    }

    /// The thread's TLS register.
    #[must_use]
    pub const fn tpidruro(&self) -> u32 {
        self.0[raw::THAW_EXC_TPIDRURO as usize]
    }

    /// Whether the thread was in Thumb state.
    #[must_use]
    pub const fn is_thumb(&self) -> bool {
        self.cpsr() & THUMB != 0
    }

    /// Puts the thread into Thumb state.
    pub const fn set_thumb(&mut self) {
        self.0[raw::THAW_EXC_CPSR as usize] |= THUMB;
    }

    /// Whether the thread was in user mode; a thread that is being deleted may report a kernel frame.
    ///
    /// The kernel presents user mode as 0x10 in the low five bits of cpsr (measured: 0x110).
    #[must_use]
    pub const fn is_user_mode(&self) -> bool {
        self.cpsr() & 0x1f == 0x10
    }

    /// Cause of the exception, `raw::THAW_ERR_CLASS_*`.
    #[must_use]
    pub const fn class(&self) -> u32 {
        self.0[raw::THAW_EXC_ERR as usize] >> raw::THAW_ERR_CLASS_SHIFT
    }

    /// Whether `ex_regs` caused it.
    #[must_use]
    pub const fn is_triggered(&self) -> bool {
        self.class() == raw::THAW_ERR_CLASS_TRIGGERED
    }

    /// Words in the message of that revision.
    #[must_use]
    pub fn words(&self, revision: Revision) -> &[u32] {
        &self.0[..revision.exception_words() as usize]
    }
}

/// VFP state of one thread: d0-d31 as 64 words (low half first) and FPSCR.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C, align(8))]
pub struct Vfp {
    /// d0 to d31.
    pub d: [u32; 64],
    /// Status and control register.
    pub fpscr: u32,
}

impl Vfp {
    /// All zero: what a thread starts with.
    pub const ZERO: Self = Self { d: [0; 64], fpscr: 0 };
}
