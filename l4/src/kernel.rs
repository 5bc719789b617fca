//! The kernel as its callers see it.

use l4_sys::{MsgTag, Revision, Selector, Timeouts, Vfp};

/// Tag and label that a system call returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Tag of the message received, or the caller's with the error bit.
    pub tag: MsgTag,
    /// Label of the sender's capability; 0 after a call.
    pub label: u32,
}

/// One thread's access to the kernel: a system call, its UTCB and its VFP registers.
///
/// Methods take `&self` because the state they change belongs to the kernel, not to the value.
pub trait Kernel {
    /// The running kernel's revision.
    fn revision(&self) -> Revision;

    /// One system call. Corresponds to `l4_ipc`.
    fn ipc(&self, to: Selector, tag: MsgTag, timeouts: Timeouts, label: u32) -> Answer;

    /// Word `i` (0-127) of the thread's UTCB.
    fn utcb_word(&self, i: usize) -> u32;

    /// Sets word `i` (0-127) of the thread's UTCB.
    fn set_utcb_word(&self, i: usize, value: u32);

    /// Stores the thread's VFP registers to `to`.
    fn vfp_save(&self, to: &mut Vfp);

    /// Loads the thread's VFP registers from `from`.
    fn vfp_load(&self, from: &Vfp);

    /// Message register `i` (0-62).
    fn mr(&self, i: usize) -> u32 {
        self.utcb_word(i)
    }

    /// Sets message register `i` (0-62).
    fn set_mr(&self, i: usize, value: u32) {
        self.set_utcb_word(i, value);
    }
}
