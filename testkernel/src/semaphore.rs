//! Semaphores: counting, and triggered like interrupts.

use crate::{
    clock::Armed,
    invoke::{Answer, result},
    ipc::{Queue, Sender},
    kernel::Kernel,
    object::{Head, SemaphoreId, ThreadId},
    pure::{rights::CAP_S, tag::Tag, timeout::Timeout},
    thread::{Next, Phase},
};
use l4_sys::raw as abi;

/// Bytes a semaphore costs.
pub const SEMAPHORE_BYTES: u32 = 128;
const DOWN_OP: u32 = 0;

/// A semaphore.
pub struct Semaphore {
    /// Common part
    pub head: Head,
    /// Ups nobody has waited for
    pub count: u32,
    /// Who waits
    pub waiting: Option<Sender>,
}

impl Kernel {
    /// Counts up, or lets the first who waits go.
    pub fn semaphore_up(&mut self, semaphore: SemaphoreId) {
        match self.queue_first(Queue::Semaphore(semaphore)) {
            None => self.semaphores[semaphore].count += 1,
            Some(sender) => {
                self.dequeue(sender);
                if let Sender::Thread(thread) = sender {
                    self.activate(thread);
                }
            }
        }
    }

    /// Protocols -1 and -20
    pub fn invoke_semaphore(
        &mut self,
        caller: ThreadId,
        semaphore: SemaphoreId,
        rights: u8,
        tag: Tag,
    ) -> Answer {
        let op = match (tag.label(), tag.words()) {
            (abi::L4_PROTO_IRQ, 0) => abi::THAW_IRQ_TRIGGER_OP,
            (_, 0) => return result(-(abi::L4_EINVAL as i32)),
            _ => self.utcb(caller, 0) & 0xffff,
        };
        match (tag.label(), op) {
            (abi::L4_PROTO_IRQ, abi::THAW_IRQ_TRIGGER_OP) => {
                self.semaphore_up(semaphore);
                Answer::NoReply
            }
            (abi::L4_PROTO_IRQ, abi::THAW_IRQ_EOI_OP) => Answer::NoReply,
            (abi::L4_PROTO_SEMAPHORE, DOWN_OP) => self.semaphore_down(caller, semaphore, rights),
            (abi::L4_PROTO_IRQ | abi::L4_PROTO_SEMAPHORE, _) => Self::unknown(),
            _ => result(-(abi::L4_EBADPROTO as i32)),
        }
    }

    fn semaphore_down(&mut self, caller: ThreadId, semaphore: SemaphoreId, rights: u8) -> Answer {
        if rights & CAP_S == 0 && self.q.semaphore_strict {
            return result(-(abi::L4_EPERM as i32));
        }
        self.set_ipc_error(caller, 0);
        if let Some(left) = self.semaphores[semaphore].count.checked_sub(1) {
            self.semaphores[semaphore].count = left;
            return result(0);
        }
        let prio = self.threads[caller].sched.prio;
        self.enqueue(Queue::Semaphore(semaphore), Sender::Thread(caller), prio);
        let timeout = Timeout::receive(self.threads[caller].op.timeouts);
        let expired = self.arm(caller, timeout) == Armed::Expired;
        let t = &mut self.threads[caller];
        t.partner = Some(Sender::Nobody);
        (t.phase, t.next) = (Phase::Waiting, Next::Semaphore);
        t.flags.timed_out = expired;
        t.flags.ready = expired;
        self.schedule();
        Answer::Started
    }

    /// [`Next::Semaphore`]
    pub fn semaphore_step(&mut self, thread: ThreadId) {
        self.disarm(thread);
        let t = &mut self.threads[thread];
        let (cancelled, late) = (t.flags.cancel, t.flags.timed_out);
        t.phase = Phase::None;
        t.partner = None;
        (t.flags.cancel, t.flags.timed_out) = (false, false);
        let me = Sender::Thread(thread);
        let aborted = !self.q.semaphore_strict && (cancelled || late);
        if aborted || self.queued_at(me).is_some() {
            self.dequeue(me);
            return self.fail(thread, if cancelled { abi::L4_IPC_RECANCELED } else { abi::L4_IPC_RETIMEOUT });
        }
        let gone = self.utcb(thread, abi::THAW_UTCB_ERROR_WORD) != 0;
        self.set_result(thread, if gone { Tag::ERROR } else { Tag(0) });
        self.op_done(thread);
    }
}
