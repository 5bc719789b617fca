//! Steps of child threads: what a thread is to do, and what it found.

use thaw_l4::{MsgTag, Selector, Timeouts};

/// Words of a step.
pub const WORDS: u32 = 64;
/// Steps that fit in a thread's page.
pub const STEPS: u32 = 16;

/// Word of a step where results begin: times done, r0-r12, sp, lr, error, MR0-7, mark.
pub const RESULT: u32 = 32;
/// Word of a step that a counting thread writes.
pub const COUNTER: u32 = 60;

/// One thing to do; the words are read by `crate::code`.
#[derive(Clone, Copy)]
pub struct Step(pub [u32; RESULT as usize]);

impl Step {
    const fn of(operation: u32, first: u32, second: u32) -> Self {
        let mut words = [0; RESULT as usize];
        words[0] = operation;
        words[1] = first;
        words[2] = second;
        Self(words)
    }

    /// Sleeps for ever; what follows the last step of a script.
    pub const END: Self = Self::of(0, 0, 0);

    /// Performs a system call.
    pub const fn invoke(to: Selector, tag: MsgTag) -> Self {
        let mut step = Self::of(1, tag.0, to.0);
        step.0[4] = 0x0404_0404;
        step
    }

    /// Stores `value` at `address`.
    pub const fn store(value: u32, address: u32) -> Self {
        Self::of(2, value, address)
    }

    /// Loads from `address` into r0.
    pub const fn load(address: u32) -> Self {
        Self::of(3, 0, address)
    }

    /// Executes an undefined instruction.
    pub const UNDEFINED: Self = Self::of(4, 0, 0);
    /// Counts for ever.
    pub const SPIN: Self = Self::of(5, 0, 0);

    /// Loads the VFP registers from `address`.
    pub const fn vfp_fill(address: u32) -> Self {
        Self::of(6, address, 0)
    }

    /// Stores the VFP registers to `address`.
    pub const fn vfp_publish(address: u32) -> Self {
        Self::of(7, address, 0)
    }

    /// Reads TPIDRURO, TPIDRURW and cpsr into r0-r2.
    pub const REGISTERS: Self = Self::of(8, 0, 0);

    /// Jumps to `address`.
    pub const fn jump(address: u32) -> Self {
        Self::of(9, 0, address)
    }

    /// Executes `svc` with that value in r5.
    pub const fn svc(r5: u32) -> Self {
        Self::of(10, r5, 0)
    }

    /// Fills message and buffer registers with `base` plus the number of the word.
    pub const fn utcb_fill(base: u32) -> Self {
        Self::of(11, base, 0)
    }

    /// Copies the UTCB to `address`.
    pub const fn utcb_publish(address: u32) -> Self {
        Self::of(12, address, 0)
    }

    /// Performs a memory operation.
    pub const fn memory(operation: u32, start: u32, end: u32) -> Self {
        let mut step = Self::of(13, operation, start);
        step.0[3] = end;
        step
    }

    /// Answers every message with an empty one, for ever.
    pub const ANSWER: Self = Self::of(14, 0, 0);

    /// Goes through a loop so many times.
    pub const fn burn(rounds: u32) -> Self {
        Self::of(15, rounds, 0)
    }

    /// Appends a number to the list at `address`: a count, then numbers.
    pub const fn append(number: u32, address: u32) -> Self {
        Self::of(16, number, address)
    }

    /// Reads the control register of the virtual timer into r0.
    pub const VIRTUAL_TIMER: Self = Self::of(17, 0, 0);
    /// Reads the control register of the physical timer into r0.
    pub const PHYSICAL_TIMER: Self = Self::of(18, 0, 0);

    /// With timeouts.
    pub const fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.0[3] = timeouts.0;
        self
    }

    /// With a label in r4, which the receiver sees unless the message goes through a gate.
    pub const fn label(mut self, label: u32) -> Self {
        self.0[4] = label;
        self
    }

    /// With message registers, at most 8.
    pub fn words(mut self, words: &[u32]) -> Self {
        self.0[6..6 + words.len()].copy_from_slice(words);
        self
    }

    /// With the buffer descriptor and buffer registers, at most 7.
    pub fn buffers(mut self, bdr: u32, buffers: &[u32]) -> Self {
        self.0[14] = bdr;
        self.0[15..15 + buffers.len()].copy_from_slice(buffers);
        self
    }

    /// Leaves message registers (1), buffer registers (2) or both (3) as the step before left them.
    pub const fn keep(mut self, what: u32) -> Self {
        self.0[5] = what;
        self
    }
}
