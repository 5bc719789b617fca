//! The phases of an operation, step by step.

use super::{Kind, Queue, Receive, Sender, Slot, queue::IRQ_PRIO};
use crate::{
    clock::Armed,
    kernel::Kernel,
    object::ThreadId,
    pure::{tag::Tag, timeout::Timeout},
    thread::{Next, Phase},
};
use l4_sys::raw as abi;

/// What became of the attempt to send.
enum Handshake {
    /// The receiver takes it now.
    Taken,
    /// Queued.
    Queued,
    /// Not possible; the error is set.
    Failed,
}

impl Kernel {
    /// Starts the operation described by `op` of the current thread.
    pub fn ipc(&mut self, thread: ThreadId) {
        if !self.prepare_receive(thread) {
            return self.fail(thread, abi::THAW_IPC_NO_REPLY_CAP);
        }
        let Some(partner) = self.threads[thread].op.partner else {
            self.threads[thread].phase = Phase::Waiting;
            return self.receive_phase(thread, None);
        };
        match self.handshake(thread, partner) {
            Handshake::Failed => {
                self.set_result(thread, Tag::ERROR);
                self.receive_phase(thread, None);
            }
            Handshake::Queued => self.send_wait(thread),
            Handshake::Taken => self.send_now(thread, partner),
        }
    }

    fn prepare_receive(&mut self, thread: ThreadId) -> bool {
        let (receive, selector) = (self.threads[thread].op.receive, self.threads[thread].op.selector);
        let mut slot = Slot::Implicit;
        if receive == Receive::Open && selector.explicit_reply() && self.q.reply_slots {
            let Some(task) = self.threads[thread].task else { return false };
            slot = Slot::Explicit(task, selector.index());
            if !self.reply_slot_prepare(task, selector.index()) {
                return false;
            }
        }
        let t = &mut self.threads[thread];
        t.reply_slot = slot;
        t.partner = match receive {
            Receive::Only(sender) => Some(sender),
            _ => None,
        };
        t.op.picked = None;
        true
    }

    fn handshake(&mut self, thread: ThreadId, partner: ThreadId) -> Handshake {
        if self.threads.get(partner).is_none_or(|p| p.flags.fresh || p.flags.dead) {
            self.set_ipc_error(thread, abi::L4_IPC_ENOT_EXISTENT);
            return Handshake::Failed;
        }
        self.reply_bypassed(thread, partner);
        if self.would_take(partner, Sender::Thread(thread)) {
            return Handshake::Taken;
        }
        if Timeout::send(self.threads[thread].op.timeouts) == Timeout::Zero {
            self.set_ipc_error(thread, abi::L4_IPC_SETIMEOUT);
            return Handshake::Failed;
        }
        let prio = self.threads[thread].sched.prio;
        self.enqueue(Queue::Thread(partner), Sender::Thread(thread), prio);
        Handshake::Queued
    }

    /// The receiver waits: deliver, then go on with it released.
    fn send_now(&mut self, thread: ThreadId, partner: ThreadId) {
        self.threads[partner].phase = Phase::None;
        self.threads[partner].flags.ready = false;
        self.disarm(partner);
        let ok = self.deliver(thread, partner);
        if !ok {
            self.set_result(thread, Tag::ERROR);
        }
        let t = &mut self.threads[thread];
        t.phase = if ok && t.op.receive != Receive::No { Phase::Waiting } else { Phase::None };
        self.receive_phase(thread, (partner != thread).then_some(partner));
    }

    /// Queued. Waits until the receiver has taken the message or something ends the wait.
    fn send_wait(&mut self, thread: ThreadId) {
        let timeout = Timeout::send(self.threads[thread].op.timeouts);
        let t = &mut self.threads[thread];
        (t.phase, t.next) = (Phase::Sending, Next::Send);
        if self.arm_send(thread, timeout) == Armed::Expired {
            self.threads[thread].flags.timed_out = true;
        }
        self.send_step(thread);
    }

