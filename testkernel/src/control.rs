//! Thread control: binding, `ex_regs`, statistics.

use crate::{
    caps::Cap,
    invoke::{Answer, answer, result},
    kernel::Kernel,
    object::{Obj, ThreadId},
    pure::{
        rights::{CAP_S, CAP_W},
        tag::Tag,
    },
    thread::ItemObject,
};
use l4_sys::raw as abi;

const VCPU_RESUME: u32 = 4;
const VCPU_CONTROL: u32 = 7;
const DOORBELL_IRQ: u32 = 8;
const FAULT_TRAMPOLINE: u32 = 9;
const REGISTER_DELETION_IRQ: u32 = 5;
const MODIFY_SENDERS: u32 = 6;
const CANCEL: u32 = abi::L4_THREAD_EX_REGS_CANCEL;
const TRIGGER: u32 = abi::L4_THREAD_EX_REGS_TRIGGER_EXCEPTION;
const KEEP: u32 = !0;
const INVALID: i32 = -(abi::L4_EINVAL as i32);

impl Kernel {
    /// Protocol -12
    pub fn control_thread(&mut self, caller: ThreadId, thread: ThreadId, rights: u8, tag: Tag) -> Answer {
        if tag.words() < 1 {
            return result(-(abi::L4_EMSGTOOSHORT as i32));
        }
        match self.utcb(caller, 0) & 0xffff {
            abi::L4_THREAD_CONTROL_OP => self.thread_control(caller, thread, rights, tag),
            abi::L4_THREAD_EX_REGS_OP => self.ex_regs(caller, thread, tag),
            abi::L4_THREAD_SWITCH_OP => self.thread_switch(caller, thread),
            abi::L4_THREAD_STATS_OP => {
                let us = self.threads[thread].sched.consumed;
                self.set_utcb(caller, 0, us as u32);
                self.set_utcb(caller, 1, (us >> 32) as u32);
                answer(0, 2, 0)
            }
            REGISTER_DELETION_IRQ => self.register_deletion_irq(caller, thread, tag),
            MODIFY_SENDERS => self.modify_senders(caller, thread, tag),
            abi::THAW_THREAD_SET_TPIDRURO_OP => {
                if tag.words() < 2 {
                    return result(INVALID);
                }
                self.threads[thread].tpidruro = self.utcb(caller, 1);
                result(0)
            }
            op @ (VCPU_RESUME | VCPU_CONTROL | DOORBELL_IRQ | FAULT_TRAMPOLINE) => {
                self.unsupported("thread operation", op)
            }
            _ => Self::unknown(),
        }
    }

    fn thread_control(&mut self, caller: ThreadId, thread: ThreadId, rights: u8, tag: Tag) -> Answer {
        if rights & CAP_S == 0 {
            return result(-(abi::L4_EPERM as i32));
        }
        if tag.words() < 6 {
            return result(INVALID);
        }
        let flags = self.utcb(caller, 0);
        if flags & abi::L4_THREAD_CONTROL_ALIEN != 0 {
            return self.unsupported("thread_control flag", abi::L4_THREAD_CONTROL_ALIEN);
        }
        if flags & abi::L4_THREAD_CONTROL_BIND_TASK != 0
            && let Err(answer) = self.bind_thread(caller, thread, tag)
        {
            return answer;
        }
        let (pager, handler) = (self.utcb(caller, 1), self.utcb(caller, 2));
        let t = &mut self.threads[thread];
        let (old_pager, old_handler) = (t.pager, t.handler);
        if flags & abi::L4_THREAD_CONTROL_SET_PAGER != 0 {
            t.pager = pager >> abi::L4_CAP_SHIFT;
        }
        if flags & abi::L4_THREAD_CONTROL_SET_EXC_HANDLER != 0 {
            t.handler = handler >> abi::L4_CAP_SHIFT;
        }
        self.set_utcb(caller, 1, old_pager << abi::L4_CAP_SHIFT);
        self.set_utcb(caller, 2, old_handler << abi::L4_CAP_SHIFT);
        answer(0, 3, 0)
    }

    fn bind_thread(&mut self, caller: ThreadId, thread: ThreadId, tag: Tag) -> Result<(), Answer> {
        let task = match self.item_object(caller, tag, 0) {
            ItemObject::Cap(Cap { obj: Obj::Task(task), attr }) if attr.invoke_rights() & CAP_S != 0 => task,
            ItemObject::Cap(Cap { obj: Obj::Task(_), .. }) => return Err(result(-(abi::L4_EPERM as i32))),
            ItemObject::NotACap => return Err(self.ipc_error(caller, abi::L4_IPC_SEMSGCUT)),
            _ => return Err(result(INVALID)),
        };
        let va = self.utcb(caller, 5);
        let utcb = self.find_utcb(task, va);
        if utcb.is_none() && !(self.q.utcb_zero && va == 0) {
            return Err(result(INVALID));
        }
        let t = &mut self.threads[thread];
        if t.task.is_some() {
            return Err(result(INVALID));
        }
        t.task = Some(task);
        t.utcb = utcb;
        (t.tpidruro, t.tpidrurw) = (va, va);
        self.tasks[task].threads += 1;
        Ok(())
    }

