//! The two kernel revisions and all that differs between them for user space.

use crate::raw;

/// A kernel revision.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Revision {
    /// 2019, the base of Genode's kernel.
    G,
    /// 2026.
    M,
}

impl Revision {
    /// Number in boot information, wire messages and images.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::G => 1,
            Self::M => 2,
        }
    }

    /// The revision with that [`number`](Self::number).
    #[must_use]
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::G),
            2 => Some(Self::M),
            _ => None,
        }
    }

    /// Words of an exception message, and the fewest that a reply must have to load registers.
    #[must_use]
    pub const fn exception_words(self) -> u32 {
        match self {
            Self::G => raw::THAW_EXC_WORDS_G,
            Self::M => raw::THAW_EXC_WORDS_M,
        }
    }

    /// Bytes from the start of an ARM system-call sequence to the pc that the kernel reports after it.
    #[must_use]
    pub const fn syscall_bytes(self) -> u32 {
        match self {
            Self::G => 8,
            Self::M => 4,
        }
    }

    /// Bytes of a Thumb system-call instruction, `None` where Thumb code cannot enter the kernel itself.
    #[must_use]
    pub const fn thumb_syscall_bytes(self) -> Option<u32> {
        match self {
            Self::G => None,
            Self::M => Some(2),
        }
    }

    /// How far the pc of an undefined-instruction exception lies behind the instruction (ARM state).
    #[must_use]
    pub const fn undefined_pc_offset(self) -> u32 {
        match self {
            Self::G => 4,
            Self::M => 0,
        }
    }
}
