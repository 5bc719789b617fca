//! The end of kernel objects.
//!
//! An object dies in two steps: all its capabilities go at once, and it is put on a list; then, when
//! the operation that caused this is through, everything on the list is destroyed. A thread takes a
//! third step: it kills itself when it next gets to run.

use crate::{
    ipc::{Queue, Sender, Slot},
    kernel::Kernel,
    object::{GateId, NO_KEY, Obj, TaskId, ThreadId},
    pure::flexpage::Flexpage,
    thread::Phase,
};
use l4_sys::raw as abi;

/// Objects that can wait for their destruction at a time; more are handled in turn.
const REAP_SLOTS: usize = 256;

/// Objects without capabilities, not yet destroyed.
pub struct ReapList {
    list: [Option<Obj>; REAP_SLOTS],
    used: usize,
    active: bool,
}

impl ReapList {
    /// Nothing to destroy.
    pub const EMPTY: Self = Self { list: [None; REAP_SLOTS], used: 0, active: false };
}

impl Kernel {
    /// Queues an object for destruction.
    pub fn reap(&mut self, obj: Obj) {
        if self.reap_list.used == REAP_SLOTS {
            self.destroy_next();
        }
        self.reap_list.list[self.reap_list.used] = Some(obj);
        self.reap_list.used += 1;
    }

    fn destroy_next(&mut self) {
        self.reap_list.used -= 1;
        if let Some(obj) = self.reap_list.list[self.reap_list.used].take() {
            self.destroy(obj);
        }
    }

    /// Destroys everything that is queued.
    pub fn reap_all(&mut self) {
        if core::mem::replace(&mut self.reap_list.active, true) {
            return;
        }
        while self.reap_list.used > 0 {
            self.destroy_next();
        }
        self.reap_list.active = false;
    }

    fn destroy(&mut self, obj: Obj) {
        match obj {
            Obj::Thread(id) => self.destroy_thread(id),
            Obj::Task(id) => self.destroy_task(id),
            Obj::Gate(id) => self.destroy_gate(id),
            Obj::Irq(id) => {
                let _ = self.detach_irq(id);
                self.irq_unbind_pin(id);
                if let Some(irq) = self.irqs.remove(id) {
                    self.refund(irq.head.quota, irq.head.bytes);
                }
            }
            Obj::Semaphore(id) => {
                while let Some(sender) = self.queue_first(Queue::Semaphore(id)) {
                    self.dequeue(sender);
                    if self.q.semaphore_strict {
                        self.wake_with_error(sender, abi::L4_IPC_ENOT_EXISTENT);
                    }
                }
                if let Some(semaphore) = self.semaphores.remove(id) {
                    self.refund(semaphore.head.quota, semaphore.head.bytes);
                }
            }
            Obj::Factory(id) => {
                self.factories[id].deleted = true;
                if self.q.quota_back_at_once {
                    let head = &mut self.factories[id].head;
                    let (quota, bytes) = (head.quota.take(), core::mem::take(&mut head.bytes));
                    self.refund(quota, bytes);
                }
                self.refund(Some(id), 0);
            }
            Obj::Log | Obj::Icu | Obj::Scheduler | Obj::Debugger => {}
        }
    }

    fn wake_with_error(&mut self, sender: Sender, error: u32) {
        if let Sender::Thread(thread) = sender {
            self.set_ipc_error(thread, error);
            self.threads[thread].flags.ready = true;
            self.deblock(thread, false);
        }
    }

    fn destroy_gate(&mut self, id: GateId) {
        self.gate_wake_all(id);
        let Some(gate) = self.gates.remove(id) else { return };
        let irq = gate.thread.and_then(|t| self.threads.get(t)).and_then(|t| t.deletion_irq);
        if let Some(irq) = irq.filter(|&i| self.irqs.get(i).is_some()) {
            self.irq_hit(irq);
        }
        self.refund(gate.head.quota, gate.head.bytes);
    }

