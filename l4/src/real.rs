//! The running kernel.
// UNSAFETY: this is where the typed world enters the kernel.
#![expect(unsafe_code)]

use core::marker::PhantomData;

use l4_sys::{MsgTag, Revision, Selector, Timeouts, Vfp, syscall};

use crate::{Answer, Kernel};

/// The kernel that runs the calling program. Not `Send`: it stands for one thread.
#[derive(Clone, Copy)]
pub struct Real {
    revision: Revision,
    not_send: PhantomData<*const ()>,
}

impl Real {
    /// Stands for the calling thread on a kernel of that revision.
    ///
    /// # Safety
    ///
    /// 1. The running kernel is of that `revision`.
    /// 2. The thread leaves TPIDRURW as the kernel set it.
    /// 3. Whoever builds on the value maps and unmaps only memory that no Rust object of this
    ///    program lives in, and deletes or redirects only threads that own no Rust state.
    #[must_use]
    pub const unsafe fn new(revision: Revision) -> Self {
        Self { revision, not_send: PhantomData }
    }

    /// Makes code written to `start..end` executable for every thread, see [`syscall::make_coherent`].
    pub fn make_coherent(&self, start: u32, end: u32) {
        syscall::make_coherent(self.revision, start, end);
    }
}

impl Kernel for Real {
    fn revision(&self) -> Revision {
        self.revision
    }

    fn ipc(&self, to: Selector, tag: MsgTag, timeouts: Timeouts, label: u32) -> Answer {
        // SAFETY: revision and effects were vouched for in `new`.
        let answer = unsafe { syscall::ipc(self.revision, to, tag, timeouts, label) };
        Answer { tag: answer.tag, label: answer.label }
    }

    fn utcb_word(&self, i: usize) -> u32 {
        // SAFETY: TPIDRURW is the kernel's (`new`) and the window is used at once, by this thread.
        unsafe { syscall::utcb() }.word(i)
    }

    fn set_utcb_word(&self, i: usize, value: u32) {
        // SAFETY: as above.
        unsafe { syscall::utcb() }.set_word(i, value);
    }

    fn vfp_save(&self, to: &mut Vfp) {
        syscall::vfp_save(to);
    }

    fn vfp_load(&self, from: &Vfp) {
        syscall::vfp_load(from);
    }
}