    fn ex_regs(&mut self, caller: ThreadId, thread: ThreadId, tag: Tag) -> Answer {
        if tag.words() != 3 {
            return result(INVALID);
        }
        let (ops, pc, sp) = (self.utcb(caller, 0), self.utcb(caller, 1), self.utcb(caller, 2));
        let t = &self.threads[thread];
        let old = (t.user_pc(), t.regs.sp);
        // Without CANCEL nothing changes while the thread is in its exception.
        if ops & CANCEL != 0 || !t.flags.in_exception {
            if self.q.reply_slots && ops >> 24 != 0 {
                return result(INVALID);
            }
            self.change(thread, ops, pc, sp);
        }
        for (i, word) in [0, old.0, old.1].into_iter().enumerate() {
            self.set_utcb(caller, i as u32, word);
        }
        answer(0, 3, 0)
    }

    fn change(&mut self, thread: ThreadId, ops: u32, pc: u32, sp: u32) {
        if ops & CANCEL != 0 {
            self.check_queue_hazard(thread, "cancel-queued-sender");
            self.check_gate_hazard(thread);
        }
        let t = &mut self.threads[thread];
        if t.flags.dead {
            crate::hazard!("ex_regs-dead-thread: {thread:?} would be resurrected without a task");
        }
        if t.flags.fresh {
            if pc == KEEP {
                crate::hazard!(
                    "ex_regs-never-started: {thread:?} would start at {:#x}",
                    self.threads[thread].regs.pc
                );
            }
            t.flags.fresh = false;
            t.flags.ready = true;
        } else if ops & CANCEL != 0 {
            t.flags.cancel = true;
            t.flags.ready = true;
        }
        t.flags.trigger |= ops & TRIGGER != 0;
        if pc != KEEP {
            t.set_user_pc(pc);
        }
        if sp != KEEP {
            t.regs.sp = sp;
        }
        if t.sched.placed && t.flags.ready {
            self.ready_insert(thread);
        }
    }

    fn thread_switch(&mut self, caller: ThreadId, thread: ThreadId) -> Answer {
        if caller == thread {
            // Nothing: the real kernels do not even yield.
        } else if self.threads[thread].flags.ready && self.threads[thread].sched.placed {
            self.switch_to(thread);
        } else {
            self.schedule();
        }
        if caller == thread || !self.q.switch_returns_time {
            return result(0);
        }
        (0..2).for_each(|i| self.set_utcb(caller, i, 0));
        answer(0, 2, 0)
    }

    fn register_deletion_irq(&mut self, caller: ThreadId, thread: ThreadId, tag: Tag) -> Answer {
        let irq = match self.item_object(caller, tag, 0) {
            ItemObject::Cap(Cap { obj: Obj::Irq(irq), attr }) if attr.invoke_rights() & CAP_W != 0 => irq,
            ItemObject::Cap(Cap { obj: Obj::Irq(_), .. }) => return result(-(abi::L4_EPERM as i32)),
            _ => return result(INVALID),
        };
        let t = &mut self.threads[thread];
        if t.deletion_irq.is_some() {
            return result(-(abi::L4_EBUSY as i32));
        }
        t.deletion_irq = Some(irq);
        result(0)
    }

    /// Changes the labels of queued messages: groups of (mask, value, clear, set).
    fn modify_senders(&mut self, caller: ThreadId, thread: ThreadId, tag: Tag) -> Answer {
        let groups = tag.words().saturating_sub(1) / 4;
        let rules: [[u32; 4]; 15] =
            core::array::from_fn(|g| core::array::from_fn(|i| self.utcb(caller, 1 + (g * 4 + i) as u32)));
        let rules = &rules[..groups.min(15) as usize];
        let modify = |label: &mut u32| {
            if let Some(r) = rules.iter().find(|r| *label & r[0] == r[1]) {
                *label = *label & !r[2] | r[3];
            }
        };
        let mut at = self.threads[thread].senders;
        while let Some(sender) = at {
            at = self.queue_next(sender);
            match sender {
                crate::ipc::Sender::Thread(id) => modify(&mut self.threads[id].op.label),
                crate::ipc::Sender::Irq(id) => modify(&mut self.irqs[id].label),
                crate::ipc::Sender::Nobody => {}
            }
        }
        result(0)
    }

    /// Cancelling a sender at a gate without a thread corrupts revision G.
    fn check_gate_hazard(&self, thread: ThreadId) {
        let waits =
            matches!(self.queued_at(crate::ipc::Sender::Thread(thread)), Some(crate::ipc::Queue::Gate(_)));
        if self.q.gate_cancel_corrupts && waits {
            crate::hazard!("cancel-at-unbound-gate: sender {thread:?}");
        }
    }
}
