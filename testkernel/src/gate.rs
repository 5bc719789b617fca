//! IPC gates: a label in front of a thread.

use crate::{
    caps::Cap,
    invoke::{Answer, answer, result},
    ipc::{Queue, Receive, Sender},
    kernel::Kernel,
    object::{GateId, Head, Obj, ThreadId},
    pure::{rights::CAP_S, tag::Tag, timeout::Timeout},
    thread::{ItemObject, Next, Phase},
};
use l4_sys::raw as abi;

/// Bytes a gate costs.
pub const GATE_BYTES: u32 = 64;

/// A gate.
pub struct Gate {
    /// Common part
    pub head: Head,
    /// The thread behind it
    pub thread: Option<ThreadId>,
    /// Its label
    pub label: u32,
    /// Who waits for it to get a thread
    pub senders: Option<Sender>,
}

impl Kernel {
    /// Label of a new gate that has no thread: 0, or on revision G whatever was there.
    #[must_use]
    pub const fn unbound_label(&self) -> u32 {
        if self.q.strict_labels { 0 } else { 0x52000 }
    }

    /// Whether a label may be given to a gate.
    #[must_use]
    pub const fn label_allowed(&self, label: u32) -> bool {
        !self.q.strict_labels || label & 3 == 0
    }

    /// Sends through a gate and/or receives from its thread.
    pub fn invoke_gate(&mut self, caller: ThreadId, gate: GateId, rights: u8) {
        self.threads[caller].op.gate = Some(gate);
        self.threads[caller].op.rights = rights;
        match self.gates[gate].thread {
            Some(thread) => self.gate_pass(caller, gate, thread),
            None => self.gate_wait(caller, gate),
        }
    }

    fn gate_pass(&mut self, caller: ThreadId, gate: GateId, thread: ThreadId) {
        let label = self.gates[gate].label | u32::from(self.threads[caller].op.rights);
        self.threads[caller].op.label = label;
        if self.q.gate_writes_sender_label {
            self.set_result_label(caller, label);
        }
        self.ipc_with(caller, thread);
    }

    /// IPC with a thread, as the selector says.
    pub fn ipc_with(&mut self, caller: ThreadId, thread: ThreadId) {
        let op = &mut self.threads[caller].op;
        let s = op.selector;
        op.partner = s.sends().then_some(thread);
        op.receive = match (s.receives(), s.open_wait()) {
            (false, _) => Receive::No,
            (true, true) => Receive::Open,
            (true, false) => Receive::Only(Sender::Thread(thread)),
        };
        if op.partner.is_none() && op.receive == Receive::No {
            return self.fail(caller, abi::L4_IPC_ENOT_EXISTENT);
        }
        self.ipc(caller);
    }

    fn gate_wait(&mut self, caller: ThreadId, gate: GateId) {
        let timeout = Timeout::send(self.threads[caller].op.timeouts);
        let over = self.deadline(caller, timeout).is_some_and(|end| end <= self.now());
        if timeout == Timeout::Zero || over && !self.q.lazy_sender {
            return self.fail(caller, abi::L4_IPC_SETIMEOUT);
        }
        let prio = self.threads[caller].sched.prio;
        self.enqueue(Queue::Gate(gate), Sender::Thread(caller), prio);
        let t = &mut self.threads[caller];
        (t.phase, t.next) = (Phase::Sending, Next::Gate);
        t.flags.ready = false;
        let _ = self.arm_send(caller, timeout);
        self.schedule();
    }

    /// [`Next::Gate`]: woken while waiting at a gate.
    pub fn gate_step(&mut self, caller: ThreadId) {
        self.disarm(caller);
        let t = &mut self.threads[caller];
        let (late, cancelled) = (t.flags.timed_out, t.flags.cancel);
        t.phase = Phase::None;
        (t.flags.timed_out, t.flags.cancel, t.flags.transfer_failed) = (false, false, false);
        let gate = t.op.gate;
        self.dequeue(Sender::Thread(caller));
        let thread = gate.and_then(|g| self.gates.get(g)).map(|g| g.thread);
        match (thread, gate) {
            (Some(_), _) if late => self.fail(caller, abi::L4_IPC_SETIMEOUT),
            (Some(_), _) if cancelled => self.fail(caller, abi::L4_IPC_SECANCELED),
            (Some(Some(thread)), Some(gate)) => self.gate_pass(caller, gate, thread),
            _ => self.fail(caller, abi::L4_IPC_ENOT_EXISTENT),
        }
    }

    /// Wakes everyone who waits at a gate.
    pub fn gate_wake_all(&mut self, gate: GateId) {
        while let Some(sender) = self.queue_first(Queue::Gate(gate)) {
            self.dequeue(sender);
            if let Sender::Thread(thread) = sender {
                self.threads[thread].flags.ready = true;
                self.deblock(thread, false);
            }
        }
    }

    /// Protocol -10 to a gate itself, through a capability with the server right.
    pub fn control_gate(&mut self, caller: ThreadId, gate: GateId, rights: u8, tag: Tag) -> Answer {
        if tag.words() < 1 {
            return result(-(abi::L4_EINVAL as i32));
        }
        match self.utcb(caller, 0) {
            abi::THAW_BIND_OP => self.bind_gate(caller, gate, rights, tag),
            abi::THAW_GATE_GET_LABEL_OP => {
                let label = self.gates[gate].label;
                self.set_utcb(caller, 0, label);
                answer(0, 1, 0)
            }
            _ => Self::unknown(),
        }
    }

    fn bind_gate(&mut self, caller: ThreadId, gate: GateId, rights: u8, tag: Tag) -> Answer {
        if rights & CAP_S == 0 && self.q.strict_labels {
            return result(-(abi::L4_EPERM as i32));
        }
        if tag.words() < 2 {
            return result(-(abi::L4_EMSGTOOSHORT as i32));
        }
        let label = self.utcb(caller, 1);
        if !self.label_allowed(label) {
            return result(-(abi::L4_EINVAL as i32));
        }
        let thread = match self.thread_item(caller, tag) {
            Ok(thread) => thread,
            Err(answer) => return answer,
        };
        let g = &mut self.gates[gate];
        (g.label, g.thread) = (label, Some(thread));
        self.gate_wake_all(gate);
        result(0)
    }

    /// The thread that comes as the first item, with right S.
    pub fn thread_item(&mut self, caller: ThreadId, tag: Tag) -> Result<ThreadId, Answer> {
        match self.item_object(caller, tag, 0) {
            ItemObject::Cap(Cap { obj: Obj::Thread(thread), attr }) if attr.invoke_rights() & CAP_S != 0 => {
                Ok(thread)
            }
            ItemObject::Cap(Cap { obj: Obj::Thread(_), .. }) => Err(result(-(abi::L4_EPERM as i32))),
            ItemObject::NotACap => Err(self.ipc_error(caller, abi::L4_IPC_SEMSGCUT)),
            _ => Err(result(-(abi::L4_EINVAL as i32))),
        }
    }
}
