//! The debugger capability: object numbers as on the real kernels, and test hooks of our own.

use crate::{
    caps::Cap,
    invoke::{Answer, answer, result},
    kernel::Kernel,
    mem::frames::FRAME_BYTES,
    object::{Obj, ThreadId},
    pure::tag::Tag,
    thread::ItemObject,
};
use l4_sys::raw as abi;

/// Number of an object (real kernels too): item = the object, MR0 = number.
pub const GLOBAL_ID: u32 = 0x101;
/// Name of an object is set: accepted and ignored.
const SET_NAME: u32 = 0x100;
/// Ours: MR0 = living kernel objects, MR1 = free kernel memory in bytes, MR2.. = tasks, threads,
/// gates, IRQs, semaphores, factories, memory mappings.
pub const COUNTS: u32 = 0x7401;
/// Ours: item = a task, MR1 = n, MR2 = error: its n-th system call from now on answers -error and
/// does nothing. n = 0 takes the order back.
pub const FAIL_SYSCALL: u32 = 0x7402;

impl Kernel {
    /// Protocol -23
    pub fn invoke_debugger(&mut self, caller: ThreadId, tag: Tag) -> Answer {
        if tag.label() != abi::L4_PROTO_DEBUGGER {
            return result(-(abi::L4_EBADPROTO as i32));
        }
        if tag.words() < 1 {
            return result(-(abi::L4_EMSGTOOSHORT as i32));
        }
        match self.utcb(caller, 0) {
            GLOBAL_ID => self.global_id(caller, tag),
            SET_NAME => result(0),
            COUNTS => self.counts(caller),
            FAIL_SYSCALL => self.fail_syscall(caller, tag),
            op => self.unsupported("debugger operation", op),
        }
    }

    fn global_id(&mut self, caller: ThreadId, tag: Tag) -> Answer {
        let ItemObject::Cap(cap) = self.item_object(caller, tag, 0) else {
            return result(-(abi::L4_EINVAL as i32));
        };
        let serial = self.head_mut(cap.obj).map_or(cap.obj.words().0, |h| h.serial);
        self.set_utcb(caller, 0, serial);
        answer(0, 1, 0)
    }

    /// Bytes that kernel objects, tables and UTCBs could still take.
    #[must_use]
    pub fn free_bytes(&self) -> u32 {
        self.frames.free_frames() * FRAME_BYTES
            + self.tasks.free_bytes()
            + self.threads.free_bytes()
            + self.gates.free_bytes()
            + self.irqs.free_bytes()
            + self.semaphores.free_bytes()
            + self.factories.free_bytes()
            + self.nodes.free_bytes()
    }

    fn counts(&mut self, caller: ThreadId) -> Answer {
        let kinds = [
            self.tasks.live(),
            self.threads.live(),
            self.gates.live(),
            self.irqs.live(),
            self.semaphores.live(),
            self.factories.live(),
        ];
        let words = [kinds.iter().sum(), self.free_bytes()];
        let all = words.into_iter().chain(kinds).chain([self.nodes.live()]);
        let mut n = 0;
        for word in all {
            self.set_utcb(caller, n, word);
            n += 1;
        }
        answer(0, n, 0)
    }

    fn fail_syscall(&mut self, caller: ThreadId, tag: Tag) -> Answer {
        let ItemObject::Cap(Cap { obj: Obj::Task(task), .. }) = self.item_object(caller, tag, 0) else {
            return result(-(abi::L4_EINVAL as i32));
        };
        let (n, error) = (self.utcb(caller, 1), self.utcb(caller, 2) as i32);
        self.tasks[task].inject = (n > 0).then_some((n, -error.abs()));
        result(0)
    }

    /// Counts a system call of the caller's task; `Some` when this is the one that must fail.
    pub fn injected_failure(&mut self, caller: ThreadId) -> Option<i32> {
        let task = self.threads[caller].task?;
        let inject = &mut self.tasks[task].inject;
        let (left, error) = (*inject)?;
        *inject = (left > 1).then_some((left - 1, error));
        (left == 1).then_some(error)
    }
}