    /// [`Next::Send`]
    pub fn send_step(&mut self, thread: ThreadId) {
        let t = &self.threads[thread];
        let sending = t.phase == Phase::Sending;
        let (failed, cancel, late) = (t.flags.transfer_failed, t.flags.cancel, t.flags.timed_out);
        if sending && !(failed || cancel || late) {
            self.threads[thread].flags.ready = false;
            return self.schedule();
        }
        self.disarm(thread);
        if sending {
            let t = &mut self.threads[thread];
            t.phase = Phase::None;
            (t.flags.transfer_failed, t.flags.cancel, t.flags.timed_out) = (false, false, false);
            if !failed {
                self.check_queue_hazard(thread, "dequeue-while-picked");
                self.dequeue(Sender::Thread(thread));
                self.set_ipc_error(
                    thread,
                    if cancel { abi::L4_IPC_SECANCELED } else { abi::L4_IPC_SETIMEOUT },
                );
            }
            self.set_result(thread, Tag::ERROR);
        }
        self.receive_phase(thread, None);
    }

    /// Enters the receive phase, if there is one, and releases the partner that has just been sent
    /// to.
    pub fn receive_phase(&mut self, thread: ThreadId, partner: Option<ThreadId>) {
        let mut picked = None;
        let mut expired = false;
        if self.threads[thread].phase == Phase::Waiting {
            picked = self.next_sender(thread);
            if picked.is_none() && !self.q.late_receive_timeout {
                expired = self.arm_receive(thread);
            }
        }
        let t = &mut self.threads[thread];
        t.op.picked = picked;
        t.next = Next::Receive;
        if let Some(partner) = partner {
            self.release_partner(thread, partner, picked.is_none() && !expired);
        }
        if self.current == thread {
            self.receive_step(thread);
        }
    }

    fn arm_receive(&mut self, thread: ThreadId) -> bool {
        let timeout = Timeout::receive(self.threads[thread].op.timeouts);
        let expired = self.arm(thread, timeout) == Armed::Expired;
        if expired {
            self.threads[thread].flags.timed_out = true;
        }
        expired
    }

    /// Lets the receiver of our message go on. It runs at once if its priority allows, or on our
    /// time slice if we are about to wait for it anyway.
    fn release_partner(&mut self, thread: ThreadId, partner: ThreadId, may_donate: bool) {
        self.threads[partner].flags.ready = true;
        let t = &self.threads[thread];
        let calls = t.phase == Phase::Waiting && matches!(t.op.receive, Receive::Only(_));
        let donated = self.rq.slice != Some(thread);
        if t.op.tag.donates() && may_donate && (calls || donated) {
            self.switch_to(partner);
        } else if self.deblock(partner, true) {
            self.switch_with_slice(partner);
        }
    }

    /// [`Next::Receive`]: between the send phase and waiting. A queued message is taken; it may have
    /// been chosen before the partner ran.
    pub fn receive_step(&mut self, thread: ThreadId) {
        let waiting = self.threads[thread].phase == Phase::Waiting;
        let picked = self.threads[thread].op.picked.take();
        let picked = picked.or_else(|| if waiting { self.next_sender(thread) } else { None });
        self.threads[thread].next = Next::Finish;
        if let Some(sender) = picked {
            let t = &mut self.threads[thread];
            t.phase = Phase::Taking;
            t.flags.timed_out = false;
            return self.take_message(thread, sender);
        }
        if waiting {
            self.threads[thread].op.waited = true;
            if self.q.late_receive_timeout && self.arm_receive(thread) {
                return self.finish_step(thread);
            }
            let t = &mut self.threads[thread];
            if !(t.flags.cancel || t.flags.timed_out || t.flags.transfer_failed) {
                t.flags.ready = false;
                return self.schedule();
            }
        }
        self.finish_step(thread);
    }