    fn destroy_task(&mut self, id: TaskId) {
        self.tasks[id].deleted = true;
        self.unmap(id, Flexpage::ALL, abi::THAW_UNMAP_DELETE_BITS);
        self.free_task_if_unused(id);
    }

    /// The tables go with the last thread.
    fn free_task_if_unused(&mut self, id: TaskId) {
        if !self.tasks[id].deleted || self.tasks[id].threads > 0 {
            return;
        }
        self.free_ku_memory(id);
        let tables = self.tasks[id].tables;
        self.free_slots(tables.root);
        self.free_reply_slots(tables.root);
        if self.address_space == Some(id) {
            self.leave_address_space();
        }
        tables.free(&mut self.frames);
        if let Some(task) = self.tasks.remove(id) {
            self.refund(task.head.quota, task.head.bytes);
        }
    }

    fn destroy_thread(&mut self, id: ThreadId) {
        let flags = self.threads[id].flags;
        if flags.fresh && self.q.unstarted_keeps_task {
            self.lose_task(id);
        }
        if flags.fresh || flags.dead {
            self.free_thread(id);
        } else {
            self.kill_thread(id);
        }
    }

    /// A thread must end: it will abort what it is doing and kill itself when it next runs.
    pub fn kill_thread(&mut self, id: ThreadId) {
        self.check_queue_hazard(id, "delete-queued-sender");
        let t = &mut self.threads[id];
        if t.flags.dying || t.flags.dead {
            return;
        }
        if !t.sched.placed {
            self.lose_task(id);
            return self.bury(id);
        }
        t.flags.dying = true;
        t.flags.trigger = false;
        t.flags.cancel = true;
        t.flags.ready = true;
        self.deblock(id, false);
    }

    /// A thread does not give its task back, as it does not come to run its end: the task counts it for ever.
    fn lose_task(&mut self, id: ThreadId) {
        self.threads[id].task = None;
    }

    /// The current thread has come to its end.
    pub fn die(&mut self, id: ThreadId) {
        let reply = Slot::Of(id);
        let _ = self.reply_take(reply);
        while let Some(sender) = self.queue_first(Queue::Thread(id)) {
            self.dequeue(sender);
            match sender {
                Sender::Thread(thread) => {
                    self.set_ipc_error(thread, abi::L4_IPC_SECANCELED);
                    let t = &mut self.threads[thread];
                    t.flags.transfer_failed = true;
                    t.flags.ready = true;
                    self.deblock(thread, false);
                }
                Sender::Irq(irq) => self.irq_rejected(irq),
                Sender::Nobody => {}
            }
        }
        if self.q.reply_slots {
            self.set_utcb(id, abi::THAW_UTCB_FREE_MARKER_WORD, FREE_MARKER);
        }
        self.bury(id);
        self.current = self.idle;
        self.schedule();
    }

    /// A dead thread stays as long as there are capabilities for it.
    fn bury(&mut self, id: ThreadId) {
        if self.threads[id].head.first == NO_KEY {
            return self.free_thread(id);
        }
        self.detach_thread(id);
        let t = &mut self.threads[id];
        t.flags.dead = true;
        t.flags.dying = false;
        t.sched.placed = false;
    }

    fn free_thread(&mut self, id: ThreadId) {
        self.detach_thread(id);
        if let Some(thread) = self.threads.remove(id) {
            self.refund(thread.head.quota, thread.head.bytes);
        }
    }

    /// Takes a thread out of everything it takes part in.
    fn detach_thread(&mut self, id: ThreadId) {
        self.disarm(id);
        self.dequeue(Sender::Thread(id));
        self.reply_unlink(id);
        self.sched_forget(id);
        if self.vfp_owner == Some(id) {
            self.vfp_owner = None;
            crate::arch::vfp::enable(false);
        }
        let t = &mut self.threads[id];
        t.phase = Phase::None;
        t.utcb = None;
        t.vfp = None;
        if let Some(task) = t.task.take() {
            self.tasks[task].threads -= 1;
            self.free_task_if_unused(task);
        }
    }
}

/// Tells user mode that the UTCB is free (revision M).
const FREE_MARKER: u32 = 0;