    /// Takes the message of a queued sender; the sender may preempt us.
    fn take_message(&mut self, thread: ThreadId, sender: Sender) {
        match sender {
            Sender::Irq(irq) => self.take_irq(irq, thread),
            Sender::Thread(from) => self.take_from(thread, from),
            Sender::Nobody => {}
        }
        if self.current == thread {
            self.finish_step(thread);
        }
    }

    fn take_from(&mut self, thread: ThreadId, from: ThreadId) {
        self.dequeue(Sender::Thread(from));
        let ok = self.deliver(from, thread);
        let old = self.result(from);
        self.set_result(from, old.with_flags(if ok { 0 } else { abi::L4_MSGTAG_ERROR }));
        let failed = !ok && !self.q.failed_send_receives;
        let t = &mut self.threads[from];
        if failed {
            t.flags.transfer_failed = true;
        } else {
            t.phase = if t.op.receive == Receive::No { Phase::None } else { Phase::Waiting };
        }
        self.activate(from);
    }

    /// [`Next::Finish`]: whatever was waited for has happened, or the wait is over.
    pub fn finish_step(&mut self, thread: ThreadId) {
        self.disarm(thread);
        let (receive, partner) = (self.threads[thread].op.receive, self.threads[thread].op.partner);
        if let (Receive::Only(Sender::Thread(sender)), Some(partner)) = (receive, partner)
            && sender == partner
            && (self.threads[thread].op.waited || !self.q.lazy_sender)
        {
            self.reply_unlink(thread);
        }
        let t = &mut self.threads[thread];
        let unfinished = matches!(t.phase, Phase::Waiting | Phase::Sending);
        let cancelled = t.flags.cancel;
        t.phase = Phase::None;
        t.op.picked = None;
        (t.flags.cancel, t.flags.timed_out, t.flags.transfer_failed) = (false, false, false);
        if unfinished {
            let error = if cancelled { abi::L4_IPC_RECANCELED } else { abi::L4_IPC_RETIMEOUT };
            self.set_ipc_error(thread, error);
            let tag = self.result(thread).with_flags(abi::L4_MSGTAG_ERROR);
            self.set_result(thread, tag);
        }
        self.op_done(thread);
    }

    /// A kernel object or an interrupt sends a label to a waiting thread.
    pub fn deliver_label(&mut self, thread: ThreadId, label: u32) {
        self.set_result(thread, Tag(0));
        self.set_result_label(thread, label);
    }

    /// An IRQ object has something for `thread`: delivers it or queues the object.
    /// Returns whether it was delivered.
    pub fn irq_send(&mut self, irq: Sender, thread: ThreadId, label: u32) -> bool {
        if !self.would_take(thread, irq) {
            if self.queued_at(irq).is_none() {
                self.enqueue(Queue::Thread(thread), irq, IRQ_PRIO);
            }
            return false;
        }
        self.deliver_label(thread, label);
        true
    }

    /// Wakes a thread that has just been given an IRQ message.
    pub fn irq_wake(&mut self, thread: ThreadId) {
        self.threads[thread].phase = Phase::None;
        self.disarm(thread);
        if thread != self.current && !self.threads[thread].flags.ready {
            return self.activate(thread);
        }
        self.threads[thread].flags.ready = true;
        self.deblock(thread, false);
    }

    /// A sender that is queued while its receiver has been preempted with a message picked: the
    /// real kernels go on to use the queue entry they have picked, whatever has become of it.
    pub fn check_queue_hazard(&mut self, sender: ThreadId, what: &str) {
        if let Some(Queue::Thread(receiver)) = self.queued_at(Sender::Thread(sender))
            && self.threads.get(receiver).is_some_and(|r| r.next == Next::Receive && r.op.picked.is_some())
        {
            crate::hazard!(
                "{what}: sender {sender:?} is queued at {receiver:?}, which is preempted inside reply_and_wait"
            );
        }
    }

    /// Whether the operation reports to the thread itself rather than to the kernel.
    #[must_use]
    pub fn is_syscall(&self, thread: ThreadId) -> bool {
        self.threads[thread].op.kind == Kind::Syscall
    }
}
